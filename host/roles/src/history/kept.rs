//! Answers kept in memory for a short time; requests for one that is missing wait for the one read of it.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use moka::future::Cache;
use ringside_ports::{PortError, PortResult};

use super::marks::Need;
use crate::metrics::{CacheLabel, RoleMetrics};

/// Bytes that a kept answer takes beside what is in it: its key, which names a stream, and its entry.
const ENTRY_BYTES: usize = 400;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Hit,
    Miss,
    Collapsed,
    Failed,
}

impl Outcome {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Collapsed => "collapsed",
            Self::Failed => "failed",
        }
    }
}

/// Answers of one kind.
pub(super) struct Kept<K, V> {
    name: &'static str,
    cache: Cache<K, V>,
    metrics: RoleMetrics,
}

impl<K, V> Kept<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Of at most `bytes` together, by what `weigh` says of each.
    pub(super) fn new(
        name: &'static str,
        bytes: u64,
        life: Duration,
        weigh: impl Fn(&V) -> usize + Send + Sync + 'static,
        metrics: &RoleMetrics,
    ) -> Self {
        let weigh = move |_: &K, value: &V| u32::try_from(weigh(value) + ENTRY_BYTES).unwrap_or(u32::MAX);
        let cache = Cache::builder().max_capacity(bytes).weigher(weigh).time_to_live(life).build();
        Self { name, cache, metrics: metrics.clone() }
    }

    /// The answer that is kept, if one is. Does not count.
    pub(super) async fn peek(&self, key: &K) -> Option<V> {
        self.cache.get(key).await
    }

    /// The answer that is kept or else the one that `load` gives, which is kept if it is `from` an offset that is needed.
    /// Who comes while it is being loaded waits for it; if it fails, all of them are told so; if the one who loads it
    /// goes away, the next one goes on. Only who wrote something since loads it for themselves.
    pub(super) async fn get<F>(
        &self,
        key: K,
        load: impl Fn() -> F,
        from: impl Fn(&V) -> u64,
        need: Need,
    ) -> PortResult<V>
    where
        F: Future<Output = PortResult<V>>,
    {
        let (answer, outcome) = match self.cache.get(&key).await {
            Some(known) => (Ok(known), Outcome::Hit),
            None => self.load(key.clone(), load()).await,
        };
        let (answer, outcome) = match answer {
            Ok(known) if outcome != Outcome::Miss && from(&known) < need.own => {
                let newer = load().await;
                if let Ok(newer) = &newer {
                    self.cache.insert(key.clone(), newer.clone()).await;
                }
                (newer, Outcome::Miss)
            }
            answer => (answer, outcome),
        };
        self.count(outcome);
        if outcome == Outcome::Miss
            && let Ok(value) = &answer
            && from(value) < need.taken
        {
            // It lacks what it must not lack: good enough for who waited, not for who comes later.
            self.cache.invalidate(&key).await;
        }
        answer
    }

    async fn load(&self, key: K, load: impl Future<Output = PortResult<V>>) -> (PortResult<V>, Outcome) {
        let is_mine = AtomicBool::new(false);
        let loading = async {
            is_mine.store(true, Ordering::Relaxed);
            load.await
        };
        let loaded = self.cache.entry(key).or_try_insert_with(loading).await;
        let outcome = if is_mine.into_inner() { Outcome::Miss } else { Outcome::Collapsed };
        match loaded {
            Ok(entry) => (Ok(entry.into_value()), outcome),
            Err(error) => (Err(told(error)), outcome),
        }
    }

    pub(super) fn count(&self, outcome: Outcome) {
        let label = CacheLabel { cache: self.name, tier: "memory", outcome: outcome.name() };
        self.metrics.cache_requests.get_or_create(&label).inc();
    }
}

/// An error that several are told.
fn told(error: Arc<PortError>) -> PortError {
    Arc::try_unwrap(error).unwrap_or_else(|error| {
        let told = PortError::new(error.kind, error.operation, error.detail.clone());
        PortError { retry_after: error.retry_after, ..told.because(error.to_string()) }
    })
}
