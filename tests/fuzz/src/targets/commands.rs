//! Frames of both codecs, through the components as a host runs them.
//!
//! The first byte's lowest bit names the codec (0 JSON, 1 MessagePack); the rest is the frame.

use std::sync::Arc;

use bytes::Bytes;
use fastrand::Rng;
use ringside_core::error::Problem;
use ringside_core::limits::FRAME_BYTES_MAX;
use ringside_core::wire::{Command, DecodeError, Message, Outcome, Request};
use ringside_core::{Failure, SettingsPatch};
use ringside_ports::releases::World;
use ringside_wasm::{ComponentHost, limits};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::stage::components::{Failures, running};
use crate::stage::runtime;
use crate::{Shape, Target};

/// Largest id: what JSON readers everywhere keep exact.
const ID_MAX: u64 = (1 << 53) - 1;
/// A comment's id.
const ID: &str = "01a1feb1-a6f6-7000-a771-62136c5440e2";

pub(super) struct Commands {
    host: ComponentHost,
    runtime: Runtime,
    subprotocols: [Arc<str>; 2],
    failures: Failures,
}

type Decoded = Result<Request, DecodeError>;

/// A command of each kind.
pub(super) fn samples() -> Vec<Value> {
    vec![
        json!({"id": 1, "type": "authenticate", "token": "a.b.c"}),
        json!({"id": 2, "type": "refresh", "token": "a.b.c"}),
        json!({"id": 3, "type": "join", "stream": "lobby", "position": "9f3a.0.1c", "history": 50}),
        json!({"id": 4, "type": "leave"}),
        json!({"id": 5, "type": "comment", "text": "what a goal ⚽ @ann", "reply_to": ID, "reference": "r-1"}),
        json!({"id": 6, "type": "edit", "comment": ID, "text": "what a \"save\""}),
        json!({"id": 7, "type": "delete", "comment": ID}),
        json!({"id": 8, "type": "react", "comment": ID, "reaction": "like"}),
        json!({"id": 9, "type": "emoji", "emoji": "🎉", "count": 3}),
        json!({"id": 10, "type": "pin", "comment": null}),
        json!({"id": 11, "type": "settings", "slow_mode_s": 5, "closed": false, "blocked_terms": ["a", "b"]}),
        json!({"id": ID_MAX, "type": "moderate", "comment": ID, "review": "approve"}),
    ]
}

/// Words of commands in both formats.
pub(super) const WORDS: &[&[u8]] = &[
    b"\"id\":",
    b"\"type\":",
    b"\"text\":",
    b"\"token\":",
    b"\"stream\":",
    b"\"position\":",
    b"\"history\":",
    b"\"comment\":",
    b"\"reaction\":",
    b"\"count\":",
    b"\"blocked_terms\":[]",
    b"null",
    b"true",
    b"-0",
    b"1e9",
    b"\\u0000",
    b"\\ud83d\\ude00",
    b"\\ud800",
    b"[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":",
    b"9007199254740992",
    b"9007199254740991",
    b"\xc0",
    b"\xc1",
    b"\xc4\x10",
    b"\xcb",
    b"\xcf",
    b"\xd3",
    b"\xd9\xff",
    b"\xda\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\xdc\xff\xff",
    b"\xdd\xff\xff\xff\xff",
    b"\xde\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xa2id",
    b"\xa4type",
    b"\xa4text",
    b"\x91",
    b"\x81",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
];

impl Commands {
    pub(super) fn start() -> Self {
        let runtime = runtime();
        let host = runtime.block_on(running(&[
            ("throttle-standard", World::Throttle),
            ("codec-json", World::Codec),
            ("codec-msgpack", World::Codec),
        ]));
        let subprotocols = ["ringside.v1.json", "ringside.v1.msgpack"].map(Arc::from);
        Self { host, runtime, subprotocols, failures: Failures::default() }
    }

    fn decode(&mut self, codec: usize, frames: &[&[u8]]) -> Vec<Decoded> {
        let frames: Vec<Bytes> = frames.iter().map(|frame| Bytes::copy_from_slice(frame)).collect();
        let count = frames.len();
        let decoded =
            self.runtime.block_on(self.host.codecs().decode(&self.subprotocols[codec], frames)).unwrap();
        assert_eq!(decoded.len(), count, "one answer for each frame");
        assert_eq!(self.failures.since(&self.host), 0, "a frame broke the codec");
        decoded
    }

    /// What a client is told, in both formats, read back.
    fn reply(&self, id: u64, outcome: &Outcome) {
        let message = || vec![Message::Reply { id, outcome: outcome.clone() }];
        let [json, packed] = [0, 1].map(|codec| {
            let codecs = self.host.codecs();
            let mut encoded =
                self.runtime.block_on(codecs.encode(&self.subprotocols[codec], message())).unwrap();
            encoded.pop().flatten().expect("every reply can be written")
        });
        let json: Value = serde_json::from_slice(&json).expect("JSON");
        let packed: Value = rmp_serde::from_slice(&packed).expect("MessagePack");
        assert_eq!(json, packed, "the codecs say different things");
        assert_eq!((&json["type"], &json["id"]), (&json!("reply"), &json!(id)));
        let told = if let Outcome::Failed(failure) = outcome { &failure.detail } else { "" };
        assert_eq!(json["detail"].as_str().unwrap_or_default(), told);
    }
}

