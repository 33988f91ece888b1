//! Allocates without end when a comment says `hog`.

use ringside_moderator::{
    Action, Description, Example, Moderator, StreamInfo, Submission, Verdict, accepted, example, submission,
};

pub struct Rules;

impl Moderator for Rules {
    fn description() -> Description {
        Description {
            name: "moderator-hog".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Allocates without end when a comment says `hog`.".into(),
        }
    }

    fn from_json(_: &str) -> Result<Self, String> {
        Ok(Self)
    }

    fn judge(&self, _: &StreamInfo, submission: &Submission) -> Verdict {
        let mut held: Vec<Vec<u8>> = Vec::new();
        while submission.text().contains("hog") {
            held.push(std::hint::black_box(vec![1; 64 * 1024]));
        }
        accepted(submission.ticket)
    }

    fn examples(&self) -> Vec<Example> {
        vec![example(submission("hello"), Action::Accept, "")]
    }
}

ringside_moderator::export_moderator!(crate::Rules);
