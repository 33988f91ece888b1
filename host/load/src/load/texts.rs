//! The mark in a comment's text by which the run knows it again: `[4711-23]`, the run and the comment's number in
//! its stream. Digits only, since letters in a row would now and then be a word that a rule stops.

use std::sync::LazyLock;

/// The mark of a comment.
pub(super) fn mark(run: u32, number: u64) -> String {
    format!("[{run}-{number}]")
}

/// The number in the mark of this run at the end of a text; none for any other text.
pub(super) fn number(text: &str, run: u32) -> Option<u64> {
    let (_, mark) = text.strip_suffix(']')?.rsplit_once('[')?;
    let (of, number) = mark.split_once('-')?;
    if of.parse() == Ok(run) { number.parse().ok() } else { None }
}

/// Words of texts: none that a list of blocked words holds, none that repeats in a text often enough to matter.
static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    "what goal great the keeper saw that coming from far left right side long ball into corner who \
     scored second half starts now hello everyone watching home tonight music sounds lovely today \
     camera angle better than before stream looks sharp here thanks for showing this again please \
     replay last minute was close never seen such speed number seven runs like wind cannot believe \
     they missed green jersey suits him well our town plays next week against leaders hope rain \
     stops soon crowd sings loud referee looked away free kick near line wonderful pass through \
     middle team"
        .split(' ')
        .collect()
});
/// Fewest and most words of a text: comments in live chats are about so long.
const WORDS_MIN: usize = 4;
const WORDS_MAX: usize = 12;
/// Emoji that are sent.
pub(super) const EMOJI: [&str; 8] = ["🎉", "❤️", "😂", "🔥", "👏", "😮", "⚽", "🎶"];

/// A text of some words and the mark.
pub(super) fn text(random: &mut fastrand::Rng, run: u32, number: u64) -> String {
    let mut text = String::with_capacity(96);
    for _ in 0..random.usize(WORDS_MIN..=WORDS_MAX) {
        text.push_str(random.choice(WORDS.iter()).copied().unwrap_or_default());
        text.push(' ');
    }
    text.push_str(&mark(run, number));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_this_run_is_known_again_and_no_other_is() {
        let mut random = fastrand::Rng::with_seed(7);
        for number in [0, 1, 12_345, u64::MAX] {
            let text = text(&mut random, 4711, number);
            assert_eq!(super::number(&text, 4711), Some(number), "{text}");
            assert_eq!(super::number(&text, 4712), None, "{text}");
            assert!(text.chars().count() <= ringside_core::limits::TEXT_CHARS_MAX);
        }
        for text in ["", "]", "[", "hello", "[4711]", "[4711-]", "[-1]", "[4711-1] more", "x[4711-1-2]"] {
            assert_eq!(number(text, 4711), None, "{text}");
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_texts_and_no_two_of_a_run_are_equal() {
        let texts = |seed| {
            let mut random = fastrand::Rng::with_seed(seed);
            (0..200).map(|number| text(&mut random, 1, number)).collect::<Vec<_>>()
        };
        assert_eq!(texts(3), texts(3));
        assert_ne!(texts(3), texts(4));
        let different: std::collections::HashSet<_> = texts(3).into_iter().collect();
        assert_eq!(different.len(), 200);
    }
}
