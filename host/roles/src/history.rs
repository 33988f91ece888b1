//! What viewers read of comments, so that reads of busy streams hardly ever reach the store (R54): this process's
//! memory first, then [`Recent`] where the region has it, then the store.
//!
//! What is in memory lives for [`LIFE`], since new comments and totals must show. Two things show sooner. What takes
//! something away from what is shown (a removal, an edit, a verdict) makes a stream's memory worthless as soon as this
//! process hears of it, by its own command or by the relay; see [`watched`]. And who just did something on this host is
//! given nothing older. Both go by offsets of the log: each answer knows up to which one everything is in it.

mod kept;
mod marks;
pub mod watched;
mod window;

use std::sync::Arc;
use std::time::Duration;

use ringside_core::{CommentId, EventKind, StreamId, UserId};
use ringside_ports::comments::{Beside, PageAt};
use ringside_ports::log::Topic;
use ringside_ports::store::{PageOf, PageQuery, Reader, StoredComment};
use ringside_ports::{Log, PortResult, Recent, Store};
use tracing::debug;

use crate::clock::Clock;
use crate::metrics::{CacheLabel, RoleMetrics};
use kept::{Kept, Outcome};
use marks::{Marks, Need};

/// How old what is in memory may be. A busy stream is read hundreds of times a second on a host, so one read in that
/// time is next to nothing; a second is what viewers take for now, and half of what a removal may take (R37).
pub const LIFE: Duration = Duration::from_secs(1);
/// Bytes of pages in memory: the newest 200 comments of 500 streams, or as many pages as 1,000 readers page through.
const PAGES_BYTES: u64 = 64 << 20;
/// Bytes of single comments, of popular ones, and of what is beside: each some thousand streams' within [`LIFE`].
const OTHERS_BYTES: u64 = 8 << 20;

/// What a history reads.
#[derive(Clone)]
pub struct HistoryServices {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Recent comments, where hosts share them.
    pub recent: Option<Arc<dyn Recent>>,
    /// Asked for the partitions of streams, and how far it goes.
    pub log: Arc<dyn Log>,
    /// Time.
    pub clock: Clock,
    /// Counted.
    pub metrics: RoleMetrics,
}

/// A value, and the offset below which everything is in it.
#[derive(Debug, Clone)]
struct Dated<T> {
    value: T,
    from: u64,
}

type Several = Dated<Arc<[StoredComment]>>;

/// Reads of comments through this process's memory.
pub struct History {
    services: HistoryServices,
    marks: Marks,
    pages: Kept<(u64, PageQuery), Arc<PageAt>>,
    comments: Kept<(u64, StreamId, CommentId), Dated<Option<StoredComment>>>,
    popular: Kept<(u64, StreamId, u32), Several>,
    beside: Kept<(u64, StreamId), Dated<Arc<Beside>>>,
}

impl History {
    /// One for a process; what it keeps lives for `life`, which is [`LIFE`] outside of tests.
    #[must_use]
    pub fn new(services: HistoryServices, life: Duration) -> Self {
        let metrics = &services.metrics;
        let page = |page: &Arc<PageAt>| weight(&page.page.items);
        let comment = |comment: &Dated<Option<StoredComment>>| weight(comment.value.as_slice());
        let popular = |comments: &Several| weight(&comments.value);
        let beside = |beside: &Dated<Arc<Beside>>| weight(beside.value.pinned.as_slice());
        Self {
            marks: Marks::new(),
            pages: Kept::new("pages", PAGES_BYTES, life, page, metrics),
            comments: Kept::new("comment", OTHERS_BYTES, life, comment, metrics),
            popular: Kept::new("popular", OTHERS_BYTES, life, popular, metrics),
            beside: Kept::new("beside", OTHERS_BYTES, life, beside, metrics),
            services,
        }
    }

    /// A user did something on this host that is in the log below `next`: they are given nothing older.
    pub fn wrote(&self, stream: &StreamId, user: &UserId, next: u64) {
        self.marks.wrote(stream, user, next);
    }

