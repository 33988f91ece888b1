//! From the host's message to the component's: texts are borrowed, lists are laid into an arena.

use bumpalo::Bump;
use ringside_core::event::Remover;
use ringside_core::wire::{Joined, Message, Notice, NoticeKind, Outcome, Resumed, WireComment, WireEvent};
use ringside_core::{Author, CommentId, Failure, Role, Settings};

use crate::bindings::codec::ringside::edge::{types, wire as wit};

/// A message as the component is given it.
pub(crate) fn message<'a>(message: &'a Message, arena: &'a Bump) -> wit::Message<'a> {
    match message {
        Message::Reply { id, outcome } => {
            wit::Message::Reply(wit::Reply { id: *id, outcome: self::outcome(outcome, arena) })
        }
        Message::Batch(batch) => wit::Message::Batch(wit::Batch {
            stream_id: batch.stream.as_str(),
            position: &batch.position,
            events: arena.alloc_slice_fill_iter(batch.events.iter().map(|event| self::event(event, arena))),
            left_out: batch.left_out,
        }),
        Message::Notice(notice) => wit::Message::Notice(self::notice(notice, arena)),
    }
}

/// How many comments a message holds, for the size of a call.
pub(crate) fn comments_in(message: &Message) -> usize {
    match message {
        Message::Batch(batch) => batch.events.len(),
        Message::Reply { outcome: Outcome::Joined(joined), .. } => joined.history.len() + 1,
        Message::Reply { .. } | Message::Notice(_) => 1,
    }
}

fn id(id: CommentId) -> wit::CommentId {
    let (high, low) = id.halves();
    wit::CommentId { high, low }
}

fn author(author: &Author) -> types::Author<'_> {
    types::Author {
        id: author.id.as_str(),
        name: &author.name,
        role: match author.role {
            Role::Anonymous => types::Role::Anonymous,
            Role::Viewer => types::Role::Viewer,
            Role::Moderator => types::Role::Moderator,
            Role::Operator => types::Role::Operator,
        },
        member: author.member,
    }
}

fn texts<'a>(texts: &'a [String], arena: &'a Bump) -> &'a [&'a str] {
    if texts.is_empty() { &[] } else { arena.alloc_slice_fill_iter(texts.iter().map(String::as_str)) }
}

fn totals<'a>(totals: &'a [(String, u64)], arena: &'a Bump) -> &'a [(&'a str, u64)] {
    arena.alloc_slice_fill_iter(totals.iter().map(|(name, total)| (name.as_str(), *total)))
}

fn settings<'a>(settings: &'a Settings, arena: &'a Bump) -> types::Settings<'a> {
    types::Settings {
        slow_mode_s: settings.slow_mode_s,
        members_only: settings.members_only,
        emoji_only: settings.emoji_only,
        links_allowed: settings.links_allowed,
        hold_for_review: settings.hold_for_review,
        closed: settings.closed,
        anonymous_read: settings.anonymous_read,
        blocked_terms: texts(&settings.blocked_terms, arena),
    }
}

fn comment<'a>(comment: &'a WireComment, arena: &'a Bump) -> wit::Comment<'a> {
    wit::Comment {
        id: id(comment.id),
        author: author(&comment.author),
        text: &comment.text,
        at_ms: comment.at_ms,
        reply_to: comment.reply_to.map(id),
        mentions: texts(&comment.mentions, arena),
        edited: comment.edited,
        likes: comment.likes,
        dislikes: comment.dislikes,
        replies: comment.replies,
        held: comment.held,
    }
}

fn event<'a>(event: &'a WireEvent, arena: &'a Bump) -> wit::Event<'a> {
    match event {
        WireEvent::Comment(new) => wit::Event::Comment(comment(new, arena)),
        WireEvent::Edited { comment, text } => {
            wit::Event::Edited(wit::Edited { comment: id(*comment), text })
        }
        WireEvent::Removed { comment, by } => wit::Event::Removed(wit::Removed {
            comment: id(*comment),
            by: match by {
                Remover::Author => wit::Remover::Author,
                Remover::Moderator => wit::Remover::Moderator,
                Remover::Policy => wit::Remover::Policy,
            },
        }),
        WireEvent::Reactions(totals) => wit::Event::Reactions(wit::ReactionTotals {
            comment: id(totals.comment),
            likes: totals.likes,
            dislikes: totals.dislikes,
        }),
        WireEvent::Emoji(emoji) => wit::Event::Emoji(totals(emoji, arena)),
        WireEvent::Settings(new) => wit::Event::Settings(settings(new, arena)),
        WireEvent::Pinned(pinned) => wit::Event::Pinned(pinned.as_ref().map(|pinned| comment(pinned, arena))),
        WireEvent::Viewers(viewers) => wit::Event::Viewers(*viewers),
    }
}

fn outcome<'a>(outcome: &'a Outcome, arena: &'a Bump) -> wit::Outcome<'a> {
    match outcome {
        Outcome::Done => wit::Outcome::Done,
        Outcome::Authenticated { user, expires_at_ms } => {
            wit::Outcome::Authenticated(wit::Identity { user: author(user), expires_at_ms: *expires_at_ms })
        }
        Outcome::Joined(joined) => wit::Outcome::Joined(self::joined(joined, arena)),
        Outcome::Accepted(comment) => wit::Outcome::Accepted(id(*comment)),
        Outcome::Held(comment) => wit::Outcome::Held(id(*comment)),
        Outcome::Rejected(reason) => wit::Outcome::Rejected(reason),
        Outcome::RateLimited(wait_ms) => wit::Outcome::RateLimited(*wait_ms),
        Outcome::Failed(failure) => wit::Outcome::Failed(self::failure(failure)),
    }
}

fn joined<'a>(joined: &'a Joined, arena: &'a Bump) -> wit::Joined<'a> {
    wit::Joined {
        stream_id: joined.stream.as_str(),
        position: &joined.position,
        resumed: match joined.resumed {
            Resumed::Fresh => wit::Resumed::Fresh,
            Resumed::Recovered => wit::Resumed::Recovered,
            Resumed::Gap => wit::Resumed::Gap,
            Resumed::Sampled => wit::Resumed::Sampled,
        },
        settings: settings(&joined.settings, arena),
        viewers: joined.viewers,
        emoji: totals(&joined.emoji, arena),
        pinned: joined.pinned.as_ref().map(|pinned| comment(pinned, arena)),
        history: arena.alloc_slice_fill_iter(joined.history.iter().map(|old| comment(old, arena))),
        more: joined.more,
    }
}

fn failure(failure: &Failure) -> wit::Failure<'_> {
    wit::Failure {
        number: failure.problem.number(),
        title: failure.problem.title(),
        detail: &failure.detail,
        retry_after_ms: failure.retry_after.map(|after| u32::try_from(after.as_millis()).unwrap_or(u32::MAX)),
    }
}

fn notice<'a>(notice: &'a Notice, arena: &'a Bump) -> wit::Notice<'a> {
    wit::Notice {
        kind: match notice.kind {
            NoticeKind::Banner => wit::NoticeKind::Banner,
            NoticeKind::BannerEnded => wit::NoticeKind::BannerEnded,
            NoticeKind::Drain => wit::NoticeKind::Drain,
            NoticeKind::Expiring => wit::NoticeKind::Expiring,
            NoticeKind::Mention => wit::NoticeKind::Mention,
        },
        text: &notice.text,
        value: notice.value,
        stream_id: &notice.stream,
        comment: notice.comment.as_ref().map(|named| comment(named, arena)),
    }
}
