//! Shared counters: what users did lately, over all hosts, for limits and for components.

use async_trait::async_trait;

use crate::error::PortResult;

/// One thing that happened, to be counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// What is counted, such as `comment/STREAM/USER`.
    pub key: String,
    /// How long it counts, in milliseconds, 1 to 21,600,000 (the longest slow mode).
    pub window_ms: u32,
}

/// What was counted before a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// Hits within the window, the new one not counted; at most [`HITS_MAX`] are kept.
    pub count: u32,
    /// Age of the oldest of them in milliseconds; 0 where there is none.
    pub oldest_age_ms: u32,
    /// Age of the newest of them; none where there is none.
    pub newest_age_ms: Option<u32>,
}

/// Most hits remembered for a key; counts end there. No limit that a component would set is higher.
pub const HITS_MAX: usize = 128;

/// Sliding windows of hits by key.
#[async_trait]
pub trait Counters: Send + Sync {
    /// Counts hits at `now_ms` and returns what each key had before, in order; a key that comes twice sees its
    /// first hit. Atomic for a key. Callers' clocks may differ by some hundred milliseconds: a hit that lies ahead of
    /// the caller has age 0.
    ///
    /// # Errors
    /// `Unavailable`: the caller goes on with local counters.
    async fn hit(&self, now_ms: u64, hits: &[Hit]) -> PortResult<Vec<Window>>;

    /// Takes back the newest hit of each key: what was refused does not count.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn take_back(&self, keys: &[String]) -> PortResult<()>;
}
