//! Which endings make a dotted word the name of a host.

use std::collections::BTreeMap;

use crate::find::fold;

/// The list, as people edit it.
const LIST: &str = include_str!("../tlds.txt");

/// How much an ending says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// A dotted word that ends so is a link.
    Alone,
    /// It is also a word, or the ending of files: more must speak for a link.
    WithMore,
}

/// The endings and their weights.
#[derive(Debug)]
pub(crate) struct Endings {
    weights: BTreeMap<String, Weight>,
}

impl Endings {
    /// Reads the built-in list.
    pub(crate) fn new() -> Self {
        let (alone, with_more) = LIST.split_once("\n---\n").unwrap_or((LIST, ""));
        let words = |part: &'static str| {
            let lines = part.lines().filter(|line| !line.starts_with('#'));
            lines.flat_map(str::split_whitespace).map(fold)
        };
        let mut weights: BTreeMap<String, Weight> =
            words(alone).map(|ending| (ending, Weight::Alone)).collect();
        weights.extend(words(with_more).map(|ending| (ending, Weight::WithMore)));
        Self { weights }
    }

    /// The weight of `ending`, if it is one.
    pub(crate) fn weight(&self, ending: &str) -> Option<Weight> {
        self.weights.get(ending).copied()
    }
}
