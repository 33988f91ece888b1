//! One comment can be followed through all processes of a region.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use ringside_testkit::collector::Collector;
use ringside_testkit::{Client, PopOptions, Region, Services};
use serde_json::json;

#[test]
fn a_comment_is_followed_from_the_host_that_took_it_to_a_socket_of_another() {
    let collector = Collector::start();
    let region = Region::on(&Services::shared());
    let set =
        vec![format!("telemetry.otlp_endpoint={}", collector.endpoint()), "telemetry.traces_ratio=0".into()];
    let process =
        |roles: &str| region.process_with(roles, PopOptions { set: set.clone(), ..PopOptions::default() });
    let (first, second) = (process("host"), process("host"));
    let (_coordinator, _writer) = (process("coordinator"), process("writer"));
    let mut bob = Client::join(&second, "bob", "viewer", "s");

    let trace = "0af7651916cd43dd8448eb211c80319c";
    let ann =
        first.rest_as("ann", "viewer").with_header("traceparent", &format!("00-{trace}-b7ad6b7169203331-01"));
    let posted = ann.post("/v1/streams/s/comments", &json!({ "text": "from afar" })).expect(201).body;
    let id = posted["id"].as_str().unwrap();
    bob.event_where("comment", |event| event["id"] == *id);

    let submit = collector.wait_for(trace, "submit", |_| true);
    let intake = collector.wait_for(trace, "intake", |_| true);
    let append = collector.wait_for(trace, "append", |_| true);
    let relay = collector.wait_for(trace, "relay", |_| true);
    let store = collector.wait_for(trace, "store", |_| true);
    let room = collector.wait_for(trace, "room", |span| span.instance != submit.instance);
    let send = collector.wait_for(trace, "send", |span| span.instance == room.instance);
    for (part, of) in [
        (&intake, &submit),
        (&append, &intake),
        (&relay, &append),
        (&store, &append),
        (&room, &relay),
        (&send, &room),
    ] {
        assert_eq!(part.parent, of.id, "{part:?} is no part of {of:?}");
    }
    let roles = [&submit, &append, &relay, &store, &room, &send].map(|span| span.roles.as_str());
    assert_eq!(roles, ["host", "host", "coordinator", "writer", "host", "host"]);
    for span in [&append, &relay, &store, &room] {
        assert_eq!((span.get("ringside.stream"), span.get("ringside.comment")), ("s", id), "{span:?}");
        assert_eq!(span.get("ringside.partition"), append.get("ringside.partition"));
        assert!(!span.get("ringside.generation").is_empty(), "{span:?}");
    }
    for span in [&relay, &store, &room, &send] {
        assert_eq!(span.get("ringside.offset"), relay.get("ringside.offset"), "{span:?}");
    }
    assert!(!collector.was_sent("from afar"));
}
