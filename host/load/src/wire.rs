//! The protocol's frames, as far as a client that loads a host needs them, in both codecs.

use std::borrow::Cow;

use clap::ValueEnum;
use ringside_core::CommentId;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// How frames are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Codec {
    /// `ringside.v1.json`.
    Json,
    /// `ringside.v1.msgpack`.
    Msgpack,
}

/// A command to a host.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Command<'a> {
    Authenticate { id: u64, token: &'a str },
    Join { id: u64, stream: &'a str, history: u32 },
    Comment { id: u64, text: &'a str },
    React { id: u64, comment: &'a str, reaction: &'a str },
    Emoji { id: u64, emoji: &'a str, count: u32 },
}

/// A frame from a host; what a kind of frame does not have is left empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Incoming<'a> {
    /// `reply`, `batch` or `notice`.
    #[serde(borrow)]
    pub(crate) r#type: Cow<'a, str>,
    /// The command that a reply answers.
    pub(crate) id: Option<u64>,
    /// What became of it.
    #[serde(borrow)]
    pub(crate) status: Cow<'a, str>,
    /// The comment that a reply is about.
    pub(crate) comment: CommentRef,
    #[serde(borrow)]
    pub(crate) reason: Cow<'a, str>,
    pub(crate) number: u16,
    #[serde(borrow)]
    pub(crate) title: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) detail: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) events: Vec<Event<'a>>,
    /// Comments that sampling left out of the batches since the last one.
    pub(crate) left_out: u64,
    /// The newest comments, in the reply to a join.
    #[serde(borrow)]
    pub(crate) history: Vec<Event<'a>>,
}

/// An event of a batch.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Event<'a> {
    #[serde(borrow)]
    pub(crate) r#type: Cow<'a, str>,
    pub(crate) id: CommentRef,
    #[serde(borrow)]
    pub(crate) text: Cow<'a, str>,
}

/// A comment's id where there is one; other things that stand in such a field, a whole comment, are passed over.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommentRef(pub(crate) Option<CommentId>);

impl Codec {
    /// The WebSocket's subprotocol.
    pub(crate) fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "ringside.v1.json",
            Self::Msgpack => "ringside.v1.msgpack",
        }
    }

    /// Frames are text, not binary.
    pub(crate) fn is_text(self) -> bool {
        self == Self::Json
    }

    /// A command as the payload of a frame.
    pub(crate) fn encode(self, command: &Command<'_>) -> Vec<u8> {
        // Writing these types to memory cannot fail; a host would answer an empty frame with `malformed`.
        match self {
            Self::Json => serde_json::to_vec(command).unwrap_or_default(),
            Self::Msgpack => rmp_serde::to_vec_named(command).unwrap_or_default(),
        }
    }

    /// Reads the payload of a frame.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn decode(self, payload: &[u8]) -> Result<Incoming<'_>, String> {
        match self {
            Self::Json => serde_json::from_slice(payload).map_err(|error| error.to_string()),
            Self::Msgpack => rmp_serde::from_slice(payload).map_err(|error| error.to_string()),
        }
    }

    /// True for frames that are surely a batch: whoever waits for a reply need not read them. Hosts write `type`
    /// first; one that does not is read in full and understood as well.
    pub(crate) fn is_surely_batch(self, payload: &[u8]) -> bool {
        match self {
            Self::Json => payload.starts_with(br#"{"type":"batch""#),
            // After the byte that says how many fields the map has.
            Self::Msgpack => payload.get(1..).is_some_and(|rest| rest.starts_with(b"\xa4type\xa5batch")),
        }
    }
}

