//! What users may not do, as moderators decided, and the records that tell every host of it (R37).

use serde::{Deserialize, Serialize};

use crate::ids::{CommentId, Generation, HostId, RegionId, StreamId, UserId};

/// What a restriction takes away. The order is the order of severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestrictionKind {
    /// May read, and may not comment.
    TimeOut,
    /// What they say from now on is seen by themselves, who are not told, and by moderators.
    ShadowBan,
    /// May not connect.
    Ban,
}

impl RestrictionKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::TimeOut, Self::ShadowBan, Self::Ban];

    /// The name used in tables, metrics and screens.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TimeOut => "time-out",
            Self::ShadowBan => "shadow-ban",
            Self::Ban => "ban",
        }
    }
}

/// What a user may not do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restriction {
    /// Who.
    pub user: UserId,
    /// What is taken away.
    pub kind: RestrictionKind,
    /// Where; none: on all streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamId>,
    /// Milliseconds since 1970; none: until it is lifted.
    pub until_ms: Option<u64>,
    /// For the record.
    pub reason: String,
    /// Who decided.
    pub by: UserId,
    /// When, in milliseconds since 1970.
    pub since_ms: u64,
    /// Number of the entry of the audit log that decided it; undoing that lifts it.
    pub entry: u64,
}

impl Restriction {
    /// True until its time has come.
    #[must_use]
    pub fn holds_at(&self, now_ms: u64) -> bool {
        self.until_ms.is_none_or(|until_ms| until_ms > now_ms)
    }
}

/// One record about a user, whose id is its key. Written as [`crate::encoding::encode_moderation`] does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModerationEvent {
    /// The user, which is the record's key.
    pub user: UserId,
    /// The region where it was decided.
    pub origin: RegionId,
    /// The host process that decided it.
    pub producer: HostId,
    /// That producer's number for it. With the producer it tells what comes twice, as it may when a process died.
    pub sequence: u64,
    /// Milliseconds since 1970 at the producer.
    pub at_ms: u64,
    /// What happened.
    pub kind: ModerationEventKind,
}

/// What can happen to a user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ModerationEventKind {
    /// This holds from now on, in place of another of its kind and stream.
    UserRestricted(Restriction),
    /// This holds no more, before its time.
    RestrictionLifted(Restriction),
    /// A component or a moderator decided on a comment of theirs.
    CommentDecided(CommentDecision),
}

/// What can be decided on a comment that is in the log. One that was rejected never came there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decided {
    /// Shown after all: a component judged later what was let through unjudged.
    Accept,
    /// Shown, and queued for review.
    Flag,
    /// Not shown until a moderator approves it.
    Hold,
    /// Only its author sees it.
    ShadowBan,
    /// A moderator let it be seen by all.
    Approve,
    /// Taken away, by a moderator or by a later verdict.
    Remove,
    /// A moderator took a removal back.
    Restore,
}

/// A decision on a comment, as it stands in the room's events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentDecision {
    /// Where it was said.
    pub stream: StreamId,
    /// Which.
    pub comment: CommentId,
    /// What was decided.
    pub action: Decided,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The slot that decided; empty where a moderator did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub slot: String,
    /// The component in it with its version; empty where none decided.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub component: String,
    /// The generation that judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<Generation>,
    /// The moderator who decided; none where a component did, and where a comment that was shown all along is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moderator: Option<UserId>,
    /// Partition of the room event it follows from.
    pub partition: u32,
    /// Offset of that: a decision of the same place is the same decision.
    pub offset: u64,
}

impl ModerationEventKind {
    /// The name used in metrics and dead letters.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::UserRestricted(_) => "UserRestricted",
            Self::RestrictionLifted(_) => "RestrictionLifted",
            Self::CommentDecided(_) => "CommentDecided",
        }
    }
}
