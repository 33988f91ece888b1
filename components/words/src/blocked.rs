//! The stream's own blocked terms. There are few and they differ by stream, so they are sought one by one.

use crate::config::Term;
use crate::plain::{Plain, has_no_word_ends};

/// The first of `terms` that `text` contains as a whole word or phrase; a `*` at its end stands for any ending.
pub(crate) fn find<'t>(terms: &'t [String], text: &Plain) -> Option<&'t str> {
    terms.iter().map(String::as_str).find(|term| contains(Term::new(term, true), text))
}

fn contains(term: Term<'_>, text: &Plain) -> bool {
    let plain = Plain::new(term.text);
    if plain.is_empty() {
        return false;
    }
    let core = String::from_utf8_lossy(plain.core());
    let free = |c: Option<char>| c.is_some_and(has_no_word_ends);
    let from = usize::from(!term.ends_before || free(core.chars().next()));
    let without_last = usize::from(!term.ends_after || free(core.chars().next_back()));
    // With the spaces at its ends the term is a whole word; without them it may be part of one.
    let to = plain.bytes().len() - without_last;
    let sought = plain.bytes().get(from..to).unwrap_or_default();
    text.bytes()
        .windows(sought.len())
        .enumerate()
        .any(|(start, window)| window == sought && text.repeats_as(start, &plain, from..to, |_| true))
}
