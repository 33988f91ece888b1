//! The policy: what the chain of components is asked, whoever hosts it.

use async_trait::async_trait;
use ringside_core::sampling::Plan;
use ringside_core::{Author, Generation, Judgement, Settings, StreamId};
use std::sync::Arc;

use crate::error::PortResult;
use crate::traces::Trace;

/// What a user does, for the throttle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activity {
    /// A comment.
    Comment,
    /// A reply to a comment.
    Reply,
    /// A new text for one's own comment.
    Edit,
    /// Like or dislike.
    Reaction,
    /// Emoji for the stream.
    Emoji,
}

impl Activity {
    /// Every activity.
    pub const ALL: [Self; 5] = [Self::Comment, Self::Reply, Self::Edit, Self::Reaction, Self::Emoji];

    /// The name used in counters' keys and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Reply => "reply",
            Self::Edit => "edit",
            Self::Reaction => "reaction",
            Self::Emoji => "emoji",
        }
    }
}

/// A question for the throttle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// On which stream.
    pub stream: StreamId,
    /// Its settings.
    pub settings: Arc<Settings>,
    /// Who.
    pub author: Author,
    /// What.
    pub activity: Activity,
    /// Activities of this kind by this user on this stream within `window_ms`, this one not counted.
    pub count_in_window: u32,
    /// The window, in milliseconds.
    pub window_ms: u32,
    /// Age of the oldest of them, in milliseconds; 0 where there is none.
    pub oldest_age_ms: u32,
    /// Milliseconds since the last one.
    pub since_last_ms: Option<u32>,
    /// The stream's pace now.
    pub comments_per_second: u32,
}

/// The throttle's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admitted {
    /// Go on.
    Yes,
    /// Come back after so many milliseconds.
    Wait(u32),
    /// Not at all, and why.
    Refused(String),
}

/// Counters about a comment, all the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommentCounters {
    /// Comments by this author on this stream in the last 60 s.
    pub author_comments: u32,
    /// Of these, with the same folded text.
    pub author_same_text: u32,
    /// Of the author's last 8 comments within 60 s, the highest likeness to this text, 0 to 100.
    pub author_likeness: u8,
    /// Comments with the same folded text on this stream in the last 10 s.
    pub stream_same_text: u32,
}

/// A comment on its way through the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// For the throttle; `None` when it was admitted before (judged again, later).
    pub admission: Option<Admission>,
    /// On which stream.
    pub stream: StreamId,
    /// Its settings.
    pub settings: Arc<Settings>,
    /// Who.
    pub author: Author,
    /// As written.
    pub text: String,
    /// As [`ringside_core::text::fold`] folds it.
    pub folded: String,
    /// Counters.
    pub counters: CommentCounters,
    /// The trace that its judging is part of.
    pub trace: Option<Trace>,
}

/// What the chain says of a submission.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Not admitted: rate-limited or refused.
    NotAdmitted(Admitted),
    /// Judged, by one generation (or unjudged, by the slot's policy).
    Judged(Judgement),
}

/// How busy a stream is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamLoad {
    /// Which.
    pub stream: StreamId,
    /// Comments in the last second.
    pub comments_per_second: u32,
    /// Members on this host.
    pub viewers: u32,
}

/// The chain of components.
#[async_trait]
pub trait Policy: Send + Sync {
    /// Admits and judges comments; one decision for each, in order. Calls of many callers share batches.
    ///
    /// # Errors
    /// `Busy` with a wait when the chain's bounded queue is full: none was judged.
    async fn judge(&self, submissions: Vec<Submission>) -> PortResult<Vec<Decision>>;

    /// Admits other activities; one answer for each, in order.
    ///
    /// # Errors
    /// `Busy` with a wait.
    async fn admit(&self, admissions: Vec<Admission>) -> PortResult<Vec<Admitted>>;

    /// What viewers of a stream are shown.
    ///
    /// # Errors
    /// `Busy`; the caller keeps the last plan.
    async fn plan(&self, load: StreamLoad) -> PortResult<Plan>;

    /// The generation that judges now.
    fn generation(&self) -> Generation;
}
