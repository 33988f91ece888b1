//! What the edge asks of the intake and the catalog on behalf of a user: every command and every read.

use async_trait::async_trait;
use ringside_core::wire::Review;
use ringside_core::{Author, Comment, CommentId, Failure, Reaction, Settings, SettingsPatch, StreamId};

use crate::catalog::StreamEntry;
use crate::store::{Page, PageQuery, StoredComment};
use crate::traces::Trace;

/// A comment to be posted, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewComment {
    /// The text.
    pub text: String,
    /// The comment it answers.
    pub reply_to: Option<CommentId>,
    /// The client's own name for it.
    pub reference: Option<String>,
    /// The trace that its way is part of.
    pub trace: Option<Trace>,
}

/// What became of a comment, for its author. A shadow-banned one is told `Accepted`.
#[derive(Debug, Clone, PartialEq)]
pub enum Posted {
    /// In the log and shown.
    Accepted(Box<Comment>),
    /// In the log, waits for a moderator.
    Held(Box<Comment>),
    /// Not taken, and why.
    Rejected(String),
    /// Wait so many milliseconds.
    RateLimited(u32),
}

/// What became of a reaction or emoji.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reacted {
    /// Counted.
    Done,
    /// Wait so many milliseconds.
    RateLimited(u32),
}

/// A page, and which part of the log it is made of: whoever goes on from the log knows where.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PageAt {
    /// The page.
    pub page: Page,
    /// Everything below this offset of the stream's partition is in it.
    pub from: u64,
    /// Nothing at or above this one is.
    pub to: u64,
}

/// What a stream shows beside its comments.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Beside {
    /// Running totals of its emoji, by name.
    pub emoji: Vec<(String, u64)>,
    /// The pinned comment.
    pub pinned: Option<StoredComment>,
}

/// Commands and reads of signed-in users. Each checks the caller's role, the stream and its settings itself, so
/// that WebSocket and REST cannot differ.
#[async_trait]
pub trait Comments: Send + Sync {
    /// A stream that viewers may join. Where the configuration lets streams begin by themselves, an unknown id
    /// registers one.
    ///
    /// # Errors
    /// `NotFound`, `InvalidField` for an id that is none, `Unavailable`.
    async fn stream(&self, id: &str) -> Result<StreamEntry, Failure>;

    /// Posts a comment or reply. Returns after it is durably in the log.
    ///
    /// # Errors
    /// `InvalidText`, `InvalidField`, `NotFound`, `Forbidden`, `TimeOut` with what is left of it, `Banned`,
    /// `Unavailable` with a wait.
    async fn post(&self, author: &Author, stream: &StreamId, comment: NewComment) -> Result<Posted, Failure>;

    /// Changes the text of one's own comment. A text that would need review is `Rejected` while the old one is shown:
    /// there is one text under an id, and it stays. A held comment may change and stays `Held`.
    ///
    /// # Errors
    /// As [`Comments::post`]; `Forbidden` for another's comment.
    async fn edit(
        &self,
        author: &Author,
        stream: &StreamId,
        id: CommentId,
        text: String,
    ) -> Result<Posted, Failure>;

    /// Takes a comment away: one's own, or as a moderator anyone's, which is a decision like
    /// [`Comments::moderate`]'s. Deleting again is done already.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Conflict` when another moderator removed it, `Unavailable`.
    async fn delete(&self, user: &Author, stream: &StreamId, id: CommentId) -> Result<(), Failure>;

    /// Sets or takes back a like or dislike.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `TimeOut`, `Banned`, `Unavailable`.
    async fn react(
        &self,
        user: &Author,
        stream: &StreamId,
        id: CommentId,
        reaction: Reaction,
    ) -> Result<Reacted, Failure>;

    /// Counts emoji for the stream; sent as totals after [`ringside_core::limits::EMOJI_GATHER_MS`].
    ///
    /// # Errors
    /// `InvalidEmoji`, `Forbidden`, `TimeOut`, `Banned`, `Unavailable`.
    async fn emoji(
        &self,
        user: &Author,
        stream: &StreamId,
        emoji: String,
        count: u32,
    ) -> Result<Reacted, Failure>;

    /// Pins a comment or takes the pin away (moderators).
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `Unavailable`.
    async fn pin(&self, user: &Author, stream: &StreamId, id: Option<CommentId>) -> Result<(), Failure>;

    /// Changes settings (moderators), announced live.
    ///
    /// # Errors
    /// `Forbidden`, `InvalidSettings`, `NotFound`, `Unavailable`.
    async fn change_settings(
        &self,
        user: &Author,
        stream: &StreamId,
        patch: SettingsPatch,
    ) -> Result<Settings, Failure>;

    /// Decides on a comment (moderators), in the audit log and the room. Deciding the same again is done already.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `Conflict` when another moderator decided, naming who and when, `Unavailable`.
    async fn moderate(
        &self,
        user: &Author,
        stream: &StreamId,
        id: CommentId,
        review: Review,
    ) -> Result<(), Failure>;

    /// A page of comments; `query.reader` is what the caller may see. Like the reads below it may be a moment old
    /// (`docs/caches.md` says how old), but never lacks what its reader did on this host before.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn page(&self, query: PageQuery) -> Result<PageAt, Failure>;

    /// One comment, if this user may see it.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    async fn comment(
        &self,
        reader: Option<&Author>,
        stream: &StreamId,
        id: CommentId,
    ) -> Result<StoredComment, Failure>;

    /// Popular comments (R9).
    ///
    /// # Errors
    /// `Unavailable`.
    async fn popular(&self, stream: &StreamId, size: u32) -> Result<Vec<StoredComment>, Failure>;

    /// Emoji and pin.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn beside(&self, stream: &StreamId) -> Result<Beside, Failure>;
}
