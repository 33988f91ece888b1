//! A connection's commands: sign-in, budget, order, answers, expiry, bans.
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

use std::time::Duration;

use ringside_core::close::CloseCode;
use ringside_core::{Restriction, RestrictionKind, Role, Settings, SettingsPatch, UserId};
use serde_json::json;
use support::{Client, Stage, eventually, token, token_for, world};

#[test]
fn who_neither_signs_in_nor_joins_is_closed_in_time() {
    let stage = Stage::timed(|timings| timings.authenticate = Duration::from_millis(300));
    let mut silent = stage.connect();
    let mut reader = stage.connect();
    reader.join("launch");
    let mut signed_in = stage.connect();
    signed_in.sign_in(&token("ann", Role::Viewer));
    assert_eq!(silent.close_code(), 4501);
    stage.say("launch", "x", "still here");
    reader.comment("still here");
    signed_in.join("launch");
}

#[test]
fn commands_without_a_user_or_a_stream_are_refused_by_number() {
    let stage = Stage::new();
    let mut client = stage.connect();
    for (command, number) in [
        (json!({"type": "comment", "text": "x"}), 101),
        (json!({"type": "refresh", "token": "x"}), 101),
        (json!({"type": "leave"}), 203),
        (json!({"type": "join", "stream": "no such id!"}), 201),
        (json!({"type": "join", "stream": "missing"}), 202),
        (json!({"type": "join", "stream": "launch", "history": 201}), 201),
        (json!({"type": "join", "stream": "launch", "position": "nonsense"}), 201),
        (json!({"type": "dance"}), 200),
    ] {
        let reply = client.ask(command.clone());
        assert_eq!(
            (&reply["status"], &reply["number"]),
            (&json!("failed"), &json!(number)),
            "{command}: {reply}"
        );
    }
    client.sign_in(&token("ann", Role::Viewer));
    assert_eq!(client.ask(json!({"type": "comment", "text": "x"}))["number"], 203);
    client.join("launch");
    assert_eq!(client.ask(json!({"type": "comment", "text": "reject me"}))["status"], "rejected");
    assert_eq!(client.ask(json!({"type": "comment", "text": "limit me"}))["wait"], 1_500);
    assert_eq!(client.ask(json!({"type": "settings", "settings": {"closed": true}}))["number"], 103);
    assert_eq!(client.ask(json!({"type": "leave"}))["status"], "done");
}

#[test]
fn anonymous_reading_is_the_streams_choice() {
    let stage = Stage::new();
    let closed = Settings { anonymous_read: false, ..Settings::default() };
    stage.world.settings.lock().unwrap().insert(world::stream("members"), closed);
    let mut client = stage.connect();
    assert_eq!(client.ask(json!({"type": "join", "stream": "members"}))["number"], 101);
    client.sign_in(&token("ann", Role::Viewer));
    client.join("members");
}

#[test]
fn when_a_stream_stops_anonymous_reading_its_anonymous_viewers_go() {
    let stage = Stage::new();
    let mut anonymous = stage.connect();
    anonymous.join("launch");
    let mut ann = stage.member("ann", "launch");
    let mut moderator = stage.member_as("mod", Role::Moderator, "launch");
    let patch = SettingsPatch { anonymous_read: Some(false), ..SettingsPatch::default() };
    moderator.ask(json!({"type": "settings", "settings": patch}));
    assert_eq!(anonymous.close_code(), 4501);
    ann.wait("the settings", |m| m["events"][0]["type"] == "settings");
}

#[test]
fn a_bad_token_is_explained_and_ends_the_connection() {
    let stage = Stage::new();
    let mut client = stage.connect();
    let reply = client.ask(json!({"type": "authenticate", "token": "not.a.token"}));
    assert_eq!(reply["number"], 102, "{reply}");
    assert_eq!(client.close_code(), 4502);
    let mut bearer = Client::with(
        stage.edge().address(),
        &format!(
            "Sec-WebSocket-Protocol: test.json\r\nAuthorization: Bearer {}\r\n",
            token("ann", Role::Viewer)
        ),
        &[],
    );
    bearer.join("launch");
    assert_eq!(bearer.ask(json!({"type": "comment", "text": "signed in by header"}))["status"], "accepted");
    let headers = "Sec-WebSocket-Protocol: test.json\r\nAuthorization: Bearer x\r\n";
    let refused = Client::with(stage.edge().address(), headers, &[]);
    assert!(refused.head.starts_with("HTTP/1.1 401"), "{}", refused.head);
}

