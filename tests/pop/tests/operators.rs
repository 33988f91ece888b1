//! What operators do to a running PoP: push, configure, remove, roll back, ban, look at metrics; and what they are told
//! when it cannot be done.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use ringside_testkit::pop::{bundle, hostile};
use ringside_testkit::{Client, Pop};
use serde_json::json;
use std::path::Path;

fn run(pop: &Pop, arguments: &[&str]) -> (i32, String) {
    let output = pop.run(arguments);
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), text)
}

fn component(name: &str) -> String {
    bundle().join("components").join(format!("{name}.wasm")).to_str().unwrap().to_owned()
}

fn words(entry: &str) -> String {
    json!({ "lists": [{ "name": "test", "language": "en", "severity": 4, "entries": [entry] }] }).to_string()
}

#[test]
fn a_word_is_changed_while_people_chat_and_taken_back_at_once() {
    let pop = Pop::start();
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    ann.comment("I like rosebuds");
    let (code, text) = run(&pop, &["component", "push", "--slot", "words", "--config", &words("rosebud*")]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("generation 2 runs"), "{text}");
    let reply = ann.command(json!({ "type": "comment", "text": "rosebud it was" }), "rejected");
    assert!(reply["reason"].as_str().unwrap().contains("rosebud"), "{reply}");
    let (code, text) = run(&pop, &["component", "rollback"]);
    assert_eq!((code, text.contains("rollback to 1")), (0, true), "{text}");
    ann.comment("rosebud it was, then");
    let (_, history) = run(&pop, &["component", "history"]);
    for note in ["the components that came with the program", "configure slot words", "rollback to 1"] {
        assert!(history.contains(note), "{history}");
    }
}

#[test]
fn a_release_outlives_the_process() {
    let mut pop = Pop::start();
    let (code, text) = run(&pop, &["component", "push", "--slot", "words", "--config", &words("rosebud")]);
    assert_eq!(code, 0, "{text}");
    pop.kill_and_restart();
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    ann.command(json!({ "type": "comment", "text": "rosebud" }), "rejected");
    assert!(run(&pop, &["component", "list"]).1.contains("generation 2"));
}

#[test]
fn taking_a_codec_out_ends_its_connections_and_leaves_the_others() {
    let pop = Pop::start();
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    assert_eq!(run(&pop, &["component", "remove", "codec-msgpack"]).0, 0);
    ann.comment("JSON goes on");
    let (code, text) = run(&pop, &["component", "remove", "codec-json"]);
    assert_eq!((code, text.contains("last codec")), (1, true), "{text}");
    let (code, text) = run(&pop, &["component", "push", &component("codec-msgpack")]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(run(&pop, &["component", "remove", "codec-json"]).0, 0);
    assert_eq!(ann.close_code(), 4003);
}

#[test]
fn what_cannot_run_is_refused_with_the_reason_and_changes_nothing() {
    let pop = Pop::start();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let key = folder.path().join("other");
    let (code, text) = run(&pop, &["key", "new", "--out", key.to_str().unwrap()]);
    assert_eq!(code, 0, "{text}");
    let key = format!("{}.key", key.display());
    let good = std::fs::read(component("links")).unwrap();
    let unsigned = file("unsigned.wasm", &good);
    let signature = std::fs::read(format!("{}.minisig", component("links"))).unwrap();
    let truncated = file("truncated.wasm", &good[..good.len() / 2]);
    file("truncated.wasm.minisig", &signature);
    let signed_hostile = |name: &str| hostile().join(format!("{name}.wasm")).to_str().unwrap().to_owned();
    let cases: Vec<(Vec<&str>, i32, &str)> = vec![
        (vec!["component", "push", &unsigned], 64, "is not signed"),
        (vec!["component", "push", &unsigned, "--key", &key], 1, "does not trust"),
        (vec!["component", "push", &truncated], 1, "does not fit the file"),
        (vec!["component", "push", "/no/such/file.wasm", "--key", &key], 64, "cannot be read"),
        (vec!["component", "push", "--slot", "words", "--config", "{"], 64, "not JSON"),
        (vec!["component", "push", "--slot", "words", "--config", "{\"listz\":[]}"], 1, "listz"),
        (vec!["component", "push", "--slot", "nowhere", "--config", "{}"], 1, "there is no slot `nowhere`"),
        (vec!["component", "push"], 64, "nothing to push"),
        (vec!["component", "remove", "throttle-standard"], 1, "needs its throttle"),
        (vec!["component", "rollback", "--to", "99"], 1, "there is no release 99"),
    ];
    for (arguments, code, detail) in cases {
        let (got, text) = run(&pop, &arguments);
        assert!(got == code && text.contains(detail), "{arguments:?} ended with {got}: {text}");
    }
    let hostile_file = signed_hostile("moderator-fails-examples");
    let (code, text) = run(&pop, &["component", "check", &hostile_file]);
    assert_eq!((code, text.contains("example")), (1, true), "{text}");
    assert!(run(&pop, &["component", "list"]).1.contains("generation 1"), "nothing changed");
    assert!(Path::new(&unsigned).exists());
}

#[test]
fn the_operators_address_is_never_open() {
    let pop = Pop::start();
    let routes =
        ["/v1/components", "/v1/chain", "/v1/releases", "/v1/streams", "/v1/dead-letters", "/metrics"];
    for path in routes {
        pop.operators_with(None).get(path).expect_problem(101, "ringside token");
        pop.operators_with(Some("nonsense".into())).get(path).expect_problem(102, "not a JWT");
        pop.operators_with(Some(pop.token("ann", "viewer"))).get(path).expect_problem(103, "needs role");
        assert_eq!(pop.operator().get(path).status, 200, "{path}");
    }
    pop.operator().get("/v1/nothing").expect_problem(202, "/v1/nothing");
    Client::join(&pop, "ann", "viewer", "s").comment("something to count");
    let metrics = pop.operator().get("/metrics").text;
    for name in [
        "ringside_submissions",
        "ringside_edge_connections",
        "ringside_component_calls",
        "ringside_log_lag_records",
    ] {
        assert!(metrics.contains(name), "{name} is not in the metrics");
    }
}

#[test]
fn streams_are_registered_and_banned_users_are_put_out_and_kept_out() {
    let pop = Pop::start();
    let operator = pop.operator();
    let made = operator.post(
        "/v1/streams",
        &json!({ "id": "final", "title": "The final", "settings": { "slow_mode_s": 5 } }),
    );
    assert_eq!(made.expect(201).body["settings"]["slow_mode_s"], 5);
    operator.post("/v1/streams", &json!({ "id": "final" })).expect_problem(208, "registered already");
    operator.post("/v1/streams", &json!({ "id": "a b" })).expect_problem(200, "is not a stream id");
    operator
        .post("/v1/streams", &json!({ "id": "x", "colour": 1 }))
        .expect_problem(200, "unknown field `colour`");

    let mut ann = Client::join(&pop, "ann", "viewer", "final");
    operator.call("PUT", "/v1/users/ann/ban", Some(json!({ "reason": "spam" }).to_string())).expect(200);
    assert_eq!(ann.close_code(), 4504);
    let mut again = Client::connect(&pop);
    again.send(json!({ "type": "authenticate", "token": pop.token("ann", "viewer") }));
    assert_eq!(again.close_code(), 4504);
    pop.rest_as("ann", "viewer")
        .post("/v1/streams/final/comments", &json!({ "text": "hi" }))
        .expect_problem(104, "spam");
    operator.call("DELETE", "/v1/users/ann/ban", None).expect(204);
    Client::join(&pop, "ann", "viewer", "final").comment("back again");
}
