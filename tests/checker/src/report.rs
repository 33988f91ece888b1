//! What came of it, as people and programs read it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use crate::clock::Micros;
use crate::judge::seconds;
use crate::record::{Account, Id};

/// Findings of one kind that are written out; all are counted.
const TOLD_MAX: usize = 5;

/// A promise that was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// Acknowledged, and the log does not have it.
    Lost,
    /// In the log, and in no page.
    NotStored,
    /// In the pages more than once.
    StoredTwice,
    /// In a page, and not in the log.
    StoredUnheard,
    /// A viewer missed it without having been told of a gap.
    NotSeen,
    /// A viewer saw it more than once.
    Doubled,
    /// Seen, or standing in the log, behind what came after it.
    OutOfOrder,
    /// Seen, and not in the log.
    SeenUnheard,
    /// Nobody was served for too long after a fault.
    Late,
    /// A poster was given an answer that it should not get.
    Refused,
}

impl Wrong {
    /// As a row's name.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Lost => "acknowledged, not in the log",
            Self::NotStored => "in the log, not stored",
            Self::StoredTwice => "stored twice",
            Self::StoredUnheard => "stored, not in the log",
            Self::NotSeen => "missed by a viewer, no gap announced",
            Self::Doubled => "seen twice by a viewer",
            Self::OutOfOrder => "out of order",
            Self::SeenUnheard => "seen, not in the log",
            Self::Late => "recovered too late",
            Self::Refused => "refused",
        }
    }
}

/// One broken promise.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which.
    pub wrong: Wrong,
    stream: String,
    id: Option<Id>,
    what: String,
}

impl Finding {
    pub(crate) fn new(wrong: Wrong, stream: String, id: Option<Id>, what: String) -> Self {
        Self { wrong, stream, id, what }
    }

    /// The comment that it is about.
    #[must_use]
    pub fn id(&self) -> Option<Id> {
        self.id
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.wrong.words())?;
        if let Some(id) = self.id {
            write!(f, "{id} of `{}`: ", self.stream)?;
        }
        f.write_str(&self.what)
    }
}

/// What one viewer met.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ViewerFigures {
    pub(crate) seen: usize,
    pub(crate) joins: usize,
    pub(crate) gaps: usize,
    pub(crate) in_gaps: usize,
    pub(crate) left_out: usize,
}

/// What there was of everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    seconds: u64,
    rate: u32,
    acknowledged: usize,
    held: usize,
    not_offered: u64,
    said_again: u64,
    unanswered: u64,
    pub(crate) logged: usize,
    pub(crate) repeated: usize,
    pub(crate) stored: usize,
    viewers: usize,
    all: ViewerFigures,
}

impl Figures {
    pub(crate) fn of(account: &Account) -> Self {
        Self {
            seconds: account.ended / 1_000_000,
            rate: account.rate,
            acknowledged: account.acknowledged(),
            held: account.acks.iter().flatten().filter(|ack| ack.held).count(),
            not_offered: account.not_offered,
            said_again: account.said_again,
            unanswered: account.unanswered,
            ..Self::default()
        }
    }

    pub(crate) fn add_viewer(&mut self, one: &ViewerFigures) {
        self.viewers += 1;
        self.all.seen += one.seen;
        self.all.joins += one.joins;
        self.all.gaps += one.gaps;
        self.all.in_gaps += one.in_gaps;
        self.all.left_out += one.left_out;
    }

    fn rows(&self) -> Vec<(&'static str, u64)> {
        let count = |of: usize| u64::try_from(of).unwrap_or(u64::MAX);
        vec![
            ("seconds", self.seconds),
            ("offered a second", self.rate.into()),
            ("not offered in time", self.not_offered),
            ("acknowledged", count(self.acknowledged)),
            ("acknowledged a second", count(self.acknowledged) / self.seconds.max(1)),
            ("of these held for a moderator", count(self.held)),
            ("tried again under their reference", self.said_again),
            ("never answered", self.unanswered),
            ("in the log", count(self.logged)),
            ("in the log more than once", count(self.repeated)),
            ("stored and shown", count(self.stored)),
            ("viewers", count(self.viewers)),
            ("seen by them", count(self.all.seen)),
            ("joined", count(self.all.joins)),
            ("gaps announced", count(self.all.gaps)),
            ("missed in announced gaps", count(self.all.in_gaps)),
            ("sampled out, announced", count(self.all.left_out)),
        ]
    }
}

