//! What a shard keeps of one connection: 80 bytes, and more only while there is something incomplete.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use bytes::Bytes;
use ringside_core::limits::COMMANDS_PER_MINUTE;
use ringside_core::wire::Request;

use crate::formats::FormatId;
use crate::frame::Assembler;
use crate::hub::users::NONE;

/// Names a connection of a shard for as long as it lives. Answers that come later find nobody, never the next
/// connection in the same slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// Index in the slab.
    pub(crate) index: u32,
    /// Number of the connection in its shard, modulo 2^32.
    pub(crate) generation: u32,
}

impl Key {
    /// As mio's token.
    #[must_use]
    pub(crate) fn token(self) -> mio::Token {
        mio::Token((self.generation as usize) << 32 | self.index as usize)
    }

    /// From mio's token.
    #[must_use]
    pub(crate) fn from_token(token: mio::Token) -> Self {
        let low = u32::try_from(token.0 & 0xffff_ffff).unwrap_or(NONE);
        Self { index: low, generation: u32::try_from(token.0 >> 32).unwrap_or(NONE) }
    }
}

/// Facts about a connection, each one bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Flags(u16);

impl Flags {
    /// Signed in, or joined without a token.
    pub(crate) const ADMITTED: Self = Self(1);
    /// The socket is full: waits for writability.
    pub(crate) const BLOCKED: Self = Self(1 << 1);
    /// Joined, but the answer is not sent yet: nothing of the room before it.
    pub(crate) const HELD: Self = Self(1 << 2);
    /// A close frame is sent or waits to be.
    pub(crate) const CLOSING: Self = Self(1 << 3);
    /// The client's close frame has come.
    pub(crate) const CLOSED: Self = Self(1 << 4);
    /// permessage-deflate was agreed on.
    pub(crate) const DEFLATE: Self = Self(1 << 5);
    /// A command runs.
    pub(crate) const BUSY: Self = Self(1 << 6);
    /// In the list of those whose commands wait for others' to end.
    pub(crate) const STARVED: Self = Self(1 << 7);
    /// In the list of those with bytes to read.
    pub(crate) const UNREAD: Self = Self(1 << 8);
    /// Was told that the token ends soon.
    pub(crate) const TOLD: Self = Self(1 << 9);

    /// True when any of these is set.
    #[must_use]
    pub(crate) fn any(self, flags: Self) -> bool {
        self.0 & flags.0 != 0
    }

    /// Sets or clears.
    pub(crate) fn put(&mut self, flags: Self, on: bool) {
        if on {
            self.0 |= flags.0;
        } else {
            self.0 &= !flags.0;
        }
    }

    /// Both together.
    #[must_use]
    pub(crate) const fn with(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }
}

/// Tenths of a second since the shard began.
pub(crate) type Ticks = u32;

/// Commands of the last minute, in six buckets of 10 s. Counts those of the last 50 to 60 s: it never closes on a
/// client that keeps to the limit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Budget {
    bucket: u32,
    counts: [u8; 6],
}

impl Budget {
    /// Counts a command; false when it is one too many.
    pub(crate) fn spend(&mut self, now: Ticks) -> bool {
        let bucket = now / 100;
        for passed in (self.bucket + 1..=bucket).rev().take(6) {
            if let Some(count) = self.counts.get_mut(passed as usize % 6) {
                *count = 0;
            }
        }
        self.bucket = bucket;
        if let Some(count) = self.counts.get_mut(bucket as usize % 6) {
            *count = count.saturating_add(1);
        }
        self.counts.iter().map(|count| u32::from(*count)).sum::<u32>() <= COMMANDS_PER_MINUTE
    }
}

/// What a connection has only while something is incomplete.
#[derive(Debug, Default)]
pub(crate) struct More {
    /// Input without an end yet.
    pub(crate) assembler: Option<Assembler>,
    /// What goes to this connection alone, whole frames each.
    pub(crate) queue: VecDeque<Bytes>,
    /// Bytes of the queue's first that are sent.
    pub(crate) sent: usize,
    /// Commands behind the one that runs.
    pub(crate) waiting: VecDeque<Request>,
    /// Since when the socket took nothing.
    pub(crate) blocked_since: Ticks,
    /// When the connection ends, whether the client has answered or not.
    pub(crate) close_by: Ticks,
}

