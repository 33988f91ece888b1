//! The newest comments of busy streams, so that reading them does not need the store.
//!
//! One writes and all read. The writer of a stream's partition does, each time after the store has taken events in: it
//! begins to hold a stream that is read much with its newest comments as the store has them then, and from then on
//! takes in each comment as it stands after a change. The offsets that come with it show where words of the writer
//! were lost, came twice or came from one who is not the writer any more; then the stream is held no longer, readers
//! ask the store, and the writer begins anew. So what is held is what the store has, at most
//! [`RECENT_EXPIRY_MS`] ago.

use async_trait::async_trait;
use ringside_core::StreamId;

use crate::error::PortResult;
use crate::store::{Page, PageQuery, StoredComment};

/// Comments held of a stream at most (R52); the oldest go first.
pub const RECENT_MAX: usize = 10_000;
/// Comments that a stream begins with at most: four pages and more, and a message of less than a megabyte.
pub const BEGIN_MAX: usize = 1_000;
/// A stream is held this long after its writer's last word, in milliseconds. A writer with nothing to say about a stream
/// says that (with no changes) at least three times as often.
pub const RECENT_EXPIRY_MS: u64 = 30_000;

/// Recent comments by stream.
#[async_trait]
pub trait Recent: Send + Sync {
    /// Holds a stream from now on, with its newest comments (any visibility but removed, at most [`BEGIN_MAX`], none
    /// left out between them) as the store has them at the offset `next` of its partition; `is_whole` says that it has
    /// no older ones. What was held of it before goes.
    ///
    /// # Errors
    /// `Invalid` for more than [`BEGIN_MAX`]; `Unavailable`.
    async fn begin(
        &self,
        now_ms: u64,
        stream: &StreamId,
        next: u64,
        comments: &[StoredComment],
        is_whole: bool,
    ) -> PortResult<()>;

    /// Takes in the comments that are new or stand otherwise after the events from the offset `from`, which was the
    /// `next` of the writer's word before this on the stream, up to `next`; a removed one goes. All of it or nothing is
    /// seen by readers. Comments older than what is held are left out. False where the stream is not held (any more):
    /// the writer may begin it.
    ///
    /// # Errors
    /// `Unavailable`: it may have been taken in or not, so the writer does not go on but begins anew.
    async fn take_in(
        &self,
        now_ms: u64,
        stream: &StreamId,
        from: u64,
        next: u64,
        changed: &[StoredComment],
    ) -> PortResult<bool>;

    /// The page that [`crate::Store::page`] would give, where all of it is known from what is held; else none. Before it
    /// the `next` of the writer's last word: everything below that offset is in it. A page of replies or of the review
    /// queue never is, nor one for a user who has comments held that others do not see.
    ///
    /// # Errors
    /// `Unavailable`: the reader asks the store.
    async fn page(&self, now_ms: u64, query: &PageQuery) -> PortResult<Option<(u64, Page)>>;
}
