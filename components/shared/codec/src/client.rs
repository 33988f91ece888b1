//! Writes commands the way a client does: for self-tests, and for programs that play a client.

use crate::wire::{Command, Reaction, Request, Review, SettingsPatch};
use crate::{Fields, Sink, key};

/// Writes one command as one value.
pub fn write<S: Sink>(sink: &mut S, request: &Request) {
    let mut fields = Fields::open(sink);
    let kind = match &request.command {
        Command::Authenticate(_) => "authenticate",
        Command::Refresh(_) => "refresh",
        Command::Join(_) => "join",
        Command::Leave => "leave",
        Command::Comment(_) => "comment",
        Command::Edit(_) => "edit",
        Command::Delete(_) => "delete",
        Command::React(_) => "react",
        Command::Emoji(_) => "emoji",
        Command::Pin(_) => "pin",
        Command::Settings(_) => "settings",
        Command::Moderate(_) => "moderate",
    };
    fields.word(key!("type"), kind);
    fields.uint(key!("id"), request.id);
    command(&mut fields, &request.command);
    fields.close();
}

fn command<S: Sink>(fields: &mut Fields<'_, S>, command: &Command) {
    match command {
        Command::Authenticate(token) | Command::Refresh(token) => fields.text(key!("token"), token),
        Command::Join(join) => {
            fields.text(key!("stream"), &join.stream_id);
            if let Some(position) = &join.position {
                fields.text(key!("position"), position);
            }
            if let Some(history) = join.history {
                fields.uint(key!("history"), history.into());
            }
        }
        Command::Leave => {}
        Command::Comment(post) => {
            fields.text(key!("text"), &post.text);
            if let Some(parent) = post.reply_to {
                fields.id(key!("reply_to"), parent);
            }
            if let Some(reference) = &post.reference {
                fields.text(key!("reference"), reference);
            }
        }
        Command::Edit(edit) => {
            fields.id(key!("comment"), edit.comment);
            fields.text(key!("text"), &edit.text);
        }
        Command::Delete(comment) | Command::Pin(Some(comment)) => {
            fields.id(key!("comment"), *comment);
        }
        Command::React(react) => {
            fields.id(key!("comment"), react.comment);
            let reaction = match react.reaction {
                Reaction::Like => "like",
                Reaction::Dislike => "dislike",
                Reaction::None => "none",
            };
            fields.word(key!("reaction"), reaction);
        }
        Command::Emoji(emoji) => {
            fields.text(key!("emoji"), &emoji.emoji);
            if emoji.count != 1 {
                fields.uint(key!("count"), emoji.count.into());
            }
        }
        Command::Pin(None) => fields.value(key!("comment")).null(),
        Command::Settings(patch) => settings(fields, patch),
        Command::Moderate(moderate) => {
            fields.id(key!("comment"), moderate.comment);
            let review = match moderate.review {
                Review::Approve => "approve",
                Review::Remove => "remove",
            };
            fields.word(key!("review"), review);
        }
    }
}

fn settings<S: Sink>(fields: &mut Fields<'_, S>, patch: &SettingsPatch) {
    if let Some(seconds) = patch.slow_mode_s {
        fields.uint(key!("slow_mode_s"), seconds.into());
    }
    for (key, value) in [
        (key!("members_only"), patch.members_only),
        (key!("emoji_only"), patch.emoji_only),
        (key!("links_allowed"), patch.links_allowed),
        (key!("hold_for_review"), patch.hold_for_review),
        (key!("closed"), patch.closed),
        (key!("anonymous_read"), patch.anonymous_read),
    ] {
        if let Some(value) = value {
            fields.bool(key, value);
        }
    }
    if let Some(terms) = &patch.blocked_terms {
        fields.texts(key!("blocked_terms"), terms);
    }
}
