//! Counts what repeats within a text.

use std::collections::BTreeMap;

/// True for a text of fewer than `chars` characters; stops counting there.
pub(crate) fn is_shorter(text: &str, chars: u32) -> bool {
    let chars = usize::try_from(chars).unwrap_or(usize::MAX);
    text.len() < chars || text.chars().take(chars).count() < chars
}

/// The character that is repeated most often in a row, upper and lower case alike, and how often. White space,
/// and marks that only change how an emoji looks, are passed over.
pub(crate) fn longest_run(text: &str) -> (char, u32) {
    // Nine comments of ten are ASCII and need no decoding.
    if text.is_ascii() { longest_of(text.bytes().map(char::from)) } else { longest_of(text.chars()) }
}

fn longest_of(text: impl Iterator<Item = char>) -> (char, u32) {
    let (mut longest, mut last, mut run) = ((' ', 0), '\0', 0);
    for c in text {
        let c = c.to_ascii_lowercase();
        if c == last {
            run += 1;
        } else if c.is_whitespace() || matches!(c, '\u{200d}' | '\u{fe0e}' | '\u{fe0f}') {
            continue;
        } else {
            (last, run) = (c, 1);
        }
        if run > longest.1 {
            longest = (c, run);
        }
    }
    longest
}

/// The word that is at least half of the text's words, and how often it is there; none where the text has fewer
/// than `words_min` words.
pub(crate) fn word_of_half(folded: &str, words_min: u32) -> Option<(&str, u32)> {
    // Folding leaves one space between words, so this is their number or one less.
    let spaces = folded.bytes().filter(|byte| *byte == b' ').count();
    if u32::try_from(spaces).is_ok_and(|spaces| spaces + 1 < words_min) {
        return None;
    }
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let mut words = 0;
    for word in folded.split_whitespace() {
        *counts.entry(word).or_default() += 1;
        words += 1;
    }
    counts.into_iter().max_by_key(|(_, times)| *times).filter(|(_, times)| times * 2 >= words)
}

/// Percent of the letters that are capitals; scripts without capitals have none.
pub(crate) fn capitals_percent(text: &str) -> u32 {
    let (mut letters, mut capitals) = (0u32, 0u32);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        letters += 1;
        capitals += u32::from(c.is_uppercase());
    }
    (capitals * 100).checked_div(letters).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_by_character() {
        for (text, expected) in [
            ("", (' ', 0)),
            ("abc", ('a', 1)),
            ("gooool", ('o', 4)),
            ("GoOoOl", ('o', 4)),
            ("a a a", ('a', 3)),
            ("🎉🎉 🎉", ('🎉', 3)),
            ("❤\u{fe0f}❤\u{fe0f}", ('❤', 2)),
            ("ééé", ('é', 3)),
        ] {
            assert_eq!(longest_run(text), expected, "{text}");
        }
    }

    #[test]
    fn a_word_counts_where_it_is_half_of_the_text() {
        for (text, expected) in [
            ("", None),
            ("a", Some(("a", 1))),
            ("a b", Some(("b", 1))),
            ("a b c", None),
            ("spam spam eggs spam", Some(("spam", 3))),
            ("a b a c a d", Some(("a", 3))),
            ("a b a c a d e", None),
        ] {
            assert_eq!(word_of_half(text, 0), expected, "{text}");
        }
    }

    #[test]
    fn capitals_are_a_share_of_the_letters() {
        for (text, percent) in [("", 0), ("123", 0), ("abC!", 33), ("ABC 1", 100), ("ÄÖü", 66), ("漢字", 0)]
        {
            assert_eq!(capitals_percent(text), percent, "{text}");
        }
    }

    #[test]
    fn length_is_in_characters() {
        for (text, chars, shorter) in [("", 0, false), ("", 1, true), ("ééé", 3, false), ("ééé", 4, true)]
        {
            assert_eq!(is_shorter(text, chars), shorter, "{text} {chars}");
        }
    }
}
