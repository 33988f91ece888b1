//! A comment and everything that can become of it, between viewers and moderators.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use ringside_testkit::client::fill_in;
use ringside_testkit::{Client, Pop, eventually};
use serde_json::{Value, json};

fn settings(pop: &Pop, stream: &str, patch: &Value) {
    let moderator = pop.rest_as("mona", "moderator");
    moderator.call("PATCH", &format!("/v1/streams/{stream}"), Some(patch.to_string())).expect(200);
}

#[test]
fn a_comment_reaches_everyone_on_its_stream_and_nobody_else() {
    let pop = Pop::start();
    let mut ann = Client::join(&pop, "ann", "viewer", "s1");
    let mut bob = Client::join(&pop, "bob", "viewer", "s1");
    let mut eve = Client::join(&pop, "eve", "viewer", "s2");
    let id = ann.comment("what a goal");
    for client in [&mut ann, &mut bob] {
        let event = client.event("comment");
        assert_eq!(
            (event["id"].as_str().unwrap(), event["text"].as_str().unwrap()),
            (id.as_str(), "what a goal")
        );
        assert_eq!(event["author"]["id"], "ann");
    }
    eve.comment("another stream");
    assert_eq!(eve.event("comment")["text"], "another stream", "the first comment eve sees is her own");
}

#[test]
fn replies_edits_likes_and_deletes_are_seen_by_others_and_in_pages() {
    let pop = Pop::start();
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    let mut bob = Client::join(&pop, "bob", "viewer", "s");
    let id = ann.comment("first");
    bob.event("comment");
    let reply = bob.command(json!({ "type": "comment", "text": "I agree", "reply_to": id }), "accepted");
    let seen = ann.event_where("comment", |event| event["reply_to"] == id.as_str());
    assert_eq!(seen["id"], reply["comment"]);

    for text in ["first of all", "first of all!", "first of all!!"] {
        ann.command(json!({ "type": "edit", "comment": id, "text": text }), "accepted");
        assert_eq!(bob.event("edited")["text"], text, "an edit is no repetition");
    }
    assert_eq!(bob.ask(json!({ "type": "edit", "comment": id, "text": "mine now" }))["number"], 103);

    bob.command(json!({ "type": "react", "comment": id, "reaction": "like" }), "done");
    let totals = ann.event_where("reactions", |event| event["comment"] == id.as_str());
    assert_eq!((&totals["likes"], &totals["dislikes"]), (&json!(1), &json!(0)));
    bob.command(json!({ "type": "react", "comment": id, "reaction": "dislike" }), "done");
    ann.event_where("reactions", |event| event["likes"] == 0 && event["dislikes"] == 1);
    let own = |user: &str, comments: &str| {
        pop.rest_as(user, "viewer").get(&format!("/v1/streams/s/reactions?comments={comments}"))
    };
    eventually("the store to have taken the dislike in", || {
        (own("bob", &id).expect(200).body["items"] == json!([{ "comment": id, "reaction": "dislike" }]))
            .then_some(())
    });
    assert_eq!(own("ann", &id).expect(200).body["items"], json!([]));
    own("bob", "").expect_problem(201, "name 1 to 200");
    own("bob", "x").expect_problem(201, "`x`");
    let anonymous = pop.rest().get(&format!("/v1/streams/s/reactions?comments={id}"));
    anonymous.expect_problem(101, "token");

    let page = pop.rest().get("/v1/streams/s/comments").expect(200).body;
    assert_eq!(page["items"][0]["text"], "I agree", "newest first");
    assert_eq!((&page["items"][1]["replies"], &page["items"][1]["edited"]), (&json!(1), &json!(true)));
    let replies = pop.rest().get(&format!("/v1/streams/s/comments/{id}/replies")).expect(200).body;
    assert_eq!(replies["items"].as_array().unwrap().len(), 1);

    assert_eq!(bob.ask(json!({ "type": "delete", "comment": id }))["number"], 103);
    ann.command(json!({ "type": "delete", "comment": id }), "done");
    assert_eq!(bob.event("removed")["by"], "author");
    let gone = eventually("the store to have taken the removal in", || {
        Some(pop.rest().get(&format!("/v1/streams/s/comments/{id}"))).filter(|answer| answer.status != 200)
    });
    gone.expect_problem(202, "there is no comment");
    ann.command(json!({ "type": "delete", "comment": id }), "done");
}

