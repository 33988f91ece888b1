//! Viewers of one stream on two hosts are in one room: what is said on one is seen on the other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::time::Duration;

use ringside_testkit::{Client, Pop, Region, Services, eventually};
use serde_json::json;

#[test]
fn two_hosts_and_the_roles_apart_are_one_region_to_its_viewers() {
    let region = Region::on(&Services::shared());
    let (first, second) = (region.process("host"), region.process("host"));
    let (_coordinator, _judge) = (region.process("coordinator"), region.process("judge"));
    let writer = region.process("writer,reconciler");
    let mut ann = Client::join(&first, "ann", "viewer", "s");
    let mut bob = Client::join(&second, "bob", "viewer", "s");
    let mut mona = Client::join(&second, "mona", "moderator", "s");

    // Said on one host, seen on the other; answered, liked, removed there.
    let id = ann.comment("hello from the first");
    for client in [&mut ann, &mut bob, &mut mona] {
        let event = client.event_where("comment", |event| event["id"] == id);
        assert_eq!(event["text"], "hello from the first");
    }
    let reply =
        bob.command(json!({ "type": "comment", "text": "and from the second", "reply_to": id }), "accepted");
    let reply = reply["comment"].as_str().unwrap().to_owned();
    ann.event_where("comment", |event| event["id"] == *reply && event["reply_to"].to_string().contains(&id));
    second.wait_for_page("s", &reply);
    bob.command(json!({ "type": "react", "comment": id, "reaction": "like" }), "done");
    ann.event_where("reactions", |event| event.to_string().contains(&id));
    mona.command(json!({ "type": "delete", "comment": reply }), "done");
    ann.event_where("removed", |event| event["comment"] == *reply);

    // Every host counts the viewers of both, and reads the same pages.
    ann.event_where("viewers", |event| event["count"] == 3);
    for host in [&first, &second] {
        let items = host.rest().all_comments("s");
        assert_eq!(items.len(), 1, "{items:?}");
        assert_eq!(items[0]["id"], *id);
    }

    eventually("everybody to be listed as online on either host", || {
        let listed = second.rest_as("ann", "viewer").get("/v1/streams/s/viewers").expect(200).body;
        (listed == json!({ "viewers": 3, "online": ["ann", "bob", "mona"] })).then_some(())
    });

    let known = writer.operator().get("/v1/users/bob/hosts").expect(200).body["items"].clone();
    assert_eq!(known.as_array().unwrap().len(), 1, "every process knows through which host: {known}");

    // Each process says what it works on.
    let listed = writer.operator().get("/v1/workers").expect(200).body;
    let of =
        |role: &str| listed["items"].as_array().unwrap().iter().filter(|item| item["role"] == role).count();
    assert_eq!((of("writer"), of("reconciler"), of("coordinator")), (4, 4, 0), "{listed}");
    eventually("the writer to have read all", || {
        let listed = writer.operator().get("/v1/workers").expect(200).body;
        listed["items"].as_array().unwrap().iter().all(|item| item["lag"] == 0).then_some(())
    });
}

#[test]
fn who_tries_again_on_another_host_says_it_once_however_far_behind_the_store_is() {
    let region = Region::on(&Services::shared());
    let (first, second) = (region.process("host"), region.process("host"));
    let _relays = region.process("coordinator,judge,reconciler");
    let writer = region.process("writer");
    let mut bob = Client::join(&second, "bob", "viewer", "s");
    let say = |host: &Pop, reference: &str| {
        let body = json!({ "text": "only once", "reference": reference });
        host.rest_as("ann", "viewer").post("/v1/streams/s/comments", &body)
    };
    let before = say(&first, "before").expect(201).body;
    assert_eq!(bob.event("comment")["id"], before["id"]);
    writer.freeze();
    let said = say(&first, "r").expect(201).body;
    assert_eq!(bob.event("comment")["id"], said["id"]);
    assert_eq!(say(&first, "r").expect(201).body["id"], said["id"], "its own host knows it");
    say(&second, "r").expect_problem(501, "what became of it is not known yet");
    say(&second, "r").expect_problem(501, "what became of it is not known yet");
    let other = say(&second, "another").expect(201).body;
    assert_eq!(bob.event("comment")["id"], other["id"], "nothing else waits for it");
    writer.thaw();
    let again = eventually("the other host to know it", || {
        let answer = say(&second, "r");
        (answer.status == 201).then_some(answer.body)
    });
    assert_eq!(again["id"], said["id"]);
    eventually("the three to be stored", || {
        let ids: Vec<_> =
            second.rest().all_comments("s").into_iter().rev().map(|item| item["id"].clone()).collect();
        (ids == [before["id"].clone(), said["id"].clone(), other["id"].clone()]).then_some(())
    });
}

#[test]
fn what_moderators_decide_on_one_host_holds_on_the_other() {
    let region = Region::on(&Services::shared());
    let (first, second) = (region.process("host"), region.process("host"));
    let _roles = region.process("coordinator,writer,judge,reconciler");
    let mut troll = Client::join(&second, "troll", "viewer", "s");
    let mut quiet = Client::join(&second, "quiet", "viewer", "s");
    let desk = |host: &Pop| host.operators_with(Some(host.token("mona", "moderator")));
    let restrict = |user: &str, body: serde_json::Value| {
        desk(&first).post(&format!("/v1/users/{user}/restrictions"), &body).expect(201).body
    };

    // A time-out: they may read and not write, until it is undone on the other host.
    let entry = restrict("quiet", json!({ "kind": "time-out", "seconds": 600, "reason": "calm down" }));
    // Asked for slowly: a connection has 60 commands a minute.
    let mut tries = |holds: bool| {
        eventually(if holds { "the time-out to hold on the other host" } else { "it to be over" }, || {
            std::thread::sleep(Duration::from_millis(400));
            let answer = quiet.ask(json!({ "type": "emoji", "emoji": "🔥" }));
            let timed_out = answer["number"] == 105;
            assert!(timed_out || answer["status"] == "done", "{answer}");
            (timed_out == holds).then_some(())
        });
    };
    tries(true);
    let number = entry["entry"].as_u64().or_else(|| entry["number"].as_u64()).unwrap();
    desk(&second).post(&format!("/v1/audit/{number}/undo"), &json!({})).expect(200);
    tries(false);

    // A ban ends the user's connections wherever they are, and nobody decides it twice.
    restrict("troll", json!({ "kind": "ban", "reason": "spam" }));
    assert_eq!(troll.close_code(), 4504);
    let again =
        desk(&second).post("/v1/users/troll/restrictions", &json!({ "kind": "ban", "reason": "spam" }));
    again.expect_problem(208, "mona");
}