impl More {
    /// Bytes that wait behind the first, which is taken however long it is: an answer with a long history, or the rest
    /// of a room's frame.
    #[must_use]
    pub(crate) fn queued(&self) -> usize {
        self.queue.iter().skip(1).map(Bytes::len).sum()
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Slot {
    /// The socket.
    pub(crate) fd: OwnedFd,
    /// See [`Key`].
    pub(crate) generation: u32,
    /// Facts.
    pub(crate) flags: Flags,
    /// The wire format.
    pub(crate) format: FormatId,
    /// The group of the room's members that share bytes with it.
    pub(crate) group: u8,
    /// The room's index in the shard, or [`NONE`].
    pub(crate) room: u32,
    /// Its place in the group.
    pub(crate) place: u32,
    /// The user's index, or [`NONE`].
    pub(crate) user: u32,
    /// Next connection of the user.
    pub(crate) next_of_user: u32,
    /// The one before.
    pub(crate) previous_of_user: u32,
    /// The next entry of the room's log.
    pub(crate) cursor: u64,
    /// When the last frame came.
    pub(crate) last_seen: Ticks,
    /// When the token ends; before sign-in, when there must be one.
    pub(crate) expires: Ticks,
    /// Commands of the last minute.
    pub(crate) budget: Budget,
    /// What is incomplete.
    pub(crate) more: Option<Box<More>>,
}

impl Slot {
    /// A connection that begins.
    #[must_use]
    pub(crate) fn new(fd: OwnedFd, generation: u32, format: FormatId, deflate: bool, now: Ticks) -> Self {
        let mut flags = Flags::default();
        flags.put(Flags::DEFLATE, deflate);
        Self {
            fd,
            generation,
            flags,
            format,
            group: 0,
            room: NONE,
            place: NONE,
            user: NONE,
            next_of_user: NONE,
            previous_of_user: NONE,
            cursor: 0,
            last_seen: now,
            expires: Ticks::MAX,
            budget: Budget::default(),
            more: None,
        }
    }

    /// What is incomplete, made if need be.
    pub(crate) fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// Lets go of it where nothing is incomplete.
    pub(crate) fn slim(&mut self) {
        let idle = self
            .more
            .as_ref()
            .is_some_and(|more| more.assembler.is_none() && more.queue.is_empty() && more.waiting.is_empty());
        if idle && !self.flags.any(Flags::BLOCKED.with(Flags::CLOSING)) {
            self.more = None;
        }
    }

    /// True where frames of its own wait.
    #[must_use]
    pub(crate) fn has_queue(&self) -> bool {
        self.more.as_ref().is_some_and(|more| !more.queue.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_stays_small() {
        assert!(size_of::<Slot>() <= 88, "{}", size_of::<Slot>());
    }

    #[test]
    fn the_sixty_first_command_of_a_minute_is_one_too_many() {
        let mut budget = Budget::default();
        assert!((0..60).all(|n| budget.spend(n)));
        assert!(!budget.spend(61));
        let mut steady = Budget::default();
        assert!((0..6_000).all(|n| steady.spend(n * 10)), "one a second is always allowed");
        let mut bursts = Budget::default();
        for minute in 0..200 {
            assert!((0..60).all(|n| bursts.spend(minute * 600 + n / 10)), "sixty at once, minute {minute}");
        }
        let mut twice = Budget::default();
        assert!((0..30).all(|_| twice.spend(0)) && (0..30).all(|_| twice.spend(450)));
        assert!(!twice.spend(460));
        assert!(twice.spend(100 * 65_536 + 470), "days later");
    }

    #[test]
    fn a_key_survives_its_way_through_the_poll() {
        let key = Key { index: 7, generation: u32::MAX };
        assert_eq!(Key::from_token(key.token()), key);
    }
}
