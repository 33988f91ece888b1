//! What the tasks of a run share: counts, latencies, trackers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::report::CommandReport;
use super::tracker::{Losses, SeenLatency, Tracker};
use crate::latency::Latency;
use crate::socket::{Gone, Meter};
use crate::tally::Tally;

/// Reasons that are reported.
const REASONS_SHOWN: usize = 20;

/// What a sender is told to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Comment,
    Reaction,
    Emoji,
}

/// Commands of one kind.
#[derive(Debug)]
pub(super) struct Commands {
    pub(super) sent: u64,
    /// Accepted, for comments; done, for the others.
    pub(super) done: u64,
    pub(super) held: u64,
    pub(super) rate_limited: u64,
    pub(super) rejected: Tally,
    pub(super) failed: Tally,
    /// Due and not sent, and why.
    pub(super) skipped: Tally,
    /// From sending to the reply.
    pub(super) acknowledged: Latency,
    /// How late they were sent.
    pub(super) behind: Latency,
}

impl Commands {
    fn new() -> Self {
        Self {
            sent: 0,
            done: 0,
            held: 0,
            rate_limited: 0,
            rejected: Tally::default(),
            failed: Tally::default(),
            skipped: Tally::default(),
            acknowledged: Latency::new(),
            behind: Latency::new(),
        }
    }

    fn unanswered(&self) -> u64 {
        let answered =
            self.done + self.held + self.rate_limited + self.rejected.total() + self.failed.total();
        self.sent.saturating_sub(answered)
    }

    pub(super) fn report(&self, seconds: f64) -> CommandReport {
        #[allow(clippy::cast_precision_loss, reason = "a rate to show")]
        let sent_per_second = if seconds > 0.0 { self.sent as f64 / seconds } else { 0.0 };
        CommandReport {
            sent: self.sent,
            sent_per_second,
            done: self.done,
            held: self.held,
            rejected: self.rejected.total(),
            rejected_reasons: self.rejected.top(REASONS_SHOWN),
            rate_limited: self.rate_limited,
            failed: self.failed.total(),
            failed_reasons: self.failed.top(REASONS_SHOWN),
            unanswered: self.unanswered(),
            skipped: self.skipped.total(),
            skipped_reasons: self.skipped.top(REASONS_SHOWN),
            acknowledged: self.acknowledged.percentiles(),
            behind: self.behind.percentiles(),
        }
    }
}

/// Everything that is counted.
#[derive(Debug)]
pub(super) struct Stats {
    /// Number of the run in the marks of its comments.
    pub(super) run: u32,
    comments: Mutex<Commands>,
    reactions: Mutex<Commands>,
    emoji: Mutex<Commands>,
    trackers: Vec<Mutex<Tracker>>,
    /// Until comments reached viewers' screens.
    pub(super) seen: Mutex<SeenLatency>,
    /// Of viewers.
    pub(super) viewers: Arc<Meter>,
    /// Of senders.
    pub(super) senders: Arc<Meter>,
    /// Viewers that are connected.
    pub(super) viewers_live: AtomicU64,
    /// Senders that are connected.
    pub(super) senders_live: AtomicU64,
    /// Tries to connect that failed and were followed by another one, and why.
    pub(super) retried: Mutex<Tally>,
    /// Connections that ended during the run, and why.
    pub(super) dropped: Mutex<Tally>,
}

/// A task that panicked must not take the figures of the others with it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stats {
    pub(super) fn new(streams: usize, grace: Duration) -> Self {
        let commands = || Mutex::new(Commands::new());
        Self {
            run: fastrand::u32(1_000..1_000_000),
            comments: commands(),
            reactions: commands(),
            emoji: commands(),
            trackers: (0..streams).map(|_| Mutex::new(Tracker::new(grace))).collect(),
            seen: Mutex::new(SeenLatency::new()),
            viewers: Arc::default(),
            senders: Arc::default(),
            viewers_live: AtomicU64::new(0),
            senders_live: AtomicU64::new(0),
            retried: Mutex::default(),
            dropped: Mutex::default(),
        }
    }

    pub(super) fn commands(&self, kind: Kind) -> MutexGuard<'_, Commands> {
        lock(match kind {
            Kind::Comment => &self.comments,
            Kind::Reaction => &self.reactions,
            Kind::Emoji => &self.emoji,
        })
    }

    /// Does something with the tracker of a stream of the plan.
    pub(super) fn tracked<R: Default>(&self, stream: usize, then: impl FnOnce(&mut Tracker) -> R) -> R {
        self.trackers.get(stream).map(|tracker| then(&mut lock(tracker))).unwrap_or_default()
    }

    /// A connection has ended by itself.
    pub(super) fn dropped(&self, live: &AtomicU64, gone: &Gone) {
        live.fetch_sub(1, Ordering::Relaxed);
        lock(&self.dropped).add(&gone.to_string());
    }

    pub(super) fn losses(&self, now: Instant) -> Losses {
        self.trackers.iter().fold(Losses::default(), |all, tracker| {
            let mut tracker = lock(tracker);
            tracker.settle(now);
            let losses = tracker.losses();
            Losses {
                lost: all.lost + losses.lost,
                duplicates: all.duplicates + losses.duplicates,
                left_out: all.left_out + losses.left_out,
                late: all.late + losses.late,
            }
        })
    }

    /// Whether a reply or a comment may still come.
    pub(super) fn is_waiting(&self) -> bool {
        [Kind::Comment, Kind::Reaction, Kind::Emoji]
            .into_iter()
            .any(|kind| self.commands(kind).unanswered() > 0)
            || self.trackers.iter().any(|tracker| lock(tracker).is_waiting())
    }
}
