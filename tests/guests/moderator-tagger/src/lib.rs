//! Accepts every comment with the label that its configuration names, such as `{"tag": "v1"}`. Tests see by it
//! which generation of a chain judged.

use ringside_moderator::{
    Action, Description, Example, Label, Moderator, StreamInfo, Submission, Verdict, accepted, example,
    submission,
};

pub struct Rules {
    tag: String,
}

impl Moderator for Rules {
    fn description() -> Description {
        Description {
            name: "moderator-tagger".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Accepts every comment with the label that its configuration names.".into(),
        }
    }

    fn from_json(config: &str) -> Result<Self, String> {
        if config.trim().is_empty() {
            return Ok(Self { tag: "untagged".into() });
        }
        let config: serde_json::Value =
            serde_json::from_str(config).map_err(|problem| problem.to_string())?;
        match config.get("tag").and_then(serde_json::Value::as_str) {
            Some(tag) => Ok(Self { tag: tag.into() }),
            None => Err("`tag` is missing: give a text".into()),
        }
    }

    fn judge(&self, _: &StreamInfo, submission: &Submission) -> Verdict {
        let labels = vec![Label { name: self.tag.clone(), score: 1.0 }];
        Verdict { labels, ..accepted(submission.ticket) }
    }

    fn examples(&self) -> Vec<Example> {
        vec![example(submission("hello"), Action::Accept, "")]
    }
}

ringside_moderator::export_moderator!(crate::Rules);
