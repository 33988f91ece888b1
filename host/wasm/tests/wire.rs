//! Codecs: frames in, payloads out, formats that come and go, and codecs that misbehave.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails so"
)]

mod common;

use std::sync::Arc;

use bytes::Bytes;
use common::{Stage, component, hostile, stream};
use ringside_core::wire::{Batch, Command, DecodeError, Message, Outcome, Request, WireComment, WireEvent};
use ringside_core::{CommentId, Reaction};
use ringside_ports::error::PortErrorKind;

fn frame(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn saying(text: &str) -> Message {
    let id = CommentId::from_halves(1, 2);
    let comment = WireComment {
        id,
        author: common::author("ann"),
        text: text.into(),
        at_ms: 1,
        reply_to: Some(id),
        mentions: vec!["bob".into()],
        edited: false,
        likes: 0,
        dislikes: 0,
        replies: 0,
        held: false,
    };
    Message::Batch(Batch {
        stream: stream("s"),
        position: "1.0.2".into(),
        events: vec![WireEvent::Comment(comment), WireEvent::Viewers(3)],
        left_out: 0,
    })
}

fn name(subprotocol: &str) -> Arc<str> {
    Arc::from(subprotocol)
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_are_read_and_messages_written_in_order() {
    let mut stage = Stage::with_workers(1);
    let slots = vec![
        stage.throttle(),
        stage.codec("json", component("codec-json")),
        stage.codec("msgpack", component("codec-msgpack")),
    ];
    stage.publish(1, slots).await;
    let (codecs, json) = (stage.codecs(), name("ringside.v1.json"));
    let react =
        r#"{"id":8,"type":"react","comment":"00000000-0000-0001-0000-000000000002","reaction":"like"}"#;
    let mut frames = vec![frame(r#"{"id":7,"type":"leave"}"#), frame("{"), frame(react)];
    let mut answers = codecs.decode(&json, frames.clone()).await.unwrap();
    assert_eq!(answers[0], Ok(Request { id: 7, command: Command::Leave }));
    assert!(matches!(answers[1], Err(DecodeError::Malformed(_))), "{:?}", answers[1]);
    let comment = CommentId::from_halves(1, 2);
    let command = Command::React { comment, reaction: Reaction::Like };
    assert_eq!(answers[2], Ok(Request { id: 8, command }));
    // More than one call holds.
    frames.truncate(1);
    answers = codecs.decode(&json, vec![frames[0].clone(); 1_000]).await.unwrap();
    assert_eq!(answers.len(), 1_000);

    let messages: Vec<Message> = (0..500).map(|i| saying(&format!("comment {i}"))).collect();
    let payloads = codecs.encode(&json, messages.clone()).await.unwrap();
    for (i, payload) in payloads.iter().enumerate() {
        let value: serde_json::Value = serde_json::from_slice(payload.as_ref().unwrap()).unwrap();
        assert_eq!(value["type"], "batch");
        assert!(value.to_string().contains(&format!("comment {i}\"")), "{value}");
    }
    let packed = codecs.encode(&name("ringside.v1.msgpack"), messages).await.unwrap();
    assert!(packed[0].as_ref().unwrap().len() < payloads[0].as_ref().unwrap().len());
    let done = Message::Reply { id: 9, outcome: Outcome::Done };
    assert!(codecs.encode(&json, vec![done]).await.unwrap()[0].is_some());
    assert!(codecs.encode(&json, Vec::new()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wire_format_comes_to_a_running_host_and_goes_again() {
    let mut stage = Stage::with_workers(1);
    let (throttle, json) = (stage.throttle(), stage.codec("json", component("codec-json")));
    let upper = stage.codec("upper", hostile("codec-upper"));
    let codecs = stage.codecs();
    let mut formats = codecs.formats();
    let names = |formats: &mut tokio::sync::watch::Receiver<Arc<[ringside_ports::codecs::Format]>>| {
        formats.borrow_and_update().iter().map(|format| format.subprotocol.to_string()).collect::<Vec<_>>()
    };
    assert!(names(&mut formats).is_empty());
    stage.publish(1, vec![throttle.clone(), json.clone()]).await;
    assert_eq!(names(&mut formats), ["ringside.v1.json"]);
    let in_capitals = name("ringside.v1.upper");
    let error = codecs.encode(&in_capitals, vec![saying("hello")]).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::NotFound, "{error}");

    stage.publish(2, vec![throttle.clone(), json.clone(), upper]).await;
    assert!(formats.has_changed().unwrap());
    assert_eq!(names(&mut formats), ["ringside.v1.json", "ringside.v1.upper"]);
    let payload = codecs.encode(&in_capitals, vec![saying("hello")]).await.unwrap().remove(0).unwrap();
    assert!(String::from_utf8_lossy(&payload).contains("HELLO"), "{payload:?}");

    stage.publish(3, vec![throttle, json.clone()]).await;
    assert_eq!(names(&mut formats), ["ringside.v1.json"]);
    let error = codecs.decode(&in_capitals, vec![frame("{}")]).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::NotFound, "{error}");
    // A swap that leaves the formats alone wakes nobody.
    let (throttle, words) = (stage.throttle(), stage.words());
    stage.publish(4, vec![throttle, words, json]).await;
    assert!(!formats.has_changed().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_or_message_that_breaks_a_codec_costs_itself_only() {
    for (component, subprotocol, word) in
        [("codec-panics", "ringside.v1.panics", "panic"), ("codec-loops", "ringside.v1.loops", "loop")]
    {
        let mut stage = Stage::with_workers(1);
        let slots = vec![stage.throttle(), stage.codec("codec", hostile(component))];
        stage.publish(1, slots).await;
        let (codecs, subprotocol) = (stage.codecs(), name(subprotocol));
        let good = frame(r#"{"id":7,"type":"leave"}"#);
        let poison = frame(&format!(r#"{{"id":7,"type":"{word}"}}"#));
        let answers = codecs.decode(&subprotocol, vec![good.clone(), poison, good]).await.unwrap();
        assert!(answers[0].is_ok() && answers[2].is_ok(), "{answers:?}");
        assert!(matches!(&answers[1], Err(DecodeError::Malformed(_))), "{answers:?}");
        let messages = vec![saying("hello"), saying(&format!("please {word}")), saying("bye")];
        let payloads = codecs.encode(&subprotocol, messages).await.unwrap();
        let written: Vec<bool> = payloads.iter().map(Option::is_some).collect();
        assert_eq!(written, [true, false, true], "{component}");
        assert_eq!(stage.host.status().slots[1].failures, 4, "two in company, two alone");
    }
}
