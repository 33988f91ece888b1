//! `ringside dead-letters`: records that could not be read.

use clap::Subcommand;
use serde_json::Value;

use super::client::HostArgs;
use super::show::{items, number, show_or_json, table, text};
use crate::exit::{Exit, Outcome};

/// Verbs of `ringside dead-letters`.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show the records that wait, oldest first.
    #[command(after_help = "Example: ringside dead-letters list")]
    List {
        #[command(flatten)]
        host: HostArgs,
    },
    /// Show one with its bytes.
    #[command(after_help = "Example: ringside dead-letters show room-events/3/1042")]
    Show {
        /// Its place: TOPIC/PARTITION/OFFSET, as `list` names it.
        place: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Put those that can be read now back into the log; the others stay.
    #[command(after_help = "Example: ringside dead-letters replay")]
    Replay {
        #[command(flatten)]
        host: HostArgs,
    },
}

/// Runs the verb.
pub(crate) fn run(verb: &Verb) -> Outcome {
    match verb {
        Verb::List { host } => {
            let body = host.call("GET", "/v1/dead-letters", None)?;
            show_or_json(host.json, &body, letters);
            Ok(())
        }
        Verb::Show { place: wanted, host } => {
            let body = host.call("GET", "/v1/dead-letters", None)?;
            let letter = items(&body).iter().find(|letter| place(letter) == *wanted).ok_or_else(|| {
                Exit::Failed(format!(
                    "no dead letter waits at `{wanted}`: `ringside dead-letters list` names the places"
                ))
            })?;
            show_or_json(host.json, letter, whole);
            Ok(())
        }
        Verb::Replay { host } => {
            let body = host.call("POST", "/v1/dead-letters/replay", None)?;
            show_or_json(host.json, &body, |body| {
                let (replayed, unreadable) = (number(body, "replayed"), number(body, "unreadable"));
                format!("{replayed} put back, {unreadable} cannot be read yet\n")
            });
            Ok(())
        }
    }
}

fn place(letter: &Value) -> String {
    format!("{}/{}/{}", text(letter, "topic"), number(letter, "partition"), number(letter, "offset"))
}

fn letters(body: &Value) -> String {
    let rows: Vec<Vec<String>> = items(body)
        .iter()
        .map(|letter| vec![place(letter), text(letter, "key").into(), text(letter, "reason").into()])
        .collect();
    table(&["PLACE", "KEY", "REASON"], &rows)
}

fn whole(letter: &Value) -> String {
    format!(
        "{}\nkey: {}\nreason: {}\npayload (base64): {}\n",
        place(letter),
        text(letter, "key"),
        text(letter, "reason"),
        text(letter, "payload")
    )
}
