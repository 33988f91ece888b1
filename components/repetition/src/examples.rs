//! The self-test, made from the configuration: each rule at its threshold and right below it.

use ringside_moderator::{Action, Counters, Example, Submission, example, submission};

use crate::config::{Config, Rule};

const LONG: &str = "here is a sentence that nobody writes twice in a minute by chance, is it not";
const SHORT: &str = "gg";

/// Most repetitions that an example's text is made of.
const TIMES_MAX: u32 = 300;

/// The examples for one configuration.
pub(crate) fn of(config: &Config) -> Vec<Example> {
    let mut examples = vec![plain(SHORT)];
    let long = long(config);
    examples.push(plain(&long));
    let short_is_short = config.short_chars > 2;
    let counted = |text: &str, set: fn(&mut Counters, u32)| {
        let text = text.to_owned();
        move |count| {
            let mut submission = submission(&text);
            set(&mut submission.counters, count);
            submission
        }
    };
    let set_likeness = |counters: &mut Counters, percent: u32| {
        counters.author_likeness = u8::try_from(percent).unwrap_or(u8::MAX);
    };
    examples.extend(around(config.same_text, counted(&long, |c, n| c.author_same_text = n)));
    examples.extend(around(config.near_duplicate, counted(&long, set_likeness)));
    examples.extend(around(config.crowd, counted(&long, |c, n| c.stream_same_text = n)));
    examples.extend(around(config.flood, counted(&long, |c, n| c.author_comments = n)));
    if short_is_short {
        examples.extend(around(config.same_short_text, counted(SHORT, |c, n| c.author_same_text = n)));
    }
    // A run or row longer than comments may be cannot be shown by a text.
    if config.run.from <= TIMES_MAX {
        examples.extend(around(config.run, |times| submission(&format!("{}a", repeat("h", times)))));
    }
    if config.word.from <= TIMES_MAX {
        examples.extend(around(config.word, |times| submission(&repeat("so ", times))));
    }
    examples
}

/// At the threshold the rule's action, right below it none.
fn around(rule: Rule, submission: impl Fn(u32) -> Submission) -> Vec<Example> {
    if rule.from == 0 {
        return Vec::new();
    }
    vec![
        example(submission(rule.from), rule.action.into(), ""),
        example(submission(rule.from - 1), Action::Accept, ""),
    ]
}

fn plain(text: &str) -> Example {
    example(submission(text), Action::Accept, "")
}

/// A text that no configuration takes for short, in words that differ.
fn long(config: &Config) -> String {
    let mut text = LONG.to_owned();
    let mut number = 0;
    while crate::count::is_shorter(&text, config.short_chars.min(1_000)) {
        number += 1;
        text.push_str(&format!(" and {number}"));
    }
    text
}

fn repeat(text: &str, times: u32) -> String {
    text.repeat(usize::try_from(times).unwrap_or_default())
}
