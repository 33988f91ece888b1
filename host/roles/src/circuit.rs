//! A circuit around a backend that is only read: while it is away, callers are told so at once instead of each waiting for
//! its time to run out.
//!
//! The writer does not go through it: it has nothing better to do than to wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ringside_core::event::Totals;
use ringside_core::{Comment, CommentId, Event, Reaction, Reference, StreamId, UserId};
use ringside_ports::catalog::StreamEntry;
use ringside_ports::error::{PortError, PortErrorKind};
use ringside_ports::store::{Applied, Page, PageQuery, StoredComment};
use ringside_ports::{Catalog, PortResult, Recent, Store};
use tracing::{info, warn};

use crate::clock::Clock;

/// Calls in a row that find the backend away before the circuit opens: one may have met a connection that broke.
const FAILURES: u32 = 3;
/// How long callers are turned away before one of them asks again. Short, since that one waits for them all.
const TURNED_AWAY_MS: u64 = 2_000;

/// Open while a backend is away.
struct Circuit {
    name: &'static str,
    clock: Clock,
    failures: AtomicU32,
    /// When the next caller may ask; 0 while it is closed.
    again_at_ms: AtomicU64,
}

impl Circuit {
    fn new(name: &'static str, clock: Clock) -> Self {
        Self { name, clock, failures: AtomicU32::new(0), again_at_ms: AtomicU64::new(0) }
    }

    async fn call<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = PortResult<T>> + Send,
    ) -> PortResult<T> {
        let again_at_ms = self.again_at_ms.load(Ordering::Acquire);
        if again_at_ms > 0 {
            let now_ms = self.clock.now_ms();
            // Who moves the time on asks; all others are turned away until then.
            let asks = now_ms >= again_at_ms
                && self
                    .again_at_ms
                    .compare_exchange(
                        again_at_ms,
                        now_ms + TURNED_AWAY_MS,
                        Ordering::AcqRel,
                        Ordering::Acquire,
                    )
                    .is_ok();
            if !asks {
                let wait = Duration::from_millis(again_at_ms.saturating_sub(now_ms).max(1));
                let detail =
                    format!("the {} is away; it is asked again in {} ms", self.name, wait.as_millis());
                return Err(PortError::new(PortErrorKind::Unavailable, operation, detail).after(wait));
            }
        }
        let answer = call.await;
        if matches!(&answer, Err(error) if error.kind == PortErrorKind::Unavailable) {
            if self.failures.fetch_add(1, Ordering::AcqRel) + 1 == FAILURES {
                warn!(backend = self.name, "it is away: readers are turned away until it is back");
            }
            if self.failures.load(Ordering::Acquire) >= FAILURES {
                self.again_at_ms.store(self.clock.now_ms() + TURNED_AWAY_MS, Ordering::Release);
            }
        } else if self.failures.swap(0, Ordering::AcqRel) >= FAILURES {
            self.again_at_ms.store(0, Ordering::Release);
            info!(backend = self.name, "it is back");
        }
        answer
    }
}

/// A store whose readers are turned away while it is away.
pub struct GuardedStore {
    store: Arc<dyn Store>,
    circuit: Circuit,
}

impl GuardedStore {
    /// Around a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        Self { store, circuit: Circuit::new("store", clock) }
    }
}

#[async_trait]
impl Store for GuardedStore {
    async fn apply(&self, partition: u32, events: &[(u64, Event)], next: u64) -> PortResult<Applied> {
        self.store.apply(partition, events, next).await
    }

    async fn checkpoint(&self, partition: u32) -> PortResult<u64> {
        self.circuit.call("store.checkpoint", self.store.checkpoint(partition)).await
    }

    async fn page(&self, query: PageQuery) -> PortResult<Page> {
        self.circuit.call("store.page", self.store.page(query)).await
    }

    async fn comment(&self, stream: &StreamId, id: CommentId) -> PortResult<Option<StoredComment>> {
        self.circuit.call("store.comment", self.store.comment(stream, id)).await
    }

    async fn by_reference(
        &self,
        stream: &StreamId,
        user: &UserId,
        reference: &Reference,
    ) -> PortResult<Option<Comment>> {
        self.circuit.call("store.by_reference", self.store.by_reference(stream, user, reference)).await
    }

    async fn reactions_of(
        &self,
        stream: &StreamId,
        user: &UserId,
        comments: &[CommentId],
    ) -> PortResult<Vec<(CommentId, Reaction)>> {
        self.circuit.call("store.reactions_of", self.store.reactions_of(stream, user, comments)).await
    }

    async fn emoji(&self, stream: &StreamId) -> PortResult<Vec<(String, u64)>> {
        self.circuit.call("store.emoji", self.store.emoji(stream)).await
    }

