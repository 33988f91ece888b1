//! Answers to one ticket with that of another where a comment says `duplicate`.

#![cfg(target_arch = "wasm32")]
#![allow(unsafe_code, missing_docs)]

use ringside_moderator::bindings::Guest;
use ringside_moderator::{
    Action, Description, Example, StreamInfo, Submission, Verdict, Wants, accepted, example, submission,
};

struct Component;

impl Guest for Component {
    fn describe() -> Description {
        Description {
            name: "moderator-duplicate-ticket".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Answers to one ticket with that of another where a comment says `duplicate`.".into(),
        }
    }

    fn configure(_: String) -> Result<Wants, String> {
        Ok(Wants { authors: false })
    }

    fn judge(_: Vec<StreamInfo>, submissions: Vec<Submission>) -> Vec<Verdict> {
        let mut verdicts: Vec<Verdict> = submissions.iter().map(|one| accepted(one.ticket)).collect();
        let says = |word: &str| submissions.iter().any(|one| one.text().contains(word));
        if says("duplicate") {
            // As many answers as questions, but the last question is answered to the first.
            if let Some(ticket) = verdicts.first().map(|first| first.ticket)
                && verdicts.len() > 1
                && let Some(last) = verdicts.last_mut()
            {
                last.ticket = ticket;
            } else if let Some(only) = verdicts.first().cloned() {
                verdicts.push(only);
            }
        }
        verdicts
    }

    fn examples() -> Vec<Example> {
        vec![example(submission("hello"), Action::Accept, "")]
    }
}

ringside_moderator::bindings::export_world!(Component with_types_in ringside_moderator::bindings);
