//! Tables of the store and the form of their values.

use redb::{Database, ReadableDatabase as _, TableDefinition};
use ringside_core::{Comment, Reaction, Stamp};
use serde::{Deserialize, Serialize};

type Bytes = &'static [u8];

/// stream, id → comment that is shown. Comments are kept apart by who sees them, so that a page reads what it shows and
/// nothing else, however many others there are.
pub(super) const SHOWN: TableDefinition<'static, Bytes, Bytes> = TableDefinition::new("shown");
/// stream, id → comment that is held or shadow-banned.
pub(super) const WAITING: TableDefinition<'static, Bytes, Bytes> = TableDefinition::new("waiting");
/// stream, id → comment that was removed.
pub(super) const REMOVED: TableDefinition<'static, Bytes, Bytes> = TableDefinition::new("removed");
/// stream, author, parent's id (zeros for all of the stream), id → nothing: what is held or shadow-banned, for its
/// author.
pub(super) const OWN: TableDefinition<'static, Bytes, ()> = TableDefinition::new("own");
/// stream, id → likes, dislikes, replies; missing where all are 0.
pub(super) const COUNTS: TableDefinition<'static, Bytes, (u32, u32, u32)> = TableDefinition::new("counts");
/// stream, parent's id, id → nothing: replies that are shown.
pub(super) const REPLIES: TableDefinition<'static, Bytes, ()> = TableDefinition::new("replies");
/// stream, parent's id, id → nothing: replies that are held or shadow-banned.
pub(super) const WAITING_REPLIES: TableDefinition<'static, Bytes, ()> =
    TableDefinition::new("waiting-replies");
/// stream, id → nothing: held and flagged comments.
pub(super) const REVIEW: TableDefinition<'static, Bytes, ()> = TableDefinition::new("review");
/// stream, user, reference → id.
pub(super) const REFERENCES: TableDefinition<'static, Bytes, Bytes> = TableDefinition::new("references");
/// id, user → when and what.
pub(super) const REACTIONS: TableDefinition<'static, Bytes, Bytes> = TableDefinition::new("reactions");
/// stream, likes descending, id → nothing: shown comments over ten likes.
pub(super) const POPULAR: TableDefinition<'static, Bytes, ()> = TableDefinition::new("popular");
/// stream, emoji → running total.
pub(super) const EMOJI: TableDefinition<'static, Bytes, u64> = TableDefinition::new("emoji");
/// stream → id.
pub(super) const PINS: TableDefinition<'static, Bytes, Bytes> = TableDefinition::new("pins");
/// partition → next offset.
pub(super) const CHECKPOINTS: TableDefinition<'static, u32, u64> = TableDefinition::new("checkpoints");

/// `version` → format of the file.
const FORMAT: TableDefinition<'static, &'static str, u64> = TableDefinition::new("format");

/// Format of the file. 2 keeps comments apart by who sees them; a file of version 1 is refused: nothing was released
/// with it.
pub(super) const VERSION: u64 = 2;

/// Comments with more likes are popular (R9).
pub(super) const POPULAR_LIKES: u32 = 10;

/// A user's reaction as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) stamp: Stamp,
    pub(super) reaction: Reaction,
}

/// Makes the tables, so that readers find them from the first moment.
pub(super) fn create(database: &Database) -> Result<(), redb::Error> {
    if database.begin_read()?.list_tables()?.count() > 0 {
        return Ok(());
    }
    let write = database.begin_write()?;
    write.open_table(SHOWN)?;
    write.open_table(WAITING)?;
    write.open_table(REMOVED)?;
    write.open_table(OWN)?;
    write.open_table(COUNTS)?;
    write.open_table(REPLIES)?;
    write.open_table(WAITING_REPLIES)?;
    write.open_table(REVIEW)?;
    write.open_table(REFERENCES)?;
    write.open_table(REACTIONS)?;
    write.open_table(POPULAR)?;
    write.open_table(EMOJI)?;
    write.open_table(PINS)?;
    write.open_table(CHECKPOINTS)?;
    write.open_table(FORMAT)?.insert("version", VERSION)?;
    write.commit()?;
    Ok(())
}

/// The format of the file.
pub(super) fn version(database: &Database) -> Result<u64, redb::Error> {
    let read = database.begin_read()?;
    Ok(read.open_table(FORMAT)?.get("version")?.map_or(0, |version| version.value()))
}

/// Writes a value.
pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, redb::Error> {
    rmp_serde::to_vec_named(value).map_err(|error| redb::Error::Corrupted(error.to_string()))
}

/// Reads a comment.
pub(super) fn decode_comment(bytes: &[u8]) -> Result<Comment, redb::Error> {
    decode(bytes)
}

/// Reads a value.
pub(super) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, redb::Error> {
    rmp_serde::from_slice(bytes).map_err(|error| redb::Error::Corrupted(error.to_string()))
}
