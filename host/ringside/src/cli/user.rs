//! `ringside user`: where users are, and what moderators take away from them.

use clap::{Subcommand, ValueEnum};
use ringside_core::{RestrictionKind, StreamId, UserId};
use serde_json::{Value, json};

use super::client::{HostArgs, escaped};
use super::show::{ago, items, number, show_or_json, table, text};
use super::token::seconds;
use crate::exit::Outcome;

/// Verbs of `ringside user`.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Take something away from a user; `ringside audit undo` gives it back.
    #[command(
        after_help = "Examples:\n  ringside user restrict ann --kind time-out --for 10m --stream lobby --reason spam\n  ringside user restrict ann --kind ban --reason threats"
    )]
    Restrict(RestrictArgs),
    /// Show through which hosts a user watches, as far as streams list who is online.
    #[command(after_help = "Example: ringside user where ann")]
    Where {
        /// The user's id.
        user: UserId,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Show what a user may not do just now.
    #[command(after_help = "Example: ringside user restrictions ann")]
    Restrictions {
        /// The user's id.
        user: UserId,
        #[command(flatten)]
        host: HostArgs,
    },
}

/// Arguments of `restrict`.
#[derive(Debug, clap::Args)]
pub(crate) struct RestrictArgs {
    /// The user's id.
    user: UserId,
    /// What is taken away.
    #[arg(long, value_enum)]
    kind: Kind,
    /// On this stream alone; left out: on all. A ban is on all.
    #[arg(long)]
    stream: Option<StreamId>,
    /// How long: a number with s, m, h or d; left out: until it is undone.
    #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
    seconds: Option<u64>,
    /// Why, for the audit log and the user.
    #[arg(long)]
    reason: String,
    /// Take the place of this entry of the audit log.
    #[arg(long, value_name = "NUMBER")]
    instead_of: Option<u64>,
    #[command(flatten)]
    host: HostArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// May read, and not comment, react or send emoji.
    TimeOut,
    /// What they say is seen by themselves and moderators; they are not told.
    ShadowBan,
    /// May not connect.
    Ban,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::TimeOut => RestrictionKind::TimeOut,
            Self::ShadowBan => RestrictionKind::ShadowBan,
            Self::Ban => RestrictionKind::Ban,
        }
        .as_str()
    }
}

/// Runs the verb.
pub(crate) fn run(verb: &Verb) -> Outcome {
    match verb {
        Verb::Restrict(args) => {
            let path = format!("/v1/users/{}/restrictions", escaped(args.user.as_str()));
            let body = json!({
                "kind": args.kind.name(),
                "stream": args.stream,
                "seconds": args.seconds,
                "reason": args.reason,
                "instead_of": args.instead_of,
            });
            let entry = args.host.call("POST", &path, Some(&body))?;
            show_or_json(args.host.json, &entry, |entry| {
                let number = number(entry, "number");
                format!(
                    "{} for `{}` (`ringside audit undo {number}` undoes it)\n",
                    args.kind.name(),
                    args.user
                )
            });
            Ok(())
        }
        Verb::Where { user, host } => {
            let path = format!("/v1/users/{}/hosts", escaped(user.as_str()));
            let body = host.call("GET", &path, None)?;
            show_or_json(host.json, &body, |body| {
                let hosts: Vec<&str> = items(body).iter().filter_map(Value::as_str).collect();
                if hosts.is_empty() {
                    format!("`{user}` was seen on no host in the last five minutes\n")
                } else {
                    format!("`{user}` was seen on {} in the last five minutes\n", hosts.join(", "))
                }
            });
            Ok(())
        }
        Verb::Restrictions { user, host } => {
            let path = format!("/v1/users/{}/restrictions", escaped(user.as_str()));
            let body = host.call("GET", &path, None)?;
            show_or_json(host.json, &body, restrictions);
            Ok(())
        }
    }
}

fn restrictions(body: &Value) -> String {
    let rows: Vec<Vec<String>> = items(body)
        .iter()
        .map(|restriction| {
            let until_ms = restriction.get("until_ms").and_then(Value::as_u64);
            let lasts = until_ms.map(|until_ms| {
                format!("{} s", until_ms.saturating_sub(number(restriction, "since_ms")) / 1_000)
            });
            vec![
                number(restriction, "entry").to_string(),
                text(restriction, "kind").into(),
                restriction.get("stream").and_then(Value::as_str).unwrap_or("all").into(),
                ago(restriction, "since_ms"),
                lasts.unwrap_or_else(|| "until undone".into()),
                text(restriction, "by").into(),
                text(restriction, "reason").into(),
            ]
        })
        .collect();
    table(&["ENTRY", "KIND", "STREAM", "SINCE", "FOR", "BY", "REASON"], &rows)
}
