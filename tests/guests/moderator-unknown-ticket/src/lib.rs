//! Answers with a ticket nobody gave where a comment says `unknown`.

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
            name: "moderator-unknown-ticket".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Answers with a ticket nobody gave where a comment says `unknown`.".into(),
        }
    }

    fn configure(_: String) -> Result<Wants, String> {
        Ok(Wants { authors: false })
    }

    fn judge(_: Vec<StreamInfo>, submissions: Vec<Submission>) -> Vec<Verdict> {
        let mut verdicts: Vec<Verdict> = submissions.iter().map(|one| accepted(one.ticket)).collect();
        let says = |word: &str| submissions.iter().any(|one| one.text().contains(word));
        if says("unknown")
            && let Some(verdict) = verdicts.first_mut()
        {
            verdict.ticket ^= 0x8000_0000;
        }
        verdicts
    }

    fn examples() -> Vec<Example> {
        vec![example(submission("hello"), Action::Accept, "")]
    }
}

ringside_moderator::bindings::export_world!(Component with_types_in ringside_moderator::bindings);
