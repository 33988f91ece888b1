//! The thin path: what one viewer says reaches another's socket.
#![allow(
    unreachable_pub,
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

mod support;

use serde_json::json;
use support::{Client, Stage};

#[test]
fn a_comment_reaches_everyone_who_watches_and_nobody_else() {
    let stage = Stage::new();
    let mut ann = stage.member("ann", "launch");
    let mut bob = stage.member("bob", "launch");
    let mut eve = stage.member("eve", "other");
    let reply = ann.ask(json!({"type": "comment", "text": "hello"}));
    assert_eq!(reply["status"], "accepted");
    let comment = bob.comment("hello");
    assert_eq!(comment["stream"], "launch");
    assert_eq!(comment["events"][0]["author"], "ann");
    ann.comment("hello");
    stage.say("other", "x", "elsewhere");
    eve.comment("elsewhere");
    assert!(eve.seen.is_empty(), "{:?}", eve.seen);
}

#[test]
fn frames_sent_with_the_request_are_not_lost() {
    let stage = Stage::new();
    let early = support::client::frame(0x81, br#"{"type":"join","stream":"launch","id":9}"#);
    let mut client = Client::with(stage.edge().address(), "Sec-WebSocket-Protocol: test.json\r\n", &early);
    assert_eq!(client.reply(9)["status"], "joined");
}
