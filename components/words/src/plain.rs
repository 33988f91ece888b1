//! The form in which texts and entries are compared.
//!
//! Words with one space between them, before the first and after the last. Accents are gone, digits
//! and signs that stand for letters are letters (`sh1t`, `$hit`), single letters in a row are a word
//! (`f u c k`), and a repeated letter is written once, with its count beside it: so `fuuuck` is found
//! by `fuck`, and `as` is not found by `ass`.

mod letter;

use letter::Kind;
pub(crate) use letter::has_no_word_ends;

/// A text in plain form.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    bytes: Vec<u8>,
    /// For each byte how often its letter was repeated, at the letter's first byte; 1 elsewhere.
    runs: Vec<u8>,
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
        let mut plain =
            Self { bytes: Vec::with_capacity(text.len() + 8), runs: Vec::with_capacity(text.len() + 8) };
        plain.put_byte(b' ');
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

    /// The counts of the bytes from `start` on.
    pub(crate) fn runs_from(&self, start: usize) -> &[u8] {
        self.runs.get(start..).unwrap_or_default()
    }

    fn read(&mut self, text: &str) {
        let mut word = Word { start: self.bytes.len(), ..Word::default() };
        // Where the words of one letter begin that came last, and how many there are.
        let mut singles = (word.start, 0);
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
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
                Kind::Symbol => {
                    self.end(&mut word, &mut singles);
                    self.put(c);
                    word.signs = 1;
                    self.end(&mut word, &mut singles);
                }
                Kind::Nothing => {}
                Kind::Sign | Kind::Space => self.end(&mut word, &mut singles),
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
        self.put_byte(b' ');
        *word = Word { start: self.bytes.len(), ..Word::default() };
    }

    /// Writes what begins at `start` again, letter by letter.
    #[cold]
    fn rewrite(&mut self, start: usize, change: impl Fn(char) -> Option<char>) {
        let bytes = self.bytes.split_off(start);
        let runs = self.runs.split_off(start);
        let text = String::from_utf8(bytes).unwrap_or_default();
        for (at, c) in text.char_indices() {
            let times = runs.get(at).copied().unwrap_or(1);
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
                if let Some(run) = self.runs.last_mut() {
                    *run = run.saturating_add(1);
                }
                return;
            }
            return self.put_byte(byte);
        }
        let mut utf8 = [0; 4];
        let utf8 = c.encode_utf8(&mut utf8).as_bytes();
        if self.bytes.ends_with(utf8) {
            let start = self.bytes.len() - utf8.len();
            if let Some(run) = self.runs.get_mut(start) {
                *run = run.saturating_add(1);
            }
            return;
        }
        self.put(c);
    }

    fn put(&mut self, c: char) {
        let mut utf8 = [0; 4];
        for byte in c.encode_utf8(&mut utf8).bytes() {
            self.put_byte(byte);
        }
    }

    fn put_byte(&mut self, byte: u8) {
        self.bytes.push(byte);
        self.runs.push(1);
    }
}

/// So many single letters in a row are a word that was pulled apart; two are `a b` or `I'm`.
const SINGLES_MIN: u32 = 3;

#[cfg(test)]
mod tests;
