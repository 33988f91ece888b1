//! What is written down while people talk: what each poster was told, what each viewer saw, when what was broken.

use std::fmt;

use crate::clock::Micros;

/// A comment's id: the 16 bytes of its UUID as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub u128);

impl Id {
    /// From its text, with or without hyphens; none when it is no UUID.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        if digits.len() != 32 {
            return None;
        }
        u128::from_str_radix(&digits, 16).ok().map(Self)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        write!(f, "{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
    }
}

/// An acknowledged comment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ack {
    pub(crate) id: Id,
    /// It waits for a moderator: viewers do not see it.
    pub(crate) held: bool,
    /// When it was said first, and when the acknowledgement came.
    pub(crate) said: Micros,
    pub(crate) answered: Micros,
}

/// One thing that a viewer saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Saw {
    /// It joined at this host.
    Joined { host: usize },
    /// It was told that something is missing, between what it had seen and what follows.
    Gap,
    /// A comment of the page that comes with an answer to a join.
    Past(Id),
    /// A comment in a batch.
    Live(Id),
    /// The host says that sampling left out so many since the last batch.
    LeftOut(u32),
}

/// What a viewer saw, in its order, each with the time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sights(pub(crate) Vec<(Micros, Saw)>);

/// Something that was broken on purpose.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What, and how: `kafka killed`.
    pub name: String,
    pub(crate) began: Micros,
    /// From here on it was let work again.
    pub(crate) mended: Option<Micros>,
}

/// A viewer, and what it saw.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    pub(crate) stream: usize,
    pub(crate) sights: Sights,
}

/// A comment as the log has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logged {
    /// Which.
    pub id: Id,
    /// Everyone sees it; else it waits for a moderator.
    pub shown: bool,
}

/// All of it, once everybody has stopped.
#[derive(Debug, Clone)]
pub struct Account {
    /// Names of the streams; everything else names them by their place here.
    pub streams: Vec<String>,
    pub(crate) acks: Vec<Vec<Ack>>,
    pub(crate) viewers: Vec<Watched>,
    pub(crate) faults: Vec<Fault>,
    /// When the posters stopped.
    pub(crate) ended: Micros,
    /// Comments a second that were to be offered.
    pub(crate) rate: u32,
    /// Comments that were not offered in time, because every poster waited for an answer.
    pub(crate) not_offered: u64,
    /// Comments said again under their reference, and comments that no host answered before the end.
    pub(crate) said_again: u64,
    pub(crate) unanswered: u64,
    /// Answers that no host should give to these posters.
    pub(crate) refused: Vec<String>,
}

impl Account {
    /// Comments that were acknowledged, on all streams.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.acks.iter().map(Vec::len).sum()
    }
}
