//! Writes what the server sends.

use crate::wire::{Event, Message, Notice, NoticeKind};
use crate::{Fields, Sink, comment, event, key, outcome};

/// Writes one message as one value.
pub fn write<S: Sink>(sink: &mut S, message: &Message) {
    match message {
        Message::Reply(reply) => outcome::reply(sink, reply),
        Message::Batch(batch) => event::batch(sink, batch),
        Message::Notice(notice) => write_notice(sink, notice),
    }
}

/// About how many bytes a message takes, to allocate its buffer once. Never needs to be right.
#[must_use]
pub fn size_hint(message: &Message) -> usize {
    /// Names, id and punctuation of a comment in JSON, beside its text.
    const COMMENT: usize = 192;
    match message {
        Message::Batch(batch) => batch.events.iter().fold(128, |sum, event| match event {
            Event::Comment(comment) => sum + COMMENT + comment.text.len(),
            _ => sum + COMMENT,
        }),
        Message::Reply(reply) => match &reply.outcome {
            crate::wire::Outcome::Joined(joined) => {
                joined.history.iter().fold(512, |sum, comment| sum + COMMENT + comment.text.len())
            }
            _ => COMMENT,
        },
        Message::Notice(notice) => COMMENT + notice.text.len(),
    }
}

fn write_notice<S: Sink>(sink: &mut S, notice: &Notice) {
    let mut fields = Fields::open(sink);
    fields.word(key!("type"), "notice");
    fields.word(key!("kind"), kind(notice.kind));
    fields.text(key!("text"), &notice.text);
    fields.uint(key!("value"), notice.value.into());
    if !notice.stream_id.is_empty() {
        fields.text(key!("stream"), &notice.stream_id);
    }
    if let Some(comment) = &notice.comment {
        comment::alone(fields.value(key!("comment")), comment);
    }
    fields.close();
}

fn kind(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Banner => "banner",
        NoticeKind::BannerEnded => "banner_ended",
        NoticeKind::Drain => "drain",
        NoticeKind::Expiring => "expiring",
        NoticeKind::Mention => "mention",
    }
}
