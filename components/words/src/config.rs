//! What operators may set. `words.json` beside the crate is the default, and an example of every key.

use ringside_moderator::{Action, ActionName};
use serde::Deserialize;

use crate::plain::Plain;

/// The configuration that blank text stands for.
const BUILT_IN: &str = include_str!("../words.json");

/// Severities are 1 (mild) to 4 (never to be shown).
const SEVERITY_MAX: u8 = 4;

/// Word lists, and what follows from a hit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// True: the built-in lists and the built-in allow-list come before these.
    #[serde(default)]
    pub built_in: bool,
    /// What follows from severity 1, 2, 3 and 4, where a list does not say itself.
    #[serde(default = "actions_by_severity")]
    pub actions_by_severity: [ActionName; SEVERITY_MAX as usize],
    /// What follows from a term that the stream's owner blocked.
    #[serde(default = "reject")]
    pub blocked_terms_action: ActionName,
    /// A hit within one of these words is none.
    #[serde(default)]
    pub allow: Vec<String>,
    /// The lists. The strictest hit decides.
    #[serde(default)]
    pub lists: Vec<List>,
}

/// Words of one language and kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Named in the reason of a verdict.
    pub name: String,
    /// Where the comment's language is known, the list is for that language only. Empty: for all.
    #[serde(default)]
    pub language: String,
    /// The label of a verdict.
    #[serde(default = "label")]
    pub label: String,
    /// 1 to 4; a quarter of it is the label's score.
    pub severity: u8,
    /// What follows, whatever the severity says.
    #[serde(default)]
    pub action: Option<ActionName>,
    /// True: an entry is a whole word or phrase. False: it may be part of a word.
    #[serde(default = "whole_word")]
    pub whole_word: bool,
    /// Words and phrases in any case. A `*` at the end stands for any ending, one at the start for any beginning.
    pub entries: Vec<String>,
}

impl Config {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// A sentence that names the offending key or value and says what to do.
    pub fn from_json(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return read(BUILT_IN);
        }
        let mut config = read(text)?;
        if config.built_in {
            let built_in = read(BUILT_IN)?;
            config.allow.splice(0..0, built_in.allow);
            config.lists.splice(0..0, built_in.lists);
        }
        config.check()?;
        Ok(config)
    }

    /// What follows from a hit on `list`.
    #[must_use]
    pub fn action(&self, list: &List) -> Action {
        let place = usize::from(list.severity).saturating_sub(1);
        let by_severity = self.actions_by_severity.get(place).copied();
        list.action.or(by_severity).unwrap_or(ActionName::Flag).into()
    }

    fn check(&self) -> Result<(), String> {
        for (at, list) in self.lists.iter().enumerate() {
            let name = &list.name;
            if name.is_empty() {
                return Err(format!("list {at} has no name: give it one, it is shown in reasons"));
            }
            if self.lists.iter().skip(at + 1).any(|other| other.name == *name) {
                return Err(format!("two lists are named `{name}`: give each its own name"));
            }
            if !(1..=SEVERITY_MAX).contains(&list.severity) {
                return Err(format!(
                    "list `{name}` has severity {}: give 1 to {SEVERITY_MAX}",
                    list.severity
                ));
            }
            for entry in &list.entries {
                check_term(entry, name)?;
            }
        }
        self.allow.iter().try_for_each(|term| check_term(term, "allow"))
    }
}

fn read(text: &str) -> Result<Config, String> {
    serde_json::from_str(text).map_err(|problem| format!("the configuration cannot be used: {problem}"))
}

fn check_term(term: &str, list: &str) -> Result<(), String> {
    if Plain::new(Term::bare(term)).is_empty() {
        return Err(format!("`{term}` in list `{list}` has no letter, digit or emoji: remove it"));
    }
    Ok(())
}

impl List {
    /// The label's score, 0 to 1.
    #[must_use]
    pub fn score(&self) -> f32 {
        f32::from(self.severity) / f32::from(SEVERITY_MAX)
    }
}

/// An entry, and on which sides it must end a word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term<'t> {
    pub(crate) text: &'t str,
    pub(crate) ends_before: bool,
    pub(crate) ends_after: bool,
}

impl<'t> Term<'t> {
    /// Reads an entry of a list with this `whole_word`.
    pub(crate) fn new(entry: &'t str, whole_word: bool) -> Self {
        Self {
            text: Self::bare(entry),
            ends_before: whole_word && !entry.starts_with('*'),
            ends_after: whole_word && !entry.ends_with('*'),
        }
    }

    /// The entry without its stars.
    pub(crate) fn bare(entry: &str) -> &str {
        entry.trim_matches('*')
    }
}

fn actions_by_severity() -> [ActionName; SEVERITY_MAX as usize] {
    [ActionName::Accept, ActionName::Flag, ActionName::Hold, ActionName::Reject]
}

fn reject() -> ActionName {
    ActionName::Reject
}

fn label() -> String {
    "profanity".into()
}

fn whole_word() -> bool {
    true
}