#[test]
fn a_rejected_comment_is_told_why_and_nobody_sees_it() {
    let pop = Pop::start();
    settings(&pop, "s", &json!({ "blocked_terms": ["spoiler"], "links_allowed": false }));
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    let mut bob = Client::join(&pop, "bob", "viewer", "s");
    for text in ["the SPOILER is here", "see https://example.org/x"] {
        let reply = ann.command(json!({ "type": "comment", "text": text }), "rejected");
        assert!(!reply["reason"].as_str().unwrap().is_empty(), "{reply}");
    }
    let last = ann.comment("harmless");
    assert_eq!(bob.event("comment")["text"], "harmless");
    pop.wait_for_page("s", &last);
    let page = pop.rest_as("mona", "moderator").get("/v1/streams/s/comments").expect(200).body;
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
}

#[test]
fn a_held_comment_waits_for_a_moderator_and_is_shown_once_approved() {
    let pop = Pop::start();
    settings(&pop, "s", &json!({ "hold_for_review": true }));
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    let mut bob = Client::join(&pop, "bob", "viewer", "s");
    let mut mona = Client::join(&pop, "mona", "moderator", "s");
    let reply = ann.command(json!({ "type": "comment", "text": "please look" }), "held");
    let id = reply["comment"].clone();
    let held = mona.event_where("comment", |event| event["id"] == id);
    assert_eq!(held["held"], true);
    let text = |page: &Value| page["items"].as_array().unwrap().len();
    let path = "/v1/streams/s/comments";
    let of = |user: &str, role: &str| {
        let rest = pop.rest_as(user, role);
        eventually("the store to have taken the comment in", || {
            let queue = pop.rest_as("mona", "moderator").get("/v1/streams/s/comments?of=review").body;
            (text(&queue) > 0).then_some(())
        });
        text(&rest.get(path).expect(200).body)
    };
    assert_eq!((of("ann", "viewer"), of("bob", "viewer"), of("mona", "moderator")), (1, 0, 1));
    pop.rest_as("bob", "viewer").get("/v1/streams/s/comments?of=review").expect_problem(103, "moderators");
    assert_eq!(bob.ask(json!({ "type": "moderate", "comment": id, "review": "approve" }))["number"], 103);
    mona.command(json!({ "type": "moderate", "comment": id, "review": "approve" }), "done");
    let shown = bob.event_where("comment", |event| event["id"] == id);
    assert_eq!(shown["text"], "please look");
    mona.command(json!({ "type": "moderate", "comment": id, "review": "remove" }), "done");
    assert_eq!(bob.event("removed")["by"], "moderator");
    let late = mona.ask(json!({ "type": "moderate", "comment": id, "review": "approve" }));
    assert_eq!(late["number"], 208, "{late}");
}

#[test]
fn a_flagged_comment_is_shown_and_leaves_the_queue_once_a_moderator_approved_it() {
    let pop = Pop::start();
    let config =
        json!({ "lists": [{ "name": "mild", "language": "en", "severity": 2, "entries": ["blimey"] }] });
    let pushed = pop.run(&["component", "push", "--slot", "words", "--config", &config.to_string()]);
    assert!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    let mut bob = Client::join(&pop, "bob", "viewer", "s");
    let mut mona = Client::join(&pop, "mona", "moderator", "s");
    let id = ann.comment("blimey, what a shot");
    assert_eq!(bob.event("comment")["id"], id.as_str());
    let queue = || {
        let page = pop.rest_as("mona", "moderator").get("/v1/streams/s/comments?of=review").expect(200).body;
        page["items"].as_array().unwrap().len()
    };
    eventually("the flagged comment to be queued", || (queue() == 1).then_some(()));
    mona.command(json!({ "type": "moderate", "comment": id, "review": "approve" }), "done");
    eventually("the queue to be empty", || (queue() == 0).then_some(()));
    ann.comment("still here, all of us");
    assert_eq!(bob.event("comment")["text"], "still here, all of us", "an approved flag is not shown again");
}

