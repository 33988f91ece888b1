//! Its own example contradicts it.

use ringside_moderator::{
    Action, Description, Example, Moderator, StreamInfo, Submission, Verdict, accepted, example, submission,
};

pub struct Rules;

impl Moderator for Rules {
    fn description() -> Description {
        Description {
            name: "moderator-fails-examples".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Its own example contradicts it.".into(),
        }
    }

    fn from_json(_: &str) -> Result<Self, String> {
        Ok(Self)
    }

    fn judge(&self, _: &StreamInfo, submission: &Submission) -> Verdict {
        accepted(submission.ticket)
    }

    fn examples(&self) -> Vec<Example> {
        vec![example(submission("hello"), Action::Reject, "")]
    }
}

ringside_moderator::export_moderator!(crate::Rules);
