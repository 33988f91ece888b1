//! Floods, near-duplicates, and texts that repeat themselves.
//!
//! What was said before is counted by the host and comes with each comment, so that replacing this component
//! forgets nothing; what repeats within a text is counted here.

mod config;
mod count;
mod examples;

use ringside_moderator::{
    Action, Description, Example, Label, Moderator, Role, StreamInfo, Submission, Verdict, accepted,
};

pub use config::{Config, Rule};

/// The thresholds.
#[derive(Debug, Default)]
pub struct Rules {
    config: Config,
}

impl Moderator for Rules {
    fn description() -> Description {
        Description {
            name: "repetition".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Floods, near-duplicates, and texts that repeat themselves.".into(),
        }
    }

    fn from_json(config: &str) -> Result<Self, String> {
        Ok(Self { config: Config::from_json(config)? })
    }

    fn judge(&self, _: &StreamInfo, submission: &Submission) -> Verdict {
        let mut verdict = accepted(submission.ticket);
        let moderates = matches!(submission.role, Role::Moderator | Role::Operator);
        if moderates && self.config.moderators_exempt {
            return verdict;
        }
        self.judge_counters(submission, &mut verdict);
        self.judge_text(submission.text(), &submission.folded, &mut verdict);
        verdict
    }

    fn examples(&self) -> Vec<Example> {
        examples::of(&self.config)
    }
}

impl Rules {
    /// What the author and the stream said before.
    fn judge_counters(&self, submission: &Submission, verdict: &mut Verdict) {
        let (config, counters) = (&self.config, submission.counters);
        let is_short = count::is_shorter(&submission.folded, config.short_chars);
        let same = if is_short { config.same_short_text } else { config.same_text };
        if same.holds(counters.author_same_text) {
            raise(verdict, same, "same-text", || "you posted the same text just now".into());
        }
        if !is_short && config.near_duplicate.holds(counters.author_likeness.into()) {
            raise(verdict, config.near_duplicate, "near-duplicate", || {
                format!("you posted nearly the same text just now ({} % alike)", counters.author_likeness)
            });
        }
        if !is_short && config.crowd.holds(counters.stream_same_text) {
            raise(verdict, config.crowd, "crowd", || {
                format!("this text was posted {} times in the last 10 s", counters.stream_same_text)
            });
        }
        if config.flood.holds(counters.author_comments) {
            raise(verdict, config.flood, "flood", || {
                format!("you posted {} comments in the last minute", counters.author_comments)
            });
        }
    }

    /// What repeats within the text.
    fn judge_text(&self, text: &str, folded: &str, verdict: &mut Verdict) {
        let config = &self.config;
        // No count can pass the number of bytes, and most comments are shorter than any threshold.
        let may_hold =
            |rule: Rule| rule.from > 0 && usize::try_from(rule.from).is_ok_and(|from| text.len() >= from);
        if may_hold(config.run) {
            let (character, times) = count::longest_run(text);
            if config.run.holds(times) {
                raise(verdict, config.run, "run", || format!("`{character}` {times} times in a row"));
            }
        }
        if may_hold(config.word)
            && let Some((word, times)) = count::word_of_half(folded, config.word.from)
            && config.word.holds(times)
        {
            raise(verdict, config.word, "word", || format!("`{word}` {times} times in one comment"));
        }
        if config.capitals.from > 0 && !count::is_shorter(text, config.short_chars) {
            let percent = count::capitals_percent(text);
            if config.capitals.holds(percent) {
                raise(verdict, config.capitals, "capitals", || {
                    format!("{percent} % of the letters are capitals: write in lower case")
                });
            }
        }
    }
}

/// Notes a finding; the strictest gives the reason.
fn raise(verdict: &mut Verdict, rule: Rule, label: &str, reason: impl FnOnce() -> String) {
    verdict.labels.push(Label { name: label.into(), score: 1.0 });
    let action: Action = rule.action.into();
    if action > verdict.action {
        verdict.action = action;
        verdict.reason = reason();
    }
}

ringside_moderator::export_moderator!(crate::Rules);

#[cfg(test)]
mod tests;
