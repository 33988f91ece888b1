//! What operators may set. Every key has a default; an unknown key is an error. A threshold `from` of 0 turns
//! its rule off.

use ringside_moderator::ActionName;
use serde::Deserialize;

/// Once is no repetition, and twice is how words are written.
const REPEATS_MIN: u32 = 3;

/// Thresholds, and what follows past them.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// True: moderators and operators may repeat themselves.
    pub moderators_exempt: bool,
    /// Texts of fewer characters are short: "gg" and "hello" are said again by everyone.
    pub short_chars: u32,
    /// The author's own text again within 60 s.
    pub same_text: Rule,
    /// The same for short texts.
    pub same_short_text: Rule,
    /// A text, not a short one, that is in percent so like one of the author's last 8 within 60 s.
    pub near_duplicate: Rule,
    /// The same text, not a short one, by anyone on the stream within 10 s.
    pub crowd: Rule,
    /// Comments by the author within 60 s, whatever they say.
    pub flood: Rule,
    /// One character in a row.
    pub run: Rule,
    /// One word in one comment, where it is at least half of the words.
    pub word: Rule,
    /// Percent of letters that are capitals, in texts that are not short.
    pub capitals: Rule,
}

/// From so many on, this follows.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The count, or share in percent, from which the rule holds; 0 is never.
    pub from: u32,
    /// What follows.
    pub action: ActionName,
}

impl Rule {
    /// True where `count` is past the threshold.
    #[must_use]
    pub fn holds(self, count: u32) -> bool {
        self.from > 0 && count >= self.from
    }
}

const fn rule(from: u32, action: ActionName) -> Rule {
    Rule { from, action }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            moderators_exempt: true,
            short_chars: 20,
            // The second time already: nobody writes a sentence twice in a minute by chance.
            same_text: rule(1, ActionName::Reject),
            same_short_text: rule(4, ActionName::Reject),
            near_duplicate: rule(90, ActionName::Reject),
            // A crowd that repeats a phrase may be fun; a person decides.
            crowd: rule(10, ActionName::Hold),
            // Four times what the standard throttle admits.
            flood: rule(20, ActionName::Reject),
            run: rule(60, ActionName::Reject),
            word: rule(15, ActionName::Reject),
            capitals: rule(0, ActionName::Flag),
        }
    }
}

impl Config {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// A sentence that names the offending key or value and says what to do.
    pub fn from_json(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let config: Self = serde_json::from_str(text)
            .map_err(|problem| format!("the configuration cannot be used: {problem}"))?;
        for (key, rule) in [("near_duplicate", config.near_duplicate), ("capitals", config.capitals)] {
            if rule.from > 100 {
                return Err(format!("`{key}.from` is {}: give a share in percent, 0 to 100", rule.from));
            }
        }
        for (key, rule) in [("run", config.run), ("word", config.word)] {
            if (1..REPEATS_MIN).contains(&rule.from) {
                return Err(format!(
                    "`{key}.from` is {}: give {REPEATS_MIN} or more, or 0 to turn the rule off",
                    rule.from
                ));
            }
        }
        Ok(config)
    }
}
