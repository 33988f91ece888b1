//! What happens on a stream: the records of the log.

use serde::{Deserialize, Serialize};

use crate::comment::Comment;
use crate::ids::{CommentId, HostId, RegionId, StreamId, UserId};
use crate::judgement::Judgement;
use crate::reaction::{Reaction, Stamp};
use crate::settings::Settings;
use crate::trace::{self, TraceContext};

/// One record of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The stream, which is the record's key.
    pub stream: StreamId,
    /// The region whose writer stores it and whose judge judges it.
    pub origin: RegionId,
    /// The host process that produced it.
    pub producer: HostId,
    /// That producer's number in this partition: grows by one, so that a reader drops what comes twice and
    /// sees what is missing.
    pub sequence: u64,
    /// Milliseconds since 1970 at the producer.
    pub at_ms: u64,
    /// The trace that it belongs to; none for nearly all.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "trace::lenient")]
    pub trace: Option<TraceContext>,
    /// What happened.
    pub kind: EventKind,
}

/// What can happen on a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum EventKind {
    /// A comment was taken; its visibility says who sees it.
    CommentAccepted(Comment),
    /// Its author changed the text, which was judged anew.
    CommentEdited {
        /// Which.
        comment: CommentId,
        /// The new text.
        text: String,
        /// What the chain decided on the new text.
        judgement: Judgement,
        /// Handles named in the new text.
        mentions: Vec<String>,
    },
    /// A comment was taken away.
    CommentRemoved {
        /// Which.
        comment: CommentId,
        /// By whom.
        by: Remover,
        /// The user who did it; none where a policy did.
        actor: Option<UserId>,
        /// For the record.
        reason: String,
    },
    /// A held comment was approved by a moderator, with the comment as it is shown from now on.
    CommentApproved {
        /// The whole comment, so that hosts need not read the store.
        comment: Comment,
        /// The moderator.
        actor: UserId,
    },
    /// A moderator took a removal back, with the comment as it is seen from now on.
    CommentRestored {
        /// The whole comment, so that hosts need not read the store.
        comment: Comment,
        /// The moderator.
        actor: UserId,
    },
    /// A comment that was taken unjudged, or is judged again, has this verdict now.
    CommentModerated {
        /// The whole comment as it was taken, with its new judgement and visibility.
        comment: Comment,
    },
    /// A user set or took back a like or dislike.
    ReactionSet {
        /// Of which comment.
        comment: CommentId,
        /// Whose.
        user: UserId,
        /// Which.
        reaction: Reaction,
        /// When and where, to merge by.
        stamp: Stamp,
    },
    /// Likes and dislikes of comments that changed, from the writer.
    ReactionTotals(Vec<Totals>),
    /// Emoji gathered by one host.
    EmojiCounted(Vec<(String, u32)>),
    /// Running totals of the stream's emoji, from the writer.
    EmojiTotals(Vec<(String, u64)>),
    /// The settings from now on.
    SettingsChanged {
        /// All of them.
        settings: Settings,
        /// Who changed them.
        actor: UserId,
    },
    /// A comment was pinned; none takes the pin away.
    Pinned {
        /// The whole comment, so that hosts need not read the store.
        comment: Option<Comment>,
        /// Who did it.
        actor: UserId,
    },
    /// How many watch, over all hosts.
    Viewers(u64),
}

/// Likes and dislikes of one comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Which.
    pub comment: CommentId,
    /// Likes.
    pub likes: u32,
    /// Dislikes.
    pub dislikes: u32,
}

/// Who took a comment away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Remover {
    /// The one who wrote it.
    Author,
    /// A moderator.
    Moderator,
    /// A component's later verdict.
    Policy,
}

impl EventKind {
    /// The name used in metrics and dead letters.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::CommentAccepted(_) => "CommentAccepted",
            Self::CommentEdited { .. } => "CommentEdited",
            Self::CommentRemoved { .. } => "CommentRemoved",
            Self::CommentApproved { .. } => "CommentApproved",
            Self::CommentRestored { .. } => "CommentRestored",
            Self::CommentModerated { .. } => "CommentModerated",
            Self::ReactionSet { .. } => "ReactionSet",
            Self::ReactionTotals(_) => "ReactionTotals",
            Self::EmojiCounted(_) => "EmojiCounted",
            Self::EmojiTotals(_) => "EmojiTotals",
            Self::SettingsChanged { .. } => "SettingsChanged",
            Self::Pinned { .. } => "Pinned",
            Self::Viewers(_) => "Viewers",
        }
    }
}
