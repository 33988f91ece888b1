//! One verdict too few where a comment says `short`, one too many where it says `long`.

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
            name: "moderator-wrong-length".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "One verdict too few where a comment says `short`, one too many where it says `long`."
                .into(),
        }
    }

    fn configure(_: String) -> Result<Wants, String> {
        Ok(Wants { authors: false })
    }

    fn judge(_: Vec<StreamInfo>, submissions: Vec<Submission>) -> Vec<Verdict> {
        let mut verdicts: Vec<Verdict> = submissions.iter().map(|one| accepted(one.ticket)).collect();
        let says = |word: &str| submissions.iter().any(|one| one.text().contains(word));
        if says("short") {
            verdicts.pop();
        }
        if says("long") {
            verdicts.push(accepted(u32::MAX));
        }
        verdicts
    }

    fn examples() -> Vec<Example> {
        vec![example(submission("hello"), Action::Accept, "")]
    }
}

ringside_moderator::bindings::export_world!(Component with_types_in ringside_moderator::bindings);
