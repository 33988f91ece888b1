//! Pages.

use redb::{Database, ReadableDatabase as _, ReadableTable};
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

/// Goes through keys from the anchor until the page is full and one more is seen.
fn collect<V: redb::Value + 'static>(
    table: &impl ReadableTable<&'static [u8], V>,
    prefix: &[u8],
    query: &PageQuery,
    load: impl Fn(&[u8]) -> Result<Option<StoredComment>>,
) -> Result<Page> {
    let at = |id: CommentId| [prefix, id.as_bytes().as_slice()].concat();
    let end = keys::after(prefix.to_vec());
    let (from, to, forward) = match query.anchor {
        Anchor::Newest => (prefix.to_vec(), end, false),
        Anchor::Before(id) => (prefix.to_vec(), at(id), false),
        // A key is its own smallest extension: with a zero byte behind it the anchor itself is left out.
        Anchor::After(id) => ([at(id).as_slice(), &[0]].concat(), end, true),
    };
    if from >= to {
        return Ok(Page::default());
    }
    let size = usize::try_from(query.size).unwrap_or(usize::MAX);
    let mut items = Vec::new();
    let mut more = false;
    let mut range = table.range::<&[u8]>(from.as_slice()..to.as_slice())?;
    while let Some(entry) = if forward { range.next() } else { range.next_back() } {
        let (key, _) = entry?;
        let Some(stored) = load(key.value())? else { continue };
        if items.len() == size {
            more = true;
            break;
        }
        items.push(stored);
    }
    if forward {
        items.reverse();
        return Ok(Page { items, older: true, newer: more });
    }
    Ok(Page { items, older: more, newer: matches!(query.anchor, Anchor::Before(_)) })
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
