//! The judge: holds what posters were told and viewers saw against what the log has and what is stored.

mod recovery;
mod sight;

use std::collections::{HashMap, HashSet};

use crate::record::{Account, Ack, Id, Logged};
use crate::report::{Figures, Finding, Report, Wrong};
use sight::Reader;

/// One stream, as the log has it.
pub(crate) struct Order {
    /// Those that everyone sees, in the log's order.
    pub(crate) shown: Vec<Id>,
    /// The place of each in `shown`.
    pub(crate) place: HashMap<Id, usize>,
    /// Those that wait for a moderator: who sees them, and when, is not the viewers' business.
    pub(crate) held: HashSet<Id>,
    /// Comments that the log has more than once.
    pub(crate) repeated: usize,
}

impl Order {
    fn of(log: &[Logged]) -> Self {
        let mut order = Self { shown: Vec::new(), place: HashMap::new(), held: HashSet::new(), repeated: 0 };
        for entry in log {
            if order.place.contains_key(&entry.id) || order.held.contains(&entry.id) {
                order.repeated += 1;
            } else if entry.shown {
                order.place.insert(entry.id, order.shown.len());
                order.shown.push(entry.id);
            } else {
                order.held.insert(entry.id);
            }
        }
        order
    }

    fn has(&self, id: Id) -> bool {
        self.place.contains_key(&id) || self.held.contains(&id)
    }
}

/// Judges an account by what the log has for each stream, in its order, and by what is stored, as everyone sees it.
#[must_use]
pub fn judge(account: &Account, log: &[Vec<Logged>], stored: &[Vec<Id>]) -> Report {
    let mut findings = Vec::new();
    let mut figures = Figures::of(account);
    for why in &account.refused {
        findings.push(Finding::new(Wrong::Refused, String::new(), None, why.clone()));
    }
    for (number, stream) in account.streams.iter().enumerate() {
        let empty = Vec::new();
        let order = Order::of(log.get(number).unwrap_or(&empty));
        let acks = account.acks.get(number).map_or(&[][..], Vec::as_slice);
        let viewers: Vec<Reader> = account
            .viewers
            .iter()
            .enumerate()
            .filter(|(_, watched)| watched.stream == number)
            .map(|(viewer, watched)| Reader::of(viewer, stream, &watched.sights, &order))
            .collect();
        let of = Stream { name: stream, order: &order, viewers: &viewers };
        of.acknowledged(acks, &mut findings);
        of.stored(stored.get(number).map_or(&[][..], Vec::as_slice), &mut findings, &mut figures);
        of.said_in_order(acks, &mut findings);
        figures.logged += order.shown.len() + order.held.len();
        figures.repeated += order.repeated;
        for mut viewer in viewers {
            viewer.ends(&order);
            figures.add_viewer(&viewer.figures);
            findings.append(&mut viewer.findings);
        }
    }
    let faults = recovery::of(account, &mut findings);
    Report { findings, figures, faults }
}

struct Stream<'a> {
    name: &'a str,
    order: &'a Order,
    viewers: &'a [Reader],
}

impl Stream<'_> {
    /// What viewers saw of a comment: for whoever looks into it.
    fn around(&self, id: Id) -> String {
        let seen: Vec<String> =
            self.viewers.iter().filter_map(|viewer| viewer.tells_of(id, self.order)).collect();
        if seen.is_empty() { "no viewer saw it".into() } else { seen.join("; ") }
    }

    fn finding(&self, wrong: Wrong, id: Id, what: &str) -> Finding {
        Finding::new(wrong, self.name.to_owned(), Some(id), format!("{what}; {}", self.around(id)))
    }

    fn acknowledged(&self, acks: &[Ack], findings: &mut Vec<Finding>) {
        for ack in acks.iter().filter(|ack| !self.order.has(ack.id)) {
            let at = seconds(ack.answered);
            findings.push(self.finding(
                Wrong::Lost,
                ack.id,
                &format!("acknowledged at {at}, and the log does not have it"),
            ));
        }
    }

    fn stored(&self, stored: &[Id], findings: &mut Vec<Finding>, figures: &mut Figures) {
        let mut known = HashSet::with_capacity(stored.len());
        for id in stored {
            if !known.insert(*id) {
                findings.push(self.finding(Wrong::StoredTwice, *id, "it is in the pages twice"));
            } else if !self.order.has(*id) {
                findings.push(self.finding(Wrong::StoredUnheard, *id, "it is stored, and not in the log"));
            }
        }
        figures.stored += known.len();
        for id in self.order.shown.iter().filter(|id| !known.contains(id)) {
            findings.push(self.finding(Wrong::NotStored, *id, "it is in the log, and not in the pages"));
        }
    }

    /// Of two comments, one acknowledged before the other was said comes first.
    fn said_in_order(&self, acks: &[Ack], findings: &mut Vec<Finding>) {
        let by_id: HashMap<Id, &Ack> = acks.iter().map(|ack| (ack.id, ack)).collect();
        // Of all before, the one that was said last.
        let mut last: Option<&Ack> = None;
        for ack in self.order.shown.iter().filter_map(|id| by_id.get(id)) {
            if let Some(before) = last.filter(|before| before.said > ack.answered) {
                findings.push(self.finding(
                    Wrong::OutOfOrder,
                    ack.id,
                    &format!(
                        "acknowledged at {}, and the log has it behind {}, which was said at {}",
                        seconds(ack.answered),
                        before.id,
                        seconds(before.said)
                    ),
                ));
            }
            if last.is_none_or(|last| last.said < ack.said) {
                last = Some(ack);
            }
        }
    }
}

/// As people read it.
pub(crate) fn seconds(micros: u64) -> String {
    format!("{}.{:03} s", micros / 1_000_000, micros / 1_000 % 1_000)
}

#[cfg(test)]
mod tests;