impl Target for Commands {
    fn seeds(&self) -> Vec<Vec<u8>> {
        let samples = samples();
        let json = samples.iter().map(|sample| [&[0], sample.to_string().as_bytes()].concat());
        let packed =
            samples.iter().map(|sample| [vec![1], rmp_serde::to_vec_named(sample).unwrap()].concat());
        json.chain(packed).collect()
    }

    fn words(&self) -> &'static [&'static [u8]] {
        WORDS
    }

    fn bytes_max(&self) -> usize {
        // Longer ones do not get past the assembler.
        FRAME_BYTES_MAX + 1
    }

    fn mend(&mut self, input: &mut Vec<u8>, random: &mut Rng) {
        let Some((codec, frame)) = input.split_first() else { return };
        // A value that can be read, written in the other format: what was changed there is then behind the syntax.
        let value: Option<Value> = match codec % 2 {
            0 => serde_json::from_slice(frame).ok(),
            _ => rmp_serde::from_slice(frame).ok(),
        };
        let value = value.unwrap_or_else(|| {
            // Or a good command with a field taken from another.
            let samples = samples();
            let mut value = samples[random.usize(..samples.len())].clone();
            let other = &samples[random.usize(..samples.len())];
            let fields: Vec<_> = other.as_object().unwrap().iter().collect();
            let (name, field) = fields[random.usize(..fields.len())];
            value[name] = field.clone();
            value
        });
        *input = match random.bool() {
            true => [vec![0], value.to_string().into_bytes()].concat(),
            false => [vec![1], rmp_serde::to_vec_named(&value).unwrap()].concat(),
        };
    }

    fn take(&mut self, input: &[u8]) -> Shape {
        let Some((codec, frame)) = input.split_first() else { return Shape::default() };
        let codec = usize::from(codec % 2);
        let half = &frame[..frame.len() / 2];
        let answers = self.decode(codec, &[frame, half, frame]);
        assert_eq!(answers[0], answers[2], "read twice, it is another command");
        for (frame, answer) in [frame, half].into_iter().zip(&answers) {
            check(answer, frame);
        }
        let shape = Shape::default().with(codec);
        match &answers[0] {
            Ok(request) => {
                // The other format, written by others' libraries, says the same.
                if let Some(other) = translated(codec, frame) {
                    assert_eq!(
                        self.decode(1 - codec, &[&other])[0],
                        answers[0],
                        "the codecs read different things"
                    );
                }
                self.reply(request.id, &Outcome::Done);
                shape.with(std::mem::discriminant(&request.command)).with_count(text_bytes(&request.command))
            }
            Err(DecodeError::Malformed(detail)) => shape.with('m').with_message(detail),
            Err(DecodeError::Invalid { id, detail }) => {
                let failure = Failure::new(Problem::Malformed, detail.clone());
                self.reply(id.unwrap_or(0), &Outcome::Failed(failure));
                shape.with(id.is_some()).with_message(detail)
            }
        }
    }
}

/// The frame in the other format; none where that has no word for something in it.
fn translated(codec: usize, frame: &[u8]) -> Option<Vec<u8>> {
    if codec == 0 {
        let value: Value = serde_json::from_slice(frame).expect("what was read is JSON");
        return Some(rmp_serde::to_vec_named(&value).unwrap());
    }
    // JSON has no bytes, which ids may be.
    let value: Value = rmp_serde::from_slice(frame).ok()?;
    Some(value.to_string().into_bytes())
}

/// What holds for every answer.
fn check(answer: &Decoded, frame: &[u8]) {
    match answer {
        Ok(Request { id, command }) => {
            assert!(*id <= ID_MAX, "id {id}");
            let bytes = text_bytes(command);
            assert!(bytes <= frame.len(), "{bytes} bytes of text out of a frame of {}", frame.len());
        }
        Err(DecodeError::Malformed(detail) | DecodeError::Invalid { detail, .. }) => {
            assert!(!detail.is_empty() && detail.len() <= limits::REASON_BYTES_MAX, "{} bytes", detail.len());
            assert!(detail.chars().next().is_some_and(|first| !first.is_uppercase()), "{detail}");
        }
    }
}

/// Bytes of all texts of a command.
fn text_bytes(command: &Command) -> usize {
    let len = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    match command {
        Command::Authenticate(token) | Command::Refresh(token) => token.len(),
        Command::Join { stream, position, .. } => stream.len() + len(position),
        Command::Comment { text, reference, .. } => text.len() + len(reference),
        Command::Edit { text, .. } => text.len(),
        Command::Emoji { emoji, .. } => emoji.len(),
        Command::Settings(SettingsPatch { blocked_terms: Some(terms), .. }) => {
            terms.iter().map(String::len).sum()
        }
        _ => 0,
    }
}
