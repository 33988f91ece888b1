//! Messages that every codec is warmed and tested with before it is published: one of each kind.

use std::time::Duration;

use ringside_core::event::{Remover, Totals};
use ringside_core::wire::{
    Batch, Joined, Message, Notice, NoticeKind, Outcome, Resumed, WireComment, WireEvent,
};
use ringside_core::{Author, CommentId, Failure, Problem, Role, Settings, StreamId, UserId};

pub(super) fn messages() -> Vec<Message> {
    // Both texts are ids, so this never comes out empty.
    let (Ok(stream), Ok(user)) = (StreamId::new("sample"), UserId::new("u1")) else { return Vec::new() };
    let id = CommentId::from_halves(0x0198_f0c2_7d3a_7000, 0x8000_0000_0000_0001);
    let author = Author { id: user, name: "Ann \"é\" 🎉".into(), role: Role::Viewer, member: true };
    let comment = WireComment {
        id,
        author: author.clone(),
        text: "hello @bob\n\u{7f}\\ </script> مرحبا 🎉".into(),
        at_ms: 1_700_000_000_000,
        reply_to: Some(id),
        mentions: vec!["bob".into()],
        edited: true,
        likes: 1,
        dislikes: 2,
        replies: 3,
        held: true,
    };
    let settings = Settings { blocked_terms: vec!["spoiler".into()], ..Settings::default() };
    let emoji = vec![("🎉".to_owned(), u64::MAX)];
    let failure = Failure::retry(Problem::Unavailable, "try again", Duration::from_secs(1));
    let joined = Joined {
        stream: stream.clone(),
        position: "1.0.7".into(),
        resumed: Resumed::Recovered,
        settings: settings.clone(),
        viewers: 12,
        emoji: emoji.clone(),
        pinned: Some(comment.clone()),
        history: vec![comment.clone()],
        more: true,
    };
    let events = vec![
        WireEvent::Comment(comment.clone()),
        WireEvent::Edited { comment: id, text: "new".into() },
        WireEvent::Removed { comment: id, by: Remover::Policy },
        WireEvent::Reactions(Totals { comment: id, likes: 1, dislikes: 0 }),
        WireEvent::Emoji(emoji),
        WireEvent::Settings(settings),
        WireEvent::Pinned(None),
        WireEvent::Viewers(3),
    ];
    let outcomes = [
        Outcome::Done,
        Outcome::Authenticated { user: author, expires_at_ms: 1_700_000_000_000 },
        Outcome::Joined(Box::new(joined)),
        Outcome::Accepted(id),
        Outcome::Held(id),
        Outcome::Rejected("no links here".into()),
        Outcome::RateLimited(12_000),
        Outcome::Failed(failure),
    ];
    let mut messages: Vec<Message> =
        (1..).zip(outcomes).map(|(id, outcome)| Message::Reply { id, outcome }).collect();
    messages.push(Message::Batch(Batch { stream, position: "1.0.8".into(), events, left_out: 5 }));
    messages.push(Message::Notice(Notice {
        kind: NoticeKind::Mention,
        text: "Ann mentioned you".into(),
        value: 0,
        stream: "sample".into(),
        comment: Some(comment),
    }));
    messages
}
