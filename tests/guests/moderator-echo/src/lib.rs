//! Flags every comment; the reason is all that it was told. Configured with `authors` it wants these.

use ringside_moderator::{
    Action, Description, Example, Moderator, StreamInfo, Submission, Verdict, Wants, accepted, example,
    submission,
};

pub struct Rules {
    authors: bool,
}

impl Moderator for Rules {
    fn description() -> Description {
        Description {
            name: "moderator-echo".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Flags every comment; the reason is all that it was told.".into(),
        }
    }

    fn from_json(config: &str) -> Result<Self, String> {
        Ok(Self { authors: config == r#""authors""# })
    }

    fn wants(&self) -> Wants {
        Wants { authors: self.authors }
    }

    fn judge(&self, stream: &StreamInfo, submission: &Submission) -> Verdict {
        let author = submission.author.as_ref().map(|author| (author.id.as_str(), author.name.as_str()));
        let told = (submission.folded.as_str(), submission.text.as_deref(), author);
        let reason = format!("{} {:?} {} {told:?}", stream.id, stream.blocked_terms, stream.links_allowed);
        Verdict { action: Action::Flag, reason, ..accepted(submission.ticket) }
    }

    fn examples(&self) -> Vec<Example> {
        // The host leaves the author out of an example too, unless it is wanted.
        let author = if self.authors { "ann" } else { "None)" };
        vec![
            example(submission("hello"), Action::Flag, author),
            example(submission("Hello"), Action::Flag, "Some(\"Hello\")"),
        ]
    }
}

ringside_moderator::export_moderator!(crate::Rules);
