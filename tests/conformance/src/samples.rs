//! Events and comments to feed adapters with.

use ringside_core::event::Remover;
use ringside_core::{
    Action, Author, Comment, CommentId, CommentIds, Event, EventKind, Generation, HostId, Judgement,
    Reaction, Reference, RegionId, Role, Stamp, StreamId, UserId, Visibility,
};

/// A stream id.
#[must_use]
pub fn stream(id: &str) -> StreamId {
    StreamId::new(id).expect("a stream id")
}

/// A user id.
#[must_use]
pub fn user(id: &str) -> UserId {
    UserId::new(id).expect("a user id")
}

/// A host id.
#[must_use]
pub fn host(id: &str) -> HostId {
    HostId::new(id).expect("a host id")
}

/// A client's name for a submission.
#[must_use]
pub fn reference(text: &str) -> Reference {
    Reference::new(text).expect("a reference")
}

/// The n-th comment id: ids grow with n, eight share a millisecond.
#[must_use]
pub fn id(n: u64) -> CommentId {
    CommentIds::new(7).next(1_700_000_000_000 + n / 8).at(n % 8)
}

trait At {
    fn at(self, place: u64) -> Self;
}

impl At for CommentId {
    fn at(self, place: u64) -> Self {
        let (high, low) = self.halves();
        Self::from_halves(high + place, low)
    }
}

/// The n-th comment of a stream: shown, by `author`.
#[must_use]
pub fn comment(of: &StreamId, n: u64, author: &str) -> Comment {
    Comment {
        id: id(n),
        stream: of.clone(),
        author: Author {
            id: user(author),
            name: author.to_uppercase(),
            role: Role::Viewer,
            member: n.is_multiple_of(2),
        },
        text: format!("comment {n} ✓ \u{1f389}"),
        reply_to: None,
        mentions: vec!["ann".into()],
        reference: None,
        at_ms: id(n).at_ms(),
        edited_at_ms: None,
        visibility: Visibility::Shown,
        judgement: judgement(Action::Accept),
    }
}

/// A comment with this visibility, and the judgement that gives it.
#[must_use]
pub fn comment_seen(of: &StreamId, n: u64, author: &str, visibility: Visibility) -> Comment {
    let action = match visibility {
        Visibility::Shown | Visibility::Removed => Action::Accept,
        Visibility::Held => Action::Hold,
        Visibility::Shadow => Action::ShadowBan,
    };
    Comment { visibility, judgement: judgement(action), ..comment(of, n, author) }
}

/// A verdict of generation 3.
#[must_use]
pub fn judgement(action: Action) -> Judgement {
    let accepted = action == Action::Accept;
    let why = |text: &str| if accepted { String::new() } else { text.to_owned() };
    Judgement {
        generation: Some(Generation(3)),
        action,
        slot: why("words"),
        component: why("words 1.2.0"),
        reason: why("a blocked word"),
        labels: Vec::new(),
    }
}

/// An event of a stream, at its offset.
#[must_use]
pub fn event(of: &StreamId, offset: u64, kind: EventKind) -> (u64, Event) {
    let event = Event {
        stream: of.clone(),
        origin: RegionId::new("local").expect("a region"),
        producer: host("h1"),
        sequence: offset,
        at_ms: 1_700_000_100_000 + offset,
        trace: None,
        kind,
    };
    (offset, event)
}

/// A comment was taken.
#[must_use]
pub fn accepted(comment: Comment) -> EventKind {
    EventKind::CommentAccepted(comment)
}

/// A comment was taken away by a moderator.
#[must_use]
pub fn removed(n: u64) -> EventKind {
    EventKind::CommentRemoved {
        comment: id(n),
        by: Remover::Moderator,
        actor: Some(user("mod")),
        reason: "off topic".into(),
    }
}

/// A moderator took a removal back.
#[must_use]
pub fn restored(comment: Comment) -> EventKind {
    EventKind::CommentRestored { comment, actor: user("mod") }
}

/// A reaction at a time.
#[must_use]
pub fn reacted(n: u64, by: &str, reaction: Reaction, at_ms: u64) -> EventKind {
    let stamp = Stamp { at_ms, region: RegionId::new("local").expect("a region") };
    EventKind::ReactionSet { comment: id(n), user: user(by), reaction, stamp }
}
