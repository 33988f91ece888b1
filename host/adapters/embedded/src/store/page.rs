//! Pages.

use redb::{Database, ReadableDatabase as _, ReadableTable};
use ringside_core::limits::PAGE_SIZE_MAX;
use ringside_core::{Action, CommentId, Visibility};
use ringside_ports::store::{Anchor, Page, PageOf, PageQuery, Reader, StoredComment};

use super::tables::{COMMENTS, COUNTS, REPLIES, REVIEW};
use super::{keys, read};

type Result<T> = std::result::Result<T, redb::Error>;

pub(super) fn page(database: &Database, query: &PageQuery) -> Result<Page> {
    let transaction = database.begin_read()?;
    let (comments, counts) = (transaction.open_table(COMMENTS)?, transaction.open_table(COUNTS)?);
    let prefix = match &query.of {
        PageOf::Stream | PageOf::Review => keys::stream(&query.stream),
        PageOf::Replies(parent) => keys::comment(&query.stream, *parent),
    };
    let load = |key: &[u8]| -> Result<Option<StoredComment>> {
        let Some(id) = keys::id_of(key) else { return Ok(None) };
        let stored = read::stored(&comments, &counts, &keys::comment(&query.stream, id))?;
        Ok(stored.filter(|stored| sees(&query.reader, &query.of, stored)))
    };
    match &query.of {
        PageOf::Stream => collect(&comments, &prefix, query, load),
        PageOf::Replies(_) => collect(&transaction.open_table(REPLIES)?, &prefix, query, load),
        PageOf::Review => collect(&transaction.open_table(REVIEW)?, &prefix, query, load),
    }
}

/// Goes through keys from the anchor until the page is full and one more is seen; then looks for one on the other
/// side of it.
fn collect<V: redb::Value + 'static>(
    table: &impl ReadableTable<&'static [u8], V>,
    prefix: &[u8],
    query: &PageQuery,
    load: impl Fn(&[u8]) -> Result<Option<StoredComment>>,
) -> Result<Page> {
    let at = |id: CommentId| [prefix, id.as_bytes().as_slice()].concat();
    // A key is its own smallest extension: with a zero byte behind it the anchor itself is left out.
    let behind = |id: CommentId| [at(id).as_slice(), &[0]].concat();
    let (begin, end) = (prefix.to_vec(), keys::after(prefix.to_vec()));
    let visible = |from: &[u8], to: &[u8], forward: bool, most: usize| -> Result<Vec<StoredComment>> {
        let mut found = Vec::new();
        if from >= to {
            return Ok(found);
        }
        let mut range = table.range::<&[u8]>(from..to)?;
        while found.len() < most
            && let Some(entry) = if forward { range.next() } else { range.next_back() }
        {
            found.extend(load(entry?.0.value())?);
        }
        Ok(found)
    };
    let size = usize::try_from(query.size.clamp(1, PAGE_SIZE_MAX)).unwrap_or(1);
    let mut items = match query.anchor {
        Anchor::Newest => visible(&begin, &end, false, size + 1)?,
        Anchor::Before(id) => visible(&begin, &at(id), false, size + 1)?,
        Anchor::After(id) => visible(&behind(id), &end, true, size + 1)?,
    };
    let more = items.len() > size;
    items.truncate(size);
    match query.anchor {
        Anchor::Newest => Ok(Page { items, older: more, newer: false }),
        Anchor::Before(id) => {
            let newer = !visible(&at(id), &end, true, 1)?.is_empty();
            Ok(Page { items, older: more, newer })
        }
        Anchor::After(id) => {
            items.reverse();
            let older = !visible(&begin, &behind(id), false, 1)?.is_empty();
            Ok(Page { items, older, newer: more })
        }
    }
}

fn sees(reader: &Reader, of: &PageOf, stored: &StoredComment) -> bool {
    let comment = &stored.comment;
    if *of == PageOf::Review {
        let waits = comment.visibility == Visibility::Held
            || (comment.visibility == Visibility::Shown && comment.judgement.action == Action::Flag);
        return *reader == Reader::Moderator && waits;
    }
    match comment.visibility {
        Visibility::Shown => true,
        Visibility::Removed => false,
        Visibility::Held | Visibility::Shadow => match reader {
            Reader::Public => false,
            Reader::User(user) => *user == comment.author.id,
            Reader::Moderator => true,
        },
    }
}
