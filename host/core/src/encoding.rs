//! How events are written into the log: a version byte, then MessagePack with field names, so that a later
//! version may add fields and kinds and an earlier one still reads what it knows.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::Event;
use crate::ids::StreamId;
use crate::moderation::ModerationEvent;

/// First byte of every record.
pub const VERSION: u8 = 1;

/// Why a record is not an event. Goes to the dead letters as the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// Nothing there.
    #[error("the record is empty")]
    Empty,
    /// Written by a later version, which this one must not guess at.
    #[error(
        "the record has format version {0}, this host reads up to {VERSION}: upgrade the host, then replay"
    )]
    Version(u8),
    /// An event of a kind this version does not know. Skipped and counted, not a dead letter.
    #[error("unknown kind of event: {0}")]
    UnknownKind(String),
    /// Damaged.
    #[error("the record cannot be read: {0}")]
    Damaged(String),
    /// In another stream's place: relayed from there it would reach viewers out of order, or never.
    #[error("the record is kept as one of stream `{key}`, and its event is of stream `{stream}`")]
    Misplaced {
        /// Of the record.
        key: String,
        /// Of the event.
        stream: StreamId,
    },
}

/// Writes an event of a stream.
#[must_use]
pub fn encode(event: &Event) -> Vec<u8> {
    written(event)
}

/// Reads an event of a stream.
///
/// # Errors
/// [`Undecodable`] says why not.
pub fn decode(bytes: &[u8]) -> Result<Event, Undecodable> {
    read(bytes)
}

/// Reads an event of a stream from a record that is kept under `key`.
///
/// # Errors
/// [`Undecodable`] says why not.
pub fn decode_keyed(key: &str, bytes: &[u8]) -> Result<Event, Undecodable> {
    let event = decode(bytes)?;
    if event.stream.as_str() == key {
        Ok(event)
    } else {
        Err(Undecodable::Misplaced { key: key.to_owned(), stream: event.stream })
    }
}

/// Writes an event about a user.
#[must_use]
pub fn encode_moderation(event: &ModerationEvent) -> Vec<u8> {
    written(event)
}

/// Reads an event about a user.
///
/// # Errors
/// [`Undecodable`] says why not.
pub fn decode_moderation(bytes: &[u8]) -> Result<ModerationEvent, Undecodable> {
    read(bytes)
}

