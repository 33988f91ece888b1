//! The form in which texts and entries are compared.
//!
//! Words with one space between them, before the first and after the last. Accents are gone, digits
//! and signs that stand for letters are letters (`sh1t`, `$hit`), single letters in a row are a word
//! (`f u c k`), and a repeated letter is written once, with its count beside it: so `fuuuck` is found
//! by `fuck`, and `as` is not found by `ass`.

mod letter;

use std::cmp::Ordering;
use std::ops::Range;

use letter::Kind;
pub(crate) use letter::has_no_word_ends;

/// A text in plain form.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    bytes: Vec<u8>,
    /// Where a letter was repeated and how often it was there, in the order of the text. Few are.
    repeats: Vec<(usize, u8)>,
}

/// A word being written.
#[derive(Clone, Copy, Default)]
struct Word {
    start: usize,
    letters: u32,
    digits: u32,
    /// Signs that may stand for letters, and symbols.
    signs: u32,
}

impl Plain {
    /// Makes the plain form of a folded text.
    pub(crate) fn new(text: &str) -> Self {
        let mut plain = Self { bytes: Vec::with_capacity(text.len() + 8), repeats: Vec::new() };
        plain.bytes.push(b' ');
        plain.read(text);
        plain
    }

    /// The bytes, with a space at either end.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes without the spaces at the ends.
    pub(crate) fn core(&self) -> &[u8] {
        self.bytes.trim_ascii()
    }

    /// True where nothing is left to compare.
    pub(crate) fn is_empty(&self) -> bool {
        self.core().is_empty()
    }

    /// How often the letter whose first byte is at `at` was repeated.
    pub(crate) fn run_at(&self, at: usize) -> u8 {
        let found = self.repeats.binary_search_by_key(&at, |(place, _)| *place);
        found.ok().and_then(|found| self.repeats.get(found)).map_or(1, |(_, times)| *times)
    }

    /// True where the letters at `places` of `term` are repeated here, from `at` on, as often as there. Where they
    /// are repeated more often, `more` is asked about the place here.
    pub(crate) fn repeats_as(
        &self,
        at: usize,
        term: &Self,
        places: Range<usize>,
        more: impl Fn(usize) -> bool,
    ) -> bool {
        places.enumerate().all(|(offset, place)| {
            let here = at + offset;
            match self.run_at(here).cmp(&term.run_at(place)) {
                Ordering::Less => false,
                Ordering::Equal => true,
                Ordering::Greater => more(here),
            }
        })
    }

    fn read(&mut self, text: &str) {
        let mut word = Word { start: self.bytes.len(), ..Word::default() };
        // Where the words of one letter begin that came last, and how many there are.
        let mut singles = (word.start, 0);
        let mut chars = text.chars();
        loop {
            // Nearly all characters of nearly all comments are plain letters: those are passed over here.
            let rest = chars.as_str();
            let letters = rest.bytes().take_while(u8::is_ascii_lowercase).count();
            if letters > 0 {
                word.letters = word.letters.saturating_add(u32::try_from(letters).unwrap_or(u32::MAX));
                let (run, after) = rest.split_at_checked(letters).unwrap_or((rest, ""));
                self.put_ascii_letters(run.as_bytes());
                chars = after.chars();
            }
            let Some(c) = chars.next() else { break };
            match letter::kind(c) {
                Kind::Letter(letter) => {
                    word.letters += 1;
                    self.put_letter(letter);
                }
                Kind::Letters(both) => {
                    word.letters += 2;
                    both.chars().for_each(|letter| self.put_letter(letter));
                }
                Kind::Digit => {
                    word.digits += 1;
                    self.put(c);
                }
                Kind::Sign if letter::is_within_word(c, word.letters > 0, chars.as_str()) => {
                    word.signs += 1;
                    self.put_letter(c);
                }
                Kind::Sign | Kind::Space => self.end(&mut word, &mut singles),
                Kind::Symbol => {
                    self.end(&mut word, &mut singles);
                    self.put(c);
                    word.signs = 1;
                    self.end(&mut word, &mut singles);
                }
                Kind::Nothing => {}
            }
        }
        self.end(&mut word, &mut singles);
    }

    /// Ends a word: undoes its disguise, and joins it to single letters before it.
    fn end(&mut self, word: &mut Word, singles: &mut (usize, u32)) {
        if word.letters + word.digits + word.signs == 0 {
            return;
        }
        // `900k` and `1080p` are numbers with a unit: more digits than letters are no disguise.
        if word.digits + word.signs > 0 && word.letters > 0 && word.digits <= word.letters {
            self.rewrite(word.start, |c| Some(letter::undisguised(c)));
        }
        if word.letters == 1 && word.digits + word.signs == 0 {
            if singles.1 == 0 {
                singles.0 = word.start;
            }
            singles.1 += 1;
            if singles.1 >= SINGLES_MIN {
                self.rewrite(singles.0, |c| (c != ' ').then_some(c));
            }
        } else {
            singles.1 = 0;
        }
        self.bytes.push(b' ');
        *word = Word { start: self.bytes.len(), ..Word::default() };
    }

    /// Writes what begins at `start` again, letter by letter.
    #[cold]
    fn rewrite(&mut self, start: usize, change: impl Fn(char) -> Option<char>) {
        let text = String::from_utf8(self.bytes.split_off(start)).unwrap_or_default();
        let kept = self.repeats.partition_point(|(place, _)| *place < start);
        let repeats = self.repeats.split_off(kept);
        for (at, c) in text.char_indices() {
            let times = repeats.iter().find(|(place, _)| *place == start + at).map_or(1, |(_, times)| *times);
            if let Some(c) = change(c) {
                (0..times).for_each(|_| self.put_letter(c));
            }
        }
    }

    /// Writes a letter, or counts it where it was written just now.
    fn put_letter(&mut self, c: char) {
        if c.is_ascii() {
            let byte = c as u8;
            if self.bytes.last() == Some(&byte) {
                return self.count_again(1);
            }
            return self.bytes.push(byte);
        }
        let mut utf8 = [0; 4];
        let utf8 = c.encode_utf8(&mut utf8).as_bytes();
        if self.bytes.ends_with(utf8) {
            return self.count_again(utf8.len());
        }
        self.bytes.extend_from_slice(utf8);
    }

    fn put_ascii_letters(&mut self, letters: &[u8]) {
        let mut last = self.bytes.last().copied();
        for &letter in letters {
            if last == Some(letter) {
                self.count_again(1);
            } else {
                self.bytes.push(letter);
                last = Some(letter);
            }
        }
    }

    /// Counts the last letter, of `len` bytes, once more.
    fn count_again(&mut self, len: usize) {
        let place = self.bytes.len() - len;
        match self.repeats.last_mut() {
            Some((last, times)) if *last == place => *times = times.saturating_add(1),
            _ => self.repeats.push((place, 2)),
        }
    }

    fn put(&mut self, c: char) {
        let mut utf8 = [0; 4];
        self.bytes.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
    }
}

/// So many single letters in a row are a word that was pulled apart; two are `a b` or `I'm`.
const SINGLES_MIN: u32 = 3;

#[cfg(test)]
mod tests;
