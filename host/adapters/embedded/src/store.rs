//! Comments on redb.
//!
//! A call of `apply` is one transaction: effects and checkpoint together. The log is the truth and is replayed from
//! the checkpoint, so most commits need no sync of their own: one in [`SYNC_EVERY`] is made durable, and a crash
//! sets effects and checkpoint back together. Comments are kept apart by who sees them, so that a page costs what it
//! holds.

mod apply;
mod keys;
mod page;
mod places;
mod read;
mod recent;
mod tables;
mod upkeep;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use ringside_core::event::Totals;
use ringside_core::{Comment, CommentId, Event, Reaction, Reference, StreamId, UserId};
use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use ringside_ports::store::{Applied, Page, PageQuery, StoredComment};

use crate::OpenError;
use crate::database::{Database, RETRY_AFTER, blocking, failed};
use recent::Recent;

/// Memory for pages of the database.
const CACHE_BYTES: usize = 64 << 20;
/// Nothing is taken in when the disk has less left: a transaction needs new pages before it gives old ones back, and
/// a failed one closes the file to readers too.
const FREE_BYTES_MIN: u64 = 32 << 20;

/// Comments in one file.
pub struct RedbStore {
    database: Arc<Database>,
    recent: Arc<Recent>,
}

impl RedbStore {
    /// Opens or makes the file, in a folder that `lock` holds.
    ///
    /// # Errors
    /// [`OpenError`] names the file and the remedy.
    pub(crate) fn open(path: &Path, lock: Arc<File>) -> Result<Self, OpenError> {
        let recent = Arc::new(Recent::default());
        let prepare = {
            let recent = recent.clone();
            Box::new(move |database: &redb::Database| {
                tables::create(database)?;
                recent.bring_back(database)
            })
        };
        let database = Database::open(path, CACHE_BYTES, lock, prepare)?;
        let found = database
            .run(tables::version)
            .map_err(|error| OpenError::Database { path: path.into(), detail: error.to_string() })?;
        if found != tables::VERSION {
            return Err(OpenError::Version { path: path.into(), found, expected: tables::VERSION });
        }
        Ok(Self { database: Arc::new(database), recent })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.database.path()
    }

    /// The checkpoint, before anything runs.
    pub(crate) fn checkpoint_at_start(&self, partition: u32) -> Result<u64, OpenError> {
        let read = self.database.run(|database| read::checkpoint(database, partition));
        read.map_err(|error| OpenError::Database { path: self.path().into(), detail: error.to_string() })
    }

    /// Removes comments (and what hangs on them) made before `before_ms`, at most `most`; returns how many.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn prune(&self, before_ms: u64, most: usize) -> PortResult<usize> {
        self.run("store.prune", move |database| upkeep::prune(database, before_ms, most)).await
    }

    /// Runs work on a thread that may wait for the disk: a page that is not in memory takes a read.
    async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&redb::Database) -> Result<T, redb::Error> + Send + 'static,
    ) -> PortResult<T> {
        let database = self.database.clone();
        blocking(operation, move || {
            database.run(work).map_err(|error| failed(operation, database.path(), error))
        })
        .await
    }
}

/// An error when the disk is nearly full.
fn has_space(path: &Path, operation: &'static str) -> PortResult<()> {
    let Ok(stat) = rustix::fs::statvfs(path) else { return Ok(()) };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    if free >= FREE_BYTES_MIN {
        return Ok(());
    }
    let detail = format!(
        "the disk of `{}` has {free} bytes left, {FREE_BYTES_MIN} are needed: free some space; it goes on by itself then",
        path.display()
    );
    Err(PortError::new(PortErrorKind::Unavailable, operation, detail).after(RETRY_AFTER))
}

#[async_trait]
impl ringside_ports::Store for RedbStore {
    async fn apply(&self, partition: u32, events: &[(u64, Event)], next: u64) -> PortResult<Applied> {
        let (database, recent) = (self.database.clone(), self.recent.clone());
        let events = Arc::new(events.to_vec());
        blocking("store.apply", move || {
            has_space(database.path(), "store.apply")?;
            recent
                .apply(&database, partition, events, next)
                .map_err(|error| failed("store.apply", database.path(), error))
        })
        .await
    }

    async fn checkpoint(&self, partition: u32) -> PortResult<u64> {
        self.run("store.checkpoint", move |database| read::checkpoint(database, partition)).await
    }

    async fn page(&self, query: PageQuery) -> PortResult<Page> {
        self.run("store.page", move |database| page::page(database, &query)).await
    }

    async fn comment(&self, stream: &StreamId, id: CommentId) -> PortResult<Option<StoredComment>> {
        let stream = stream.clone();
        self.run("store.comment", move |database| read::comment(database, &stream, id)).await
    }

    async fn by_reference(
        &self,
        stream: &StreamId,
        user: &UserId,
        reference: &Reference,
    ) -> PortResult<Option<Comment>> {
        let (stream, user, reference) = (stream.clone(), user.clone(), reference.clone());
        self.run("store.by_reference", move |database| {
            read::by_reference(database, &stream, &user, &reference)
        })
        .await
    }

    async fn reactions_of(
        &self,
        stream: &StreamId,
        user: &UserId,
        comments: &[CommentId],
    ) -> PortResult<Vec<(CommentId, Reaction)>> {
        let (stream, user, comments) = (stream.clone(), user.clone(), comments.to_vec());
        self.run("store.reactions_of", move |database| {
            read::reactions_of(database, &stream, &user, &comments)
        })
        .await
    }

    async fn emoji(&self, stream: &StreamId) -> PortResult<Vec<(String, u64)>> {
        let stream = stream.clone();
        self.run("store.emoji", move |database| read::emoji(database, &stream)).await
    }

    async fn pinned(&self, stream: &StreamId) -> PortResult<Option<StoredComment>> {
        let stream = stream.clone();
        self.run("store.pinned", move |database| read::pinned(database, &stream)).await
    }

    async fn popular(&self, stream: &StreamId, size: u32) -> PortResult<Vec<StoredComment>> {
        let stream = stream.clone();
        self.run("store.popular", move |database| read::popular(database, &stream, size)).await
    }

    async fn recount(&self, stream: &StreamId, comment: CommentId) -> PortResult<Option<Totals>> {
        let stream = stream.clone();
        self.run("store.recount", move |database| upkeep::recount(database, &stream, comment)).await
    }
}