#[test]
fn the_banned_stay_out_and_are_put_out() {
    let stage = Stage::new();
    let mut ann = stage.member("ann", "launch");
    let mut again = stage.member("ann", "other");
    let mut bob = stage.member("bob", "launch");
    let user = UserId::new("ann").unwrap();
    let ban = Restriction {
        user: user.clone(),
        kind: RestrictionKind::Ban,
        stream: None,
        until_ms: None,
        reason: "spam".into(),
        by: UserId::new("mod").unwrap(),
        since_ms: 1,
        entry: 1,
    };
    stage.world.bans.lock().unwrap().insert(user.clone(), ban);
    stage.runtime.block_on(stage.edge().disconnect_user(&user, CloseCode::Banned));
    assert_eq!(ann.close_code(), 4504);
    assert_eq!(again.close_code(), 4504);
    let mut back = stage.connect();
    let reply = back.ask(json!({"type": "authenticate", "token": token("ann", Role::Viewer)}));
    assert_eq!(reply["number"], 104);
    assert_eq!(back.close_code(), 4504);
    assert_eq!(bob.ask(json!({"type": "comment", "text": "I stay"}))["status"], "accepted");
}

#[test]
fn a_token_that_ends_is_announced_and_may_be_refreshed_by_the_same_user_only() {
    let stage = Stage::new();
    let mut ann = stage.connect();
    ann.sign_in(&token_for("ann", Role::Viewer, 2_000));
    ann.join("launch");
    let notice = ann.wait("the notice", |m| m["kind"] == "expiring");
    assert!(notice["value"].as_u64().unwrap() <= 3_000, "{notice}");
    let other = ann.ask(json!({"type": "refresh", "token": token("bob", Role::Viewer)}));
    assert_eq!(other["number"], 102, "{other}");
    let bad = ann.ask(json!({"type": "refresh", "token": "bad"}));
    assert_eq!(bad["number"], 102, "a bad refresh leaves the connection as it is: {bad}");
    let mut bob = stage.connect();
    bob.sign_in(&token_for("bob", Role::Viewer, 2_000));
    let refreshed = ann.ask(json!({"type": "refresh", "token": token("ann", Role::Viewer)}));
    assert_eq!(refreshed["status"], "authenticated");
    assert_eq!(bob.close_code(), 4503);
    assert_eq!(ann.ask(json!({"type": "comment", "text": "still here"}))["status"], "accepted");
}

#[test]
fn the_sixty_first_command_in_a_minute_ends_the_connection() {
    let stage = Stage::new();
    let mut client = stage.connect();
    client.join("launch");
    for _ in 0..59 {
        assert_eq!(client.ask(json!({"type": "comment", "text": "x"}))["number"], 101);
    }
    client.send(json!({"type": "comment", "text": "one too many"}));
    assert_eq!(client.close_code(), 4505);
}

#[test]
fn comments_stand_in_the_order_in_which_they_were_sent() {
    let stage = Stage::new();
    let mut ann = stage.member("ann", "launch");
    let mut bob = stage.member("bob", "launch");
    *stage.world.slow_post.lock().unwrap() = Duration::from_millis(20);
    for n in 0..8 {
        ann.send(json!({"type": "comment", "text": format!("{n}")}));
    }
    assert_eq!(bob.comments(8), ["0", "1", "2", "3", "4", "5", "6", "7"]);
}

