//! Never returns from a comment that says `loop`.

use ringside_moderator::{
    Action, Description, Example, Moderator, StreamInfo, Submission, Verdict, accepted, example, submission,
};

pub struct Rules;

impl Moderator for Rules {
    fn description() -> Description {
        Description {
            name: "moderator-loops".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Never returns from a comment that says `loop`.".into(),
        }
    }

    fn from_json(_: &str) -> Result<Self, String> {
        Ok(Self)
    }

    fn judge(&self, _: &StreamInfo, submission: &Submission) -> Verdict {
        while submission.text().contains("loop") {
            std::hint::black_box(submission.text());
        }
        accepted(submission.ticket)
    }

    fn examples(&self) -> Vec<Example> {
        vec![example(submission("hello"), Action::Accept, "")]
    }
}

ringside_moderator::export_moderator!(crate::Rules);
