//! The self-test, made from the configuration: that each list's words are found, and harmless texts pass.

use ringside_moderator::{Action, Example, Submission, example, submission};

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
        let blocked = Submission { blocked_terms: vec![BLOCKED.into()], ..submission(&text) };
        let action = config.blocked_terms_action;
        examples.push(example(blocked, action, reason(action, BLOCKED)));
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
            let submission = Submission { language: list.language.clone(), ..submission(&text) };
            example(submission, action, reason(action, &list.name))
        })
        .collect()
}

/// `accept` carries no reason.
fn reason(action: Action, part: &str) -> &str {
    if action == Action::Accept { "" } else { part }
}

/// Finds entries and allowed words the slow and plain way, without regard to word ends.
struct Oracle {
    forms: Vec<Plain>,
}

impl Oracle {
    fn new(config: &Config) -> Self {
        let entries = config.lists.iter().flat_map(|list| &list.entries);
        let forms = entries.chain(&config.allow).map(|entry| Plain::new(Term::bare(entry))).collect();
        Self { forms }
    }

    fn count_within(&self, text: &str) -> usize {
        let text = Plain::new(text);
        let is_within = |form: &&Plain| {
            let form = form.core();
            // The first byte rules out nearly all places; without that look this takes a tenth of a second.
            let starts_alike = |window: &[u8]| window.first() == form.first();
            text.bytes().windows(form.len().max(1)).any(|window| starts_alike(window) && window == form)
        };
        self.forms.iter().filter(is_within).count()
    }
}
