//! One viewer's sights against the log's order.

use std::collections::HashSet;

use super::{Order, seconds};
use crate::record::{Id, Saw, Sights};
use crate::report::{Finding, ViewerFigures, Wrong};

/// Sights that are told around one that is wrong, on each side.
const AROUND: usize = 3;

/// What a viewer saw, read along the log's order.
pub(crate) struct Reader {
    number: usize,
    stream: String,
    sights: Sights,
    seen: HashSet<Id>,
    /// Place in the log's order behind the last comment that it saw; none before the first.
    next: Option<usize>,
    /// It was told of a gap: the next comment may be further on.
    gap: bool,
    /// Comments that sampling left out and that are not accounted for yet.
    allowed: usize,
    pub(crate) figures: ViewerFigures,
    pub(crate) findings: Vec<Finding>,
}

impl Reader {
    pub(crate) fn of(number: usize, stream: &str, sights: &Sights, order: &Order) -> Self {
        let mut reader = Self {
            number,
            stream: stream.to_owned(),
            sights: sights.clone(),
            seen: HashSet::new(),
            next: None,
            gap: false,
            allowed: 0,
            figures: ViewerFigures::default(),
            findings: Vec::new(),
        };
        for (at, (_, saw)) in sights.0.iter().enumerate() {
            reader.take_in(at, *saw, order);
        }
        reader
    }

    fn take_in(&mut self, at: usize, saw: Saw, order: &Order) {
        match saw {
            Saw::Joined { .. } => self.figures.joins += 1,
            Saw::Gap => {
                self.figures.gaps += 1;
                self.gap = true;
            }
            Saw::LeftOut(count) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                self.figures.left_out += count;
                self.allowed += count;
            }
            // The page behind a gap is newest comments, some of which it may have seen before the gap.
            Saw::Past(id) => {
                if self.seen.insert(id) {
                    self.follow(at, id, order);
                }
            }
            Saw::Live(id) => {
                if self.seen.insert(id) {
                    self.follow(at, id, order);
                } else {
                    self.tell(at, Wrong::Doubled, id, "seen once more");
                }
            }
        }
    }

    fn follow(&mut self, at: usize, id: Id, order: &Order) {
        if order.held.contains(&id) {
            return;
        }
        let Some(place) = order.place.get(&id).copied() else {
            return self.tell(at, Wrong::SeenUnheard, id, "seen, and the log does not have it");
        };
        self.figures.seen += 1;
        let next = self.next.unwrap_or(0);
        if place < next {
            return self.tell(at, Wrong::OutOfOrder, id, "seen behind what the log has after it");
        }
        self.skip(at, next, place, order);
        self.next = Some(place + 1);
    }

    /// What stands in the log between two comments that were seen one after the other.
    fn skip(&mut self, at: usize, from: usize, to: usize, order: &Order) {
        let missing = to - from;
        if std::mem::take(&mut self.gap) {
            self.figures.in_gaps += missing;
            return;
        }
        let unexplained = missing.saturating_sub(self.allowed);
        self.allowed -= missing.min(self.allowed);
        for id in order.shown.iter().skip(from).take(unexplained) {
            self.tell(at, Wrong::NotSeen, *id, "not seen, and no gap was announced");
        }
    }

    /// Everybody has stopped: what comes after the last comment that it saw is missing.
    pub(crate) fn ends(&mut self, order: &Order) {
        let from = self.next.unwrap_or(0);
        self.gap = false;
        self.skip(self.sights.0.len(), from, order.shown.len(), order);
    }

    fn tell(&mut self, at: usize, wrong: Wrong, id: Id, what: &str) {
        let around = self.around(at);
        let what = format!("viewer {}: {what}; it saw: {around}", self.number);
        self.findings.push(Finding::new(wrong, self.stream.clone(), Some(id), what));
    }

    fn around(&self, at: usize) -> String {
        let from = at.saturating_sub(AROUND);
        let near = self.sights.0.iter().skip(from).take(2 * AROUND + 1);
        let told: Vec<String> =
            near.map(|(time, saw)| format!("[{}] {}", seconds(*time), word(*saw))).collect();
        if told.is_empty() { "nothing".into() } else { told.join(", ") }
    }

    /// What it saw of a comment, or of what stands around it in the log; none where it saw neither.
    pub(crate) fn tells_of(&self, id: Id, order: &Order) -> Option<String> {
        let at = self.sights.0.iter().position(|(_, saw)| *saw == Saw::Live(id) || *saw == Saw::Past(id));
        let at = at.or_else(|| {
            let before = order.place.get(&id)?.checked_sub(1)?;
            let before = *order.shown.get(before)?;
            self.sights.0.iter().position(|(_, saw)| *saw == Saw::Live(before))
        })?;
        Some(format!("viewer {} saw: {}", self.number, self.around(at)))
    }
}

fn word(saw: Saw) -> String {
    match saw {
        Saw::Joined { host } => format!("joined host {}", host + 1),
        Saw::Gap => "gap announced".into(),
        Saw::Past(id) => format!("{id} (page)"),
        Saw::Live(id) => id.to_string(),
        Saw::LeftOut(count) => format!("{count} sampled out"),
    }
}
