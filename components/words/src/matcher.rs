//! Finds the entries of all lists in one pass.

use daachorse::DoubleArrayAhoCorasick;
use ringside_moderator::Submission;

use crate::config::{Config, Term};
use crate::plain::{Plain, has_no_word_ends};

/// All entries and allowed words as one automaton.
pub(crate) struct Matcher {
    automaton: Option<DoubleArrayAhoCorasick<u32>>,
    /// By the automaton's value: the terms that share one plain form.
    terms: Vec<Vec<Prepared>>,
    languages: Vec<String>,
}

/// An entry that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) list: usize,
    pub(crate) entry: usize,
}

struct Prepared {
    /// None: an allowed word.
    hit: Option<Hit>,
    plain: Plain,
    ends_before: bool,
    ends_after: bool,
}

impl std::fmt::Debug for Matcher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Matcher").field("forms", &self.terms.len()).finish_non_exhaustive()
    }
}

impl Matcher {
    /// Builds the automaton.
    pub(crate) fn new(config: &Config) -> Result<Self, String> {
        let mut all: Vec<(Vec<u8>, Prepared)> =
            config.allow.iter().map(|word| prepare(Term::new(word, true), None)).collect();
        for (list, words) in config.lists.iter().enumerate() {
            for (entry, word) in words.entries.iter().enumerate() {
                all.push(prepare(Term::new(word, words.whole_word), Some(Hit { list, entry })));
            }
        }
        // Stable, so that of two lists the first named keeps the word.
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut forms: Vec<Vec<u8>> = Vec::new();
        let mut terms: Vec<Vec<Prepared>> = Vec::new();
        for (form, prepared) in all {
            match terms.last_mut() {
                Some(same) if forms.last() == Some(&form) => same.push(prepared),
                _ => {
                    forms.push(form);
                    terms.push(vec![prepared]);
                }
            }
        }
        let automaton = if forms.is_empty() {
            None
        } else {
            let built = DoubleArrayAhoCorasick::new(&forms);
            Some(built.map_err(|problem| format!("the lists cannot be made searchable: {problem}"))?)
        };
        let languages = config.lists.iter().map(|list| list.language.clone()).collect();
        Ok(Self { automaton, terms, languages })
    }

    /// What `text` contains, less what an allowed word covers.
    pub(crate) fn hits(&self, text: &Plain, submission: &Submission) -> Vec<Hit> {
        let Some(automaton) = &self.automaton else { return Vec::new() };
        let mut hits: Vec<(usize, usize, Hit)> = Vec::new();
        let mut allowed: Vec<(usize, usize)> = Vec::new();
        for found in automaton.find_overlapping_iter(text.bytes()) {
            let (start, end) = (found.start(), found.end());
            let terms = usize::try_from(found.value()).ok().and_then(|value| self.terms.get(value));
            for term in terms.into_iter().flatten() {
                if !term.ends_words(text, start, end) || !term.has_runs(text, start, submission) {
                    continue;
                }
                match term.hit {
                    None => allowed.push((start, end)),
                    Some(hit) if self.is_for(hit, submission.language.as_deref().unwrap_or_default()) => {
                        hits.push((start, end, hit));
                    }
                    Some(_) => {}
                }
            }
        }
        let is_allowed = |start, end| allowed.iter().any(|(from, to)| *from <= start && end <= *to);
        hits.into_iter().filter(|(start, end, _)| !is_allowed(*start, *end)).map(|(_, _, hit)| hit).collect()
    }

    fn is_for(&self, hit: Hit, language: &str) -> bool {
        let list = self.languages.get(hit.list).map_or("", String::as_str);
        list.is_empty() || language.is_empty() || list == language
    }
}

impl Prepared {
    /// True where the text's words end where the term's must.
    fn ends_words(&self, text: &Plain, start: usize, end: usize) -> bool {
        let is_space = |at: usize| text.bytes().get(at).is_none_or(|byte| *byte == b' ');
        (!self.ends_before || is_space(start.wrapping_sub(1))) && (!self.ends_after || is_space(end))
    }

    /// True where the text repeats each letter as often as the term does. More often is a disguise, and
    /// then only when the author wrote it three times or more: many words differ by a doubled letter.
    fn has_runs(&self, text: &Plain, start: usize, submission: &Submission) -> bool {
        // The spaces at the ends of the term's plain form are no part of what was found.
        let places = 1..self.plain.bytes().len() - 1;
        text.repeats_as(start, &self.plain, places, |at| is_stretched(submission, text, at))
    }
}

/// True where the author wrote the letter at `at` three times in a row somewhere.
#[cold]
fn is_stretched(submission: &Submission, text: &Plain, at: usize) -> bool {
    let rest = text.bytes().get(at..).unwrap_or_default();
    let letter = rest.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
    let Some(letter) = letter else { return false };
    let mut run = 0;
    submission.text().chars().any(|c| {
        let same = c.to_lowercase().eq(std::iter::once(letter));
        run = if same { run + 1 } else { 0 };
        run >= 3
    })
}

fn prepare(term: Term<'_>, hit: Option<Hit>) -> (Vec<u8>, Prepared) {
    let plain = Plain::new(term.text);
    let form = plain.core().to_vec();
    let text = String::from_utf8_lossy(&form);
    let free = |c: Option<char>| c.is_some_and(has_no_word_ends);
    let ends_before = term.ends_before && !free(text.chars().next());
    let ends_after = term.ends_after && !free(text.chars().next_back());
    (form, Prepared { hit, plain, ends_before, ends_after })
}