    /// Something that was shown is not, or stands otherwise, by an event below `next`: nobody is given anything older.
    pub fn changed(&self, stream: &StreamId, next: u64) {
        self.marks.changed(stream, next);
    }

    /// A page, up to [`LIFE`] old.
    ///
    /// # Errors
    /// Those of [`Store::page`].
    pub async fn page(&self, query: PageQuery) -> PortResult<PageAt> {
        let need = self.marks.need(&query.stream, user_of(&query.reader));
        if query.of == PageOf::Review {
            // Two moderators must not be shown what the other decided already.
            return self.services.page_of_store(&query).await;
        }
        if let Some(window) = self.window(&query, need).await?
            && let Some(page) = window::cut(&window.page, &query)
        {
            return Ok(PageAt { page, from: window.from, to: window.to });
        }
        let found = self.load_page(query, need).await?;
        Ok(Arc::unwrap_or_clone(found))
    }

    /// The newest comments of a stream of all kinds, from which pages of every reader are cut. They are read for who
    /// asks for the newest; who pages on from there finds them in memory or does without.
    async fn window(&self, query: &PageQuery, need: Need) -> PortResult<Option<Arc<PageAt>>> {
        if query.of != PageOf::Stream {
            return Ok(None);
        }
        let whole = window::query(&query.stream);
        if query.anchor == whole.anchor {
            return self.load_page(whole, need).await.map(Some);
        }
        let known = self.pages.peek(&(need.epoch, whole)).await.filter(|known| known.from >= need.own);
        let known = known.filter(|known| window::cut(&known.page, query).is_some());
        if known.is_some() {
            self.pages.count(Outcome::Hit);
        }
        Ok(known)
    }

    async fn load_page(&self, query: PageQuery, need: Need) -> PortResult<Arc<PageAt>> {
        let load = || async { self.services.page(&query, need.own.max(need.taken)).await.map(Arc::new) };
        let key = (need.epoch, query.clone());
        self.pages.get(key, load, |page| page.from, need).await
    }

    /// A comment, whatever its visibility, up to [`LIFE`] old; none may also be one that is not in the store yet.
    ///
    /// # Errors
    /// Those of [`Store::comment`].
    pub async fn comment(
        &self,
        reader: Option<&UserId>,
        stream: &StreamId,
        id: CommentId,
    ) -> PortResult<Option<StoredComment>> {
        let need = self.marks.need(stream, reader);
        let key = (need.epoch, stream.clone(), id);
        let load = || async {
            let from = self.services.stored_up_to(stream, need).await?;
            Ok(Dated { value: self.services.store.comment(stream, id).await?, from })
        };
        // What is not there yet will be in a moment.
        let from = |found: &Dated<Option<_>>| if found.value.is_some() { found.from.max(1) } else { 0 };
        let need = Need { taken: need.taken.max(1), ..need };
        Ok(self.comments.get(key, load, from, need).await?.value)
    }

    /// Popular comments, up to [`LIFE`] old.
    ///
    /// # Errors
    /// Those of [`Store::popular`].
    pub async fn popular(&self, stream: &StreamId, size: u32) -> PortResult<Vec<StoredComment>> {
        let need = self.marks.need(stream, None);
        let load = || async {
            let from = self.services.stored_up_to(stream, need).await?;
            Ok(Dated { value: self.services.store.popular(stream, size).await?.into(), from })
        };
        let found =
            self.popular.get((need.epoch, stream.clone(), size), load, |found| found.from, need).await?;
        Ok(found.value.to_vec())
    }

    /// Emoji and pin, up to [`LIFE`] old.
    ///
    /// # Errors
    /// Those of [`Store::emoji`] and [`Store::pinned`].
    pub async fn beside(&self, stream: &StreamId) -> PortResult<Beside> {
        let need = self.marks.need(stream, None);
        let load = || async {
            let from = self.services.stored_up_to(stream, need).await?;
            let emoji = self.services.store.emoji(stream).await?;
            let pinned = self.services.store.pinned(stream).await?;
            Ok(Dated { value: Arc::new(Beside { emoji, pinned }), from })
        };
        let found = self.beside.get((need.epoch, stream.clone()), load, |found| found.from, need).await?;
        Ok(Arc::unwrap_or_clone(found.value))
    }
}