    async fn pinned(&self, stream: &StreamId) -> PortResult<Option<StoredComment>> {
        self.circuit.call("store.pinned", self.store.pinned(stream)).await
    }

    async fn popular(&self, stream: &StreamId, size: u32) -> PortResult<Vec<StoredComment>> {
        self.circuit.call("store.popular", self.store.popular(stream, size)).await
    }

    async fn recount(&self, stream: &StreamId, comment: CommentId) -> PortResult<Option<Totals>> {
        self.store.recount(stream, comment).await
    }
}

/// A catalog whose readers are turned away while it is away. Changes are tried all the same.
pub struct GuardedCatalog {
    catalog: Arc<dyn Catalog>,
    circuit: Circuit,
}

impl GuardedCatalog {
    /// Around a catalog.
    #[must_use]
    pub fn new(catalog: Arc<dyn Catalog>, clock: Clock) -> Self {
        Self { catalog, circuit: Circuit::new("catalog", clock) }
    }
}

#[async_trait]
impl Catalog for GuardedCatalog {
    async fn stream(&self, id: &StreamId) -> PortResult<Option<StreamEntry>> {
        self.circuit.call("catalog.stream", self.catalog.stream(id)).await
    }

    async fn create(&self, entry: StreamEntry) -> PortResult<()> {
        self.catalog.create(entry).await
    }

    async fn update(&self, entry: StreamEntry) -> PortResult<u64> {
        self.catalog.update(entry).await
    }

    async fn streams(&self, after: Option<&StreamId>, most: usize) -> PortResult<Vec<StreamEntry>> {
        self.circuit.call("catalog.streams", self.catalog.streams(after, most)).await
    }
}

/// Recent comments whose readers are turned away while the backend is away. Their writer tries all the same.
pub struct GuardedRecent {
    recent: Arc<dyn Recent>,
    circuit: Circuit,
}

impl GuardedRecent {
    /// Around recent comments.
    #[must_use]
    pub fn new(recent: Arc<dyn Recent>, clock: Clock) -> Self {
        Self { recent, circuit: Circuit::new("recent comments", clock) }
    }
}

#[async_trait]
impl Recent for GuardedRecent {
    async fn begin(
        &self,
        now_ms: u64,
        stream: &StreamId,
        next: u64,
        comments: &[StoredComment],
        is_whole: bool,
    ) -> PortResult<()> {
        self.recent.begin(now_ms, stream, next, comments, is_whole).await
    }

    async fn take_in(
        &self,
        now_ms: u64,
        stream: &StreamId,
        from: u64,
        next: u64,
        changed: &[StoredComment],
    ) -> PortResult<bool> {
        self.recent.take_in(now_ms, stream, from, next, changed).await
    }

    async fn page(&self, now_ms: u64, query: &PageQuery) -> PortResult<Option<(u64, Page)>> {
        self.circuit.call("recent.page", self.recent.page(now_ms, query)).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize};

    use super::*;

    #[tokio::test]
    async fn callers_are_turned_away_while_a_backend_is_away_and_one_of_them_asks_now_and_then() {
        let (now_ms, away, asked) =
            (Arc::new(AtomicU64::new(1_000)), AtomicBool::new(true), AtomicUsize::new(0));
        let time = now_ms.clone();
        let circuit = Circuit::new("store", Clock::from_fn(move || time.load(Ordering::SeqCst)));
        let call = async || {
            let answer = async {
                asked.fetch_add(1, Ordering::SeqCst);
                if away.load(Ordering::SeqCst) {
                    return Err(PortError::new(PortErrorKind::Unavailable, "store.page", "it hangs"));
                }
                Ok(7)
            };
            circuit.call("store.page", answer).await
        };
        for _ in 0..10 {
            assert!(call().await.is_err());
        }
        assert_eq!(asked.load(Ordering::SeqCst), 3, "three found it away, seven were told so");
        let told = call().await.unwrap_err();
        assert!(told.to_string().contains("the store is away") && told.retry_after.is_some(), "{told}");
        now_ms.fetch_add(TURNED_AWAY_MS, Ordering::SeqCst);
        for _ in 0..5 {
            assert!(call().await.is_err());
        }
        assert_eq!(asked.load(Ordering::SeqCst), 4, "one asked again");
        now_ms.fetch_add(TURNED_AWAY_MS, Ordering::SeqCst);
        away.store(false, Ordering::SeqCst);
        for _ in 0..5 {
            assert_eq!(call().await.unwrap(), 7);
        }
        assert_eq!(asked.load(Ordering::SeqCst), 9, "it is back for all");
    }
}
