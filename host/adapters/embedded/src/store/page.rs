//! Pages: what a reader sees, merged from the lists that it is kept in.
//!
//! A page costs what it holds: what its reader does not see is in other lists.

use redb::{Database, ReadableDatabase as _, ReadableTable};
use ringside_core::CommentId;
use ringside_core::limits::PAGE_SIZE_MAX;
use ringside_ports::store::{Anchor, Page, PageOf, PageQuery, Reader, StoredComment};

use super::keys;
use super::read::Comments;
use super::tables::{OWN, REPLIES, REVIEW, SHOWN, WAITING, WAITING_REPLIES};

type Result<T> = std::result::Result<T, redb::Error>;
/// Ids of one list, in the direction of the page.
type Ids<'a> = Box<dyn Iterator<Item = Result<CommentId>> + 'a>;

/// Ids that a page is made of.
trait List {
    /// Those between two ids (the first included, the second not), newest first or oldest first.
    fn ids(&self, between: &Between, forward: bool) -> Result<Ids<'_>>;
}

/// A part of a table: the ids behind a prefix.
struct Part<T, V> {
    table: T,
    prefix: Vec<u8>,
    value: std::marker::PhantomData<V>,
}

/// From an id on, up to another; to the ends where there is none. `after` leaves the first id out.
#[derive(Clone, Copy, Default)]
struct Between {
    from: Option<CommentId>,
    after: Option<CommentId>,
    before: Option<CommentId>,
    up_to: Option<CommentId>,
}

impl<T: ReadableTable<&'static [u8], V>, V: redb::Value + 'static> List for Part<T, V> {
    fn ids(&self, between: &Between, forward: bool) -> Result<Ids<'_>> {
        let at = |id: CommentId| [self.prefix.as_slice(), id.as_bytes().as_slice()].concat();
        // A key is its own smallest extension: with a zero byte behind it the id itself is left out.
        let behind = |id: CommentId| [at(id).as_slice(), &[0]].concat();
        let begin = between.from.map(at).or(between.after.map(behind)).unwrap_or_else(|| self.prefix.clone());
        let end = between.before.map(at).or(between.up_to.map(behind));
        let end = end.unwrap_or_else(|| keys::after(self.prefix.clone()));
        if begin >= end {
            return Ok(Box::new(std::iter::empty()));
        }
        let mut range = self.table.range::<&[u8]>(begin.as_slice()..end.as_slice())?;
        let next = move || if forward { range.next() } else { range.next_back() };
        Ok(Box::new(std::iter::from_fn(next).filter_map(|entry| match entry {
            Ok((key, _)) => keys::id_of(key.value()).map(Ok),
            Err(error) => Some(Err(error.into())),
        })))
    }
}

pub(super) fn page(database: &Database, query: &PageQuery) -> Result<Page> {
    let read = database.begin_read()?;
    let comments = Comments::open(&read)?;
    let stream = &query.stream;
    let mut lists: Vec<Box<dyn List>> = Vec::new();
    macro_rules! list {
        ($table:ident, $prefix:expr) => {{
            let (table, prefix) = (read.open_table($table)?, $prefix);
            lists.push(Box::new(Part { table, prefix, value: std::marker::PhantomData }))
        }};
    }
    let parent = match &query.of {
        PageOf::Stream => {
            list!(SHOWN, keys::stream(stream));
            None
        }
        PageOf::Replies(parent) => {
            list!(REPLIES, keys::comment(stream, *parent));
            Some(*parent)
        }
        PageOf::Review => {
            if query.reader == Reader::Moderator {
                list!(REVIEW, keys::stream(stream));
            }
            return collect(&lists, &comments, query);
        }
    };
    match (&query.reader, parent) {
        (Reader::Public, _) => {}
        (Reader::User(user), parent) => list!(OWN, keys::own(stream, user, parent)),
        (Reader::Moderator, None) => list!(WAITING, keys::stream(stream)),
        (Reader::Moderator, Some(parent)) => list!(WAITING_REPLIES, keys::comment(stream, parent)),
    }
    collect(&lists, &comments, query)
}

/// The first ids of all lists together, in their order.
fn merged(lists: &[Box<dyn List>], between: Between, forward: bool, most: usize) -> Result<Vec<CommentId>> {
    let mut parts = Vec::with_capacity(lists.len());
    for list in lists {
        let mut ids = list.ids(&between, forward)?;
        let next = ids.next().transpose()?;
        parts.push((next, ids));
    }
    let mut found = Vec::new();
    while found.len() < most {
        let ahead = parts.iter_mut().filter(|(next, _)| next.is_some());
        let nearest = if forward { ahead.min_by_key(|(id, _)| *id) } else { ahead.max_by_key(|(id, _)| *id) };
        let Some((next, ids)) = nearest else { break };
        found.extend(*next);
        *next = ids.next().transpose()?;
    }
    Ok(found)
}

/// Takes ids from the anchor until the page is full and one more is seen; then looks for one on the other side of it.
fn collect(lists: &[Box<dyn List>], comments: &Comments, query: &PageQuery) -> Result<Page> {
    let size = usize::try_from(query.size.clamp(1, PAGE_SIZE_MAX)).unwrap_or(1);
    let all = Between::default();
    let (here, forward, other) = match query.anchor {
        Anchor::Newest => (all, false, None),
        Anchor::Before(id) => {
            (Between { before: Some(id), ..all }, false, Some(Between { from: Some(id), ..all }))
        }
        Anchor::After(id) => {
            (Between { after: Some(id), ..all }, true, Some(Between { up_to: Some(id), ..all }))
        }
    };
    let mut ids = merged(lists, here, forward, size + 1)?;
    let more = ids.len() > size;
    ids.truncate(size);
    let beyond = match other {
        Some(between) => !merged(lists, between, !forward, 1)?.is_empty(),
        None => false,
    };
    if forward {
        ids.reverse();
    }
    let mut items: Vec<StoredComment> = Vec::with_capacity(ids.len());
    for id in ids {
        items.extend(comments.stored(&keys::comment(&query.stream, id))?);
    }
    let (older, newer) = if forward { (beyond, more) } else { (more, beyond) };
    Ok(Page { items, older, newer })
}
