//! Comments on redb.
//!
//! A call of `apply` is one transaction: effects and checkpoint together. The log is the truth and is replayed from
//! the checkpoint, so most commits need no sync of their own: every [`SYNC_EVERY`] one is made durable, and a crash
//! sets effects and checkpoint back together.

mod apply;
mod keys;
mod page;
mod read;
mod tables;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use redb::{Database, Durability};
use ringside_core::event::Totals;
use ringside_core::{Comment, CommentId, Event, Reaction, Reference, StreamId, UserId};
use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use ringside_ports::store::{Applied, Page, PageQuery, StoredComment};

use crate::OpenError;

/// At most this much is replayed from the log after a crash; commits in between cost no sync.
const SYNC_EVERY: Duration = Duration::from_millis(1_000);
/// Memory for pages of the database.
const CACHE_BYTES: usize = 64 << 20;

/// Comments in one file.
pub struct RedbStore {
    database: Arc<Database>,
    path: PathBuf,
    synced_at: Mutex<Instant>,
}

/// Any failure of the database, as this port's error.
fn failed(operation: &'static str) -> impl Fn(redb::Error) -> PortError {
    move |error| {
        let kind = match &error {
            redb::Error::Corrupted(_) => PortErrorKind::Corrupt,
            _ => PortErrorKind::Unavailable,
        };
        PortError::new(kind, operation, "the embedded store failed").because(error)
    }
}

impl RedbStore {
    /// Opens or makes the file.
    ///
    /// # Errors
    /// [`OpenError::Database`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let failed =
            |error: redb::Error| OpenError::Database { path: path.into(), detail: error.to_string() };
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create(path)
            .map_err(|error| failed(error.into()))?;
        tables::create(&database).map_err(failed)?;
        Ok(Self { database: Arc::new(database), path: path.into(), synced_at: Mutex::new(Instant::now()) })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes comments (and what hangs on them) made before `before_ms`, at most `most`; returns how many.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn prune(&self, before_ms: u64, most: usize) -> PortResult<usize> {
        let database = self.database.clone();
        self.blocking("store.prune", move || apply::prune(&database, before_ms, most)).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce() -> Result<T, redb::Error> + Send + 'static,
    ) -> PortResult<T> {
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| PortError::new(PortErrorKind::Unavailable, operation, error.to_string()))?
            .map_err(failed(operation))
    }

    /// Durable when the last durable commit is old enough.
    fn durability(&self) -> Durability {
        let mut synced_at = self.synced_at.lock().unwrap_or_else(PoisonError::into_inner);
        if synced_at.elapsed() < SYNC_EVERY {
            return Durability::None;
        }
        *synced_at = Instant::now();
        Durability::Immediate
    }
}

#[async_trait]
impl ringside_ports::Store for RedbStore {
    async fn apply(&self, partition: u32, events: &[(u64, Event)], next: u64) -> PortResult<Applied> {
        let database = self.database.clone();
        let durability = self.durability();
        let events = events.to_vec();
        self.blocking("store.apply", move || apply::apply(&database, partition, &events, next, durability))
            .await
    }

    async fn checkpoint(&self, partition: u32) -> PortResult<u64> {
        read::checkpoint(&self.database, partition).map_err(failed("store.checkpoint"))
    }

    async fn page(&self, query: PageQuery) -> PortResult<Page> {
        let database = self.database.clone();
        self.blocking("store.page", move || page::page(&database, &query)).await
    }

    async fn comment(&self, stream: &StreamId, id: CommentId) -> PortResult<Option<StoredComment>> {
        read::comment(&self.database, stream, id).map_err(failed("store.comment"))
    }

    async fn by_reference(
        &self,
        stream: &StreamId,
        user: &UserId,
        reference: &Reference,
    ) -> PortResult<Option<Comment>> {
        read::by_reference(&self.database, stream, user, reference).map_err(failed("store.by_reference"))
    }

    async fn reactions_of(
        &self,
        stream: &StreamId,
        user: &UserId,
        comments: &[CommentId],
    ) -> PortResult<Vec<(CommentId, Reaction)>> {
        read::reactions_of(&self.database, stream, user, comments).map_err(failed("store.reactions_of"))
    }

    async fn emoji(&self, stream: &StreamId) -> PortResult<Vec<(String, u64)>> {
        read::emoji(&self.database, stream).map_err(failed("store.emoji"))
    }

    async fn pinned(&self, stream: &StreamId) -> PortResult<Option<StoredComment>> {
        read::pinned(&self.database, stream).map_err(failed("store.pinned"))
    }

    async fn popular(&self, stream: &StreamId, size: u32) -> PortResult<Vec<StoredComment>> {
        let (database, stream) = (self.database.clone(), stream.clone());
        self.blocking("store.popular", move || read::popular(&database, &stream, size)).await
    }

    async fn recount(&self, stream: &StreamId, comment: CommentId) -> PortResult<Option<Totals>> {
        let (database, stream) = (self.database.clone(), stream.clone());
        self.blocking("store.recount", move || apply::recount(&database, &stream, comment)).await
    }
}
