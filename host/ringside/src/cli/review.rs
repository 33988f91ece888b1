//! `ringside review`: what waits for a moderator, and decisions on it.

use clap::Subcommand;
use ringside_core::{CommentId, StreamId};
use serde_json::{Value, json};

use super::client::HostArgs;
use super::show::{ago, items, short, show_or_json, table, text};
use crate::exit::Outcome;

/// Verbs of `ringside review`.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show held and flagged comments of a stream, newest first.
    #[command(after_help = "Example: ringside review list lobby")]
    List {
        /// The stream.
        stream: StreamId,
        /// Begin behind this comment, as `next` of the page before said.
        #[arg(long, value_name = "COMMENT")]
        cursor: Option<CommentId>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Let everyone see a comment.
    #[command(after_help = "Example: ringside review approve lobby 0198f0c2-7d3a-7000-8000-000000000001")]
    Approve(DecideArgs),
    /// Take a comment away.
    #[command(
        after_help = "Example: ringside review remove lobby 0198f0c2-7d3a-7000-8000-000000000001 --reason spam"
    )]
    Remove(DecideArgs),
}

/// Arguments of a decision.
#[derive(Debug, clap::Args)]
pub(crate) struct DecideArgs {
    /// The stream.
    stream: StreamId,
    /// The comment.
    comment: CommentId,
    /// For the audit log.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    host: HostArgs,
}

/// Runs the verb.
pub(crate) fn run(verb: &Verb) -> Outcome {
    match verb {
        Verb::List { stream, cursor, host } => {
            let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let body = host.call("GET", &format!("/v1/review?stream={stream}{cursor}"), None)?;
            show_or_json(host.json, &body, queue);
            Ok(())
        }
        Verb::Approve(args) => decide(args, "approve", "approved"),
        Verb::Remove(args) => decide(args, "remove", "removed"),
    }
}

fn decide(args: &DecideArgs, review: &str, done: &str) -> Outcome {
    let body = json!({
        "stream": args.stream,
        "comment": args.comment,
        "review": review,
        "reason": args.reason,
    });
    let body = args.host.call("POST", "/v1/review", Some(&body))?;
    show_or_json(args.host.json, &body, |_| format!("{done} {}\n", args.comment));
    Ok(())
}

fn queue(body: &Value) -> String {
    let rows: Vec<Vec<String>> = items(body)
        .iter()
        .map(|comment| {
            let judgement = comment.get("judgement").unwrap_or(&Value::Null);
            let author = comment.get("author").unwrap_or(&Value::Null);
            let decided = match judgement.get("component").and_then(Value::as_str) {
                Some(component) => format!(
                    "{}: {component} {} ({})",
                    text(judgement, "slot"),
                    text(judgement, "version"),
                    short(text(judgement, "digest"))
                ),
                None => text(judgement, "slot").into(),
            };
            vec![
                text(comment, "id").into(),
                ago(comment, "at"),
                text(author, "id").into(),
                text(judgement, "action").into(),
                decided,
                text(judgement, "reason").into(),
                text(comment, "text").into(),
            ]
        })
        .collect();
    let mut out = table(&["COMMENT", "SAID", "BY", "ACTION", "DECIDED BY", "REASON", "TEXT"], &rows);
    if let Some(next) = body.get("next").and_then(Value::as_str) {
        out.push_str(&format!("older ones: --cursor {next}\n"));
    }
    out
}
