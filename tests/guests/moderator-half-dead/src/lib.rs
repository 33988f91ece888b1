//! Judges 100 comments, then panics on every one.

use std::sync::atomic::{AtomicU32, Ordering};

use ringside_moderator::{
    Action, Description, Example, Moderator, StreamInfo, Submission, Verdict, accepted, example, submission,
};

pub struct Rules;

/// Comments that an instance judges before it dies.
const ALIVE: u32 = 100;

static JUDGED: AtomicU32 = AtomicU32::new(0);

impl Moderator for Rules {
    fn description() -> Description {
        Description {
            name: "moderator-half-dead".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Judges 100 comments, then panics on every one.".into(),
        }
    }

    fn from_json(_: &str) -> Result<Self, String> {
        Ok(Self)
    }

    fn judge(&self, _: &StreamInfo, submission: &Submission) -> Verdict {
        // A guest may not keep state from batch to batch; this one does, as a leak would.
        assert!(JUDGED.fetch_add(1, Ordering::Relaxed) < ALIVE, "told to die after {ALIVE} comments");
        accepted(submission.ticket)
    }

    fn examples(&self) -> Vec<Example> {
        vec![example(submission("hello"), Action::Accept, "")]
    }
}

ringside_moderator::export_moderator!(crate::Rules);
