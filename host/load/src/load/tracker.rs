//! Follows each comment of a stream from its sending to the screens of the viewers who read: how long it took, who
//! never saw it, who saw it twice.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ringside_core::CommentId;

use crate::latency::Latency;

/// Comments that are followed at once on a stream. At 20,000 a second and 10 s of grace a fifth is used.
const FOLLOWED_MAX: usize = 1 << 20;
/// Newest comments that can be liked.
const LIKEABLE_MAX: usize = 256;

/// What became of comments at the viewers who read, over all streams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Losses {
    /// Acknowledged comments that a viewer did not see within the grace, and that sampling did not leave out.
    pub(super) lost: u64,
    /// Comments that a viewer was shown more than once.
    pub(super) duplicates: u64,
    /// Comments that sampling left out, as hosts say in their batches.
    pub(super) left_out: u64,
    /// Comments that came after the grace, and were counted as lost before.
    pub(super) late: u64,
}

/// A comment that is on its way.
#[derive(Debug)]
struct Followed {
    sent: Instant,
    /// It was acknowledged as shown.
    acknowledged: bool,
    /// It will not be shown: held, rejected, or never sent.
    ended: bool,
    /// Viewers who should see it.
    expected: u64,
    /// Viewers who saw it.
    seen: u64,
}

impl Followed {
    /// Viewers who should see it and have not.
    fn missing(&self) -> u64 {
        self.expected & !self.seen
    }
}

/// One viewer's account.
#[derive(Debug, Default, Clone, Copy)]
struct Account {
    missing: u64,
    left_out: u64,
}

/// One stream.
#[derive(Debug)]
pub(super) struct Tracker {
    grace: Duration,
    /// Number of the first of `followed`.
    first: u64,
    followed: VecDeque<Followed>,
    /// Viewers who read, as bits.
    watching: u64,
    accounts: [Account; 64],
    duplicates: u64,
    late: u64,
    likeable: VecDeque<CommentId>,
}

impl Tracker {
    pub(super) fn new(grace: Duration) -> Self {
        Self {
            grace,
            first: 0,
            followed: VecDeque::new(),
            watching: 0,
            accounts: [Account::default(); 64],
            duplicates: 0,
            late: 0,
            likeable: VecDeque::new(),
        }
    }

    /// A viewer reads from now on.
    pub(super) fn watch(&mut self, viewer: u32) {
        self.watching |= bit(viewer);
    }

    /// A viewer is gone: what it has not seen is not lost.
    pub(super) fn unwatch(&mut self, viewer: u32) {
        self.watching &= !bit(viewer);
        let watching = self.watching;
        // What it has seen stays: it could be shown twice only while it was there.
        self.followed.iter_mut().for_each(|followed| followed.expected &= watching | followed.seen);
    }

    /// Begins to follow a comment, and gives its number; none while too many are on their way.
    pub(super) fn begin(&mut self, now: Instant) -> Option<u64> {
        self.settle(now);
        if self.followed.len() >= FOLLOWED_MAX {
            return None;
        }
        let expected = self.watching;
        self.followed.push_back(Followed { sent: now, acknowledged: false, ended: false, expected, seen: 0 });
        Some(self.first + self.followed.len() as u64 - 1)
    }

    /// The comment is stored and will be shown.
    pub(super) fn acknowledged(&mut self, number: u64) {
        if let Some(followed) = self.get(number) {
            followed.acknowledged = true;
        }
    }

    /// The comment will not be shown.
    pub(super) fn ended(&mut self, number: u64) {
        if let Some(followed) = self.get(number) {
            followed.ended = true;
        }
    }

    /// A viewer saw a comment of this run.
    pub(super) fn seen(&mut self, viewer: u32, number: u64, now: Instant, latency: &mut Latency) {
        let viewer = bit(viewer);
        let Some(followed) = self.get(number) else {
            self.late += 1;
            return;
        };
        if followed.seen & viewer == 0 {
            followed.seen |= viewer;
            latency.record(now.saturating_duration_since(followed.sent));
        } else {
            self.duplicates += 1;
        }
    }

    /// A viewer was told that sampling left comments out.
    pub(super) fn left_out(&mut self, viewer: u32, count: u64) {
        if let Some(account) = self.accounts.get_mut(viewer as usize) {
            account.left_out += count;
        }
    }

    /// A comment that can be liked.
    pub(super) fn likeable(&mut self, comment: CommentId) {
        if self.likeable.len() == LIKEABLE_MAX {
            self.likeable.pop_front();
        }
        self.likeable.push_back(comment);
    }

    /// One of the newest comments.
    pub(super) fn any_likeable(&self, random: &mut fastrand::Rng) -> Option<CommentId> {
        random.choice(self.likeable.iter()).copied()
    }

    /// Closes the accounts of comments that are old enough, or that nobody waits for any more.
    pub(super) fn settle(&mut self, now: Instant) {
        while let Some(followed) = self.followed.front() {
            if now.saturating_duration_since(followed.sent) < self.grace {
                // Seen by all or not: a comment that is shown twice is recognised for as long as the grace.
                return;
            }
            if followed.acknowledged {
                let missing = followed.missing();
                for (viewer, account) in self.accounts.iter_mut().enumerate() {
                    account.missing += missing >> viewer & 1;
                }
            }
            self.followed.pop_front();
            self.first += 1;
        }
    }

