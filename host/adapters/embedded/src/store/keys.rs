//! Keys of tables: a stream's id, a zero byte (no id has one), then what orders within the stream.

use ringside_core::{CommentId, StreamId, UserId};

/// Bytes of a comment's id.
pub(super) const ID: usize = 16;

/// What all keys of a stream begin with.
pub(super) fn stream(stream: &StreamId) -> Vec<u8> {
    let mut key = Vec::with_capacity(stream.as_str().len() + 1 + ID);
    key.extend_from_slice(stream.as_str().as_bytes());
    key.push(0);
    key
}

/// A comment of a stream: in order of time.
pub(super) fn comment(of: &StreamId, id: CommentId) -> Vec<u8> {
    let mut key = stream(of);
    key.extend_from_slice(id.as_bytes());
    key
}

/// What all comments of an author begin with in a stream, or among the replies to a comment.
pub(super) fn own(of: &StreamId, author: &UserId, parent: Option<CommentId>) -> Vec<u8> {
    let mut key = stream(of);
    key.extend_from_slice(author.as_str().as_bytes());
    key.push(0);
    key.extend_from_slice(parent.map_or([0; ID], |parent| *parent.as_bytes()).as_slice());
    key
}

/// What follows the stream's prefix in a key of texts.
pub(super) fn text(of: &StreamId, parts: &[&str]) -> Vec<u8> {
    let mut key = stream(of);
    key.extend_from_slice(parts.join("\0").as_bytes());
    key
}

/// A popular comment: most likes first.
pub(super) fn popular(of: &StreamId, likes: u32, id: CommentId) -> Vec<u8> {
    let mut key = stream(of);
    key.extend_from_slice(&(u32::MAX - likes).to_be_bytes());
    key.extend_from_slice(id.as_bytes());
    key
}

/// The comment at the end of a key.
pub(super) fn id_of(key: &[u8]) -> Option<CommentId> {
    let start = key.len().checked_sub(ID)?;
    Some(CommentId::from_bytes(key.get(start..)?.try_into().ok()?))
}

/// The key right behind all keys with this prefix.
pub(super) fn after(mut prefix: Vec<u8>) -> Vec<u8> {
    while let Some(last) = prefix.pop() {
        if last < u8::MAX {
            prefix.push(last + 1);
            break;
        }
    }
    prefix
}
