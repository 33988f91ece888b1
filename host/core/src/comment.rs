//! A comment and its author.

use serde::{Deserialize, Serialize};

use crate::ids::{CommentId, Reference, StreamId, UserId};
use crate::judgement::Judgement;

/// What a user may do. The order is the order of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads, where the stream allows it.
    Anonymous,
    /// Comments and reacts.
    #[default]
    Viewer,
    /// Looks after streams: sees what is held, removes, pins, changes settings.
    Moderator,
    /// Runs the fleet: pushes components.
    Operator,
}

impl Role {
    /// True for those who look after streams.
    #[must_use]
    pub fn moderates(self) -> bool {
        self >= Self::Moderator
    }

    /// The name used on the wire, in tokens and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Viewer => "viewer",
            Self::Moderator => "moderator",
            Self::Operator => "operator",
        }
    }
}

/// Who wrote a comment, as known when it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The token's `sub`.
    pub id: UserId,
    /// The name others see, at most [`crate::limits::NAME_BYTES_MAX`] bytes.
    pub name: String,
    /// Role at the time of writing.
    #[serde(default)]
    pub role: Role,
    /// Counted among the stream's members.
    #[serde(default)]
    pub member: bool,
}

impl Author {
    /// What others write after `@` to reach this user: the name without spaces and signs, lower case.
    #[must_use]
    pub fn handle(&self) -> String {
        crate::text::handle(&self.name)
    }
}

/// Who sees a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Everyone.
    #[default]
    Shown,
    /// Its author and moderators, until a moderator approves it.
    Held,
    /// Its author (who is not told) and moderators.
    Shadow,
    /// Nobody: it is in no page and not in the review queue. It is kept so that what comes later about it is known
    /// to be too late.
    Removed,
}

/// A comment as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comment {
    /// Made by the host that accepted it, in the log's order on that host.
    pub id: CommentId,
    /// Where it was said.
    pub stream: StreamId,
    /// Who said it.
    pub author: Author,
    /// 1 to [`crate::limits::TEXT_CHARS_MAX`] characters.
    pub text: String,
    /// The comment it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<CommentId>,
    /// Handles named with `@`, at most [`crate::limits::MENTIONS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<String>,
    /// The client's own name for the submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// Milliseconds since 1970 when it was accepted.
    pub at_ms: u64,
    /// When its text last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at_ms: Option<u64>,
    /// Who sees it.
    #[serde(default)]
    pub visibility: Visibility,
    /// What the chain decided on the current text.
    pub judgement: Judgement,
}
