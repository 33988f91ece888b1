//! The store: comments as they stand, in pages.

use async_trait::async_trait;
use ringside_core::event::Totals;
use ringside_core::{Comment, CommentId, Event, Reaction, Reference, StreamId, UserId};

use crate::error::PortResult;

/// A comment with its counts.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredComment {
    /// The comment as it stands; `visibility` says who may see it.
    pub comment: Comment,
    /// Likes.
    pub likes: u32,
    /// Dislikes.
    pub dislikes: u32,
    /// Replies that are shown.
    pub replies: u32,
}

/// Which comments a page is made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PageOf {
    /// All comments of the stream, replies included.
    Stream,
    /// The replies to a comment.
    Replies(CommentId),
    /// The review queue: what is held, and what is shown and flagged; never what is removed. Only
    /// [`Reader::Moderator`] finds anything in it.
    Review,
}

/// Who reads; decides what is in a page.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reader {
    /// Sees what is shown.
    Public,
    /// Sees what is shown, and their own held and shadow-banned comments.
    User(UserId),
    /// Sees everything but what is removed, which is in no page.
    Moderator,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// At the newest comment, going back.
    Newest,
    /// Older than this comment, going back.
    Before(CommentId),
    /// Newer than this comment, going forward.
    After(CommentId),
}

/// A question for a page.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageQuery {
    /// The stream.
    pub stream: StreamId,
    /// Which comments.
    pub of: PageOf,
    /// Who asks.
    pub reader: Reader,
    /// Where to begin.
    pub anchor: Anchor,
    /// 1 to [`ringside_core::limits::PAGE_SIZE_MAX`].
    pub size: u32,
}

/// A page, newest first whatever the direction.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The comments, newest first.
    pub items: Vec<StoredComment>,
    /// There are older ones.
    pub older: bool,
    /// There are newer ones.
    pub newer: bool,
}

/// What a batch of events changed that others must hear of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Applied {
    /// Likes and dislikes that changed, by stream, each comment once.
    pub reactions: Vec<(StreamId, Totals)>,
    /// Running totals of emoji that changed, by stream: all kinds of that stream.
    pub emoji: Vec<(StreamId, Vec<(String, u64)>)>,
}

/// Comments and what is counted about them.
#[async_trait]
pub trait Store: Send + Sync {
    /// Takes in events of one partition in the log's order: their effects, and then `next` (the offset after the last
    /// event) as the checkpoint. The checkpoint guards against repetition: events below it are skipped, so a repeated
    /// call changes nothing. Events about a comment that is not there are skipped.
    ///
    /// One caller a partition; for moments there may be two, one of them slow and about to be gone. A backend with
    /// transactions does all of a call or nothing. One without may have done a part when a call fails, or all of it when
    /// only the answer was lost, and lets readers see a part of a call that goes on. What every backend promises: the
    /// same events taken in again, by whom and in whatever chunks, lead to the same end; a caller who comes late with
    /// what another took in already changes nothing, and never sets the checkpoint back; and whoever repeats a call of
    /// its own that failed hears of all that changed.
    ///
    /// A verdict ([`ringside_core::EventKind::CommentModerated`]) whose text is not the comment's text now was given on
    /// one that was changed since, and is skipped: nobody judged the new one. The first
    /// [`ringside_core::limits::EMOJI_KINDS_MAX`] kinds of emoji of a stream are counted, later kinds are left out.
    /// Offsets of `events` ascend but need not be dense (other keys, skipped records). Comment ids are unique over
    /// all streams.
    ///
    /// # Errors
    /// `Unavailable`: to be repeated.
    async fn apply(&self, partition: u32, events: &[(u64, Event)], next: u64) -> PortResult<Applied>;

    /// The next offset of a partition that is not yet taken in; 0 in a new store.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn checkpoint(&self, partition: u32) -> PortResult<u64>;

    /// A page. What it costs grows with its size, not with what its reader does not see: a thousand held comments on
    /// top must not slow down everyone's page. Under concurrent writes, following `Before` from page to page shows
    /// each comment that was there at the start exactly once.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn page(&self, query: PageQuery) -> PortResult<Page>;

    /// One comment, whatever its visibility (also removed ones).
    ///
    /// # Errors
    /// `Unavailable`.
    async fn comment(&self, stream: &StreamId, id: CommentId) -> PortResult<Option<StoredComment>>;

    /// The comment that a user's submission with this reference became, kept for at least a day.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn by_reference(
        &self,
        stream: &StreamId,
        user: &UserId,
        reference: &Reference,
    ) -> PortResult<Option<Comment>>;

    /// What a user thinks of comments; `None` reactions are left out.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn reactions_of(
        &self,
        stream: &StreamId,
        user: &UserId,
        comments: &[CommentId],
    ) -> PortResult<Vec<(CommentId, Reaction)>>;

    /// Running totals of the stream's emoji, by name.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn emoji(&self, stream: &StreamId) -> PortResult<Vec<(String, u64)>>;

    /// The pinned comment, unless it is not shown any more.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn pinned(&self, stream: &StreamId) -> PortResult<Option<StoredComment>>;

    /// Shown comments with more than 10 likes, most liked first (R9).
    ///
    /// # Errors
    /// `Unavailable`.
    async fn popular(&self, stream: &StreamId, size: u32) -> PortResult<Vec<StoredComment>>;

    /// Counts the reactions of a comment anew from the single reactions, corrects the totals if they were off,
    /// and says whether they were (R5).
    ///
    /// # Errors
    /// `Unavailable`; `Busy` while reactions to the comment are being taken in, where the backend cannot hold them up.
    async fn recount(&self, stream: &StreamId, comment: CommentId) -> PortResult<Option<Totals>>;
}
