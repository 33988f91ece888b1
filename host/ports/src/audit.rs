//! The audit log: what people decided about comments, users and the fleet, and what holds by it (R37).
//!
//! An entry is a **deed**, once recorded never changed. A deed about a comment or a user *stands* until it is undone,
//! replaced or over, and at most one of its kind stands: so of two moderators who decide at once, one is told of the
//! other. What users may not do is read from the deeds that stand, in the transaction that records them.

mod rules;

pub use rules::ago;

use async_trait::async_trait;
use ringside_core::moderation::{Restriction, RestrictionKind};
use ringside_core::{CommentId, Reference, Role, StreamId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::PortResult;

/// Longest reason, in bytes.
pub const REASON_BYTES_MAX: usize = 1_000;
/// Longest name of a change and of what it was made to, in bytes.
pub const CHANGE_BYTES_MAX: usize = 200;
/// Longest state before or after a change, in bytes of JSON: settings with all blocked terms have 14,000, and a
/// release with the configurations of its slots is some of them.
pub const STATE_BYTES_MAX: usize = 65_536;
/// Most entries in a page, and most restrictions in an answer.
pub const AUDIT_PAGE_MAX: usize = 200;
/// Most entries forgotten in one call: seconds of work at the most.
pub const FORGET_MAX: usize = 10_000;

/// What someone did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// A comment may be seen by all.
    Approve {
        /// Where it was said.
        stream: StreamId,
        /// Which.
        comment: CommentId,
    },
    /// A comment was taken away.
    Remove {
        /// Where it was said.
        stream: StreamId,
        /// Which.
        comment: CommentId,
    },
    /// A user may not do something.
    Restrict {
        /// Who.
        user: UserId,
        /// What is taken away.
        kind: RestrictionKind,
        /// Where; none: on all streams. A ban is on all streams.
        stream: Option<StreamId>,
        /// Milliseconds since 1970; none: until it is undone.
        until_ms: Option<u64>,
    },
    /// Anything else worth keeping. It is in the log and nothing holds by it, so it cannot be undone.
    Change {
        /// Its kind, lower-case words and dots, such as `stream.settings` or `component.push`.
        what: String,
        /// The stream it concerns, if it is one.
        stream: Option<StreamId>,
        /// What was changed, such as a component's name.
        subject: String,
        /// How it was, where that is useful.
        before: Option<Value>,
        /// How it is now.
        after: Option<Value>,
    },
}

impl Deed {
    /// Its kind, to filter by: `comment.approve`, `comment.remove`, `user.time-out`, `user.shadow-ban`, `user.ban`, and
    /// a change's own.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Approve { .. } => "comment.approve",
            Self::Remove { .. } => "comment.remove",
            Self::Restrict { kind: RestrictionKind::TimeOut, .. } => "user.time-out",
            Self::Restrict { kind: RestrictionKind::ShadowBan, .. } => "user.shadow-ban",
            Self::Restrict { kind: RestrictionKind::Ban, .. } => "user.ban",
            Self::Change { what, .. } => what,
        }
    }

    /// The stream it concerns.
    #[must_use]
    pub fn stream(&self) -> Option<&StreamId> {
        match self {
            Self::Approve { stream, .. } | Self::Remove { stream, .. } => Some(stream),
            Self::Restrict { stream, .. } | Self::Change { stream, .. } => stream.as_ref(),
        }
    }

    /// The user it concerns. Of a comment's author it does not know.
    #[must_use]
    pub fn user(&self) -> Option<&UserId> {
        match self {
            Self::Restrict { user, .. } => Some(user),
            Self::Approve { .. } | Self::Remove { .. } | Self::Change { .. } => None,
        }
    }

    /// The comment it concerns.
    #[must_use]
    pub fn comment(&self) -> Option<CommentId> {
        match self {
            Self::Approve { comment, .. } | Self::Remove { comment, .. } => Some(*comment),
            Self::Restrict { .. } | Self::Change { .. } => None,
        }
    }
}

/// Who did it, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// Who.
    pub actor: UserId,
    /// In which role.
    pub role: Role,
    /// Milliseconds since 1970. What ends is over for a deed that is done later.
    pub at_ms: u64,
    /// For the record, at most [`REASON_BYTES_MAX`].
    pub reason: String,
    /// The actor's own name for this: recording it again gives the entry that it became, so that a call whose answer
    /// was lost can be made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its place: grows by one with each entry.
    pub number: u64,
    /// Who did it.
    pub by: By,
    /// What was done; with `undoes`, what was undone.
    pub deed: Deed,
    /// The entry that stood until this one took its place.
    pub instead_of: Option<u64>,
    /// The entry that this one undid.
    pub undoes: Option<u64>,
    /// The entry that undid this one.
    pub undone_by: Option<u64>,
}

