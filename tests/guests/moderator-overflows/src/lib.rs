//! Calls itself without end when a comment says `overflow`.

use ringside_moderator::{
    Action, Description, Example, Moderator, StreamInfo, Submission, Verdict, accepted, example, submission,
};

pub struct Rules;

/// Uses the result after the call, so that it cannot be made a loop.
#[allow(unconditional_recursion)]
fn deeper(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 16]);
    deeper(depth + 1) + frame.iter().sum::<u64>()
}

impl Moderator for Rules {
    fn description() -> Description {
        Description {
            name: "moderator-overflows".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Calls itself without end when a comment says `overflow`.".into(),
        }
    }

    fn from_json(_: &str) -> Result<Self, String> {
        Ok(Self)
    }

    fn judge(&self, _: &StreamInfo, submission: &Submission) -> Verdict {
        if submission.text().contains("overflow") {
            deeper(submission.ticket.into());
        }
        accepted(submission.ticket)
    }

    fn examples(&self) -> Vec<Example> {
        vec![example(submission("hello"), Action::Accept, "")]
    }
}

ringside_moderator::export_moderator!(crate::Rules);
