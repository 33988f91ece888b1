//! A codec for tests: JSON through serde_json, for what the tests look at.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use ringside_core::wire::{
    Command, DecodeError, Joined, Message, NoticeKind, Outcome, Request, Resumed, Review, WireComment,
    WireEvent,
};
use ringside_core::{CommentId, Reaction};
use ringside_ports::codecs::Format;
use ringside_ports::error::{PortError, PortErrorKind};
use ringside_ports::{Codecs, PortResult};
use serde_json::{Value, json};
use tokio::sync::watch;

pub struct JsonCodecs {
    pub formats: watch::Sender<Arc<[Format]>>,
    /// Messages encoded so far.
    pub encoded: AtomicUsize,
    /// Calls that are answered `Busy` from now on.
    pub busy: AtomicUsize,
}

impl Default for JsonCodecs {
    fn default() -> Self {
        let formats: Arc<[Format]> = Arc::from(vec![
            Format { subprotocol: "test.json".into(), text: true },
            Format { subprotocol: "test.binary".into(), text: false },
        ]);
        Self { formats: watch::Sender::new(formats), encoded: AtomicUsize::new(0), busy: AtomicUsize::new(0) }
    }
}

impl JsonCodecs {
    fn check(&self, subprotocol: &Arc<str>) -> PortResult<()> {
        let busy = self.busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
        if busy {
            return Err(PortError::new(PortErrorKind::Busy, "codecs", "full"));
        }
        match self.formats.borrow().iter().any(|format| format.subprotocol == *subprotocol) {
            true => Ok(()),
            false => Err(PortError::new(PortErrorKind::NotFound, "codecs", "withdrawn")),
        }
    }
}

#[async_trait]
impl Codecs for JsonCodecs {
    fn formats(&self) -> watch::Receiver<Arc<[Format]>> {
        self.formats.subscribe()
    }

    async fn decode(
        &self,
        subprotocol: &Arc<str>,
        frames: Vec<Bytes>,
    ) -> PortResult<Vec<Result<Request, DecodeError>>> {
        self.check(subprotocol)?;
        Ok(frames.iter().map(|frame| decode(frame)).collect())
    }

    async fn encode(&self, subprotocol: &Arc<str>, messages: Vec<Message>) -> PortResult<Vec<Option<Bytes>>> {
        self.check(subprotocol)?;
        self.encoded.fetch_add(messages.len(), Ordering::SeqCst);
        Ok(messages.iter().map(encode).collect())
    }
}

fn decode(frame: &[u8]) -> Result<Request, DecodeError> {
    let value: Value =
        serde_json::from_slice(frame).map_err(|error| DecodeError::Malformed(error.to_string()))?;
    let id = value["id"].as_u64().unwrap_or(0);
    let text = |name: &str| value[name].as_str().unwrap_or("").to_owned();
    let maybe = |name: &str| value[name].as_str().map(str::to_owned);
    let comment = |name: &str| value[name].as_str().and_then(|id| id.parse::<CommentId>().ok());
    let needed = || {
        comment("comment")
            .ok_or(DecodeError::Invalid { id: Some(id), detail: "`comment` is no id".to_owned() })
    };
    let command = match value["type"].as_str().unwrap_or("") {
        "authenticate" => Command::Authenticate(text("token")),
        "refresh" => Command::Refresh(text("token")),
        "join" => Command::Join {
            stream: text("stream"),
            position: maybe("position"),
            history: value["history"].as_u64().map(|n| u32::try_from(n).unwrap()),
        },
        "leave" => Command::Leave,
        "comment" => Command::Comment {
            text: text("text"),
            reply_to: comment("reply_to"),
            reference: maybe("reference"),
        },
        "edit" => Command::Edit { comment: needed()?, text: text("text") },
        "delete" => Command::Delete(needed()?),
        "react" => Command::React { comment: needed()?, reaction: Reaction::Like },
        "emoji" => Command::Emoji { emoji: text("emoji"), count: 1 },
        "pin" => Command::Pin(comment("comment")),
        "settings" => {
            Command::Settings(serde_json::from_value(value["settings"].clone()).unwrap_or_default())
        }
        "moderate" => Command::Moderate { comment: needed()?, review: Review::Approve },
        other => {
            return Err(DecodeError::Invalid { id: Some(id), detail: format!("no command `{other}`") });
        }
    };
    Ok(Request { id, command })
}