impl HistoryServices {
    fn partition(&self, stream: &StreamId) -> u32 {
        self.log.partition_of(Topic::RoomEvents, stream.as_str())
    }

    fn count(&self, tier: &'static str, outcome: Outcome) {
        let label = CacheLabel { cache: "pages", tier, outcome: outcome.name() };
        self.metrics.cache_requests.get_or_create(&label).inc();
    }

    /// A page from behind the memory. Recent comments that lack what is below `need` are passed over.
    async fn page(&self, query: &PageQuery, need: u64) -> PortResult<PageAt> {
        if let Some(recent) = self.recent.as_ref().filter(|_| query.of == PageOf::Stream) {
            match recent.page(self.clock.now_ms(), query).await {
                Ok(Some((from, page))) if from >= need => {
                    self.count("redis", Outcome::Hit);
                    let partition = self.partition(&query.stream);
                    // What is held was written before now. With the log away nothing comes after it.
                    let end = self.log.extent(Topic::RoomEvents, partition).await;
                    return Ok(PageAt { page, from, to: end.map_or(from, |extent| extent.next.max(from)) });
                }
                Ok(_) => self.count("redis", Outcome::Miss),
                Err(error) => {
                    debug!(stream = %query.stream, %error, "the store is asked instead");
                    self.count("redis", Outcome::Failed);
                }
            }
        }
        let answer = self.page_of_store(query).await;
        self.count("store", if answer.is_ok() { Outcome::Hit } else { Outcome::Failed });
        answer
    }

    async fn page_of_store(&self, query: &PageQuery) -> PortResult<PageAt> {
        let partition = self.partition(&query.stream);
        let from = self.store.checkpoint(partition).await?;
        let page = self.store.page(query.clone()).await?;
        let to = self.store.checkpoint(partition).await?;
        Ok(PageAt { page, from, to })
    }

    /// How far the store is, or 0 where nobody needs to know.
    async fn stored_up_to(&self, stream: &StreamId, need: Need) -> PortResult<u64> {
        if need.taken.max(need.own) == 0 {
            return Ok(0);
        }
        self.store.checkpoint(self.partition(stream)).await
    }
}

/// True for what makes something that was shown stand otherwise; what is new or counted may wait.
#[must_use]
pub fn is_change(kind: &EventKind) -> bool {
    match kind {
        EventKind::CommentEdited { .. }
        | EventKind::CommentRemoved { .. }
        | EventKind::CommentRestored { .. }
        | EventKind::CommentApproved { .. }
        | EventKind::CommentModerated { .. }
        | EventKind::Pinned { .. } => true,
        EventKind::CommentAccepted(_)
        | EventKind::ReactionSet { .. }
        | EventKind::ReactionTotals(_)
        | EventKind::EmojiCounted(_)
        | EventKind::EmojiTotals(_)
        | EventKind::SettingsChanged { .. }
        | EventKind::Viewers(_) => false,
    }
}

fn user_of(reader: &Reader) -> Option<&UserId> {
    match reader {
        Reader::User(user) => Some(user),
        // A moderator's own writes change what everyone is shown, but for comments, which a page shows within a second.
        Reader::Public | Reader::Moderator => None,
    }
}

/// About how many bytes comments take in memory.
fn weight(comments: &[StoredComment]) -> usize {
    comments
        .iter()
        .map(|stored| {
            let comment = &stored.comment;
            let mentions: usize = comment.mentions.iter().map(String::len).sum();
            let judgement = comment.judgement.slot.len() + comment.judgement.reason.len();
            size_of::<StoredComment>()
                + comment.text.len()
                + comment.author.name.len()
                + comment.author.id.as_str().len()
                + mentions
                + judgement
        })
        .sum()
}
