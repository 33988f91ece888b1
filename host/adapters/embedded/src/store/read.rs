//! Single reads.

use redb::{Database, ReadOnlyTable, ReadTransaction, ReadableDatabase as _, ReadableTable};
use ringside_core::{Comment, CommentId, Reaction, Reference, StreamId, UserId, Visibility};
use ringside_ports::store::StoredComment;

use super::keys;
use super::tables::{
    CHECKPOINTS, COUNTS, EMOJI, Kept, PINS, POPULAR, REACTIONS, REFERENCES, REMOVED, SHOWN, WAITING, decode,
    decode_comment,
};

type Result<T> = std::result::Result<T, redb::Error>;

pub(super) fn checkpoint(database: &Database, partition: u32) -> Result<u64> {
    let read = database.begin_read()?;
    Ok(read.open_table(CHECKPOINTS)?.get(partition)?.map_or(0, |next| next.value()))
}

/// Comments, wherever they are kept, with their counts.
pub(super) struct Comments {
    /// In the order in which they are asked: most comments are shown.
    by_visibility: [ReadOnlyTable<&'static [u8], &'static [u8]>; 3],
    counts: ReadOnlyTable<&'static [u8], (u32, u32, u32)>,
}

impl Comments {
    pub(super) fn open(read: &ReadTransaction) -> Result<Self> {
        let by_visibility = [read.open_table(SHOWN)?, read.open_table(WAITING)?, read.open_table(REMOVED)?];
        Ok(Self { by_visibility, counts: read.open_table(COUNTS)? })
    }

    fn has(&self, key: &[u8]) -> Result<bool> {
        for table in &self.by_visibility {
            if table.get(key)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A comment, whatever its visibility.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Comment>> {
        for table in &self.by_visibility {
            if let Some(value) = table.get(key)? {
                return decode_comment(value.value()).map(Some);
            }
        }
        Ok(None)
    }

    /// The same with its counts.
    pub(super) fn stored(&self, key: &[u8]) -> Result<Option<StoredComment>> {
        let Some(comment) = self.get(key)? else { return Ok(None) };
        let (likes, dislikes, replies) = self.counts.get(key)?.map_or((0, 0, 0), |counts| counts.value());
        Ok(Some(StoredComment { comment, likes, dislikes, replies }))
    }
}

pub(super) fn comment(
    database: &Database,
    stream: &StreamId,
    id: CommentId,
) -> Result<Option<StoredComment>> {
    Comments::open(&database.begin_read()?)?.stored(&keys::comment(stream, id))
}

pub(super) fn by_reference(
    database: &Database,
    stream: &StreamId,
    user: &UserId,
    reference: &Reference,
) -> Result<Option<Comment>> {
    let read = database.begin_read()?;
    let key = keys::text(stream, &[user.as_str(), reference.as_str()]);
    let Some(id) = read.open_table(REFERENCES)?.get(key.as_slice())?.and_then(|id| keys::id_of(id.value()))
    else {
        return Ok(None);
    };
    Comments::open(&read)?.get(&keys::comment(stream, id))
}

pub(super) fn reactions_of(
    database: &Database,
    stream: &StreamId,
    user: &UserId,
    comments: &[CommentId],
) -> Result<Vec<(CommentId, Reaction)>> {
    let read = database.begin_read()?;
    let (reactions, kept) = (read.open_table(REACTIONS)?, Comments::open(&read)?);
    let mut found = Vec::new();
    for id in comments {
        if !kept.has(&keys::comment(stream, *id))? {
            continue;
        }
        if let Some(value) = reactions.get(reaction_key(*id, user).as_slice())? {
            let reaction = decode::<Kept>(value.value())?.reaction;
            if reaction != Reaction::None {
                found.push((*id, reaction));
            }
        }
    }
    Ok(found)
}

/// Key of a user's reaction to a comment.
pub(super) fn reaction_key(id: CommentId, user: &UserId) -> Vec<u8> {
    let mut key = id.as_bytes().to_vec();
    key.extend_from_slice(user.as_str().as_bytes());
    key
}

pub(super) fn emoji(database: &Database, stream: &StreamId) -> Result<Vec<(String, u64)>> {
    let read = database.begin_read()?;
    emoji_in(&read.open_table(EMOJI)?, stream)
}

/// Running totals of a stream, from an open table.
pub(super) fn emoji_in(
    table: &impl ReadableTable<&'static [u8], u64>,
    stream: &StreamId,
) -> Result<Vec<(String, u64)>> {
    let prefix = keys::stream(stream);
    let end = keys::after(prefix.clone());
    let mut totals = Vec::new();
    for entry in table.range(prefix.as_slice()..end.as_slice())? {
        let (key, total) = entry?;
        let name = key.value().get(prefix.len()..).unwrap_or_default();
        totals.push((String::from_utf8_lossy(name).into_owned(), total.value()));
    }
    Ok(totals)
}

pub(super) fn pinned(database: &Database, stream: &StreamId) -> Result<Option<StoredComment>> {
    let read = database.begin_read()?;
    let id =
        read.open_table(PINS)?.get(keys::stream(stream).as_slice())?.and_then(|id| keys::id_of(id.value()));
    let Some(id) = id else { return Ok(None) };
    let pinned = Comments::open(&read)?.stored(&keys::comment(stream, id))?;
    Ok(pinned.filter(|stored| stored.comment.visibility == Visibility::Shown))
}

pub(super) fn popular(database: &Database, stream: &StreamId, size: u32) -> Result<Vec<StoredComment>> {
    let read = database.begin_read()?;
    let comments = Comments::open(&read)?;
    let prefix = keys::stream(stream);
    let end = keys::after(prefix.clone());
    let mut found = Vec::new();
    for entry in read.open_table(POPULAR)?.range(prefix.as_slice()..end.as_slice())? {
        let (key, ()) = {
            let (key, value) = entry?;
            (key, value.value())
        };
        let Some(id) = keys::id_of(key.value()) else { continue };
        found.extend(comments.stored(&keys::comment(stream, id))?);
        if found.len() >= usize::try_from(size).unwrap_or(usize::MAX) {
            break;
        }
    }
    Ok(found)
}