#[test]
fn the_ninth_command_that_waits_is_refused_and_the_others_are_answered() {
    let stage = Stage::new();
    let mut ann = stage.member("ann", "launch");
    *stage.world.slow_post.lock().unwrap() = Duration::from_millis(500);
    let ids: Vec<u64> =
        (0..12).map(|n| ann.send(json!({"type": "comment", "text": format!("{n}")}))).collect();
    let statuses: Vec<String> =
        ids.iter().map(|id| ann.reply(*id)["status"].as_str().unwrap().to_owned()).collect();
    assert_eq!(statuses.iter().filter(|s| *s == "accepted").count(), 8, "{statuses:?}");
    assert!(statuses[8..].iter().all(|s| s == "failed"), "{statuses:?}");
}

#[test]
fn a_token_and_a_join_may_be_sent_in_one_breath() {
    let stage = Stage::new();
    let mut client = stage.connect();
    let first = client.send(json!({"type": "authenticate", "token": token("ann", Role::Viewer)}));
    let second = client.send(json!({"type": "join", "stream": "launch"}));
    let third = client.send(json!({"type": "comment", "text": "quick"}));
    assert_eq!(client.reply(first)["status"], "authenticated");
    assert_eq!(client.reply(second)["status"], "joined");
    assert_eq!(client.reply(third)["status"], "accepted");
}

#[test]
fn an_answer_never_reaches_the_next_connection_in_the_same_slot() {
    let stage = Stage::with(|config| config.shards = 1);
    *stage.world.slow_post.lock().unwrap() = Duration::from_millis(300);
    for round in 0..5 {
        let mut leaver = stage.member("ann", "launch");
        leaver.send(json!({"type": "comment", "text": format!("late {round}")}));
        let before = stage.edge().connections();
        drop(leaver);
        eventually("the slot to be free", || stage.edge().connections() < before);
        let mut next = stage.connect();
        next.join("other");
        let came = next.all_within(Duration::from_millis(500));
        assert!(came.is_empty(), "{came:?}");
    }
}

#[test]
fn a_codec_that_is_withdrawn_takes_its_connections_along() {
    let stage = Stage::new();
    let mut json_member = stage.member("ann", "launch");
    let mut binary = Client::with(stage.edge().address(), "Sec-WebSocket-Protocol: test.binary\r\n", &[]);
    stage
        .codecs
        .formats
        .send_modify(|formats| *formats = formats.iter().filter(|f| f.text).cloned().collect());
    assert_eq!(binary.close_code(), 4003);
    let refused = Client::with(stage.edge().address(), "Sec-WebSocket-Protocol: test.binary\r\n", &[]);
    assert!(refused.head.starts_with("HTTP/1.1 400"), "{}", refused.head);
    assert_eq!(json_member.ask(json!({"type": "leave"}))["status"], "done");
}

#[test]
fn a_codec_that_is_busy_is_asked_again() {
    let stage = Stage::new();
    let mut ann = stage.member("ann", "launch");
    stage.codecs.busy.store(20, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(ann.ask(json!({"type": "comment", "text": "patience"}))["status"], "accepted");
    ann.comment("patience");
}

#[test]
fn a_host_that_is_full_says_so() {
    let stage = Stage::with(|config| config.connections_max = 2);
    let mut first = stage.member("ann", "launch");
    let _second = stage.member("bob", "launch");
    let mut third = stage.connect();
    assert_eq!(third.close_code(), 4004);
    assert_eq!(first.ask(json!({"type": "leave"}))["status"], "done");
}

#[test]
fn idle_connections_are_pinged_and_closed_when_nothing_comes_back() {
    let stage = Stage::timed(|timings| {
        timings.ping = Duration::from_millis(200);
        timings.idle = Duration::from_secs(2);
    });
    let mut answers = stage.connect();
    answers.join("launch");
    let mut deaf = stage.connect();
    deaf.join("launch");
    let mut pings = 0;
    while pings < 15 {
        let frame = answers.frame().unwrap();
        assert_ne!(frame.opcode(), 8, "{frame:?}");
        if frame.opcode() != 9 {
            continue;
        }
        answers.raw(&support::client::frame(0x8a, &frame.payload));
        pings += 1;
    }
    assert_eq!(deaf.close_code(), 4002);
    assert_eq!(answers.ask(json!({"type": "leave"}))["status"], "done");
}