#[test]
fn a_shadow_banned_comment_is_seen_by_its_author_alone() {
    let pop = Pop::start();
    let config = json!({ "lists": [{ "name": "shadow", "language": "en", "severity": 1, "action": "shadow-ban", "entries": ["quietly"] }] });
    let pushed = pop.run(&["component", "push", "--slot", "words", "--config", &config.to_string()]);
    assert!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    let mut bob = Client::join(&pop, "bob", "viewer", "s");
    let id = ann.comment("said quietly");
    bob.comment("loud");
    assert_eq!(bob.event("comment")["text"], "loud", "bob never sees the shadow-banned one");
    let page = |user: &str| {
        pop.rest_as(user, "viewer").get("/v1/streams/s/comments").expect(200).body["items"].clone()
    };
    eventually("ann to find her comment in her page", || {
        page("ann").as_array().unwrap().iter().any(|item| item["id"] == id.as_str()).then_some(())
    });
    assert!(page("bob").as_array().unwrap().iter().all(|item| item["id"] != id.as_str()));
}

#[test]
fn limits_hold_and_say_how_long_to_wait() {
    let pop = Pop::start();
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    for text in
        ["good evening all", "who plays tonight?", "kick-off at nine", "my money is on red", "what a start!!"]
    {
        ann.comment(text);
    }
    let reply = ann.command(json!({ "type": "comment", "text": "and one more thing" }), "rate_limited");
    let wait = reply["retry_after_ms"].as_u64().unwrap();
    assert!((1..=60_000).contains(&wait), "{reply}");
    let rest =
        pop.rest_as("ann", "viewer").post("/v1/streams/s/comments", &json!({ "text": "by another door" }));
    rest.expect_problem(301, "wait");
    assert!(!rest.header("retry-after").is_empty());
    let mut mona = Client::join(&pop, "mona", "moderator", "s");
    for text in
        ["welcome", "be kind", "links are fine", "no spoilers", "enjoy the game", "half time", "second half"]
    {
        mona.comment(text);
    }
    settings(&pop, "slow", &json!({ "slow_mode_s": 120 }));
    let mut bob = Client::join(&pop, "bob", "viewer", "slow");
    bob.comment("first");
    let reply = bob.command(json!({ "type": "comment", "text": "second" }), "rate_limited");
    let wait = reply["retry_after_ms"].as_u64().unwrap();
    assert!((60_000..=120_000).contains(&wait), "{reply}");
}

#[test]
fn settings_pins_and_viewers_are_announced_live() {
    let pop = Pop::start();
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    let mut mona = Client::join(&pop, "mona", "moderator", "s");
    ann.event_where("viewers", |event| event["count"] == 2);
    mona.command(json!({ "type": "settings", "closed": true }), "done");
    assert_eq!(ann.event("settings")["closed"], true);
    let closed = ann.command(json!({ "type": "comment", "text": "hello?" }), "rejected");
    assert!(closed["reason"].as_str().unwrap().contains("closed"), "{closed}");
    mona.command(json!({ "type": "settings", "closed": false, "emoji_only": true }), "done");
    ann.command(json!({ "type": "comment", "text": "words" }), "rejected");
    ann.comment("🎉🎉");
    mona.command(json!({ "type": "settings", "emoji_only": false, "members_only": true }), "done");
    ann.command(json!({ "type": "comment", "text": "I am no member" }), "rejected");
    mona.command(json!({ "type": "settings", "members_only": false }), "done");
    let id = ann.comment("pin me");
    mona.command(json!({ "type": "pin", "comment": id }), "done");
    assert_eq!(ann.event("pinned")["comment"]["text"], "pin me");
    assert_eq!(ann.ask(json!({ "type": "pin", "comment": null }))["number"], 103);
    let mut late = Client::connect(&pop);
    let joined = late.command(json!({ "type": "join", "stream": "s" }), "joined");
    assert_eq!(joined["pinned"]["id"], id.as_str(), "{joined}");
    assert!(joined["history"].as_array().unwrap().len() >= 2, "{joined}");
    mona.command(json!({ "type": "pin", "comment": null }), "done");
    assert_eq!(ann.event("pinned")["comment"], Value::Null);
    let bad = mona.ask(json!({ "type": "settings", "slow_mode_s": 1_000_000 }));
    assert_eq!(bad["number"], 205, "{bad}");
}

