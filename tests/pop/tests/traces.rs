//! One comment can be followed from its submission to the sockets of those who see it, and costs nobody anything.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use ringside_testkit::collector::{Collector, Span};
use ringside_testkit::pop::hostile;
use ringside_testkit::{Client, Pop, PopOptions, eventually};
use serde_json::json;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn traced(endpoint: &str, ratio: &str) -> Pop {
    let set = vec![format!("telemetry.otlp_endpoint={endpoint}"), format!("telemetry.traces_ratio={ratio}")];
    Pop::with(PopOptions { set, ..PopOptions::default() })
}

/// The names from a span up to the trace's first.
fn way(spans: &[Span], from: &Span) -> Vec<String> {
    let up = |span: &Span| spans.iter().find(|other| other.id == span.parent).cloned();
    std::iter::successors(Some(from.clone()), up).map(|span| span.name).collect()
}

#[test]
fn a_comment_that_asks_for_it_is_followed_from_its_submission_to_a_socket() {
    let collector = Collector::start();
    let pop = traced(&collector.endpoint(), "0");
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    let untraced = ann.comment("nobody follows this");
    let bob = pop.rest_as("bob", "viewer").with_header("traceparent", TRACEPARENT);
    let posted = bob.post("/v1/streams/s/comments", &json!({ "text": "a secret of mine" })).expect(201).body;
    let id = posted["id"].as_str().unwrap();
    ann.event_where("comment", |event| event["id"] == *id);

    let send = collector.wait_for(TRACE, "send", |_| true);
    let store = collector.wait_for(TRACE, "store", |_| true);
    let moderator = collector.wait_for(TRACE, "moderator", |_| true);
    let throttle = collector.wait_for(TRACE, "throttle", |_| true);
    let submit = collector.wait_for(TRACE, "submit", |_| true);
    let spans = collector.trace(TRACE);
    assert_eq!(way(&spans, &send), ["send", "room", "relay", "append", "intake", "submit"]);
    assert_eq!(way(&spans, &store), ["store", "append", "intake", "submit"]);
    assert_eq!(way(&spans, &moderator), ["moderator", "chain", "intake", "submit"]);
    assert_eq!(way(&spans, &throttle), ["throttle", "chain", "intake", "submit"]);
    assert_eq!(submit.parent, "00f067aa0ba902b7", "the client's own span");

    // Each says what it was about.
    let of = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    for name in ["submit", "append", "relay", "store", "room"] {
        let span = of(name);
        assert_eq!((span.get("ringside.stream"), span.get("ringside.comment")), ("s", id), "{span:?}");
        assert!(!span.get("ringside.generation").is_empty(), "{span:?}");
    }
    for name in ["relay", "store", "room"] {
        assert_eq!(of(name).get("ringside.offset"), send.get("ringside.offset"), "{name}");
        assert_eq!(of(name).get("ringside.partition"), of("append").get("ringside.partition"), "{name}");
    }
    assert_eq!(submit.get("ringside.outcome"), "accepted");
    assert!(throttle.get("ringside.component").starts_with("throttle-standard "), "{throttle:?}");

    // Nobody else is followed, and nothing that was said is told.
    assert!(
        collector.spans().iter().all(|span| span.trace == TRACE && span.get("ringside.comment") != untraced)
    );
    assert!(!collector.was_sent("secret of mine") && !collector.was_sent(&pop.token("bob", "viewer")[..20]));
}

#[test]
fn the_verdict_on_a_comment_that_no_component_judged_is_part_of_its_trace() {
    let collector = Collector::start();
    let pop = traced(&collector.endpoint(), "1");
    let push = |arguments: &[&str]| {
        let output = pop.run(&[&["component"], arguments].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let breaks = hostile().join("moderator-panics.wasm");
    push(&["push", breaks.to_str().unwrap(), "--on-failure", "allow-unjudged"]);
    let id = Client::join(&pop, "ann", "viewer", "s").comment("panic: nobody judged this");
    push(&["rollback"]);
    let submit = eventually("the trace of the comment", || {
        let is_it = |span: &Span| span.name == "submit" && span.get("ringside.comment") == id;
        collector.spans().into_iter().find(is_it)
    });
    let judge =
        collector.wait_for(&submit.trace, "judge", |span| !span.get("ringside.generation").is_empty());
    assert_eq!(judge.get("ringside.comment"), id);
    let verdict = |span: &Span| span.get("ringside.event") == "CommentModerated";
    let store = collector.wait_for(&submit.trace, "store", verdict);
    let spans = collector.trace(&submit.trace);
    assert_eq!(way(&spans, &store), ["store", "append", "judge", "append", "intake", "submit"]);
    assert!(submit.parent.is_empty(), "drawn by the host");
}

#[test]
fn a_collector_that_is_away_costs_spans_and_nothing_else() {
    // Nobody listens on the discard port.
    let pop = traced("http://127.0.0.1:9", "1");
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    for number in 0..3 {
        ann.comment(&format!("number {number} goes on"));
    }
    eventually("lost spans to be counted", || {
        let metrics = pop.operator().get("/metrics").expect(200).text;
        let counts = |line: &str| {
            line.starts_with("ringside_trace_spans_total{outcome=\"failed\"}") && !line.ends_with(" 0")
        };
        metrics.lines().any(counts).then_some(())
    });
    ann.comment("and it still goes on");
}
