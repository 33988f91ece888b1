//! Replies to commands on the wire.

use crate::comment::{self, Authors, role};
use crate::event::emoji;
use crate::wire::{Failure, Identity, Joined, Outcome, Reply, Resumed};
use crate::{Fields, Sink, key, settings};

/// Writes a reply.
pub(crate) fn reply<S: Sink>(sink: &mut S, reply: &Reply) {
    let mut fields = Fields::open(sink);
    fields.word(key!("type"), "reply");
    fields.uint(key!("id"), reply.id);
    match &reply.outcome {
        Outcome::Done => fields.word(key!("status"), "done"),
        Outcome::Authenticated(identity) => {
            fields.word(key!("status"), "authenticated");
            authenticated(&mut fields, identity);
        }
        Outcome::Joined(stream) => {
            fields.word(key!("status"), "joined");
            joined(&mut fields, stream);
        }
        Outcome::Accepted(comment) => {
            fields.word(key!("status"), "accepted");
            fields.id(key!("comment"), *comment);
        }
        Outcome::Held(comment) => {
            fields.word(key!("status"), "held");
            fields.id(key!("comment"), *comment);
        }
        Outcome::Rejected(reason) => {
            fields.word(key!("status"), "rejected");
            fields.text(key!("reason"), reason);
        }
        Outcome::RateLimited(wait_ms) => {
            fields.word(key!("status"), "rate_limited");
            fields.uint(key!("retry_after_ms"), (*wait_ms).into());
        }
        Outcome::Failed(failure) => {
            fields.word(key!("status"), "error");
            failed(&mut fields, failure);
        }
    }
    fields.close();
}

fn authenticated<S: Sink>(fields: &mut Fields<'_, S>, identity: &Identity) {
    let mut user = Fields::open(fields.value(key!("user")));
    user.text(key!("id"), &identity.user.id);
    user.text(key!("name"), &identity.user.name);
    user.word(key!("role"), role(identity.user.role));
    user.bool(key!("member"), identity.user.member);
    user.close();
    fields.uint(key!("expires_at"), identity.expires_at_ms);
}

fn joined<S: Sink>(fields: &mut Fields<'_, S>, joined: &Joined) {
    fields.text(key!("stream"), &joined.stream_id);
    fields.text(key!("position"), &joined.position);
    fields.word(key!("resumed"), resumed(joined.resumed));
    let mut all = Fields::open(fields.value(key!("settings")));
    settings::fields(&mut all, &joined.settings);
    all.close();
    fields.uint(key!("viewers"), joined.viewers);
    emoji(fields.value(key!("emoji")), &joined.emoji);
    if let Some(comment) = &joined.pinned {
        comment::alone(fields.value(key!("pinned")), comment);
    }
    let mut authors = Authors::default();
    let list = fields.value(key!("history"));
    list.open_list(joined.history.len());
    for comment in &joined.history {
        authors.object(list, comment);
    }
    list.close_list();
    fields.bool(key!("more"), joined.more);
}

fn failed<S: Sink>(fields: &mut Fields<'_, S>, failure: &Failure) {
    fields.uint(key!("number"), failure.number.into());
    fields.text(key!("title"), &failure.title);
    fields.text(key!("detail"), &failure.detail);
    if let Some(wait_ms) = failure.retry_after_ms {
        fields.uint(key!("retry_after_ms"), wait_ms.into());
    }
}

fn resumed(resumed: Resumed) -> &'static str {
    match resumed {
        Resumed::Fresh => "fresh",
        Resumed::Recovered => "recovered",
        Resumed::Gap => "gap",
        Resumed::Sampled => "sampled",
    }
}
