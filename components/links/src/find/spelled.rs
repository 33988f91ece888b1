//! Finds links that are spelled out: `example dot com`, `example (dot) com`, `example[.]com`, `example .com`.

use super::{Form, Link};
use crate::endings::{Endings, Weight};

/// Endings that are taken for one where only spaces or the word "dot" are around: few, because nearly every
/// short ending is a word in some language, and `.net` is a platform.
const SURE: [&str; 13] =
    ["com", "org", "info", "biz", "ru", "xyz", "io", "tv", "gg", "co", "site", "online", "shop"];

/// What stands between two words.
#[derive(PartialEq, Eq)]
enum Between {
    /// `[.]`, `( . )`, `{dot}` and the like: nobody writes so but to hide a dot.
    Bracketed,
    /// ` . ` or ` .`, not the `. ` that ends a sentence.
    Spaced,
    /// The word "dot".
    Word,
}

struct Word<'t> {
    text: &'t str,
    /// From the end of the word before to the start of this one.
    gap: &'t str,
}

/// Calls `add` for each.
pub(super) fn links(text: &str, endings: &Endings, add: &mut impl FnMut(Link)) {
    let words = words(text);
    for (at, word) in words.iter().enumerate() {
        let Some((between, ending)) = ending_after(&words, at) else { continue };
        let is_ending = match between {
            Between::Bracketed => endings.weight(ending).is_some(),
            Between::Spaced => SURE.contains(&ending) && endings.weight(ending) == Some(Weight::Alone),
            Between::Word => SURE.contains(&ending),
        };
        if is_ending && word.text != "dot" {
            add(Link { host: format!("{}.{ending}", word.text), form: Form::SpelledOut });
        }
    }
}

fn words(text: &str) -> Vec<Word<'_>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        let (gap, from) = rest.split_at(start);
        let end = from.find(|c| !is_word(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        words.push(Word { text: word, gap });
        rest = after;
    }
    words
}

/// When a hidden dot follows the word at `at`: what it is, and the word behind it.
fn ending_after<'t>(words: &[Word<'t>], at: usize) -> Option<(Between, &'t str)> {
    let next = words.get(at + 1)?;
    if let Some(between) = hidden_dot(next.gap) {
        return Some((between, next.text));
    }
    let last = words.get(at + 2)?;
    if next.text != "dot" {
        return None;
    }
    let around = format!("{}{}", next.gap, last.gap);
    let brackets = around.chars().filter(|c| is_bracket(*c)).count();
    let only_brackets = around.chars().all(|c| c == ' ' || is_bracket(c));
    match (only_brackets, brackets) {
        (true, 0) => Some((Between::Word, last.text)),
        (true, _) => Some((Between::Bracketed, last.text)),
        _ => None,
    }
}

fn hidden_dot(gap: &str) -> Option<Between> {
    let bare = gap.trim_matches(|c| c == ' ' || is_bracket(c));
    if bare != "." {
        return None;
    }
    if gap.contains(is_bracket) {
        // `(see this.) com` is a sentence; `this(.)com` is not.
        let opens = gap.trim_start().starts_with(is_bracket);
        return (opens && gap.trim_end().ends_with(is_bracket)).then_some(Between::Bracketed);
    }
    gap.starts_with(' ').then_some(Between::Spaced)
}

fn is_bracket(c: char) -> bool {
    matches!(c, '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>')
}
