//! Counters within one process: sliding windows by key, in bounded memory.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ringside_ports::counters::{HITS_MAX, Hit, Window};
use ringside_ports::error::PortResult;

/// Parts with a lock each.
const SHARDS: usize = 64;
/// Keys of one part: two million in all, about 200 MB at worst, a minute of 10,000 comments/s with three keys each.
/// Past it, those whose window has passed go, and if too few have, some others too, whose limits lapse once.
const KEYS_MAX: usize = 32_768;
/// A full part goes down to this, so that it is gone through once in thousands of new keys and not with each.
const KEYS_KEPT: usize = KEYS_MAX / 8 * 7;

struct Entry {
    window_ms: u32,
    /// Times of hits, ascending.
    hits: VecDeque<u64>,
}

/// Keys are kept as 128 bits of hash: texts of users are not, and two keys meet once in 10²⁶ pairs.
#[derive(Default)]
struct Shard(HashMap<u128, Entry>);

/// Windows of this process.
pub(crate) struct LocalCounters {
    shards: Vec<Mutex<Shard>>,
    hashers: [RandomState; 2],
}

impl Default for LocalCounters {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hashers: [RandomState::new(), RandomState::new()],
        }
    }
}

impl LocalCounters {
    fn key(&self, key: &str) -> u128 {
        let [high, low] = &self.hashers;
        (u128::from(high.hash_one(key)) << 64) | u128::from(low.hash_one(key))
    }

    fn shard(&self, key: u128) -> Option<MutexGuard<'_, Shard>> {
        let index = usize::try_from(key % SHARDS as u128).ok()?;
        Some(self.shards.get(index)?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn age(now_ms: u64, at_ms: u64) -> u32 {
    u32::try_from(now_ms.saturating_sub(at_ms)).unwrap_or(u32::MAX)
}

impl Shard {
    fn make_room(&mut self, now_ms: u64) {
        self.0.retain(|_, entry| entry.hits.back().is_some_and(|at| age(now_ms, *at) < entry.window_ms));
        let mut surplus = self.0.len().saturating_sub(KEYS_KEPT);
        if surplus > 0 {
            tracing::warn!(keys = KEYS_MAX, surplus, "too many counters at once, some begin anew");
            self.0.retain(|_, _| {
                let is_kept = surplus == 0;
                surplus = surplus.saturating_sub(1);
                is_kept
            });
        }
    }

    fn hit(&mut self, key: u128, window_ms: u32, now_ms: u64) -> Window {
        if self.0.len() >= KEYS_MAX && !self.0.contains_key(&key) {
            self.make_room(now_ms);
        }
        let entry = self.0.entry(key).or_insert_with(|| Entry { window_ms, hits: VecDeque::new() });
        entry.window_ms = window_ms;
        while entry.hits.front().is_some_and(|at| age(now_ms, *at) >= window_ms) {
            entry.hits.pop_front();
        }
        let window = Window {
            count: u32::try_from(entry.hits.len()).unwrap_or(u32::MAX),
            oldest_age_ms: entry.hits.front().map_or(0, |at| age(now_ms, *at)),
            newest_age_ms: entry.hits.back().map(|at| age(now_ms, *at)),
        };
        if entry.hits.len() == HITS_MAX {
            entry.hits.pop_front();
        }
        entry.hits.push_back(now_ms);
        window
    }

    fn take_back(&mut self, key: u128) {
        if let Some(entry) = self.0.get_mut(&key) {
            entry.hits.pop_back();
            if entry.hits.is_empty() {
                self.0.remove(&key);
            }
        }
    }
}

#[async_trait]
impl ringside_ports::Counters for LocalCounters {
    async fn hit(&self, now_ms: u64, hits: &[Hit]) -> PortResult<Vec<Window>> {
        let hit = |hit: &Hit| {
            let key = self.key(&hit.key);
            self.shard(key).map_or_else(Window::default, |mut shard| shard.hit(key, hit.window_ms, now_ms))
        };
        Ok(hits.iter().map(hit).collect())
    }

    async fn take_back(&self, keys: &[String]) -> PortResult<()> {
        for key in keys {
            let key = self.key(key);
            if let Some(mut shard) = self.shard(key) {
                shard.take_back(key);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_part_loses_what_passed_first_and_never_grows() {
        let mut shard = Shard::default();
        for key in 0..KEYS_MAX as u128 {
            shard.hit(key, if key < 30_000 { 1_000 } else { 100_000 }, 0);
        }
        shard.hit(u128::MAX, 1_000, 5_000);
        assert_eq!(shard.0.len(), KEYS_MAX - 30_000 + 1, "those of the longer window stay");
        for key in 0..200_000 {
            shard.hit(1 << 64 | key, 1_000_000, 5_000);
            assert!(shard.0.len() <= KEYS_MAX);
        }
        assert!(shard.0.len() >= KEYS_KEPT);
    }
}