/// What was noticed of one fault, in microseconds.
#[derive(Debug, Clone)]
pub(crate) struct FaultFigures {
    pub(crate) name: String,
    pub(crate) lasted: Micros,
    /// The longest time without an acknowledgement on a stream.
    pub(crate) silent_posters: Micros,
    /// The longest time in which a viewer saw nothing.
    pub(crate) silent_viewers: Micros,
    /// From the fault's end until something was acknowledged on every stream, and seen by every viewer.
    pub(crate) recovered: Micros,
}

/// The account of a run.
#[derive(Debug, Clone)]
pub struct Report {
    /// Broken promises; empty when all is well.
    pub findings: Vec<Finding>,
    pub(crate) figures: Figures,
    pub(crate) faults: Vec<FaultFigures>,
}

impl Report {
    /// Whether all that was promised was held.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    /// True when a promise of this kind was broken.
    #[must_use]
    pub fn has(&self, wrong: Wrong) -> bool {
        self.findings.iter().any(|finding| finding.wrong == wrong)
    }

    fn by_kind(&self) -> BTreeMap<Wrong, Vec<&Finding>> {
        let mut kinds: BTreeMap<Wrong, Vec<&Finding>> = BTreeMap::new();
        for finding in &self.findings {
            kinds.entry(finding.wrong).or_default().push(finding);
        }
        kinds
    }

    /// One object: figures, faults, and how many promises of each kind were broken, with the first few.
    #[must_use]
    pub fn json(&self) -> Value {
        let figures: serde_json::Map<String, Value> = self
            .figures
            .rows()
            .into_iter()
            .map(|(name, value)| (name.replace(' ', "_"), value.into()))
            .collect();
        let faults: Vec<Value> = self
            .faults
            .iter()
            .map(|fault| {
                json!({
                    "fault": fault.name,
                    "lasted_ms": fault.lasted / 1_000,
                    "silent_posters_ms": fault.silent_posters / 1_000,
                    "silent_viewers_ms": fault.silent_viewers / 1_000,
                    "recovered_ms": fault.recovered / 1_000,
                })
            })
            .collect();
        let broken: Vec<Value> = self
            .by_kind()
            .into_iter()
            .map(|(wrong, findings)| {
                let first: Vec<String> = findings.iter().take(TOLD_MAX).map(ToString::to_string).collect();
                json!({ "promise": wrong.words(), "count": findings.len(), "first": first })
            })
            .collect();
        json!({ "sound": self.is_sound(), "figures": figures, "faults": faults, "broken": broken })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.faults.iter().map(|fault| fault.name.len()).max().unwrap_or(0).max(5);
        if !self.faults.is_empty() {
            writeln!(
                f,
                "{:<width$}  {:>10}  {:>14}  {:>14}  {:>10}",
                "fault", "lasted", "posters silent", "viewers silent", "recovered"
            )?;
        }
        for fault in &self.faults {
            let [lasted, posters, viewers, recovered] =
                [fault.lasted, fault.silent_posters, fault.silent_viewers, fault.recovered].map(seconds);
            writeln!(
                f,
                "{:<width$}  {lasted:>10}  {posters:>14}  {viewers:>14}  {recovered:>10}",
                fault.name
            )?;
        }
        writeln!(f)?;
        for (name, value) in self.figures.rows() {
            writeln!(f, "{name:<34} {value:>9}")?;
        }
        for (wrong, findings) in self.by_kind() {
            writeln!(f, "\nBROKEN: {}: {}", wrong.words(), findings.len())?;
            for finding in findings.iter().take(TOLD_MAX) {
                writeln!(f, "  {finding}")?;
            }
        }
        let last = if self.is_sound() { "nothing lost, nothing doubled, all in order" } else { "NOT SOUND" };
        write!(f, "\n{last}")
    }
}