    /// Whether somebody may still see or acknowledge something before its grace ends.
    pub(super) fn is_waiting(&self) -> bool {
        self.followed.iter().any(|one| !one.ended && (!one.acknowledged || one.missing() != 0))
    }

    /// What was lost so far. What is still on its way is not.
    pub(super) fn losses(&self) -> Losses {
        let mut losses = Losses { duplicates: self.duplicates, late: self.late, ..Losses::default() };
        for account in &self.accounts {
            // A host may leave out comments of others as well, so this never counts too much as lost.
            losses.lost += account.missing.saturating_sub(account.left_out);
            losses.left_out += account.left_out;
        }
        losses
    }

    fn get(&mut self, number: u64) -> Option<&mut Followed> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.followed.get_mut(index)
    }
}

/// Viewers beyond the 64th have no bit; a plan has none.
fn bit(viewer: u32) -> u64 {
    1_u64.checked_shl(viewer).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(5);

    struct Run {
        tracker: Tracker,
        latency: Latency,
        start: Instant,
    }

    impl Run {
        /// With so many viewers who read.
        fn new(viewers: u32) -> Self {
            let mut tracker = Tracker::new(GRACE);
            (0..viewers).for_each(|viewer| tracker.watch(viewer));
            Self { tracker, latency: Latency::new(), start: Instant::now() }
        }

        fn at(&self, ms: u64) -> Instant {
            self.start + Duration::from_millis(ms)
        }

        fn send(&mut self, ms: u64) -> u64 {
            let number = self.tracker.begin(self.at(ms)).unwrap();
            self.tracker.acknowledged(number);
            number
        }

        fn see(&mut self, viewer: u32, number: u64, ms: u64) {
            let now = self.at(ms);
            self.tracker.seen(viewer, number, now, &mut self.latency);
        }

        fn losses(&mut self, ms: u64) -> Losses {
            self.tracker.settle(self.at(ms));
            self.tracker.losses()
        }
    }

    #[test]
    fn a_comment_that_all_saw_is_measured_and_none_is_lost() {
        let mut run = Run::new(2);
        let number = run.send(0);
        assert!(run.tracker.is_waiting());
        run.see(0, number, 20);
        run.see(1, number, 40);
        assert!(!run.tracker.is_waiting());
        assert_eq!(run.losses(60_000), Losses::default());
        let seen = run.latency.percentiles();
        assert_eq!((seen.count, seen.max_ms.round() as u64), (2, 40));
    }

    #[test]
    fn who_did_not_see_an_acknowledged_comment_in_time_lost_it() {
        let mut run = Run::new(3);
        let number = run.send(0);
        run.see(1, number, 20);
        assert_eq!(run.losses(4_999).lost, 0, "there is still time");
        assert_eq!(run.losses(5_000).lost, 2);
        run.see(0, number, 6_000);
        assert_eq!(run.losses(6_000), Losses { lost: 2, late: 1, ..Losses::default() });
    }

    #[test]
    fn what_was_not_acknowledged_or_will_not_be_shown_cannot_be_lost() {
        let mut run = Run::new(1);
        let unanswered = run.tracker.begin(run.at(0)).unwrap();
        let rejected = run.tracker.begin(run.at(0)).unwrap();
        run.tracker.ended(rejected);
        assert_ne!(unanswered, rejected);
        assert_eq!(run.losses(10_000), Losses::default());
    }

    #[test]
    fn a_comment_that_is_shown_twice_is_a_duplicate_for_that_viewer_only() {
        let mut run = Run::new(2);
        let number = run.send(0);
        for viewer in [0, 1, 0] {
            run.see(viewer, number, 10);
        }
        assert_eq!(run.losses(10_000), Losses { duplicates: 1, ..Losses::default() });
        assert_eq!(run.latency.percentiles().count, 2);
    }

    #[test]
    fn what_sampling_left_out_is_not_lost() {
        let mut run = Run::new(2);
        for _ in 0..10 {
            let number = run.send(0);
            run.see(0, number, 10);
        }
        run.tracker.left_out(1, 7);
        run.tracker.left_out(0, 2);
        assert_eq!(run.losses(10_000), Losses { lost: 3, left_out: 9, ..Losses::default() });
    }

    #[test]
    fn a_viewer_who_left_or_came_later_misses_nothing() {
        let mut run = Run::new(1);
        let before = run.send(0);
        run.tracker.watch(1);
        let after = run.send(10);
        run.see(0, before, 20);
        run.see(1, before, 20);
        run.see(1, after, 20);
        run.tracker.unwatch(0);
        assert!(!run.tracker.is_waiting());
        assert_eq!(run.losses(10_000), Losses::default());
    }

    #[test]
    fn memory_has_a_bound_when_nothing_is_answered() {
        let mut run = Run::new(1);
        let now = run.at(0);
        for _ in 0..FOLLOWED_MAX {
            assert!(run.tracker.begin(now).is_some());
        }
        assert_eq!(run.tracker.begin(now), None);
        assert_eq!(
            run.tracker.begin(run.at(5_000)),
            Some(FOLLOWED_MAX as u64),
            "after the grace there is room again"
        );
    }
}
