//! How often a component broke lately and what that cost, and whether it is left out for it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::limits;

/// One component's incidents: batches it broke.
#[derive(Debug, Default)]
pub(crate) struct Health {
    state: Mutex<State>,
    /// Beside the lock, since every batch asks.
    suspended: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// When, and the time lost; at most [`limits::INCIDENTS_KEPT`].
    incidents: VecDeque<(Instant, Duration)>,
    until: Option<Instant>,
}

/// What happened within [`limits::INCIDENT_WINDOW`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lately {
    /// Batches that the component broke, this one counted.
    pub(crate) incidents: usize,
    /// Time that workers lost on them.
    pub(crate) lost: Duration,
}

impl Health {
    /// Notes a broken batch and the time lost on it.
    pub(crate) fn incident(&self, now: Instant, lost: Duration) -> Lately {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let incidents = &mut state.incidents;
        incidents.push_back((now, lost));
        while incidents.len() > limits::INCIDENTS_KEPT
            || incidents.front().is_some_and(|(at, _)| now.duration_since(*at) > limits::INCIDENT_WINDOW)
        {
            incidents.pop_front();
        }
        Lately { incidents: incidents.len(), lost: incidents.iter().map(|(_, lost)| *lost).sum() }
    }

    /// Leaves the component out for [`limits::SUSPENSION`] and begins to count anew.
    pub(crate) fn suspend(&self, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.until = Some(now + limits::SUSPENSION);
        state.incidents.clear();
        self.suspended.store(true, Ordering::Release);
    }

    /// True while the component is left out.
    pub(crate) fn is_suspended(&self, now: Instant) -> bool {
        if !self.suspended.load(Ordering::Acquire) {
            return false;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = state.until.is_some_and(|until| now < until);
        if !holds {
            state.until = None;
            self.suspended.store(false, Ordering::Release);
        }
        holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_incidents_within_the_window_add_up_and_no_more_than_some_are_kept() {
        let (health, lost) = (Health::default(), Duration::from_millis(100));
        let begin = Instant::now();
        let step = limits::INCIDENT_WINDOW / 4;
        let seen: Vec<usize> = (0..8).map(|i| health.incident(begin + step * i, lost).incidents).collect();
        assert_eq!(seen, [1, 2, 3, 4, 5, 5, 5, 5]);
        assert_eq!(health.incident(begin + step * 8, lost).lost, lost * 5);
        let later = begin + step * 100;
        let last = (0..2_000).map(|_| health.incident(later, lost).incidents).last();
        assert_eq!(last, Some(limits::INCIDENTS_KEPT));
    }

    #[test]
    fn a_suspension_ends_by_itself() {
        let health = Health::default();
        let begin = Instant::now();
        assert!(!health.is_suspended(begin));
        health.suspend(begin);
        assert!(health.is_suspended(begin + limits::SUSPENSION / 2));
        assert!(!health.is_suspended(begin + limits::SUSPENSION));
        assert!(!health.is_suspended(begin));
    }
}