fn written(event: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    bytes.push(VERSION);
    // Every type of an event is plain data: maps with string keys, lists, numbers. Writing them cannot fail.
    let written = rmp_serde::encode::write_named(&mut bytes, event);
    debug_assert!(written.is_ok(), "{written:?}");
    bytes
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Undecodable> {
    match bytes.split_first() {
        None => Err(Undecodable::Empty),
        Some((&VERSION, body)) => rmp_serde::from_slice(body).map_err(|error| {
            let message = error.to_string();
            if message.contains("unknown variant") {
                Undecodable::UnknownKind(message)
            } else {
                Undecodable::Damaged(message)
            }
        }),
        Some((version, _)) => Err(Undecodable::Version(*version)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comment::{Author, Comment, Role, Visibility};
    use crate::event::EventKind;
    use crate::ids::{CommentId, HostId, RegionId, UserId};
    use crate::judgement::Judgement;
    use crate::moderation::{ModerationEventKind, Restriction, RestrictionKind};
    use crate::trace::TraceContext;
    use proptest::prelude::*;

    fn event(text: String) -> Event {
        let stream = StreamId::new("s").unwrap();
        Event {
            stream: stream.clone(),
            origin: RegionId::new("local").unwrap(),
            producer: HostId::new("h1").unwrap(),
            sequence: 7,
            at_ms: 1,
            trace: None,
            kind: EventKind::CommentAccepted(Comment {
                id: CommentId::from_halves(1, 2),
                stream,
                author: Author {
                    id: UserId::new("u").unwrap(),
                    name: "U".into(),
                    role: Role::Viewer,
                    member: false,
                },
                text,
                reply_to: Some(CommentId::from_halves(3, 4)),
                mentions: vec!["ann".into()],
                reference: None,
                at_ms: 1,
                edited_at_ms: None,
                visibility: Visibility::Shown,
                judgement: Judgement::unjudged(),
            }),
        }
    }

    proptest! {
        #[test]
        fn an_event_reads_back_and_any_damage_is_told_not_a_panic(text in ".{0,80}", cut: prop::sample::Index, flip: u8) {
            let event = event(text);
            let bytes = encode(&event);
            prop_assert_eq!(decode(&bytes).unwrap(), event);
            let at = cut.index(bytes.len());
            prop_assert!(decode(&bytes[..at]).is_err());
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            let _ = decode(&damaged);
        }
    }

    #[test]
    fn a_trace_costs_only_the_events_that_have_one_and_earlier_versions_pass_over_it() {
        #[derive(serde::Deserialize)]
        struct Earlier {
            sequence: u64,
            kind: EventKind,
        }
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let plain = event("hello".into());
        let traced = Event { trace: TraceContext::parse(text), ..plain.clone() };
        let (without, with) = (encode(&plain), encode(&traced));
        let says = |bytes: &[u8]| bytes.windows(5).any(|five| five == b"trace");
        assert!(!says(&without) && says(&with));
        assert_eq!(decode(&with).unwrap(), traced);
        let earlier: Earlier = rmp_serde::from_slice(&with[1..]).unwrap();
        assert_eq!((earlier.sequence, earlier.kind), (plain.sequence, plain.kind.clone()));
        // A context that makes no sense is no reason to lose the comment.
        let at = with.windows(text.len()).position(|some| some == text.as_bytes()).unwrap();
        let mut odd = with;
        odd[at] = b'x';
        assert_eq!(decode(&odd).unwrap(), plain);
    }

    #[test]
    fn an_event_about_a_user_reads_back_and_is_none_of_a_stream() {
        let user = UserId::new("u").unwrap();
        let restriction = Restriction {
            user: user.clone(),
            kind: RestrictionKind::TimeOut,
            stream: Some(StreamId::new("s").unwrap()),
            until_ms: Some(7),
            reason: "spam".into(),
            by: UserId::new("mod").unwrap(),
            since_ms: 1,
            entry: 3,
        };
        for kind in [
            ModerationEventKind::UserRestricted(restriction.clone()),
            ModerationEventKind::RestrictionLifted(Restriction {
                stream: None,
                until_ms: None,
                ..restriction
            }),
        ] {
            let event = ModerationEvent {
                user: user.clone(),
                origin: RegionId::new("local").unwrap(),
                producer: HostId::new("h1").unwrap(),
                sequence: 7,
                at_ms: 2,
                kind,
            };
            let bytes = encode_moderation(&event);
            assert_eq!(decode_moderation(&bytes).unwrap(), event);
            assert!(matches!(decode(&bytes), Err(Undecodable::UnknownKind(_))));
        }
    }

    #[test]
    fn unknown_kinds_and_later_versions_are_told_apart_from_damage() {
        #[derive(serde::Serialize)]
        struct Later {
            stream: &'static str,
            origin: &'static str,
            producer: &'static str,
            sequence: u64,
            at_ms: u64,
            kind: std::collections::BTreeMap<&'static str, u32>,
        }
        let later = Later {
            stream: "s",
            origin: "local",
            producer: "h",
            sequence: 1,
            at_ms: 1,
            kind: [("ConfettiThrown", 3)].into(),
        };
        let mut bytes = vec![VERSION];
        bytes.extend(rmp_serde::to_vec_named(&later).unwrap());
        assert!(matches!(decode(&bytes), Err(Undecodable::UnknownKind(_))));
        bytes[0] = 2;
        assert_eq!(decode(&bytes), Err(Undecodable::Version(2)));
        assert_eq!(decode(&[]), Err(Undecodable::Empty));
        assert!(matches!(decode(&[1, 0xc1]), Err(Undecodable::Damaged(_))));
    }
}
