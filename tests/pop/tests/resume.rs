//! Coming back: nothing missed, nothing twice, or an explicit gap; also when the host was killed in between.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use ringside_testkit::{Client, Pop};
use serde_json::json;

fn rejoin(pop: &Pop, position: &str) -> (Client, serde_json::Value) {
    let mut client = Client::connect(pop);
    let token = pop.token("bob", "viewer");
    client.command(json!({ "type": "authenticate", "token": token }), "authenticated");
    let joined = client.command(json!({ "type": "join", "stream": "s", "position": position }), "joined");
    (client, joined)
}

fn texts(client: &mut Client, count: usize) -> Vec<String> {
    (0..count).map(|_| client.event("comment")["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_was_missed_follows_once_and_in_order() {
    let pop = Pop::start();
    let mut mona = Client::join(&pop, "mona", "moderator", "s");
    let mut bob = Client::join(&pop, "bob", "viewer", "s");
    mona.comment("seen before");
    bob.event("comment");
    let position = bob.position.clone().unwrap();
    drop(bob);
    let missed: Vec<String> = (0..20).map(|i| format!("missed number {i}, one of twenty")).collect();
    for text in &missed {
        mona.comment(text);
    }
    let (mut bob, joined) = rejoin(&pop, &position);
    assert_eq!((&joined["resumed"], &joined["history"]), (&json!("recovered"), &json!([])));
    assert_eq!(texts(&mut bob, 20), missed);
    mona.comment("live again");
    assert_eq!(texts(&mut bob, 1), ["live again"]);
}

#[test]
fn a_position_outlives_the_host_that_gave_it() {
    let mut pop = Pop::start();
    let mut mona = Client::join(&pop, "mona", "moderator", "s");
    let mut bob = Client::join(&pop, "bob", "viewer", "s");
    mona.comment("before the crash");
    bob.event("comment");
    let position = bob.position.clone().unwrap();
    let id = mona.comment("acknowledged, then the host is killed");
    pop.kill_and_restart();
    let mut mona = Client::join(&pop, "mona", "moderator", "s");
    let last = mona.comment("after the crash");
    let (mut bob, joined) = rejoin(&pop, &position);
    assert_eq!(joined["resumed"], "recovered", "{joined}");
    assert_eq!(texts(&mut bob, 2), ["acknowledged, then the host is killed", "after the crash"]);
    pop.wait_for_page("s", &last);
    let page = pop.rest().get("/v1/streams/s/comments").expect(200).body;
    assert_eq!(page["items"][1]["id"], id.as_str());
    assert_eq!(page["items"].as_array().unwrap().len(), 3, "{page}");
}

#[test]
fn a_position_of_another_log_is_an_explicit_gap_with_the_newest_page() {
    let pop = Pop::start();
    let mut mona = Client::join(&pop, "mona", "moderator", "s");
    mona.comment("here already");
    let (_, joined) = rejoin(&pop, "1234.0.0");
    assert_eq!(joined["resumed"], "gap");
    assert_eq!(joined["history"][0]["text"], "here already");
    let mut client = Client::connect(&pop);
    let bad = client.ask(json!({ "type": "join", "stream": "s", "position": "nonsense" }));
    assert_eq!(bad["number"], 201, "{bad}");
}
