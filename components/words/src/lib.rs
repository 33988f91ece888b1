//! Word lists by language, with what follows from each.
//!
//! All entries of all lists are sought at once (Aho-Corasick) in a [`Plain`](plain::Plain) form of the
//! text, in which disguises such as `sh1t`, `f u c k` and `fuuuuck` are undone.

mod blocked;
mod config;
mod examples;
mod matcher;
mod plain;

use ringside_moderator::{Description, Example, Label, Moderator, StreamInfo, Submission, Verdict, accepted};

use config::Term;
pub use config::{Config, List};
use matcher::Matcher;
use plain::Plain;

/// A verdict carries at most so many labels.
const LABELS_MAX: usize = 8;

/// Word lists, ready to be matched.
#[derive(Debug)]
pub struct Rules {
    config: Config,
    matcher: Matcher,
}

impl Moderator for Rules {
    fn description() -> Description {
        Description {
            name: "words".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Word lists by language, an allow-list, and the stream's own blocked terms.".into(),
        }
    }

    fn from_json(config: &str) -> Result<Self, String> {
        let config = Config::from_json(config)?;
        let matcher = Matcher::new(&config)?;
        Ok(Self { config, matcher })
    }

    fn judge(&self, stream: &StreamInfo, submission: &Submission) -> Verdict {
        let text = Plain::new(&submission.folded);
        let mut verdict = accepted(submission.ticket);
        if let Some(term) = blocked::find(&stream.blocked_terms, &text) {
            verdict.action = self.config.blocked_terms_action.into();
            verdict.reason = format!("`{term}` is blocked on this stream");
        }
        for hit in self.matcher.hits(&text, submission) {
            let Some(list) = self.config.lists.get(hit.list) else { continue };
            label(&mut verdict.labels, list);
            let action = self.config.action(list);
            if action > verdict.action {
                let entry = list.entries.get(hit.entry).map(String::as_str).unwrap_or_default();
                verdict.action = action;
                verdict.reason = format!("`{}` is on the word list `{}`", Term::bare(entry), list.name);
            }
        }
        verdict
    }

    fn examples(&self) -> Vec<Example> {
        examples::of(&self.config)
    }
}

/// Notes a list's label with its severity as the score, the highest where it is there already.
fn label(labels: &mut Vec<Label>, list: &List) {
    let score = list.score();
    if let Some(known) = labels.iter_mut().find(|label| label.name == list.label) {
        known.score = known.score.max(score);
    } else if labels.len() < LABELS_MAX {
        labels.push(Label { name: list.label.clone(), score });
    }
}

ringside_moderator::export_moderator!(crate::Rules);

#[cfg(test)]
mod tests;