impl AuditEntry {
    /// The restriction that holds by this entry while it stands.
    #[must_use]
    pub fn restriction(&self) -> Option<Restriction> {
        let Deed::Restrict { user, kind, stream, until_ms } = &self.deed else { return None };
        Some(Restriction {
            user: user.clone(),
            kind: *kind,
            stream: stream.clone(),
            until_ms: *until_ms,
            reason: self.by.reason.clone(),
            by: self.by.actor.clone(),
            since_ms: self.by.at_ms,
            entry: self.number,
        })
    }
}

/// A question for a page of the audit log. What is none matches all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditQuery {
    /// Entries that concern this stream.
    pub stream: Option<StreamId>,
    /// Entries that concern this user.
    pub user: Option<UserId>,
    /// Entries that concern this comment.
    pub comment: Option<CommentId>,
    /// What this user did.
    pub actor: Option<UserId>,
    /// Entries of this [`Deed::kind`].
    pub kind: Option<String>,
    /// Entries at this time or later, in milliseconds since 1970.
    pub since_ms: Option<u64>,
    /// Entries before this time.
    pub until_ms: Option<u64>,
    /// Entries before this one.
    pub before: Option<u64>,
    /// At most so many, 1 to [`AUDIT_PAGE_MAX`].
    pub most: usize,
}

/// A page of the audit log, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// What `before` of the next page is; none at the end. A page may be short, or empty, and not the last: a call
    /// looks at a bounded number of entries.
    pub next: Option<u64>,
}

/// What became of a restriction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestrictionChange {
    /// Number of the entry that changed it: grows from change to change, in the order in which they are seen.
    pub version: u64,
    /// The restriction.
    pub restriction: Restriction,
    /// It holds no more. One that is over by its time changes nothing.
    pub lifted: bool,
}

/// The audit log and the restrictions that hold; strongly consistent.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Records a deed. `instead_of` names the entry that it takes the place of: the decision on the same comment, or
    /// the user's restriction of the same kind on the same stream (or on all). None: there is no such.
    ///
    /// # Errors
    /// `Conflict` when something else stands: the error says who did what and when; read again, then decide. Also when
    /// the reference was used for another deed. `Invalid` for what is too long, has a NUL character, is a ban on one
    /// stream, or a change that takes a place. `Unavailable`; then it may have been recorded.
    async fn record(&self, by: By, deed: Deed, instead_of: Option<u64>) -> PortResult<AuditEntry>;

    /// Undoes what an entry did, once: nothing stands then, also where the entry had taken another's place. Returns the
    /// entry of the undoing.
    ///
    /// # Errors
    /// `Conflict` when it was undone already, replaced, or is over: the error says by whom and when. `NotFound`.
    /// `Invalid` for a change and for an undoing: do again what it undid. Others as [`Audit::record`].
    async fn undo(&self, by: By, number: u64) -> PortResult<AuditEntry>;

    /// A page, newest first.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn page(&self, query: AuditQuery) -> PortResult<AuditPage>;

    /// What a user may not do at `now_ms`, at most [`AUDIT_PAGE_MAX`]: what is on all streams first, then the latest.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn restrictions(&self, now_ms: u64, user: &UserId) -> PortResult<Vec<Restriction>>;

    /// Changes of restrictions after `version`, oldest first, at most `most` and never more than [`AUDIT_PAGE_MAX`]:
    /// each restriction once, as it is now. From 0 on it gives all that holds. Whoever asks again and again with the
    /// last version misses none; who was away for longer than entries are kept begins at 0.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn restrictions_since(&self, version: u64, most: usize) -> PortResult<Vec<RestrictionChange>>;

    /// Forgets entries from before this time, oldest first, at most [`FORGET_MAX`]. The newest of all stays, and so do
    /// those whose restriction holds at this time or changed since. Returns how many went: call again until it is 0.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn forget(&self, before_ms: u64) -> PortResult<usize>;

    /// The ban of a user that holds at `now_ms`.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn banned(&self, now_ms: u64, user: &UserId) -> PortResult<Option<Restriction>> {
        let restrictions = self.restrictions(now_ms, user).await?;
        Ok(restrictions.into_iter().find(|restriction| restriction.kind == RestrictionKind::Ban))
    }
}
