//! Pages: what a reader sees, merged from the lists that it is kept in.
//!
//! What a page's reader does not see is in other classes, so a page costs what it holds: for a busy stream one question
//! for the buckets and one for the newest of them, for a quiet one as many as the page has comments, some at once.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use ringside_core::limits::PAGE_SIZE_MAX;
use ringside_core::{CommentId, StreamId, UserId};
use ringside_ports::PortResult;
use ringside_ports::store::{Anchor, Page, PageOf, PageQuery, Reader, StoredComment};

use crate::backend::{Backend, READS_IN_FLIGHT, bounded};
use crate::counts::{Columns, Counts};
use crate::keys::{Class, Span};
use crate::rows::{Kept, comment_of, id_of};

const PAGE: &str = "store.page";
/// Buckets asked for first. Twice as many each time, because where these hold few, the next do too.
const BUCKETS_AT_FIRST: usize = 2;
/// Buckets asked for at once, at most.
const BUCKETS_AT_ONCE: usize = READS_IN_FLIGHT;

/// A list that a page is made of.
enum List {
    /// The comments of the stream of this class.
    Stream(Class),
    /// The replies of this class.
    Replies(CommentId, Class),
    /// What an author still sees, of the stream or of the replies to a comment.
    Own(UserId, Option<CommentId>),
}

/// Comments of a list; none where the list has only the ids.
type Items = Vec<(CommentId, Option<StoredComment>)>;

/// The lists that this reader's page is made of.
fn lists(query: &PageQuery) -> Vec<List> {
    let of = |class| match &query.of {
        PageOf::Replies(parent) => List::Replies(*parent, class),
        PageOf::Stream | PageOf::Review => List::Stream(class),
    };
    let parent = match &query.of {
        PageOf::Replies(parent) => Some(*parent),
        PageOf::Stream | PageOf::Review => None,
    };
    let everyone = [Class::Shown, Class::Flagged];
    match (&query.of, &query.reader) {
        (PageOf::Review, Reader::Moderator) => [Class::Flagged, Class::Held].map(of).into(),
        (PageOf::Review, _) => Vec::new(),
        (_, Reader::Public) => everyone.map(of).into(),
        (_, Reader::User(user)) => {
            everyone.map(of).into_iter().chain([List::Own(user.clone(), parent)]).collect()
        }
        (_, Reader::Moderator) => everyone.into_iter().chain([Class::Held, Class::Shadow]).map(of).collect(),
    }
}

impl Backend {
    pub(crate) async fn page(&self, query: &PageQuery) -> PortResult<Page> {
        let size = usize::try_from(query.size.clamp(1, PAGE_SIZE_MAX)).unwrap_or(1);
        let lists = lists(query);
        let (here, forward, other) = match query.anchor {
            Anchor::Newest => (Span::all(), false, None),
            Anchor::Before(id) => (Span::before(id), false, Some(Span::from(id))),
            Anchor::After(id) => (Span::after(id), true, Some(Span::up_to(id))),
        };
        let beyond = async {
            match other {
                Some(span) => Ok(!self.merged(query, &lists, &span, !forward, 1).await?.is_empty()),
                None => Ok(false),
            }
        };
        let (mut items, beyond) =
            tokio::try_join!(self.merged(query, &lists, &here, forward, size + 1), beyond)?;
        let more = items.len() > size;
        items.truncate(size);
        if forward {
            items.reverse();
        }
        let (older, newer) = if forward { (beyond, more) } else { (more, beyond) };
        Ok(Page { items: self.stored(query, items).await?, older, newer })
    }

    /// The first of all lists together, in their order.
    async fn merged(
        &self,
        query: &PageQuery,
        lists: &[List],
        span: &Span,
        forward: bool,
        most: usize,
    ) -> PortResult<Items> {
        let parts = lists.iter().map(|list| self.list(query, list, span, forward, most));
        let mut items: BTreeMap<CommentId, Option<StoredComment>> = BTreeMap::new();
        for (id, stored) in try_join_all(parts).await?.into_iter().flatten() {
            // A comment that moves may be in two lists for a moment.
            let known = items.entry(id).or_default();
            *known = known.take().or(stored);
        }
        if forward {
            Ok(items.into_iter().take(most).collect())
        } else {
            Ok(items.into_iter().rev().take(most).collect())
        }
    }

