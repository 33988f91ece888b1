//! Pages cut from the newest comments of a stream, for every reader.

use ringside_core::{StreamId, Visibility, limits};
use ringside_ports::store::{Anchor, Page, PageOf, PageQuery, Reader, StoredComment};

/// The question for the newest comments of all kinds.
pub(super) fn query(stream: &StreamId) -> PageQuery {
    PageQuery {
        stream: stream.clone(),
        of: PageOf::Stream,
        reader: Reader::Moderator,
        anchor: Anchor::Newest,
        size: limits::PAGE_SIZE_MAX,
    }
}

/// The page that the store would have given when it gave the newest comments; none where they do not tell all of it.
pub(super) fn cut(newest: &Page, query: &PageQuery) -> Option<Page> {
    let size = usize::try_from(query.size).ok()?;
    let seen: Vec<&StoredComment> =
        newest.items.iter().filter(|stored| sees(&query.reader, stored)).collect();
    let (first, last) = match query.anchor {
        Anchor::Newest => (0, size),
        Anchor::Before(id) => {
            let first = seen.partition_point(|stored| stored.comment.id >= id);
            (first, first + size)
        }
        Anchor::After(id) => {
            // Between it and the oldest known there may be others.
            if newest.older && newest.items.last().is_none_or(|oldest| oldest.comment.id > id) {
                return None;
            }
            let last = seen.partition_point(|stored| stored.comment.id > id);
            (last.saturating_sub(size), last)
        }
    };
    if last >= seen.len() && newest.older {
        return None;
    }
    let last = last.min(seen.len());
    let items = seen.get(first..last)?.iter().map(|stored| (*stored).clone()).collect();
    Some(Page { items, older: last < seen.len(), newer: first > 0 })
}

fn sees(reader: &Reader, stored: &StoredComment) -> bool {
    match (stored.comment.visibility, reader) {
        (Visibility::Removed, _) => false,
        (Visibility::Shown, _) | (_, Reader::Moderator) => true,
        (_, Reader::User(user)) => stored.comment.author.id == *user,
        (_, Reader::Public) => false,
    }
}
