//! The store on Cassandra or ScyllaDB.
//!
//! # Where rows are
//! A comment is one row, in the partition of its stream and of the 8 seconds in which its id was made
//! ([`keys::BUCKET_MS`]): at 10,000 comments/s 24 to 40 MB. Within it rows are ordered by class (who sees a comment),
//! then by id, newest first, so that a page reads what its reader sees and nothing else. A small table names the
//! buckets that a stream has comments of a class in, at 40 bytes each and at most 10,800 a day for each class, so a
//! quiet stream is paged over months without asking for empty ones. An id says its bucket, so no other index is needed.
//!
//! # What holds when things break
//! A call of `apply` that fails may have written a part, and readers may see a part of one that goes on. Every row is
//! written with the version of the event that made it so (`apply::clock`), counts say which event they end with,
//! and the checkpoint comes last. So the same events taken in again, by this writer or by another that began while this
//! one hung, lead to the same rows. Nothing here is a lightweight transaction but the lock of the migrations.
//!
//! # How sure reads are
//! Writes are LOCAL_QUORUM, pages and single reads LOCAL_ONE. LOCAL_QUORUM are the reads that something is decided by:
//! those of the writer, the checkpoint, `recount`, `by_reference`, and a comment that the nearest replica does not have.

mod apply;
mod backend;
mod counts;
mod error;
mod keys;
mod options;
mod page;
mod read;
mod recount;
mod rows;
mod schema;
mod session;
mod statements;
#[cfg(test)]
extern crate self as ringside_cassandra;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use ringside_core::event::Totals;
use ringside_core::{Comment, CommentId, Event, Reaction, Reference, StreamId, UserId};
use ringside_ports::PortResult;
use ringside_ports::store::{Applied, Page, PageQuery, StoredComment};

pub use error::ConnectError;
pub use options::{CassandraOptions, Credentials};
pub use schema::{migrate, version};

use backend::Backend;
use error::unavailable;
use statements::Statements;

/// Longest wait for an answer to a reader, of all requests together.
const READ_MAX: Duration = Duration::from_secs(5);
/// Longest wait for a count: a comment with five million reactions is read in a minute.
const RECOUNT_MAX: Duration = Duration::from_secs(120);

/// Comments in a keyspace.
pub struct CassandraStore(Backend);

/// Connects, and prepares all statements.
///
/// # Errors
/// [`ConnectError`]: no node answers, wrong password, unknown datacenter or keyspace, a schema of another version.
pub async fn connect(options: &CassandraOptions) -> Result<CassandraStore, ConnectError> {
    let session = session::open(options).await?;
    let found = schema::found(&session, options).await?;
    let needed = schema::version();
    if found < needed {
        return Err(ConnectError::Older { keyspace: options.keyspace.clone(), found, needed });
    }
    if found > needed {
        return Err(schema::newer(options, found));
    }
    let statements = Statements::prepare(&session).await.map_err(|error| ConnectError::Failed {
        addresses: options.addresses(),
        what: "prepare its statements".to_owned(),
        source: error.into(),
    })?;
    Ok(CassandraStore(Backend {
        session,
        statements,
        addresses: options.addresses(),
        prefix: options.prefix.clone(),
        region: options.region.as_str().to_owned(),
        unsure: Mutex::default(),
        #[cfg(test)]
        faults: tests::Faults::default(),
    }))
}

impl CassandraStore {
    async fn within<T>(
        &self,
        operation: &'static str,
        most: Duration,
        work: impl Future<Output = PortResult<T>> + Send,
    ) -> PortResult<T> {
        tokio::time::timeout(most, work)
            .await
            .unwrap_or_else(|elapsed| Err(unavailable(operation, &self.0.addresses, elapsed)))
    }
}

#[async_trait]
impl ringside_ports::Store for CassandraStore {
    // Ends with the first request that fails, each of which is bounded: a chunk that only takes long must get through,
    // because it would take as long again.
    async fn apply(&self, partition: u32, events: &[(u64, Event)], next: u64) -> PortResult<Applied> {
        self.0.apply(partition, events, next).await
    }

    async fn checkpoint(&self, partition: u32) -> PortResult<u64> {
        Ok(self.0.checkpoint("store.checkpoint", partition).await?.next)
    }

    async fn page(&self, query: PageQuery) -> PortResult<Page> {
        self.within("store.page", READ_MAX, self.0.page(&query)).await
    }

    async fn comment(&self, stream: &StreamId, id: CommentId) -> PortResult<Option<StoredComment>> {
        self.within("store.comment", READ_MAX, self.0.comment("store.comment", stream, id)).await
    }

    async fn by_reference(
        &self,
        stream: &StreamId,
        user: &UserId,
        reference: &Reference,
    ) -> PortResult<Option<Comment>> {
        self.within("store.by_reference", READ_MAX, self.0.by_reference(stream, user, reference)).await
    }

    async fn reactions_of(
        &self,
        stream: &StreamId,
        user: &UserId,
        comments: &[CommentId],
    ) -> PortResult<Vec<(CommentId, Reaction)>> {
        self.within("store.reactions_of", READ_MAX, self.0.reactions_of(stream, user, comments)).await
    }

    async fn emoji(&self, stream: &StreamId) -> PortResult<Vec<(String, u64)>> {
        self.within("store.emoji", READ_MAX, self.0.emoji(stream)).await
    }

    async fn pinned(&self, stream: &StreamId) -> PortResult<Option<StoredComment>> {
        self.within("store.pinned", READ_MAX, self.0.pinned(stream)).await
    }

    async fn popular(&self, stream: &StreamId, size: u32) -> PortResult<Vec<StoredComment>> {
        self.within("store.popular", READ_MAX, self.0.popular(stream, size)).await
    }

    async fn recount(&self, stream: &StreamId, comment: CommentId) -> PortResult<Option<Totals>> {
        self.within("store.recount", RECOUNT_MAX, self.0.recount(stream, comment)).await
    }
}
