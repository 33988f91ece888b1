//! Finding a comment that a command names, also one that was acknowledged a moment ago.

use std::time::Duration;

use ringside_core::error::Problem;
use ringside_core::{Author, CommentId, Failure, StreamId, Visibility};
use ringside_ports::PortResult;
use ringside_ports::log::Topic;
use ringside_ports::store::StoredComment;

use super::{Intake, unavailable};

/// A comment younger than this may be in the log but not yet in the store.
const YOUNG_MS: u64 = 10_000;
/// How long the store is waited for, in steps of [`STEP`].
const STEPS_MAX: u32 = 200;
const STEP: Duration = Duration::from_millis(5);

impl Intake {
    /// A comment, whatever its visibility, or none. A comment that was acknowledged before this call is found, unless
    /// the store is more than a second behind; what became of it since may lag as far as the history does, which is
    /// enough for all that only needs it to exist.
    async fn stored(
        &self,
        reader: Option<&Author>,
        stream: &StreamId,
        id: CommentId,
    ) -> Result<Option<StoredComment>, Failure> {
        let reader = reader.map(|reader| &reader.id);
        let found = self.services.history.comment(reader, stream, id).await;
        let found = found.map_err(|error| unavailable(&error))?;
        let age_ms = self.services.clock.now_ms().saturating_sub(id.at_ms());
        if found.is_some() || age_ms > YOUNG_MS {
            return Ok(found);
        }
        self.current(stream, id).await
    }

    /// A comment as it stands after all that was acknowledged before this call, whatever its visibility: for commands
    /// whose answer depends on the one before. Asks the store a second time at most a second later.
    pub(super) async fn current(
        &self,
        stream: &StreamId,
        id: CommentId,
    ) -> Result<Option<StoredComment>, Failure> {
        self.catch_up(stream).await.map_err(|error| unavailable(&error))?;
        self.services.store.comment(stream, id).await.map_err(|error| unavailable(&error))
    }

    /// Waits until the store has all that the stream's log has now, a second at most; false when it has not.
    pub(super) async fn catch_up(&self, stream: &StreamId) -> PortResult<bool> {
        let (store, log) = (&self.services.store, &self.services.log);
        let partition = log.partition_of(Topic::RoomEvents, stream.as_str());
        let end = log.extent(Topic::RoomEvents, partition).await?.next;
        for _ in 0..STEPS_MAX {
            if store.checkpoint(partition).await? >= end {
                return Ok(true);
            }
            tokio::time::sleep(STEP).await;
        }
        Ok(false)
    }

    /// A comment that this reader may see.
    pub(super) async fn find(
        &self,
        reader: Option<&Author>,
        stream: &StreamId,
        id: CommentId,
    ) -> Result<StoredComment, Failure> {
        let found = self.stored(reader, stream, id).await?;
        seen_by(reader, stream, id, found)
    }

    /// The same, as it stands after all that was acknowledged before this call.
    pub(super) async fn find_current(
        &self,
        reader: Option<&Author>,
        stream: &StreamId,
        id: CommentId,
    ) -> Result<StoredComment, Failure> {
        let found = self.current(stream, id).await?;
        seen_by(reader, stream, id, found)
    }
}

fn seen_by(
    reader: Option<&Author>,
    stream: &StreamId,
    id: CommentId,
    found: Option<StoredComment>,
) -> Result<StoredComment, Failure> {
    found.filter(|stored| sees(reader, stored)).ok_or_else(|| not_found(stream, id))
}

fn sees(reader: Option<&Author>, stored: &StoredComment) -> bool {
    let moderates = reader.is_some_and(|reader| reader.role.moderates());
    let wrote = reader.is_some_and(|reader| reader.id == stored.comment.author.id);
    match stored.comment.visibility {
        Visibility::Shown => true,
        Visibility::Held | Visibility::Shadow => moderates || wrote,
        Visibility::Removed => false,
    }
}

/// The same answer for a comment that is not there and one that the asker may not see.
pub(super) fn not_found(stream: &StreamId, id: CommentId) -> Failure {
    Failure::new(Problem::NotFound, format!("there is no comment `{id}` on stream `{stream}`"))
}
