//! What moderators do about comments and users, through API and command line: decided once, kept in the audit log,
//! taken back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use ringside_testkit::{Answer, Client, Pop, Rest, eventually};
use serde_json::{Value, json};

fn operators(pop: &Pop, user: &str) -> Rest {
    pop.operators_with(Some(pop.token(user, "moderator")))
}

fn run(pop: &Pop, arguments: &[&str]) -> (i32, String) {
    let output = pop.run(arguments);
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), text)
}

fn done(pop: &Pop, arguments: &[&str]) -> Value {
    let (code, text) = run(pop, &[arguments, &["--json"]].concat());
    assert_eq!(code, 0, "{arguments:?}: {text}");
    serde_json::from_str(&text).unwrap()
}

fn hold_all(pop: &Pop, stream: &str) {
    let patch = json!({ "hold_for_review": true });
    operators(pop, "mona")
        .call("PATCH", &format!("/v1/streams/{stream}"), Some(patch.to_string()))
        .expect(200);
}

fn held(author: &mut Client, text: &str) -> String {
    let reply = author.command(json!({ "type": "comment", "text": text }), "held");
    reply["comment"].as_str().unwrap().to_owned()
}

fn queue(pop: &Pop, stream: &str) -> Vec<String> {
    let page = operators(pop, "mona").get(&format!("/v1/review?stream={stream}")).expect(200).body;
    let items = page["items"].as_array().unwrap().clone();
    items.into_iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

fn decide(by: &Rest, stream: &str, comment: &str, review: &str) -> Answer {
    by.post("/v1/review", &json!({ "stream": stream, "comment": comment, "review": review }))
}

fn restrict(by: &Rest, user: &str, body: &Value) -> Answer {
    by.post(&format!("/v1/users/{user}/restrictions"), body)
}

/// Calls at the same moment; what each answered.
fn at_once(callers: Vec<Box<dyn FnOnce() -> Answer + Send>>) -> Vec<Answer> {
    let barrier = std::sync::Barrier::new(callers.len());
    std::thread::scope(|scope| {
        let threads: Vec<_> = callers
            .into_iter()
            .map(|call| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    call()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn the_command_line_approves_removes_and_sends_back_to_review() {
    let pop = Pop::start();
    hold_all(&pop, "s");
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    let mut bob = Client::join(&pop, "bob", "viewer", "s");
    let id = held(&mut ann, "please look at this");
    eventually("the comment to be queued", || (queue(&pop, "s") == [id.clone()]).then_some(()));
    let (code, text) = run(&pop, &["review", "list", "s"]);
    assert_eq!(code, 0, "{text}");
    for part in [id.as_str(), "hold", "settings", "a moderator looks at every comment", "please look at this"]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let (code, text) = run(&pop, &["review", "approve", "s", &id, "--reason", "all good"]);
    assert_eq!((code, text), (0, format!("approved {id}\n")));
    assert_eq!(bob.event("comment")["id"], id.as_str());
    let approval = done(&pop, &["audit", "list", "--comment", &id])["items"][0].clone();
    assert_eq!(
        (&approval["kind"], &approval["by"]["reason"]),
        (&json!("comment.approve"), &json!("all good"))
    );

    let number = approval["number"].to_string();
    let (code, text) = run(&pop, &["audit", "undo", &number, "--reason", "looked again"]);
    assert_eq!((code, text), (0, format!("undid entry {number}: comment.approve\n")));
    assert_eq!(bob.event("removed")["comment"], id.as_str());
    eventually("the comment to wait again", || (queue(&pop, "s") == [id.clone()]).then_some(()));
    let (code, text) = run(&pop, &["audit", "undo", &number]);
    assert_eq!((code, text.contains("by `olga`")), (1, true), "{text}");

    done(&pop, &["review", "approve", "s", &id]);
    assert_eq!(bob.event("comment")["id"], id.as_str());
    done(&pop, &["review", "remove", "s", &id, "--reason", "spam after all"]);
    assert_eq!(bob.event("removed")["by"], "moderator");
    let entries = done(&pop, &["audit", "list", "--comment", &id])["items"].clone();
    let kinds: Vec<&str> = entries.as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["comment.remove", "comment.approve", "comment.approve", "comment.approve"]);
    assert_eq!(entries[0]["instead_of"], entries[1]["number"]);
    let (code, text) = run(&pop, &["review", "approve", "s", &id]);
    assert_eq!((code, text.contains("`comment.remove` by `olga`")), (1, true), "{text}");

    let removal = entries[0]["number"].to_string();
    let (code, text) = run(&pop, &["audit", "undo", &removal, "--reason", "not spam"]);
    assert_eq!((code, text), (0, format!("undid entry {removal}: comment.remove\n")));
    let again = bob.event("comment");
    assert_eq!((&again["id"], &again["text"]), (&json!(id), &json!("please look at this")));
    eventually("history to have it again", || {
        let items = pop.rest_as("bob", "viewer").all_comments("s");
        (items.first()?["id"] == id.as_str()).then_some(())
    });
    let (code, text) = run(&pop, &["audit", "undo", &removal]);
    assert_eq!((code, text.contains("by `olga`")), (1, true), "{text}");
    // What is given back may be taken away again.
    done(&pop, &["review", "remove", "s", &id]);
    assert_eq!(bob.event("removed")["by"], "moderator");
}

#[test]
fn of_two_moderators_at_once_one_is_told_of_the_other() {
    let pop = Pop::start();
    hold_all(&pop, "s");
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    for review in ["approve", "remove"] {
        let id = held(&mut ann, &format!("to be decided on: {review}"));
        let callers = ["mona", "max", "mia"].map(|user| {
            let (by, id) = (operators(&pop, user), id.clone());
            Box::new(move || decide(&by, "s", &id, review)) as Box<dyn FnOnce() -> Answer + Send>
        });
        let answers = at_once(callers.into());
        let winners = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(winners, 1, "{answers:?}");
        for late in answers.iter().filter(|answer| answer.status != 200) {
            late.expect_problem(208, &format!("`comment.{review}` by `m"));
            assert!(late.body["detail"].as_str().unwrap().contains("s ago"), "{}", late.text);
        }
        let entries = operators(&pop, "mona").get(&format!("/v1/audit?comment={id}")).expect(200).body;
        assert_eq!(entries["items"].as_array().unwrap().len(), 1, "{entries}");
    }
    let callers = ["mona", "max"].map(|user| {
        let by = operators(&pop, user);
        let body = json!({ "kind": "time-out", "seconds": 600, "reason": "noise" });
        Box::new(move || restrict(&by, "ann", &body)) as Box<dyn FnOnce() -> Answer + Send>
    });
    let answers = at_once(callers.into());
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1, "{answers:?}");
    let entry = answers.iter().find(|answer| answer.status == 201).unwrap().body["number"].as_u64().unwrap();
    answers.iter().find(|answer| answer.status != 201).unwrap().expect_problem(208, "`user.time-out` by `m");
    let callers = ["mona", "max"].map(|user| {
        let by = operators(&pop, user);
        Box::new(move || by.call("POST", &format!("/v1/audit/{entry}/undo"), None))
            as Box<dyn FnOnce() -> Answer + Send>
    });
    let answers = at_once(callers.into());
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    answers.iter().find(|answer| answer.status != 200).unwrap().expect_problem(208, "is undone");
}

#[test]
fn who_decided_may_decide_the_same_again_over_any_door() {
    let pop = Pop::start();
    hold_all(&pop, "s");
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    let mut mona = Client::join(&pop, "mona", "moderator", "s");
    let id = held(&mut ann, "once and again");
    mona.command(json!({ "type": "moderate", "comment": id, "review": "approve" }), "done");
    mona.command(json!({ "type": "moderate", "comment": id, "review": "approve" }), "done");
    decide(&operators(&pop, "mona"), "s", &id, "approve").expect(200);
    let rest = |user: &str| pop.rest_as(user, "moderator");
    let path = format!("/v1/streams/s/comments/{id}");
    rest("max")
        .post(&format!("{path}/review"), &json!({ "review": "approve" }))
        .expect_problem(208, "by `mona`");
    rest("max").call("DELETE", &path, None).expect(204);
    rest("max").call("DELETE", &path, None).expect(204);
    rest("mona").call("DELETE", &path, None).expect_problem(208, "`comment.remove` by `max`");
    let entries = operators(&pop, "mona").get(&format!("/v1/audit?comment={id}")).expect(200).body;
    assert_eq!(entries["items"].as_array().unwrap().len(), 2, "{entries}");
    let own = held(&mut ann, "my own to take away");
    ann.command(json!({ "type": "delete", "comment": own }), "done");
    let entries = operators(&pop, "mona").get(&format!("/v1/audit?comment={own}")).expect(200).body;
    assert_eq!(entries["items"], json!([]), "what authors take away is no moderator's deed");
}

#[test]
fn who_is_in_a_time_out_reads_and_is_told_why_and_how_long() {
    let pop = Pop::start();
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    let mut bob = Client::join(&pop, "bob", "viewer", "s");
    let first = ann.comment("all is well");
    let entry = done(
        &pop,
        &[
            "user", "restrict", "ann", "--kind", "time-out", "--for", "10m", "--stream", "s", "--reason",
            "shouting",
        ],
    );
    let refused = eventually("the time-out to hold", || {
        let reply = ann.ask(json!({ "type": "comment", "text": "STILL HERE" }));
        (reply["status"] == "error").then_some(reply)
    });
    assert_eq!(refused["number"], 105, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("time-out on `s`: shouting"), "{refused}");
    assert!((1..=600_000).contains(&refused["retry_after_ms"].as_u64().unwrap()), "{refused}");
    for command in [
        json!({ "type": "edit", "comment": first, "text": "all is not well" }),
        json!({ "type": "react", "comment": first, "reaction": "like" }),
        json!({ "type": "emoji", "emoji": "🎉" }),
    ] {
        assert_eq!(ann.ask(command.clone())["number"], 105, "{command}");
    }
    let rest = pop.rest_as("ann", "viewer");
    let answer = rest.post("/v1/streams/s/comments", &json!({ "text": "by another door" })).expect(403);
    answer.expect_problem(105, "shouting");
    assert!(!answer.header("retry-after").is_empty());
    bob.comment("ann may listen");
    assert_eq!(ann.event_where("comment", |event| event["text"] == "ann may listen")["author"]["id"], "bob");
    let mut elsewhere = Client::join(&pop, "ann", "viewer", "other");
    elsewhere.comment("and talk on other streams");

    let (code, text) = run(&pop, &["user", "restrictions", "ann"]);
    assert_eq!((code, text.contains("time-out") && text.contains("shouting")), (0, true), "{text}");
    done(&pop, &["audit", "undo", &entry["number"].to_string()]);
    eventually("the time-out to be over", || {
        let reply = ann.ask(json!({ "type": "comment", "text": "thank you" }));
        (reply["status"] == "accepted").then_some(())
    });
}

#[test]
fn what_a_shadow_banned_user_says_is_marked_for_moderators_and_looks_as_ever_to_themselves() {
    let pop = Pop::start();
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    let mut bob = Client::join(&pop, "bob", "viewer", "s");
    let mut mona = Client::join(&pop, "mona", "moderator", "s");
    let position = ann.position.clone();
    let mona_rest = operators(&pop, "mona");
    let ban = restrict(&mona_rest, "ann", &json!({ "kind": "shadow-ban", "reason": "trolling" })).expect(201);
    eventually("the shadow-ban to be known", || {
        let found = mona_rest.get("/v1/users/ann/restrictions").body;
        (found["items"][0]["kind"] == "shadow-ban").then_some(())
    });
    let id = ann.comment("am I seen?");
    let marked = mona.event_where("comment", |event| event["id"] == id.as_str());
    assert_eq!(marked["held"], true, "{marked}");
    let own = ann.event_where("comment", |event| event["id"] == id.as_str());
    assert!(own["held"].is_null(), "{own}");
    bob.comment("loud and clear");
    assert_eq!(bob.event("comment")["text"], "loud and clear", "bob never sees ann's");
    pop.wait_for_page("s", &id);
    let path = format!("/v1/streams/s/comments/{id}");
    let seen = pop.rest_as("mona", "moderator").get(&path).expect(200).body;
    assert_eq!((&seen["held"], &seen["judgement"]["action"]), (&json!(true), &json!("shadow-ban")), "{seen}");
    assert!(seen["judgement"]["reason"].as_str().unwrap().contains("trolling"), "{seen}");
    let seen = pop.rest_as("ann", "viewer").get(&path).expect(200).body;
    assert!(seen["held"].is_null() && seen["judgement"].is_null(), "{seen}");
    pop.rest_as("bob", "viewer").get(&path).expect_problem(202, &id);

    // Those who come later or come back see the same.
    let held_in = |client: &mut Client, join: Value| {
        let reply = client.command(join, "joined");
        let mut seen = reply["history"].as_array().unwrap().clone();
        if seen.is_empty() {
            seen.push(client.event_where("comment", |event| event["id"] == id.as_str()));
        }
        seen.into_iter().find(|comment| comment["id"] == id.as_str()).map(|comment| comment["held"].clone())
    };
    for (user, role, held) in [("mona", "moderator", json!(true)), ("ann", "viewer", Value::Null)] {
        // Made before the connection, which waits five seconds for it.
        let token = pop.token(user, role);
        let mut late = Client::connect(&pop);
        late.command(json!({ "type": "authenticate", "token": token }), "authenticated");
        assert_eq!(
            held_in(&mut late, json!({ "type": "join", "stream": "s" })),
            Some(held.clone()),
            "{user}"
        );
        let resume = json!({ "type": "join", "stream": "s", "position": position });
        assert_eq!(held_in(&mut late, resume), Some(held), "{user} who resumes");
    }
    mona.command(json!({ "type": "moderate", "comment": id, "review": "approve" }), "done");
    assert_eq!(bob.event("comment")["id"], id.as_str(), "a moderator may show it all the same");

    mona_rest.call("POST", &format!("/v1/audit/{}/undo", ban.body["number"]), None).expect(200);
    eventually("the shadow-ban to be over", || {
        let found = mona_rest.get("/v1/users/ann/restrictions").body;
        (found["items"] == json!([])).then_some(())
    });
    let id = ann.comment("seen again");
    assert_eq!(bob.event("comment")["id"], id.as_str());
}

#[test]
fn what_is_banned_by_restriction_is_put_out_and_comes_back_when_undone() {
    let pop = Pop::start();
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    let moderator = operators(&pop, "mona");
    let ban = restrict(&moderator, "ann", &json!({ "kind": "ban", "seconds": 3600, "reason": "threats" }));
    let number = ban.expect(201).body["number"].as_u64().unwrap();
    assert_eq!(ann.close_code(), 4504);
    restrict(&operators(&pop, "max"), "ann", &json!({ "kind": "ban", "reason": "threats" }))
        .expect_problem(208, "`user.ban` by `mona`");
    let for_good = json!({ "kind": "ban", "reason": "threats", "instead_of": number });
    let longer = restrict(&operators(&pop, "max"), "ann", &for_good).expect(201).body;
    assert_eq!(
        (&longer["instead_of"], &longer["deed"]["restrict"]["until_ms"]),
        (&json!(number), &Value::Null)
    );
    moderator.call("POST", &format!("/v1/audit/{number}/undo"), None).expect_problem(208, "was replaced");
    let undone = moderator.call("POST", &format!("/v1/audit/{}/undo", longer["number"]), None).expect(200);
    assert_eq!(undone.body["undoes"], longer["number"]);
    eventually("ann to be let in", || {
        let answer = pop.rest_as("ann", "viewer").get("/v1/streams/s");
        (answer.status == 200).then_some(())
    });
    Client::join(&pop, "ann", "viewer", "s").comment("back again");
}

#[test]
fn the_audit_log_has_every_change_in_pages_and_by_filter_and_outlives_the_process() {
    let mut pop = Pop::start();
    let operator = pop.operator();
    operator.post("/v1/streams", &json!({ "id": "final", "title": "The final" })).expect(201);
    let mut mona = Client::join(&pop, "mona", "moderator", "final");
    mona.command(json!({ "type": "settings", "slow_mode_s": 7 }), "done");
    let id = mona.comment("read this first");
    mona.command(json!({ "type": "pin", "comment": id }), "done");
    mona.command(json!({ "type": "pin", "comment": null }), "done");
    assert_eq!(run(&pop, &["component", "push", "--slot", "links", "--config", "{}"]).0, 0);
    assert_eq!(run(&pop, &["component", "rollback"]).0, 0);
    assert_eq!(run(&pop, &["component", "remove", "links"]).0, 0);
    let (code, text) = run(&pop, &["dead-letters", "replay"]);
    assert_eq!((code, text.as_str()), (0, "0 put back, 0 cannot be read yet\n"));
    for user in ["u1", "u2", "u3"] {
        let body = json!({ "kind": "time-out", "seconds": 86_400, "stream": "final", "reason": "noise" });
        restrict(&operators(&pop, "max"), user, &body).expect(201);
    }
    let kinds = |query: &str| {
        let (mut kinds, mut before) = (Vec::new(), String::new());
        loop {
            let page = pop.operator().get(&format!("/v1/audit?{query}{before}")).expect(200).body;
            kinds.extend(
                page["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|entry| entry["kind"].as_str().unwrap().to_owned()),
            );
            match page["next"].as_u64() {
                Some(next) => before = format!("&before={next}"),
                None => return kinds,
            }
        }
    };
    let all = [
        "user.time-out",
        "user.time-out",
        "user.time-out",
        "dead-letters.replay",
        "component.remove",
        "component.rollback",
        "component.configure",
        "stream.pin",
        "stream.pin",
        "stream.settings",
        "stream.create",
    ];
    for most in [1, 2, 4, 200] {
        assert_eq!(kinds(&format!("most={most}")), all, "in pages of {most}");
    }
    assert_eq!(kinds("actor=mona"), ["stream.pin", "stream.pin", "stream.settings"]);
    assert_eq!(kinds("user=u2"), ["user.time-out"]);
    assert_eq!(kinds("stream=final&actor=olga"), ["stream.create"]);
    assert_eq!(kinds("kind=component.remove&most=1"), ["component.remove"]);
    assert_eq!(kinds("until_ms=1000"), Vec::<String>::new());
    let settings = operator.get("/v1/audit?kind=stream.settings").expect(200).body["items"][0].clone();
    let change = &settings["deed"]["change"];
    assert_eq!((&change["before"]["slow_mode_s"], &change["after"]["slow_mode_s"]), (&json!(0), &json!(7)));
    let at_ms = settings["by"]["at_ms"].as_u64().unwrap();
    assert!(kinds(&format!("since_ms={}", at_ms + 1)).iter().all(|kind| kind != "stream.settings"));

    pop.kill_and_restart();
    let (code, text) = run(&pop, &["audit", "list", "--kind", "user.time-out", "--since", "1h"]);
    assert_eq!(code, 0, "{text}");
    for user in ["u1", "u2", "u3"] {
        assert!(text.contains(&format!("{user} on final")), "{text}");
    }
    let mut late = Client::join(&pop, "u1", "viewer", "final");
    assert_eq!(late.ask(json!({ "type": "comment", "text": "still not" }))["number"], 105);
}

#[test]
fn the_review_queue_names_the_component_that_decided_with_its_version() {
    let pop = Pop::start();
    let config =
        json!({ "lists": [{ "name": "mild", "language": "en", "severity": 2, "entries": ["blimey"] }] });
    let (code, text) = run(&pop, &["component", "push", "--slot", "words", "--config", &config.to_string()]);
    assert_eq!(code, 0, "{text}");
    Client::join(&pop, "ann", "viewer", "s").comment("blimey, what a shot");
    let judgement = eventually("the flagged comment to be queued", || {
        let page = operators(&pop, "mona").get("/v1/review?stream=s").expect(200).body;
        page["items"].get(0).map(|item| item["judgement"].clone())
    });
    let slots = pop.operator().get("/v1/chain").expect(200).body["slots"].clone();
    let words = slots.as_array().unwrap().iter().find(|slot| slot["name"] == "words").unwrap().clone();
    assert_eq!(judgement["generation"], 2, "{judgement}");
    for key in ["component", "version", "digest"] {
        assert_eq!(judgement[key], words[key], "{key} of {judgement}");
    }
    assert!(judgement["reason"].as_str().unwrap().contains("blimey"), "{judgement}");
}

#[test]
fn what_cannot_be_done_is_refused_with_field_value_and_remedy() {
    let pop = Pop::start();
    let moderator = operators(&pop, "mona");
    let bodies = [
        (
            json!({ "kind": "mute", "reason": "x" }),
            "field `kind`: `mute` is none of time-out, shadow-ban and ban",
        ),
        (json!({ "kind": "time-out", "seconds": 0, "reason": "x" }), "field `seconds`: 0 is not from 1"),
        (json!({ "kind": "time-out", "reason": " " }), "field `reason` is empty"),
        (json!({ "kind": "time-out", "reason": "x".repeat(1_001) }), "1001 bytes: at most 1000"),
        (json!({ "kind": "time-out", "stream": "a b", "reason": "x" }), "field `stream`: `a b`"),
        (json!({ "kind": "ban", "stream": "s", "reason": "x" }), "a ban is on all streams"),
    ];
    for (body, detail) in bodies {
        restrict(&moderator, "ann", &body).expect_problem(201, detail);
    }
    restrict(&moderator, "a%20b", &json!({ "kind": "ban", "reason": "x" }))
        .expect_problem(201, "field `user`: `a b`");
    for (query, detail) in [
        ("most=0", "field `most`: `0` is not a whole number from 1 to 200"),
        ("before=soon", "field `before`: `soon`"),
        ("comment=7", "field `comment`"),
        ("color=red", "it takes stream, user"),
    ] {
        moderator.get(&format!("/v1/audit?{query}")).expect_problem(201, detail);
    }
    moderator.call("POST", "/v1/audit/first/undo", None).expect_problem(201, "`first`");
    moderator.call("POST", "/v1/audit/99/undo", None).expect_problem(202, "no entry 99");
    hold_all(&pop, "s");
    let change = moderator.get("/v1/audit").expect(200).body["items"][0]["number"].to_string();
    moderator.call("POST", &format!("/v1/audit/{change}/undo"), None).expect_problem(201, "is a change");
    let nobody = "0198f0c2-7d3a-7000-8000-000000000001";
    decide(&moderator, "s", nobody, "approve").expect_problem(202, nobody);
    decide(&moderator, "s", nobody, "hide").expect_problem(201, "field `review`: `hide`");
    for path in ["/v1/audit", "/v1/users/ann/restrictions", "/v1/review?stream=s"] {
        pop.operators_with(None).get(path).expect_problem(101, "ringside token");
        pop.operators_with(Some(pop.token("ann", "viewer")))
            .get(path)
            .expect_problem(103, "needs role moderator");
    }
    for (arguments, code, detail) in [
        (&["user", "restrict", "ann", "--kind", "mute", "--reason", "x"][..], 64, "time-out"),
        (&["user", "restrict", "ann", "--kind", "ban"], 64, "--reason"),
        (&["user", "restrict", "ann", "--kind", "time-out", "--for", "soon", "--reason", "x"], 64, "soon"),
        (&["audit", "undo", "99"], 1, "no entry 99"),
        (&["audit", "list", "--most", "201"], 64, "201"),
        (&["review", "approve", "s", "7"], 64, "7"),
        (&["review", "approve", "s", nobody], 1, nobody),
        (&["dead-letters", "show", "room-events/0/7"], 1, "no dead letter waits at `room-events/0/7`"),
    ] {
        let (got, text) = run(&pop, arguments);
        assert!(got == code && text.contains(detail), "{arguments:?} ended with {got}: {text}");
    }
}
