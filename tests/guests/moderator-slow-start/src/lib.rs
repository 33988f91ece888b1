//! Takes seconds to be configured.

use ringside_moderator::{
    Action, Description, Example, Moderator, StreamInfo, Submission, Verdict, accepted, example, submission,
};

pub struct Rules;

/// A few seconds of a current core. Guests have no clock to ask.
const ROUNDS: u64 = 8_000_000_000;

impl Moderator for Rules {
    fn description() -> Description {
        Description {
            name: "moderator-slow-start".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Takes seconds to be configured.".into(),
        }
    }

    fn from_json(_: &str) -> Result<Self, String> {
        let mut sum = 0u64;
        for round in 0..ROUNDS {
            sum = std::hint::black_box(sum.wrapping_add(round));
        }
        if sum == 1 { Err("not a sum of so many numbers".into()) } else { Ok(Self) }
    }

    fn judge(&self, _: &StreamInfo, submission: &Submission) -> Verdict {
        accepted(submission.ticket)
    }

    fn examples(&self) -> Vec<Example> {
        vec![example(submission("hello"), Action::Accept, "")]
    }
}

ringside_moderator::export_moderator!(crate::Rules);
