//! Both formats say the same, whatever is said, and neither can be made to panic.

#![allow(clippy::unwrap_used, clippy::panic)] // a test, also outside of its test functions

mod formats {
    pub(crate) mod any;
}

use codec_msgpack::Msgpack;
use formats::any;
use proptest::prelude::*;
use ringside_codec::wire::DecodeError;
use ringside_codec::{Codec, sample};
use ringside_json::Json;
use serde_json::Value;

/// A MessagePack frame as JSON has it: the 16 bytes of an id become its text.
fn as_json(frame: &[u8]) -> Value {
    fn walk(value: rmpv::Value) -> Value {
        match value {
            rmpv::Value::Nil => Value::Null,
            rmpv::Value::Boolean(value) => value.into(),
            rmpv::Value::Integer(number) => {
                number.as_u64().map_or_else(|| number.as_i64().unwrap().into(), Value::from)
            }
            rmpv::Value::String(text) => text.into_str().unwrap().into(),
            rmpv::Value::Binary(bytes) => {
                let id = ringside_codec::id::from_bytes(&bytes).unwrap();
                String::from_utf8(ringside_codec::id::to_text(id).to_vec()).unwrap().into()
            }
            rmpv::Value::Array(items) => items.into_iter().map(walk).collect(),
            rmpv::Value::Map(entries) => entries
                .into_iter()
                .map(|(name, value)| (name.as_str().unwrap().to_owned(), walk(value)))
                .collect(),
            other => panic!("{other}"),
        }
    }
    let mut rest = frame;
    let value = rmpv::decode::read_value(&mut rest).unwrap();
    assert!(rest.is_empty(), "{} bytes are left", rest.len());
    walk(value)
}

proptest! {
    #[test]
    fn every_message_is_the_same_in_both_formats(message in any::message()) {
        let json: Value = serde_json::from_slice(&Json::encode(&message)).unwrap();
        prop_assert_eq!(as_json(&Msgpack::encode(&message)), json);
    }

    #[test]
    fn every_request_comes_back_as_it_was_sent(request in any::request()) {
        prop_assert_eq!(Json::decode(&ringside_json::client_frame(&request)), Ok(request.clone()));
        prop_assert_eq!(Msgpack::decode(&codec_msgpack::client_frame(&request)), Ok(request));
    }

    #[test]
    fn no_bytes_are_too_odd(frame in proptest::collection::vec(any::<u8>(), 0..4096)) {
        let _ = Json::decode(&frame);
        let _ = Msgpack::decode(&frame);
    }

    #[test]
    fn no_json_is_too_odd(frame in any::json_text()) {
        match (Json::decode(frame.as_bytes()), serde_json::from_str::<Value>(&frame)) {
            (Err(DecodeError::Malformed(_)), Ok(value)) => prop_assert!(!value.is_object(), "{}", frame),
            (Ok(_) | Err(DecodeError::Invalid(_)), Err(problem)) => prop_assert!(false, "{}: {}", frame, problem),
            _ => {}
        }
    }

    #[test]
    fn a_frame_with_a_flaw_is_read_or_refused(
        request in any::request(),
        flaws in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<proptest::sample::Index>(),
    ) {
        for mut frame in [ringside_json::client_frame(&request), codec_msgpack::client_frame(&request)] {
            let _ = Json::decode(&frame[..cut.index(frame.len())]);
            let _ = Msgpack::decode(&frame[..cut.index(frame.len())]);
            for (at, byte) in &flaws {
                let at = at.index(frame.len());
                frame[at] = *byte;
            }
            let _ = Json::decode(&frame);
            let _ = Msgpack::decode(&frame);
        }
    }
}

#[test]
fn a_comment_id_may_come_as_text_in_messagepack_too() {
    let id = b"0197e0f5-7f3a-7c31-b3ad-1c6a4f1f9d20";
    let frame = [b"\x83\xa4type\xa6delete\xa2id\x01\xa7comment\xd9\x24", &id[..]].concat();
    let request = Msgpack::decode(&frame).unwrap();
    assert_eq!(request.command, ringside_codec::wire::Command::Delete(sample::COMMENT));
}

#[test]
fn what_is_wrong_with_a_command_is_said_in_the_same_words() {
    for (json, msgpack) in [
        (&br#"{"type":"leave"}"#[..], &b"\x81\xa4type\xa5leave"[..]),
        (br#"{"type":"shout","id":1}"#, b"\x82\xa4type\xa5shout\xa2id\x01"),
        (br#"{"type":"leave","id":1,"id":2}"#, b"\x83\xa4type\xa5leave\xa2id\x01\xa2id\x02"),
        (br#"{"type":"leave","id":-1}"#, b"\x82\xa4type\xa5leave\xa2id\xff"),
        (br#"{"type":"leave","id":1,"x":{"y":[]}}"#, b"\x83\xa4type\xa5leave\xa2id\x01\xa1x\x81\xa1y\x90"),
        (br#"{"type":"comment","id":1,"text":true}"#, b"\x83\xa4type\xa7comment\xa2id\x01\xa4text\xc3"),
    ] {
        let (json, msgpack) = (Json::decode(json).unwrap_err(), Msgpack::decode(msgpack).unwrap_err());
        assert!(matches!(json, DecodeError::Invalid(_)), "{json:?}");
        assert_eq!(json, msgpack);
    }
}

#[test]
fn what_is_no_map_is_malformed() {
    for frame in [&b""[..], b"\xc0", b"\x90", b"\xa2hi", b"{\"type\":\"leave\",\"id\":1}", b"\x81\x01\x02"] {
        let problem = Msgpack::decode(frame).unwrap_err();
        assert!(matches!(problem, DecodeError::Malformed(_)), "{frame:?}: {problem:?}");
    }
}

#[test]
fn the_examples_hold() {
    for example in Msgpack::examples() {
        assert_eq!(Msgpack::decode(&example.frame), Ok(example.request));
    }
}
