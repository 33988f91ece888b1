//! The log: where a comment becomes real, and the only thing that viewers are shown from.

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::{PortError, PortErrorKind, PortResult};

/// What a record is about. Each has its own partitions and offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Events of streams, keyed by stream id.
    RoomEvents,
    /// Events about users, keyed by user id: what they may not do any more, and may again.
    ModerationEvents,
    /// Records that could not be read, with the reason, to be replayed.
    DeadLetters,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 3] = [Self::RoomEvents, Self::ModerationEvents, Self::DeadLetters];

    /// Its name in Kafka, in folders and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RoomEvents => "room-events",
            Self::ModerationEvents => "moderation-events",
            Self::DeadLetters => "dead-letters",
        }
    }
}

/// A record to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// The stream's or user's id; records of one key are in one partition, in the order of their appends.
    pub key: String,
    /// An encoded event; at most [`RECORD_BYTES_MAX`].
    pub payload: Bytes,
}

/// Largest payload: Kafka's default message size, less its overhead.
pub const RECORD_BYTES_MAX: usize = 1_000_000;
/// Longest key: far above every id.
pub const KEY_BYTES_MAX: usize = 1_024;

/// What every log asks of records before it appends them.
///
/// # Errors
/// `Invalid`, as [`Log::append`] has it.
pub fn check_records(log: &dyn Log, topic: Topic, partition: u32, records: &[NewRecord]) -> PortResult<()> {
    let invalid = |detail: String| Err(PortError::new(PortErrorKind::Invalid, "log.append", detail));
    if records.is_empty() {
        return invalid("no records: nothing to append".into());
    }
    for record in records {
        if record.payload.len() > RECORD_BYTES_MAX || record.key.len() > KEY_BYTES_MAX {
            return invalid(format!(
                "a record of key `{}` ({} bytes, at most {KEY_BYTES_MAX}) has {} bytes, at most {RECORD_BYTES_MAX}",
                record.key.chars().take(80).collect::<String>(),
                record.key.len(),
                record.payload.len()
            ));
        }
        if log.partition_of(topic, &record.key) != partition {
            return invalid(format!("key `{}` is not of partition {partition}", record.key));
        }
    }
    Ok(())
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the partition.
    pub offset: u64,
    /// As written.
    pub key: String,
    /// As written.
    pub payload: Bytes,
}

/// When an append returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// When the records are on disk (or with all in-sync replicas): what may be acknowledged.
    Durable,
    /// When the records are queued, for totals and counts that are sent again soon. They keep their place in the
    /// order, and become visible and durable with the next group.
    Queued,
}

/// The offsets a partition holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Oldest offset still kept.
    pub first: u64,
    /// The next offset to be read: all below is durable, and visible unless it was damaged since.
    pub next: u64,
}

/// A change of a member's share of a topic's partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Share {
    /// These are this member's from now on, and nobody else's in its group.
    Given(Vec<u32>),
    /// These are to go to another member: end the work on them, commit, and ask for the next change, which lets go of
    /// them. The other member gets them only then, or when this one does not ask within [`LET_GO_MS_MAX`].
    Taken(Vec<u32>),
    /// These may be another member's already, since this one was away for too long: end the work on them, and do not
    /// commit. They may be given again.
    Lost(Vec<u32>),
}

/// Longest time from [`Share::Taken`] to the next call, in milliseconds: time for a last write of 2 s to be tried twice,
/// and short enough that viewers of the streams that move do not notice.
pub const LET_GO_MS_MAX: u64 = 5_000;

/// One process's part in a consumer group. Dropping it leaves the group.
#[async_trait]
pub trait Membership: Send {
    /// The next change; waits for it. None when the log is closed. Cancel-safe.
    async fn next(&mut self) -> Option<Share>;
}

/// An append-only log of records in topics and partitions.
#[async_trait]
pub trait Log: Send + Sync {
    /// Identity of this log, drawn when it was made: offsets of another epoch mean nothing here.
    fn epoch(&self) -> u64;

    /// Number of partitions of a topic, at least 1; fixed for the life of the log.
    fn partitions(&self, topic: Topic) -> u32;

    /// The partition of a key; the same on every host.
    fn partition_of(&self, topic: Topic, key: &str) -> u32;

    /// Appends records of one partition, in order, and returns the first's offset. The others' follow it: one by one
    /// as far as no other process appends to the partition at the same time, whose records may come in between.
    /// Concurrent calls are written and synced in groups. With [`Durability::Queued`] the offset is not known yet: what
    /// is returned is no more than a lower bound, for records that were queued before these come first. It is for
    /// skipping what is older, never for finding the records again.
    ///
    /// # Errors
    /// `Busy` when the bounded queue is full, `Unavailable` when the disk or broker fails: then none of the
    /// records was acknowledged, but some may be in the log (a retry may double them). `Invalid` for a payload
    /// over [`RECORD_BYTES_MAX`], a key of another partition, or no records at all; then none is in the log.
    async fn append(
        &self,
        topic: Topic,
        partition: u32,
        records: Vec<NewRecord>,
        durability: Durability,
    ) -> PortResult<u64>;

    /// Durable records from `from` on, at most `max_records` and about `max_bytes` (at least one record if there
    /// is any). Empty at the end. Offsets ascend; a cluster may leave some out. When `from` is older than what is
    /// kept, starts at the oldest kept: compare the first offset with `from` to see the gap.
    ///
    /// # Errors
    /// `Unavailable`, or `Corrupt` when `from` was acknowledged and cannot be read any more: the error names file and
    /// offset, and its [`crate::PortError::resume_at`] is the next offset that can be read. Damage costs no other
    /// record: what stands before it and behind it is read as ever, and other partitions do not notice.
    async fn read(
        &self,
        topic: Topic,
        partition: u32,
        from: u64,
        max_records: usize,
        max_bytes: usize,
    ) -> PortResult<Vec<Record>>;

    /// Returns when a record at `offset` or later can be read. Cancel-safe.
    ///
    /// # Errors
    /// `Unavailable` when the log is closed.
    async fn wait_for(&self, topic: Topic, partition: u32, offset: u64) -> PortResult<()>;

    /// The offsets kept now. `next` is behind all that this process was told to be durable; what other processes
    /// appended it may leave out for a second.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn extent(&self, topic: Topic, partition: u32) -> PortResult<Extent>;

    /// Joins a consumer group, which shares the partitions of a topic among its members: each partition is at most one
    /// member's at a time, and each is some member's soon after others left or died. A log of one process gives all of
    /// them at once. A process joins a group once.
    ///
    /// # Errors
    /// `Unavailable`, `Conflict` when this process is in the group already.
    async fn join(&self, group: &str, topic: Topic) -> PortResult<Box<dyn Membership>>;

    /// Keeps a consumer group's place: the next offset it will read. May lag behind a crash, never ahead of a
    /// call that returned before the last one: effects must bear repetition.
    ///
    /// # Errors
    /// `Unavailable`; `Conflict` when the group has members and this process is not the one that has the partition.
    async fn commit(&self, group: &str, topic: Topic, partition: u32, next: u64) -> PortResult<()>;

    /// A consumer group's place; none when it never committed.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn committed(&self, group: &str, topic: Topic, partition: u32) -> PortResult<Option<u64>>;
}