#[test]
fn what_frames_leave_out_of_comments_is_what_pages_give() {
    let pop = Pop::start();
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    let mut mona = Client::join(&pop, "mona", "moderator", "s");
    let ids = [mona.comment("one"), mona.comment("two"), ann.comment("three")];
    mona.command(json!({ "type": "pin", "comment": ids[1] }), "done");
    let mut live: Vec<Value> = (0..ids.len()).map(|_| ann.event("comment")).collect();
    pop.wait_for_page("s", &ids[2]);
    let mut late = Client::connect(&pop);
    let mut joined = late.command(json!({ "type": "join", "stream": "s" }), "joined");
    let history = joined["history"].as_array_mut().unwrap();
    assert_eq!(history[1]["author"], "mona", "named by the comment before: {history:?}");
    fill_in(history.iter_mut());
    // A pinned comment stands for itself: nothing but its time may be missing, and its author is named elsewhere too.
    let mut pinned = [ann.event("pinned")["comment"].take(), joined["pinned"].take()];
    for comment in &mut pinned {
        assert!(comment["author"].is_object(), "{comment}");
        fill_in(std::iter::once(comment));
    }
    let history = joined["history"].as_array_mut().unwrap();
    for (index, id) in ids.iter().enumerate() {
        let page = pop.rest().get(&format!("/v1/streams/s/comments/{id}")).expect(200).body;
        let mut given = vec![&mut live[index], &mut history[index]];
        if index == 1 {
            given.extend(&mut pinned);
        }
        for comment in given {
            for field in ["id", "text", "at"] {
                assert_eq!(comment[field], page[field], "{comment} beside {page}");
            }
            let author = &comment["author"];
            assert_eq!((&author["id"], &author["name"]), (&page["author"]["id"], &page["author"]["name"]));
            assert_eq!(author["role"].as_str().unwrap_or("viewer"), page["author"]["role"]);
        }
    }
}

#[test]
fn emoji_become_running_totals_at_most_twice_a_second() {
    let pop = Pop::start();
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    let mut bob = Client::join(&pop, "bob", "viewer", "s");
    for _ in 0..10 {
        ann.command(json!({ "type": "emoji", "emoji": "🎉", "count": 5 }), "done");
    }
    bob.event_where("emoji", |event| event["totals"]["🎉"] == 50);
    let bad = ann.ask(json!({ "type": "emoji", "emoji": "hello" }));
    assert_eq!(bad["number"], 206, "{bad}");
    let stream = pop.rest().get("/v1/streams/s").expect(200).body;
    assert_eq!(stream["emoji"]["🎉"], 50);
}

#[test]
fn a_mention_reaches_the_user_on_another_stream() {
    let pop = Pop::start();
    let mut ann = Client::join(&pop, "ann", "viewer", "here");
    let mut bob = Client::join(&pop, "bob", "viewer", "there");
    let id = ann.comment("hey @bob, look at this");
    let notice = bob.notice("mention");
    assert_eq!((&notice["stream"], &notice["comment"]["id"]), (&json!("here"), &json!(id)));
}

#[test]
fn the_same_reference_gives_the_same_comment_even_at_once() {
    let pop = Pop::start();
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    let command = json!({ "type": "comment", "text": "only once", "reference": "r-1" });
    let ids: Vec<u64> = (0..4).map(|_| ann.send(command.clone())).collect();
    let comments: Vec<Value> = ids.into_iter().map(|id| ann.reply(id)["comment"].clone()).collect();
    assert!(comments.iter().all(|id| *id == comments[0] && id.is_string()), "{comments:?}");
    let again = pop
        .rest_as("ann", "viewer")
        .post("/v1/streams/s/comments", &json!({ "text": "only once", "reference": "r-1" }));
    assert_eq!(again.expect(201).body["id"], comments[0]);
    let last = ann.comment("something else");
    ann.event_where("comment", |event| event["text"] == "something else");
    pop.wait_for_page("s", &last);
    let page = pop.rest().get("/v1/streams/s/comments").expect(200).body;
    assert_eq!(page["items"].as_array().unwrap().len(), 2, "{page}");
}