/// A comment with this text breaks the codec.
pub const POISON: &str = "poison for the codec";

fn encode(message: &Message) -> Option<Bytes> {
    let value = match message {
        Message::Reply { id, outcome } => {
            let mut value = outcome_of(outcome);
            value["type"] = json!("reply");
            value["id"] = json!(id);
            value
        }
        Message::Batch(batch) => {
            let events: Option<Vec<Value>> = batch.events.iter().map(event).collect();
            json!({
                "type": "batch", "stream": batch.stream.as_str(), "position": batch.position,
                "events": events?, "left_out": batch.left_out,
            })
        }
        Message::Notice(notice) => {
            let kind = match notice.kind {
                NoticeKind::Banner => "banner",
                NoticeKind::BannerEnded => "banner_ended",
                NoticeKind::Drain => "drain",
                NoticeKind::Expiring => "expiring",
                NoticeKind::Mention => "mention",
            };
            json!({
                "type": "notice", "kind": kind, "value": notice.value, "text": notice.text, "stream": notice.stream,
                "comment": notice.comment.as_ref().map(comment),
            })
        }
    };
    Some(value.to_string().into())
}

fn outcome_of(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Done => json!({"status": "done"}),
        Outcome::Authenticated { user, .. } => json!({"status": "authenticated", "user": user.id.as_str()}),
        Outcome::Joined(joined) => {
            let Joined { position, resumed, viewers, history, more, pinned, emoji, settings, .. } = &**joined;
            let resumed = match resumed {
                Resumed::Fresh => "fresh",
                Resumed::Recovered => "recovered",
                Resumed::Gap => "gap",
                Resumed::Sampled => "sampled",
            };
            json!({
                "status": "joined", "position": position, "resumed": resumed, "viewers": viewers, "more": more,
                "history": history.iter().map(comment).collect::<Vec<_>>(),
                "pinned": pinned.as_ref().map(comment), "emoji": emoji, "settings": settings,
            })
        }
        Outcome::Accepted(id) => json!({"status": "accepted", "comment": id}),
        Outcome::Held(id) => json!({"status": "held", "comment": id}),
        Outcome::Rejected(reason) => json!({"status": "rejected", "reason": reason}),
        Outcome::RateLimited(ms) => json!({"status": "rate_limited", "wait": ms}),
        Outcome::Failed(failure) => {
            json!({"status": "failed", "number": failure.problem.number(), "detail": failure.detail})
        }
    }
}

fn comment(comment: &WireComment) -> Value {
    json!({
        "id": comment.id, "author": comment.author.id.as_str(), "text": comment.text, "held": comment.held,
        "likes": comment.likes, "edited": comment.edited, "replies": comment.replies,
    })
}

fn event(event: &WireEvent) -> Option<Value> {
    Some(match event {
        WireEvent::Comment(said) if said.text == POISON => return None,
        WireEvent::Comment(said) => {
            let mut value = comment(said);
            value["type"] = json!("comment");
            value
        }
        WireEvent::Edited { comment, text } => json!({"type": "edited", "comment": comment, "text": text}),
        WireEvent::Removed { comment, by } => json!({"type": "removed", "comment": comment, "by": by}),
        WireEvent::Reactions(totals) => json!({"type": "reactions", "totals": totals}),
        WireEvent::Emoji(totals) => json!({"type": "emoji", "totals": totals}),
        WireEvent::Settings(settings) => json!({"type": "settings", "settings": settings}),
        WireEvent::Pinned(pinned) => json!({"type": "pinned", "comment": pinned.as_ref().map(comment)}),
        WireEvent::Viewers(viewers) => json!({"type": "viewers", "viewers": viewers}),
    })
}
