//! Panics on a comment that says `panic`.

use ringside_moderator::{
    Action, Description, Example, Moderator, StreamInfo, Submission, Verdict, accepted, example, submission,
};

pub struct Rules;

impl Moderator for Rules {
    fn description() -> Description {
        Description {
            name: "moderator-panics".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Panics on a comment that says `panic`.".into(),
        }
    }

    fn from_json(_: &str) -> Result<Self, String> {
        Ok(Self)
    }

    fn judge(&self, _: &StreamInfo, submission: &Submission) -> Verdict {
        assert!(!submission.text().contains("panic"), "told to panic");
        accepted(submission.ticket)
    }

    fn examples(&self) -> Vec<Example> {
        vec![example(submission("hello"), Action::Accept, "")]
    }
}

ringside_moderator::export_moderator!(crate::Rules);
