//! What goes over a viewer's connection, whatever the codec: commands in, messages out.
//!
//! These types mirror the interface `wire` of the WIT package; a codec component turns them into bytes.

use crate::comment::{Author, Comment, Visibility};
use crate::error::Failure;
use crate::event::{Remover, Totals};
use crate::ids::{CommentId, StreamId};
use crate::reaction::Reaction;
use crate::settings::{Settings, SettingsPatch};

/// A client's command with the client's own number for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Comes back in the reply.
    pub id: u64,
    /// What to do.
    pub command: Command,
}

/// What a client may ask for. Texts are as they came: whoever carries a command out checks them.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Sign in with a token.
    Authenticate(String),
    /// Go on with a new token of the same user.
    Refresh(String),
    /// Watch a stream.
    Join {
        /// Which.
        stream: String,
        /// Resume right after this position.
        position: Option<String>,
        /// How many of the newest comments to send, 0 to [`crate::limits::PAGE_SIZE_MAX`].
        history: Option<u32>,
    },
    /// Stop watching.
    Leave,
    /// Say something.
    Comment {
        /// The text.
        text: String,
        /// The comment it answers.
        reply_to: Option<CommentId>,
        /// The client's own name for it.
        reference: Option<String>,
    },
    /// Change one's own comment.
    Edit {
        /// Which.
        comment: CommentId,
        /// The new text.
        text: String,
    },
    /// Take a comment away: one's own, or as a moderator anyone's.
    Delete(CommentId),
    /// Like, dislike, or neither.
    React {
        /// Which comment.
        comment: CommentId,
        /// What.
        reaction: Reaction,
    },
    /// Emoji for the stream.
    Emoji {
        /// Which.
        emoji: String,
        /// How many taps.
        count: u32,
    },
    /// Pin a comment, or take the pin away (moderators).
    Pin(Option<CommentId>),
    /// Change settings (moderators).
    Settings(SettingsPatch),
    /// Decide on a held comment (moderators).
    Moderate {
        /// Which.
        comment: CommentId,
        /// How.
        review: Review,
    },
}

/// A moderator's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Review {
    /// Show it.
    Approve,
    /// Take it away.
    Remove,
}

/// Why a frame is not a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecodeError {
    /// Not this format at all: the connection is closed.
    Malformed(String),
    /// The format holds, the command does not: answered with an error.
    Invalid {
        /// The client's number, where it could be read.
        id: Option<u64>,
        /// Names the field and the remedy.
        detail: String,
    },
}

/// What the server sends.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// The answer to one command.
    Reply {
        /// The command's number.
        id: u64,
        /// What became of it.
        outcome: Outcome,
    },
    /// Events of the joined stream.
    Batch(Batch),
    /// Something to tell the user.
    Notice(Notice),
}

/// Events of one stream, in the log's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Which stream.
    pub stream: StreamId,
    /// Where the client stands after it.
    pub position: String,
    /// What happened.
    pub events: Vec<WireEvent>,
    /// Comments left out by sampling since the last batch.
    pub left_out: u32,
}

/// A comment as viewers see it.
#[derive(Debug, Clone, PartialEq)]
pub struct WireComment {
    /// Its id.
    pub id: CommentId,
    /// Who said it.
    pub author: Author,
    /// The text.
    pub text: String,
    /// When it was accepted, in milliseconds since 1970.
    pub at_ms: u64,
    /// The comment it answers.
    pub reply_to: Option<CommentId>,
    /// Handles named in it.
    pub mentions: Vec<String>,
    /// The text was changed.
    pub edited: bool,
    /// Likes.
    pub likes: u32,
    /// Dislikes.
    pub dislikes: u32,
    /// Replies.
    pub replies: u32,
    /// Waits for review: seen by its author and moderators only.
    pub held: bool,
}

impl From<Comment> for WireComment {
    /// A comment without counts; a page adds them.
    fn from(comment: Comment) -> Self {
        Self {
            id: comment.id,
            author: comment.author,
            text: comment.text,
            at_ms: comment.at_ms,
            reply_to: comment.reply_to,
            mentions: comment.mentions,
            edited: comment.edited_at_ms.is_some(),
            likes: 0,
            dislikes: 0,
            replies: 0,
            held: comment.visibility == Visibility::Held,
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "nearly all events are comments")]
pub enum WireEvent {
    /// A new comment, or one that is shown from now on.
    Comment(WireComment),
    /// A new text.
    Edited {
        /// Of which comment.
        comment: CommentId,
        /// The text.
        text: String,
    },
    /// A comment is gone.
    Removed {
        /// Which.
        comment: CommentId,
        /// By whom.
        by: Remover,
    },
    /// Likes and dislikes.
    Reactions(Totals),
    /// Running totals of the stream's emoji.
    Emoji(Vec<(String, u64)>),
    /// The settings from now on.
    Settings(Settings),
    /// The pinned comment from now on.
    Pinned(Option<WireComment>),
    /// How many watch.
    Viewers(u64),
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Done.
    Done,
    /// Signed in, until when.
    Authenticated {
        /// As whom.
        user: Author,
        /// Milliseconds since 1970.
        expires_at_ms: u64,
    },
    /// Watching.
    Joined(Box<Joined>),
    /// The comment is in the log, under this id.
    Accepted(CommentId),
    /// The comment waits for a moderator.
    Held(CommentId),
    /// The comment was not taken, and why.
    Rejected(String),
    /// Too fast: wait so many milliseconds.
    RateLimited(u32),
    /// It failed.
    Failed(Failure),
}

/// The answer to a join.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    /// Which stream.
    pub stream: StreamId,
    /// Where the client stands.
    pub position: String,
    /// Whether it missed anything.
    pub resumed: Resumed,
    /// The stream's settings.
    pub settings: Settings,
    /// How many watch.
    pub viewers: u64,
    /// Running totals of emoji.
    pub emoji: Vec<(String, u64)>,
    /// The pinned comment.
    pub pinned: Option<WireComment>,
    /// The newest comments, oldest first.
    pub history: Vec<WireComment>,
    /// There are older ones.
    pub more: bool,
}

/// Whether a client that joined missed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resumed {
    /// It gave no position.
    Fresh,
    /// Nothing: what it missed follows in the next batches.
    Recovered,
    /// Something is missing between its position and `history`.
    Gap,
    /// Nothing but what sampling left out.
    Sampled,
}

/// Something to tell the user.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// What it is about.
    pub kind: NoticeKind,
    /// For people.
    pub text: String,
    /// `drain`: reconnect after so many milliseconds; `expiring`: milliseconds left; `banner`: percent shown.
    pub value: u32,
    /// The stream it is about, empty where none.
    pub stream: String,
    /// `mention`: the comment that names the user.
    pub comment: Option<WireComment>,
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// Comments are sampled.
    Banner,
    /// All is shown again.
    BannerEnded,
    /// The host asks to reconnect.
    Drain,
    /// The token ends soon.
    Expiring,
    /// Someone named the user on another stream, or in a comment that sampling left out.
    Mention,
}
