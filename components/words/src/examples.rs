//! The self-test, made from the configuration: that each list's words are found, and harmless texts pass.

use std::collections::BTreeMap;

use ringside_moderator::{Action, Example, StreamInfo, Submission, example, stream_info, submission};

use crate::config::{Config, List, Term};
use crate::plain::Plain;

/// So many entries of each list are tried.
const ENTRIES_A_LIST: usize = 3;

/// A name that no list has, blocked by the stream in one example.
const BLOCKED: &str = "qzxspoiler";

/// Texts for everyone; those that a list happens to forbid are left out.
const HARMLESS: [&str; 6] = [
    "hello everyone",
    "what a goal, unbelievable",
    "greetings from scunthorpe",
    "der assassin im cockpit",
    "今日はいい天気ですね",
    "🎉🎉🎉",
];

/// The examples for one configuration.
pub(crate) fn of(config: &Config) -> Vec<Example> {
    let oracle = Oracle::new(config);
    let mut examples: Vec<Example> =
        config.lists.iter().flat_map(|list| of_list(config, list, &oracle)).collect();
    for text in HARMLESS {
        if oracle.count_within(text) == 0 {
            examples.push(example(submission(text), Action::Accept, ""));
        }
    }
    let text = format!("no {BLOCKED} please");
    if oracle.count_within(&text) == 0 {
        let action = config.blocked_terms_action.into();
        let stream_info = StreamInfo { blocked_terms: vec![BLOCKED.into()], ..stream_info() };
        let blocked = example(submission(&text), action, reason(action, BLOCKED));
        examples.push(Example { stream_info, ..blocked });
    }
    examples
}

fn of_list(config: &Config, list: &List, oracle: &Oracle) -> Vec<Example> {
    let action = config.action(list);
    list.entries
        .iter()
        .map(|entry| format!("so {} it is", Term::bare(entry).to_lowercase()))
        // Where another entry is found as well, or an allowed word, that one may decide.
        .filter(|text| oracle.count_within(text) == 1)
        .take(ENTRIES_A_LIST)
        .map(|text| {
            let submission = Submission { language: language(list), ..submission(&text) };
            example(submission, action, reason(action, &list.name))
        })
        .collect()
}

/// The language of comments that a list is for; none where it is for all.
fn language(list: &List) -> Option<String> {
    (!list.language.is_empty()).then(|| list.language.clone())
}

/// `accept` carries no reason.
fn reason(action: Action, part: &str) -> &str {
    if action == Action::Accept { "" } else { part }
}

/// Finds entries and allowed words anywhere in a text, by other means than the matcher, and without
/// regard to word ends.
struct Oracle {
    /// The plain forms by their first two bytes.
    forms: BTreeMap<Vec<u8>, Vec<Vec<u8>>>,
}

impl Oracle {
    fn new(config: &Config) -> Self {
        let entries = config.lists.iter().flat_map(|list| &list.entries);
        let mut forms: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
        for entry in entries.chain(&config.allow) {
            let form = Plain::new(Term::bare(entry)).core().to_vec();
            let start = form.iter().copied().take(2).collect();
            forms.entry(start).or_default().push(form);
        }
        Self { forms }
    }

    /// How many there are; a word that two lists have counts twice.
    fn count_within(&self, text: &str) -> usize {
        let text = Plain::new(text);
        let mut found: BTreeMap<&[u8], usize> = BTreeMap::new();
        for at in 0..text.bytes().len() {
            let rest = text.bytes().get(at..).unwrap_or_default();
            for start in [rest.get(..1), rest.get(..2)].into_iter().flatten() {
                let here = self.forms.get(start).into_iter().flatten();
                let mut counts: BTreeMap<&[u8], usize> = BTreeMap::new();
                for form in here.filter(|form| rest.starts_with(form)) {
                    *counts.entry(form).or_default() += 1;
                }
                found.extend(counts);
            }
        }
        found.values().sum()
    }
}