    async fn list(
        &self,
        query: &PageQuery,
        list: &List,
        span: &Span,
        forward: bool,
        most: usize,
    ) -> PortResult<Items> {
        let statements = &self.statements;
        let key = self.key(&query.stream);
        let limit = i32::try_from(most).unwrap_or(i32::MAX);
        let rows = match list {
            List::Stream(class) => return self.of_class(&query.stream, *class, span, forward, most).await,
            List::Replies(parent, class) => {
                let statement = if forward { &statements.replies_on } else { &statements.replies_back };
                let parent = parent.as_bytes().as_slice();
                self.rows::<(Vec<u8>,)>(
                    PAGE,
                    statement,
                    (key, parent, class.number(), &span.above, &span.below, limit),
                )
                .await?
            }
            List::Own(user, parent) => {
                let statement = if forward { &statements.own_on } else { &statements.own_back };
                let parent = parent.as_ref().map_or([].as_slice(), |id| id.as_bytes().as_slice());
                self.rows::<(Vec<u8>,)>(
                    PAGE,
                    statement,
                    (key, user.as_str(), parent, &span.above, &span.below, limit),
                )
                .await?
            }
        };
        rows.iter().map(|(id,)| Ok((id_of(PAGE, id)?, None))).collect()
    }

    /// The comments of a class, bucket by bucket.
    async fn of_class(
        &self,
        stream: &StreamId,
        class: Class,
        span: &Span,
        forward: bool,
        most: usize,
    ) -> PortResult<Items> {
        let (mut first, mut last) = span.buckets();
        let (mut items, mut at_once) = (Items::new(), BUCKETS_AT_FIRST);
        while items.len() < most && first <= last {
            let buckets = self.buckets(stream, class, (first, last), forward, at_once).await?;
            let Some(end) = buckets.last() else { break };
            if forward {
                first = end.saturating_add(1);
            } else {
                last = end.saturating_sub(1);
            }
            let parts = buckets.into_iter().map(|at| self.of_bucket(stream, class, at, span, forward, most));
            items.extend(bounded(parts.collect(), BUCKETS_AT_ONCE).await?.into_iter().flatten());
            at_once = (at_once * 2).min(BUCKETS_AT_ONCE);
        }
        items.truncate(most);
        Ok(items)
    }

    /// The next buckets that have comments of a class, in the direction of the page.
    async fn buckets(
        &self,
        stream: &StreamId,
        class: Class,
        (first, last): (i64, i64),
        forward: bool,
        most: usize,
    ) -> PortResult<Vec<i64>> {
        let statements = &self.statements;
        let statement = if forward { &statements.buckets_on } else { &statements.buckets_back };
        let limit = i32::try_from(most).unwrap_or(i32::MAX);
        let values = (self.key(stream), class.number(), first, last, limit);
        let rows = self.rows::<(i64,)>(PAGE, statement, values).await?;
        let mut buckets: Vec<i64> = rows.into_iter().map(|(bucket,)| bucket).collect();
        // Each region that wrote into a bucket has a row of its own.
        buckets.dedup();
        Ok(buckets)
    }

    async fn of_bucket(
        &self,
        stream: &StreamId,
        class: Class,
        bucket: i64,
        span: &Span,
        forward: bool,
        most: usize,
    ) -> PortResult<Items> {
        let statement = if forward { &self.statements.rows_on } else { &self.statements.rows_back };
        let limit = i32::try_from(most).unwrap_or(i32::MAX);
        let values = (self.key(stream), bucket, class.number(), &span.above, &span.below, limit);
        let rows = self.rows::<(Vec<u8>, Option<String>, Option<Columns>)>(PAGE, statement, values).await?;
        // Counts are written before the comment they are about, so a row may have no comment for a moment.
        let with_comment = rows.into_iter().filter_map(|(id, body, counts)| Some((id, body?, counts)));
        with_comment
            .map(|(id, body, counts)| {
                let id = id_of(PAGE, &id)?;
                let comment = Some(comment_of(PAGE, id, &body)?);
                let kept = Kept { comment, counts: Counts::of(counts), ..Kept::default() };
                Ok((id, kept.stored()))
            })
            .collect()
    }

    /// Fetches what lists had only the ids of.
    async fn stored(&self, query: &PageQuery, items: Items) -> PortResult<Vec<StoredComment>> {
        let key = |id: CommentId| (query.stream.clone(), id);
        let missing = items.iter().filter(|(_, stored)| stored.is_none()).map(|(id, _)| key(*id));
        let mut found = self.comments(PAGE, &self.statements.comments_near, missing).await?;
        let fetched = items
            .into_iter()
            .filter_map(|(id, stored)| stored.or_else(|| found.remove(&key(id)).and_then(Kept::stored)));
        Ok(fetched.collect())
    }
}
