//! From which offset of the log on an answer is good enough: for everyone who reads a stream, and for who wrote on it.

use std::time::Duration;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use ringside_core::{StreamId, UserId};

/// Streams whose changes are remembered, the longest unused forgotten first: more than a host has rooms. Of a forgotten
/// one what changed shows when what is in memory has lived its time.
const STREAMS_MAX: u64 = 20_000;
/// Users whose writes are remembered: 10,000 writes a second for [`WROTE_LIFE`].
const USERS_MAX: u64 = 50_000;
/// A user's write is remembered this long: the store has it long before, or is so far behind that a read of it says
/// nothing of the last second either.
const WROTE_LIFE: Duration = Duration::from_secs(5);

/// What an answer must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Need {
    /// Grows with each change; what was kept before is not looked at any more.
    pub(super) epoch: u64,
    /// What is below this offset and lacks in an answer was taken away from what is shown: it is not kept.
    pub(super) taken: u64,
    /// What is below this offset the reader did, and is to find.
    pub(super) own: u64,
}

pub(super) struct Marks {
    streams: Cache<StreamId, Need>,
    users: Cache<(StreamId, UserId), u64>,
}

impl Marks {
    pub(super) fn new() -> Self {
        let streams =
            Cache::builder().max_capacity(STREAMS_MAX).eviction_policy(EvictionPolicy::lru()).build();
        let users = Cache::builder()
            .max_capacity(USERS_MAX)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_live(WROTE_LIFE)
            .build();
        Self { streams, users }
    }

    pub(super) fn wrote(&self, stream: &StreamId, user: &UserId, next: u64) {
        self.users.insert((stream.clone(), user.clone()), next);
    }

    pub(super) fn changed(&self, stream: &StreamId, next: u64) {
        self.streams.entry_by_ref(stream).and_upsert_with(|known| {
            let known = known.map(moka::Entry::into_value).unwrap_or_default();
            Need { epoch: known.epoch + 1, taken: known.taken.max(next), own: 0 }
        });
    }

    pub(super) fn need(&self, stream: &StreamId, user: Option<&UserId>) -> Need {
        let of_all = self.streams.get(stream).unwrap_or_default();
        let own = user.and_then(|user| self.users.get(&(stream.clone(), user.clone())));
        Need { own: own.unwrap_or(0), ..of_all }
    }
}