impl<'de> Deserialize<'de> for CommentRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = CommentRef;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a comment's id, a comment or nothing")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<CommentRef, E> {
                text.parse().map(|id| CommentRef(Some(id))).map_err(E::custom)
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<CommentRef, E> {
                let bytes = bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &"16 bytes"))?;
                Ok(CommentRef(Some(CommentId::from_bytes(bytes))))
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<CommentRef, E> {
                Ok(CommentRef(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CommentRef, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(CommentRef(None))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "0197e0f5-7f3a-7c31-b3ad-1c6a4f1f9d20";

    /// The same object as a frame of each codec.
    fn frames(value: &Value) -> [(Codec, Vec<u8>); 2] {
        [
            (Codec::Json, value.to_string().into_bytes()),
            (Codec::Msgpack, rmp_serde::to_vec_named(value).unwrap()),
        ]
    }

    #[test]
    fn commands_are_the_same_objects_in_both_codecs() {
        for (command, expected) in [
            (Command::Authenticate { id: 1, token: "t" }, json!({"type":"authenticate","id":1,"token":"t"})),
            (
                Command::Join { id: 2, stream: "demo", history: 0 },
                json!({"type":"join","id":2,"stream":"demo","history":0}),
            ),
            (Command::Comment { id: 3, text: "hi" }, json!({"type":"comment","id":3,"text":"hi"})),
            (
                Command::React { id: 4, comment: ID, reaction: "like" },
                json!({"type":"react","id":4,"comment":ID,"reaction":"like"}),
            ),
            (
                Command::Emoji { id: 5, emoji: "🎉", count: 2 },
                json!({"type":"emoji","id":5,"emoji":"🎉","count":2}),
            ),
        ] {
            let text: Value = serde_json::from_slice(&Codec::Json.encode(&command)).unwrap();
            let binary: Value = rmp_serde::from_slice(&Codec::Msgpack.encode(&command)).unwrap();
            assert_eq!(text, expected);
            assert_eq!(binary, expected);
        }
    }

    #[test]
    fn batches_are_read_with_their_texts_and_what_is_of_no_use_is_passed_over() {
        let batch = json!({
            "type": "batch", "stream": "demo", "position": "p", "left_out": 3, "events": [
                {"type":"comment","id":ID,"author":{"id":"a","name":"A"},"text":"a \"quoted\" text","at":5,"mentions":["b"]},
                {"type":"comment","id":ID,"author":"a","text":"plain"},
                {"type":"pinned","comment":{"id":ID,"text":"x"}},
                {"type":"pinned","comment":null},
                {"type":"emoji","totals":{"🎉":7}},
                {"type":"viewers","count":3},
            ],
        });
        for (codec, frame) in frames(&batch) {
            let read = codec.decode(&frame).unwrap();
            assert_eq!((&*read.r#type, read.left_out, read.events.len()), ("batch", 3, 6), "{codec:?}");
            assert_eq!(read.events[0].text, "a \"quoted\" text");
            assert_eq!(read.events[1].text, "plain");
            assert!(matches!(read.events[1].text, Cow::Borrowed(_)), "not copied");
            assert_eq!(read.events[1].id.0, ID.parse().ok());
        }
    }

    #[test]
    fn replies_and_notices_are_read() {
        for value in [
            json!({"type":"reply","id":7,"status":"accepted","comment":ID}),
            json!({"type":"notice","kind":"mention","text":"","value":0,"comment":{"id":ID,"author":{"id":"a"}}}),
            json!({"type":"reply","id":7,"status":"error","number":501,"title":"try again","detail":"d","comment":null}),
        ] {
            for (codec, frame) in frames(&value) {
                let read = codec.decode(&frame).unwrap();
                assert_eq!(read.id, value["id"].as_u64());
                assert_eq!(read.number, value["number"].as_u64().unwrap_or(0) as u16);
                let id = value["comment"].as_str().map(|id| id.parse().unwrap());
                assert_eq!(read.comment, CommentRef(id), "{codec:?} {value}");
            }
        }
        // MessagePack holds an id as 16 bytes.
        let mut frame = rmp_serde::to_vec_named(&json!({"type":"reply","id":7})).unwrap();
        frame[0] += 1;
        frame.extend(b"\xa7comment\xc4\x10");
        frame.extend(ID.parse::<CommentId>().unwrap().as_bytes());
        assert_eq!(Codec::Msgpack.decode(&frame).unwrap().comment.0, ID.parse().ok());
    }

    #[test]
    fn a_batch_is_told_by_its_first_bytes_and_nothing_else_is() {
        for (codec, frame) in frames(&json!({"type":"batch","stream":"s","events":[]})) {
            // serde_json sorts keys; a host writes the type first.
            let sorted = codec.is_surely_batch(&frame);
            assert!(!sorted, "`events` stands first here");
        }
        assert!(Codec::Json.is_surely_batch(br#"{"type":"batch","stream":"s","events":[]}"#));
        assert!(!Codec::Json.is_surely_batch(br#"{"type":"reply","id":1,"status":"done"}"#));
        assert!(Codec::Msgpack.is_surely_batch(b"\x84\xa4type\xa5batch\xa6stream\xa1s"));
        assert!(!Codec::Msgpack.is_surely_batch(b"\x83\xa4type\xa5reply"));
        assert!(!Codec::Msgpack.is_surely_batch(b""));
    }
}
