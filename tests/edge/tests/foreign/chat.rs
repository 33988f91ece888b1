//! A chat in both subprotocols, compressed and not, between a foreign client and others.

use ringside_edge_tests::foreign::Foreign;
use ringside_testkit::{Client, Pop, eventually};
use serde_json::{Value, json};

const JSON: &str = "ringside.v1.json";
const MSGPACK: &str = "ringside.v1.msgpack";

/// Connections that the PoP saw end with a close code.
fn closes(pop: &Pop, code: u16) -> u64 {
    let metrics = pop.operator().get("/metrics").expect(200).text;
    let row = format!("closes_total{{code=\"{code}\"}} ");
    metrics.lines().find_map(|line| line.split_once(&row)?.1.parse().ok()).unwrap_or(0)
}

/// What ann does with a foreign client and bob with another, and what each sees of the other.
fn chat(pop: &Pop, mut ann: Foreign, bob: &mut Client) -> Foreign {
    let said = bob.comment("good evening from bob 🎉");
    let seen = ann.event_where("comment", |event| event["id"] == said.as_str());
    assert_eq!(seen["text"], "good evening from bob 🎉", "{seen}");
    assert_eq!((&seen["author"]["id"], &seen["author"]["name"]), (&json!("bob"), &json!("bob")), "{seen}");

    let answer =
        json!({ "type": "comment", "text": "good evening, bob", "reply_to": said, "reference": "a-1" });
    let first = ann.command(answer, "accepted")["comment"].as_str().unwrap().to_owned();
    for seen in [
        bob.event_where("comment", |event| event["id"] == first.as_str()),
        ann.event_where("comment", |event| event["id"] == first.as_str()),
    ] {
        assert_eq!((&seen["text"], &seen["reply_to"]), (&json!("good evening, bob"), &json!(said)), "{seen}");
        assert_eq!(seen["author"]["id"], "ann", "{seen}");
    }
    ann.command(json!({ "type": "react", "comment": said, "reaction": "like" }), "done");
    bob.command(json!({ "type": "react", "comment": first, "reaction": "like" }), "done");
    let liked = |id: String| move |event: &Value| event["comment"] == id.as_str() && event["likes"] == 1;
    bob.event_where("reactions", liked(said));
    ann.event_where("reactions", liked(first.clone()));
    ann.command(json!({ "type": "edit", "comment": first, "text": "good evening, dear bob" }), "accepted");
    bob.event_where("edited", |event| {
        event["comment"] == first.as_str() && event["text"] == "good evening, dear bob"
    });

    // Past the limits: of a text, of commands that make sense, of comments in a minute.
    let reply = ann.command(json!({ "type": "comment", "text": "x".repeat(501) }), "error");
    assert_eq!(reply["number"], 204, "{reply}");
    let reply = ann.command(json!({ "type": "comment", "txt": "misspelt" }), "error");
    assert_eq!(reply["number"], 200, "{reply}");
    for text in ["who plays tonight?", "my money is on the team in red", "kick-off at nine"] {
        let id = ann.comment(text);
        let seen = bob.event_where("comment", |event| event["id"] == id.as_str());
        assert_eq!(seen["text"], text, "{seen}");
    }
    let again = json!({ "type": "comment", "text": "My money is on the team in red!" });
    let reply = ann.command(again, "rejected");
    assert!(reply["reason"].as_str().unwrap().contains("the same text"), "{reply}");
    let sixth = ann.command(json!({ "type": "comment", "text": "and one more thing" }), "rate_limited");
    assert!((1..=60_000).contains(&sixth["retry_after_ms"].as_u64().unwrap()), "{sixth}");
    // What was rejected or came too fast is in no page, though the rejected one was counted as said.
    let texts = || {
        let page = pop.rest().get("/v1/streams/lobby/comments").expect(200).body;
        let items = page["items"].as_array().unwrap().iter().rev();
        items.map(|item| item["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = [
        "good evening from bob 🎉",
        "good evening, dear bob",
        "who plays tonight?",
        "my money is on the team in red",
        "kick-off at nine",
    ];
    eventually("the page to have all five comments", || (texts() == all).then_some(()));
    ann
}

/// The whole of it with one client; what the client told at its end.
fn whole(connect: impl FnOnce(&Pop) -> Foreign) -> Vec<Value> {
    let pop = Pop::start();
    let mut bob = Client::join(&pop, "bob", "viewer", "lobby");
    let ann = connect(&pop).join(&pop, "ann", "lobby");
    bob.event_where("viewers", |event| event["count"] == 2);
    let ann = chat(&pop, ann, &mut bob);
    let (left, status) = ann.close();
    assert!(status.success(), "{status}");
    // The other side of it: a clean close, and one viewer fewer.
    eventually("the close to be counted", || (closes(&pop, 1000) == 1).then_some(()));
    bob.event_where("viewers", |event| event["count"] == 1);
    left
}

/// Through Node, in a subprotocol, compressed or not.
fn through_node(subprotocol: &str, deflate: bool) {
    let left = whole(|pop| Foreign::node(pop, subprotocol, deflate));
    let closed = left.iter().find_map(|value| value.get("closed")).expect("the client tells its end");
    assert_eq!((&closed["code"], &closed["reason"]), (&json!(1000), &json!("")), "{closed}");
}

#[test]
fn node_chats_in_json() {
    through_node(JSON, false);
}

#[test]
fn node_chats_in_json_compressed() {
    through_node(JSON, true);
}

#[test]
fn node_chats_in_messagepack() {
    through_node(MSGPACK, false);
}

#[test]
fn node_chats_in_messagepack_compressed() {
    through_node(MSGPACK, true);
}

#[test]
fn websocat_chats_in_json() {
    whole(Foreign::websocat);
}

#[test]
fn clients_of_every_kind_understand_one_another() {
    let pop = Pop::start();
    let mut all = vec![("wanda", Foreign::websocat(&pop))];
    for (user, subprotocol, deflate) in
        [("jan", JSON, false), ("jo", JSON, true), ("max", MSGPACK, false), ("mia", MSGPACK, true)]
    {
        all.push((user, Foreign::node(&pop, subprotocol, deflate)));
    }
    let mut all: Vec<(&str, Foreign)> =
        all.into_iter().map(|(user, client)| (user, client.join(&pop, user, "lobby"))).collect();
    let mut said = Vec::new();
    for (user, client) in &mut all {
        let text = format!("{user} says hello, καλησπέρα, 今晩は 🎉");
        said.push((*user, client.comment(&text), text));
    }
    for (reader, client) in &mut all {
        for (user, id, text) in &said {
            let seen = client.event_where("comment", |event| event["id"] == id.as_str());
            assert_eq!(
                (&seen["text"], &seen["author"]["id"]),
                (&json!(text), &json!(user)),
                "{reader}: {seen}"
            );
        }
    }
}

#[test]
fn compression_makes_frames_shorter_in_both_directions_and_only_where_it_is_on() {
    let pop = Pop::start();
    let long = |n: usize| format!("{n}: {}", "the same words and ".repeat(24));
    for (n, (subprotocol, deflate)) in
        [(JSON, false), (JSON, true), (MSGPACK, false), (MSGPACK, true)].into_iter().enumerate()
    {
        let stream = format!("stream-{n}");
        let mut mona = Client::join(&pop, "mona", "moderator", &stream);
        let mut ann = Foreign::node(&pop, subprotocol, deflate).join(&pop, "ann", &stream);
        for text in (0..8).map(long) {
            mona.comment(&text);
            ann.event_where("comment", |event| event["text"] == text.trim_end());
        }
        ann.comment(&format!("and from ann, {}", long(9)));
        let (left, _) = ann.close();
        let closed = left.iter().find_map(|value| value.get("closed")).expect("the client tells its end");
        for way in ["read", "written"] {
            let [wire, messages] = ["wire", "messages"].map(|what| closed[what][way].as_u64().unwrap());
            // A frame without compression is its message and a head.
            assert_eq!(wire < messages, deflate, "{subprotocol}, compressed: {deflate}, {way}: {closed}");
        }
    }
}

#[test]
fn a_foreign_client_is_told_by_the_close_code_which_limit_it_passed() {
    let pop = Pop::start();
    for (subprotocol, deflate) in [(JSON, false), (JSON, true), (MSGPACK, false), (MSGPACK, true)] {
        let mut ann = Foreign::node(&pop, subprotocol, deflate).join(&pop, "ann", "lobby");
        ann.send(json!({ "type": "comment", "text": "x".repeat(4_097) }));
        let closed = ann.closed();
        assert_eq!(
            (&closed["code"], &closed["reason"]),
            (&json!(1009), &json!("message too big")),
            "{closed}"
        );

        // The join and the token were two of the sixty.
        let mut ben = Foreign::node(&pop, subprotocol, deflate).join(&pop, "ben", "lobby");
        for _ in 0..58 {
            ben.command(json!({ "type": "pin", "comment": null }), "error");
        }
        ben.send(json!({ "type": "leave" }));
        let closed = ben.closed();
        assert_eq!(
            (&closed["code"], &closed["reason"]),
            (&json!(4505), &json!("too many commands")),
            "{closed}"
        );
    }
    assert_eq!((closes(&pop, 1009), closes(&pop, 4505)), (4, 4));
}
