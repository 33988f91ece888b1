//! `ringside audit`: who decided what, and taking it back.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::Subcommand;
use ringside_core::{CommentId, StreamId, UserId};
use serde_json::{Value, json};

use super::client::{HostArgs, escaped};
use super::show::{ago, items, number, show_or_json, table, text};
use super::token::seconds;
use crate::exit::Outcome;

/// Verbs of `ringside audit`.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show entries, newest first.
    #[command(
        after_help = "Examples:\n  ringside audit list --user ann\n  ringside audit list --kind user.ban --since 7d"
    )]
    List(ListArgs),
    /// Undo what an entry did: lift a restriction, or send an approved comment back to review.
    #[command(after_help = "Example: ringside audit undo 17 --reason \"wrong user\"")]
    Undo {
        /// The entry's number.
        number: u64,
        /// For the audit log.
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
}

/// Arguments of `list`: all that are given must fit.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// About this stream.
    #[arg(long)]
    stream: Option<StreamId>,
    /// About this user.
    #[arg(long)]
    user: Option<UserId>,
    /// About this comment.
    #[arg(long)]
    comment: Option<CommentId>,
    /// What this user did.
    #[arg(long)]
    actor: Option<UserId>,
    /// Of this kind, such as comment.approve, comment.remove, user.time-out, user.ban or stream.settings.
    #[arg(long, value_parser = kind)]
    kind: Option<String>,
    /// Not longer ago than this: a number with s, m, h or d.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    since: Option<u64>,
    /// Longer ago than this.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    until: Option<u64>,
    /// Older than this entry, as `next` of the page before said.
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
    /// So many at the most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=200))]
    most: u64,
    #[command(flatten)]
    host: HostArgs,
}

fn kind(text: &str) -> Result<String, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'-')) {
        return Err(format!("`{text}` is no kind: kinds have a-z, dots and hyphens, such as user.ban"));
    }
    Ok(text.to_owned())
}

impl ListArgs {
    fn path(&self) -> String {
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let ago = |seconds: u64| (now_s.saturating_sub(seconds) * 1_000).to_string();
        let filters = [
            ("stream", self.stream.as_ref().map(ToString::to_string)),
            ("user", self.user.as_ref().map(|user| escaped(user.as_str()))),
            ("comment", self.comment.map(|comment| comment.to_string())),
            ("actor", self.actor.as_ref().map(|actor| escaped(actor.as_str()))),
            ("kind", self.kind.clone()),
            ("since_ms", self.since.map(ago)),
            ("until_ms", self.until.map(ago)),
            ("before", self.before.map(|before| before.to_string())),
        ];
        let filters = filters.into_iter().filter_map(|(name, value)| Some(format!("&{name}={}", value?)));
        format!("/v1/audit?most={}{}", self.most, filters.collect::<String>())
    }
}

/// Runs the verb.
pub(crate) fn run(verb: &Verb) -> Outcome {
    match verb {
        Verb::List(args) => {
            let body = args.host.call("GET", &args.path(), None)?;
            show_or_json(args.host.json, &body, entries);
            Ok(())
        }
        Verb::Undo { number, reason, host } => {
            let path = format!("/v1/audit/{number}/undo");
            let body = host.call("POST", &path, Some(&json!({ "reason": reason })))?;
            show_or_json(host.json, &body, |body| format!("undid entry {number}: {}\n", text(body, "kind")));
            Ok(())
        }
    }
}

/// What a deed was about: a comment, a user or a thing.
fn about(entry: &Value) -> String {
    let deed = entry.get("deed").and_then(Value::as_object).and_then(|deed| deed.values().next());
    let deed = deed.unwrap_or(&Value::Null);
    let of = ["comment", "user", "subject"].into_iter().find_map(|key| deed.get(key)?.as_str());
    let of = of.unwrap_or("-");
    match deed.get("stream").and_then(Value::as_str).filter(|stream| *stream != of) {
        Some(stream) => format!("{of} on {stream}"),
        None => of.to_owned(),
    }
}

fn entries(body: &Value) -> String {
    let rows: Vec<Vec<String>> = items(body)
        .iter()
        .map(|entry| {
            let by = entry.get("by").unwrap_or(&Value::Null);
            let linked = |key| entry.get(key).and_then(Value::as_u64);
            let state = match (linked("undoes"), linked("undone_by"), linked("instead_of")) {
                (Some(number), ..) => format!("undoes {number}"),
                (_, Some(number), _) => format!("undone by {number}"),
                (_, _, Some(number)) => format!("instead of {number}"),
                _ => String::new(),
            };
            vec![
                number(entry, "number").to_string(),
                ago(by, "at_ms"),
                text(by, "actor").into(),
                text(entry, "kind").into(),
                about(entry),
                state,
                text(by, "reason").into(),
            ]
        })
        .collect();
    let mut out = table(&["ENTRY", "WHEN", "BY", "KIND", "ABOUT", "", "REASON"], &rows);
    if let Some(next) = body.get("next").and_then(Value::as_u64) {
        out.push_str(&format!("older ones: --before {next}\n"));
    }
    out
}
