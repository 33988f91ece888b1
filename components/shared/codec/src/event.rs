//! The events of a batch on the wire.

use crate::comment::{self, Authors};
use crate::wire::{Batch, Event, Remover};
use crate::{Fields, Sink, key, settings};

/// Writes a batch.
pub(crate) fn batch<S: Sink>(sink: &mut S, batch: &Batch) {
    let mut authors = Authors::default();
    let mut fields = Fields::open(sink);
    fields.word(key!("type"), "batch");
    fields.text(key!("stream"), &batch.stream_id);
    fields.text(key!("position"), &batch.position);
    let list = fields.value(key!("events"));
    list.open_list(batch.events.len());
    for one in &batch.events {
        event(list, &mut authors, one);
    }
    list.close_list();
    fields.uint_unless_zero(key!("left_out"), batch.left_out);
    fields.close();
}

fn event<'m, S: Sink>(sink: &mut S, authors: &mut Authors<'m>, event: &'m Event) {
    let mut fields = Fields::open(sink);
    match event {
        Event::Comment(comment) => {
            fields.word(key!("type"), "comment");
            authors.comment(&mut fields, comment);
        }
        Event::Edited(edited) => {
            fields.word(key!("type"), "edited");
            fields.id(key!("comment"), edited.comment);
            fields.text(key!("text"), &edited.text);
        }
        Event::Removed(removed) => {
            fields.word(key!("type"), "removed");
            fields.id(key!("comment"), removed.comment);
            fields.word(key!("by"), remover(removed.by));
        }
        Event::Reactions(totals) => {
            fields.word(key!("type"), "reactions");
            fields.id(key!("comment"), totals.comment);
            fields.uint(key!("likes"), totals.likes.into());
            fields.uint(key!("dislikes"), totals.dislikes.into());
        }
        Event::Emoji(totals) => {
            fields.word(key!("type"), "emoji");
            emoji(fields.value(key!("totals")), totals);
        }
        Event::Settings(new) => {
            fields.word(key!("type"), "settings");
            settings::fields(&mut fields, new);
        }
        Event::Pinned(pinned) => {
            fields.word(key!("type"), "pinned");
            match pinned {
                Some(comment) => comment::alone(fields.value(key!("comment")), comment),
                None => fields.value(key!("comment")).null(),
            }
        }
        Event::Viewers(count) => {
            fields.word(key!("type"), "viewers");
            fields.uint(key!("count"), *count);
        }
    }
    fields.close();
}

/// Writes emoji and their counts.
pub(crate) fn emoji<S: Sink>(sink: &mut S, totals: &[(String, u64)]) {
    sink.open_names(totals.len());
    for (emoji, count) in totals {
        sink.name(emoji);
        sink.uint(*count);
    }
    sink.close_names();
}

fn remover(by: Remover) -> &'static str {
    match by {
        Remover::Author => "author",
        Remover::Moderator => "moderator",
        Remover::Policy => "policy",
    }
}
