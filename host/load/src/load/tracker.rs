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

/// How long comments took to viewers.
#[derive(Debug)]
pub(super) struct SeenLatency {
    /// From their sending.
    pub(super) since_sent: Latency,
    /// From the reply to their sender; nothing where they were seen before it.
    pub(super) since_reply: Latency,
}

impl SeenLatency {
    pub(super) fn new() -> Self {
        Self { since_sent: Latency::new(), since_reply: Latency::new() }
    }
}

/// A comment that is on its way.
#[derive(Debug)]
struct Followed {
    sent: Instant,
    /// When it was acknowledged as shown.
    acknowledged: Option<Instant>,
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
        self.followed.push_back(Followed { sent: now, acknowledged: None, ended: false, expected, seen: 0 });
        Some(self.first + self.followed.len() as u64 - 1)
    }

    /// The comment is stored and will be shown.
    pub(super) fn acknowledged(&mut self, number: u64, now: Instant) {
        if let Some(followed) = self.get(number) {
            followed.acknowledged = Some(now);
        }
    }

    /// The comment will not be shown.
    pub(super) fn ended(&mut self, number: u64) {
        if let Some(followed) = self.get(number) {
            followed.ended = true;
        }
    }

    /// A viewer saw a comment of this run.
    pub(super) fn seen(&mut self, viewer: u32, number: u64, now: Instant, latency: &mut SeenLatency) {
        let viewer = bit(viewer);
        let Some(followed) = self.get(number) else {
            self.late += 1;
            return;
        };
        if followed.seen & viewer == 0 {
            followed.seen |= viewer;
            latency.since_sent.record(now.saturating_duration_since(followed.sent));
            let replied = followed.acknowledged.unwrap_or(now);
            latency.since_reply.record(now.saturating_duration_since(replied));
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
            if followed.acknowledged.is_some() {
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
        self.followed.iter().any(|one| !one.ended && (one.acknowledged.is_none() || one.missing() != 0))
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
mod tests;
