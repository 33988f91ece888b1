//! What a target is, and in what way it went.

use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::time::Duration;

use fastrand::Rng;

/// Something that takes bytes from outside.
pub trait Target {
    /// Good inputs, one for each way that is known: changing them finds the others.
    fn seeds(&self) -> Vec<Vec<u8>>;

    /// Words of the format, which chance does not find.
    fn words(&self) -> &'static [&'static [u8]] {
        &[]
    }

    /// Makes a changed input reach further: repairs a checksum, a length, a signature. Called for half of them.
    fn mend(&mut self, _input: &mut Vec<u8>, _random: &mut Rng) {}

    /// Longest input in bytes: twice the bound of what it stands for, so that both sides of it are met.
    fn bytes_max(&self) -> usize {
        12 << 10
    }

    /// Takes an input. Panics where a property does not hold; tells in what way it went.
    fn take(&mut self, input: &[u8]) -> Shape;
}

/// A target with what is known of it before it is made.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it holds the code to, in a line.
    pub about: &'static str,
    /// Makes it, with all that stands behind it.
    pub make: fn() -> Box<dyn Target>,
    /// Longest time for one input; past it the input is a hang.
    pub time_max: Duration,
    /// Executions in the normal tests: about a second.
    pub executions: u64,
}

/// In what way an input was taken. Two inputs of one shape teach the same; one of a new shape is kept.
///
/// What a client made up must stay out of it, or every input were new.
#[derive(Debug, Clone, Default)]
pub struct Shape(DefaultHasher);

impl Shape {
    /// Adds a fact: a kind, a status, a small number.
    #[must_use]
    pub fn with(mut self, fact: impl Hash) -> Self {
        fact.hash(&mut self.0);
        self
    }

    /// Adds a count by its magnitude: 3 and 1,000 are told apart, 1,000 and 1,001 are not.
    #[must_use]
    pub fn with_count(self, count: usize) -> Self {
        self.with(usize::BITS - count.leading_zeros())
    }

    /// Adds the words of a message, without what it quotes (from the first quotation mark to the last, since what is
    /// quoted may have some of its own) and without numbers.
    #[must_use]
    pub fn with_message(self, message: &str) -> Self {
        self.with_words(message, usize::MAX)
    }

    /// The same with the first `most` words: for messages that end with what could not be read.
    #[must_use]
    pub fn with_words(mut self, message: &str, most: usize) -> Self {
        let is_mark = |c: char| matches!(c, '`' | '"');
        let from = message.find(is_mark).unwrap_or(message.len());
        // What was cut may lack its second mark.
        let to = message.rfind(is_mark).filter(|to| *to > from).unwrap_or(message.len());
        let parts = message.get(..from).into_iter().chain(message.get(to..));
        let words = parts.flat_map(|part| part.split(|c: char| !c.is_alphanumeric()));
        let plain = words.filter(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphabetic()));
        plain.take(most).for_each(|word| word.hash(&mut self.0));
        self
    }

    /// As a number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_does_not_depend_on_what_a_message_quotes() {
        let of = |message: &str| Shape::default().with_message(message).number();
        assert_eq!(of("`a` is 12 bytes"), of("`b c` is 7 bytes"));
        assert_eq!(of("field `a` is bad"), of("field `b`c` is bad"));
        assert_eq!(of("byte 0x1f at 3"), of("byte 0xff at 4"));
        assert_ne!(of("`a` is missing"), of("`a` is unknown"));
        let count = |count| Shape::default().with_count(count).number();
        assert_eq!(count(1_000), count(1_001));
        assert_ne!(count(0), count(1));
    }
}
