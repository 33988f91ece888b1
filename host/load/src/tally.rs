//! Counts by reason. Reasons come from a host, so their number has a bound.

use std::collections::BTreeMap;

use serde::Serialize;

/// Most reasons counted apart; what comes after them is counted as [`OTHER`]. A component that writes a number into
/// each reason must not fill the memory, and nobody reads more.
const REASONS_MAX: usize = 1_000;
/// The reason of what did not get one of its own.
const OTHER: &str = "other reasons";

/// How often each reason was given.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    counts: BTreeMap<String, u64>,
}

/// A reason and how often it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// As the host or the system said it.
    pub reason: String,
    /// How often.
    pub count: u64,
}

impl Tally {
    /// Counts one.
    pub(crate) fn add(&mut self, reason: &str) {
        if let Some(count) = self.counts.get_mut(reason) {
            *count += 1;
        } else {
            let reason = if self.counts.len() < REASONS_MAX { reason } else { OTHER };
            *self.counts.entry(reason.to_owned()).or_default() += 1;
        }
    }

    /// All together.
    pub(crate) fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The most frequent, most frequent first.
    pub(crate) fn top(&self, most: usize) -> Vec<Reason> {
        let mut reasons: Vec<Reason> = self
            .counts
            .iter()
            .map(|(reason, count)| Reason { reason: reason.clone(), count: *count })
            .collect();
        // Stable: reasons given equally often stay in alphabetical order.
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
        reasons.truncate(most);
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_reasons_come_first() {
        let mut tally = Tally::default();
        for reason in ["b", "a", "c", "c", "a", "c"] {
            tally.add(reason);
        }
        let top: Vec<(String, u64)> = tally.top(2).into_iter().map(|one| (one.reason, one.count)).collect();
        assert_eq!(top, [("c".to_owned(), 3), ("a".to_owned(), 2)]);
        assert_eq!(tally.total(), 6);
    }

    #[test]
    fn reasons_that_never_repeat_do_not_fill_the_memory() {
        let mut tally = Tally::default();
        (0..10_000).for_each(|n| tally.add(&format!("reason {n}")));
        assert_eq!(tally.total(), 10_000);
        assert_eq!(tally.top(usize::MAX).len(), REASONS_MAX + 1);
        assert_eq!(tally.top(1), [Reason { reason: OTHER.into(), count: 9_000 }]);
    }
}
