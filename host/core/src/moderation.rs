//! What users may not do, as moderators decided, and the records that tell every host of it (R37).

use serde::{Deserialize, Serialize};

use crate::ids::{HostId, RegionId, StreamId, UserId};

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
    /// The host process that produced it.
    pub producer: HostId,
    /// That producer's number in this partition: grows by one, so that a reader drops what comes twice and
    /// sees what is missing.
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
}

impl ModerationEventKind {
    /// The name used in metrics and dead letters.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::UserRestricted(_) => "UserRestricted",
            Self::RestrictionLifted(_) => "RestrictionLifted",
        }
    }
}
