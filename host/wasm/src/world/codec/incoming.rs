//! From the component's request to the host's: texts are moved, not copied.

use ringside_core::wire::{Command, DecodeError, Request, Review};
use ringside_core::{CommentId, Reaction, SettingsPatch};

use crate::bindings::codec::ringside::edge::wire as wit;
use crate::limits;
use crate::text::cut;

pub(crate) fn request(request: wit::Request) -> Request {
    Request { id: request.id, command: command(request.command) }
}

pub(crate) fn error(error: wit::DecodeError) -> DecodeError {
    match error {
        wit::DecodeError::Malformed(detail) => DecodeError::Malformed(cut(detail, limits::REASON_BYTES_MAX)),
        wit::DecodeError::Invalid((id, detail)) => {
            DecodeError::Invalid { id, detail: cut(detail, limits::REASON_BYTES_MAX) }
        }
    }
}

fn id(id: wit::CommentId) -> CommentId {
    CommentId::from_halves(id.high, id.low)
}

fn command(command: wit::Command) -> Command {
    match command {
        wit::Command::Authenticate(token) => Command::Authenticate(token),
        wit::Command::Refresh(token) => Command::Refresh(token),
        wit::Command::Join(wit::Join { stream_id, position, history }) => {
            Command::Join { stream: stream_id, position, history }
        }
        wit::Command::Leave => Command::Leave,
        wit::Command::Comment(wit::Post { text, reply_to, reference }) => {
            Command::Comment { text, reply_to: reply_to.map(id), reference }
        }
        wit::Command::Edit(wit::Edit { comment, text }) => Command::Edit { comment: id(comment), text },
        wit::Command::Delete(comment) => Command::Delete(id(comment)),
        wit::Command::React(wit::React { comment, reaction }) => Command::React {
            comment: id(comment),
            reaction: match reaction {
                wit::Reaction::Like => Reaction::Like,
                wit::Reaction::Dislike => Reaction::Dislike,
                wit::Reaction::None => Reaction::None,
            },
        },
        wit::Command::Emoji(wit::Emoji { emoji, count }) => Command::Emoji { emoji, count },
        wit::Command::Pin(comment) => Command::Pin(comment.map(id)),
        wit::Command::Settings(patch) => Command::Settings(SettingsPatch {
            slow_mode_s: patch.slow_mode_s,
            members_only: patch.members_only,
            emoji_only: patch.emoji_only,
            links_allowed: patch.links_allowed,
            hold_for_review: patch.hold_for_review,
            closed: patch.closed,
            anonymous_read: patch.anonymous_read,
            blocked_terms: patch.blocked_terms,
        }),
        wit::Command::Moderate(wit::Moderate { comment, review }) => Command::Moderate {
            comment: id(comment),
            review: match review {
                wit::Review::Approve => Review::Approve,
                wit::Review::Remove => Review::Remove,
            },
        },
    }
}
