//! Rooms: who sees what, history and resume without a hole, gaps in the relay.
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

use std::sync::atomic::Ordering;
use std::time::Duration;

use ringside_core::event::{Remover, Totals};
use ringside_core::{EventKind, Role, Visibility};
use serde_json::{Value, json};
use support::client::texts;
use support::{Stage, eventually, world};

fn history(reply: &Value) -> Vec<String> {
    reply["history"].as_array().unwrap().iter().map(|c| c["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_kind_of_event_reaches_viewers_in_its_own_words() {
    let stage = Stage::new();
    let mut ann = stage.member("ann", "launch");
    let mut bob = stage.member("bob", "launch");
    let mut moderator = stage.member_as("mod", Role::Moderator, "launch");
    let id = ann.ask(json!({"type": "comment", "text": "first"}))["comment"].clone();
    ann.ask(json!({"type": "edit", "comment": id, "text": "second"}));
    bob.ask(json!({"type": "react", "comment": id}));
    bob.ask(json!({"type": "emoji", "emoji": "🎉"}));
    moderator.ask(json!({"type": "pin", "comment": id}));
    moderator.ask(json!({"type": "settings", "settings": {"slow_mode_s": 5}}));
    ann.ask(json!({"type": "delete", "comment": id}));
    stage.runtime.block_on(stage.world.event(&world::stream("launch"), EventKind::Viewers(77)));
    let mut kinds = Vec::new();
    while !kinds.contains(&"viewers".to_owned()) {
        let batch = bob.wait("events", |m| m["type"] == "batch");
        kinds.extend(
            batch["events"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(
        kinds,
        ["comment", "edited", "reactions", "emoji", "pinned", "settings", "removed", "viewers"]
    );
    let late = stage.member("late", "launch").ask(json!({"type": "join", "stream": "launch"}));
    assert_eq!((&late["viewers"], &late["settings"]["slow_mode_s"]), (&json!(77), &json!(5)));
    assert_eq!((&late["pinned"], &late["emoji"][0][0]), (&Value::Null, &json!("🎉")), "{late}");
}

#[test]
fn held_and_shadow_banned_comments_are_seen_by_their_author_and_moderators_only() {
    let stage = Stage::new();
    stage
        .world
        .visibility
        .lock()
        .unwrap()
        .extend([("ann".to_owned(), Visibility::Held), ("sly".to_owned(), Visibility::Shadow)]);
    let mut ann = stage.member("ann", "launch");
    let mut sly = stage.member("sly", "launch");
    let mut bob = stage.member("bob", "launch");
    let mut moderator = stage.member_as("mod", Role::Moderator, "launch");
    let held = ann.ask(json!({"type": "comment", "text": "may I"}));
    assert_eq!(held["status"], "held");
    assert_eq!(sly.ask(json!({"type": "comment", "text": "buy now"}))["status"], "accepted");
    assert_eq!(ann.comment("may I")["events"][0]["held"], true);
    assert_eq!(sly.comment("buy now")["events"][0]["held"], false);
    assert_eq!(moderator.comment("may I")["events"][0]["held"], true);
    moderator.comment("buy now");
    let reply = bob.ask(json!({"type": "join", "stream": "launch"}));
    assert_eq!(history(&reply), Vec::<String>::new());
    moderator.ask(json!({"type": "moderate", "comment": held["comment"]}));
    assert_eq!(bob.comment("may I")["events"][0]["held"], false);
    stage.say("launch", "x", "end");
    bob.comment("end");
    assert!(bob.seen.iter().all(|m| texts(m).is_empty()), "{:?}", bob.seen);
}

#[test]
fn an_edit_of_what_is_not_shown_does_not_leak() {
    let stage = Stage::new();
    stage.world.visibility.lock().unwrap().insert("ann".to_owned(), Visibility::Held);
    let mut ann = stage.member("ann", "launch");
    let mut bob = stage.member("bob", "launch");
    let mut moderator = stage.member_as("mod", Role::Moderator, "launch");
    let id = ann.ask(json!({"type": "comment", "text": "hidden"}))["comment"].clone();
    ann.ask(json!({"type": "edit", "comment": id, "text": "hidden still"}));
    moderator.wait("the edit", |m| m["events"][0]["type"] == "edited");
    ann.wait("the edit", |m| m["events"][0]["type"] == "edited");
    stage.say("launch", "x", "end");
    bob.comment("end");
    assert!(bob.seen.is_empty(), "{:?}", bob.seen);
}

#[test]
fn a_later_verdict_takes_a_comment_back_and_an_accepting_one_is_silent() {
    let stage = Stage::new();
    let mut bob = stage.member("bob", "launch");
    let stream = world::stream("launch");
    let author = world::author("ann", Role::Viewer);
    let good = stage.world.comment(&stream, author.clone(), "good");
    let bad = stage.world.comment(&stream, author, "bad");
    stage.runtime.block_on(async {
        for comment in [&good, &bad] {
            stage.world.event(&stream, EventKind::CommentAccepted(comment.clone())).await;
        }
    });
    assert_eq!(bob.comments(2), ["good", "bad"]);
    stage.runtime.block_on(async {
        stage.world.event(&stream, EventKind::CommentModerated { comment: good.clone() }).await;
        let removed = ringside_core::Comment { visibility: Visibility::Removed, ..bad.clone() };
        stage.world.event(&stream, EventKind::CommentModerated { comment: removed }).await;
    });
    let removed = bob.wait("the removal", |m| m["events"][0]["type"] == "removed");
    assert_eq!(removed["events"][0]["comment"], json!(bad.id));
    stage.say("launch", "x", "end");
    assert_eq!(bob.comments(1), ["end"]);
}

#[test]
fn of_running_totals_a_batch_carries_the_last_only() {
    let stage = Stage::new();
    let mut bob = stage.member("bob", "launch");
    let stream = world::stream("launch");
    let comment = stage.world.comment(&stream, world::author("ann", Role::Viewer), "liked");
    let totals = |likes| EventKind::ReactionTotals(vec![Totals { comment: comment.id, likes, dislikes: 0 }]);
    let emoji = |n| EventKind::EmojiTotals(vec![("🎉".to_owned(), n)]);
    let kinds = vec![
        totals(1),
        emoji(1),
        EventKind::CommentAccepted(comment.clone()),
        totals(2),
        EventKind::Viewers(1),
        emoji(2),
        EventKind::Viewers(2),
    ];
    stage.runtime.block_on(stage.world.events(&stream, kinds));
    let batch = bob.comment("liked");
    let events = batch["events"].as_array().unwrap();
    assert_eq!(events.len(), 4, "{batch}");
    assert_eq!(events[1]["totals"]["likes"], 2);
    assert_eq!((&events[2]["totals"][0][1], &events[3]["viewers"]), (&json!(2), &json!(2)));
}

#[test]
fn what_the_relay_loses_is_read_from_the_log() {
    let stage = Stage::new();
    let mut bob = stage.member("bob", "launch");
    stage.say("launch", "x", "0");
    bob.comment("0");
    stage.world.lose.store(3, Ordering::SeqCst);
    for n in 1..=4 {
        stage.say("launch", "x", &n.to_string());
    }
    assert_eq!(bob.comments(4), ["1", "2", "3", "4"]);
}

#[test]
fn a_log_that_fails_for_a_while_delays_a_gap_and_loses_nothing() {
    let stage = Stage::new();
    let mut bob = stage.member("bob", "launch");
    stage.world.log_fails.store(true, Ordering::SeqCst);
    stage.world.lose.store(1, Ordering::SeqCst);
    stage.say("launch", "x", "lost");
    stage.say("launch", "x", "behind it");
    let early = bob.all_within(Duration::from_millis(200));
    assert!(early.is_empty(), "{early:?}");
    stage.world.log_fails.store(false, Ordering::SeqCst);
    assert_eq!(bob.comments(2), ["lost", "behind it"]);
}

#[test]
fn batches_that_come_twice_are_shown_once() {
    let stage = Stage::new();
    let mut bob = stage.member("bob", "launch");
    let stream = world::stream("launch");
    let events: Vec<_> = ["a", "b"]
        .iter()
        .map(|text| {
            let comment = stage.world.comment(&stream, world::author("x", Role::Viewer), text);
            stage.world.append_only(&stream, EventKind::CommentAccepted(comment))
        })
        .collect();
    let batch = std::sync::Arc::new(ringside_ports::relay::RelayBatch {
        stream,
        partition: world::PARTITION,
        from: 0,
        next: 2,
        plan: ringside_core::sampling::Plan::default(),
        events,
    });
    for _ in 0..3 {
        stage.runtime.block_on(ringside_ports::Relay::publish(&*stage.world, batch.clone())).unwrap();
    }
    stage.say("launch", "x", "c");
    assert_eq!(bob.comments(3), ["a", "b", "c"]);
}

#[test]
fn history_has_no_hole_however_far_the_store_is_behind() {
    let stage = Stage::new();
    let mut watcher = stage.member("watcher", "launch");
    for n in 0..4 {
        stage.say("launch", "x", &format!("stored {n}"));
    }
    *stage.world.store_stops_at.lock().unwrap() = Some(4);
    for n in 0..6 {
        stage.say("launch", "x", &format!("in the log {n}"));
    }
    watcher.comments(10);
    let mut late = stage.connect();
    let reply = late.ask(json!({"type": "join", "stream": "launch"}));
    let expected: Vec<String> =
        (0..4).map(|n| format!("stored {n}")).chain((0..6).map(|n| format!("in the log {n}"))).collect();
    assert_eq!(history(&reply), expected);
    let mut few = stage.connect();
    let reply = few.ask(json!({"type": "join", "stream": "launch", "history": 3}));
    assert_eq!((history(&reply), &reply["more"]), (expected[7..].to_vec(), &json!(true)));
    let mut none = stage.connect();
    let reply = none.ask(json!({"type": "join", "stream": "launch", "history": 0}));
    assert_eq!(history(&reply), Vec::<String>::new());
    stage.say("launch", "x", "live");
    for client in [&mut late, &mut few, &mut none] {
        assert_eq!(client.comments(1), ["live"]);
    }
}

#[test]
fn nothing_comes_twice_when_the_store_is_ahead_of_the_room() {
    let stage = Stage::new();
    let mut first = stage.member("first", "launch");
    stage.say("launch", "x", "0");
    first.comment("0");
    // In the log and in the store, while the relay is late.
    let stream = world::stream("launch");
    let author = world::author("x", Role::Viewer);
    let comment = stage.world.comment(&stream, author, "ahead");
    let (offset, event) = stage.world.append_only(&stream, EventKind::CommentAccepted(comment));
    let mut second = stage.connect();
    let reply = second.ask(json!({"type": "join", "stream": "launch"}));
    assert_eq!(history(&reply), ["0", "ahead"]);
    let late = ringside_ports::relay::RelayBatch {
        stream,
        partition: world::PARTITION,
        from: offset,
        next: offset + 1,
        plan: ringside_core::sampling::Plan::default(),
        events: vec![(offset, event)],
    };
    stage.runtime.block_on(ringside_ports::Relay::publish(&*stage.world, late.into())).unwrap();
    stage.say("launch", "x", "1");
    assert_eq!(second.comments(1), ["1"]);
    assert_eq!(first.comments(2), ["ahead", "1"]);
}

#[test]
fn joins_under_a_stream_of_comments_see_each_comment_exactly_once() {
    let stage = Stage::new();
    let _keeper = stage.member("keeper", "launch");
    let world = stage.world.clone();
    let writer = stage.runtime.spawn(async move {
        for n in 0..1_500 {
            world.say("launch", "x", &n.to_string()).await;
            if n % 3 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    });
    let mut clients = Vec::new();
    while !writer.is_finished() && clients.len() < 40 {
        let mut client = stage.connect();
        let reply = client.ask(json!({"type": "join", "stream": "launch", "history": 50}));
        clients.push((client, history(&reply)));
    }
    stage.runtime.block_on(writer).unwrap();
    stage.say("launch", "x", "1500");
    for (mut client, mut seen) in clients {
        let first: usize = seen.first().map_or(0, |text| text.parse().unwrap());
        while seen.last().is_none_or(|text| text != "1500") {
            seen.extend(client.comments(1));
        }
        let expected: Vec<String> = (first..=1_500).map(|n| n.to_string()).collect();
        assert_eq!(seen, expected);
    }
}

#[test]
fn a_client_that_comes_back_gets_what_it_missed_and_nothing_else() {
    let stage = Stage::new();
    let _keeper = stage.member("keeper", "launch");
    let mut ann = stage.member("ann", "launch");
    let id = ann.ask(json!({"type": "comment", "text": "0"}))["comment"].clone();
    let position = ann.comment("0")["position"].clone();
    drop(ann);
    for n in 1..=5 {
        stage.say("launch", "x", &n.to_string());
        stage.say("other", "x", "elsewhere");
    }
    let kind = EventKind::CommentRemoved {
        comment: id.as_str().unwrap().parse().unwrap(),
        by: Remover::Moderator,
        actor: None,
        reason: String::new(),
    };
    stage.runtime.block_on(stage.world.event(&world::stream("launch"), kind));
    let join = json!({"type": "join", "stream": "launch", "position": position});
    let mut back = stage.connect();
    let reply = back.ask(join.clone());
    assert_eq!((&reply["resumed"], &reply["position"]), (&json!("recovered"), &position));
    assert_eq!(history(&reply), Vec::<String>::new());
    assert_eq!(back.comments(5), ["1", "2", "3", "4", "5"]);
    stage.say("launch", "x", "6");
    let batch = back.comment("6");
    // From the position of a live batch too, and with nothing missed.
    let mut again = stage.connect();
    let reply = again.ask(json!({"type": "join", "stream": "launch", "position": batch["position"]}));
    assert_eq!(reply["resumed"], "recovered");
    stage.say("launch", "x", "7");
    assert_eq!(again.comments(1), ["7"]);
}

#[test]
fn resuming_from_a_room_that_was_closed_reads_the_log() {
    let stage = Stage::new();
    let mut ann = stage.member("ann", "launch");
    stage.say("launch", "x", "0");
    let position = ann.comment("0")["position"].clone();
    drop(ann);
    // Another host's room, or this one after a restart: nothing in memory.
    for n in 1..=700 {
        stage.say("launch", "x", &n.to_string());
    }
    let fresh = Stage::new();
    std::mem::swap(&mut *fresh.world.records.lock().unwrap(), &mut *stage.world.records.lock().unwrap());
    let mut back = fresh.connect();
    let reply = back.ask(json!({"type": "join", "stream": "launch", "position": position}));
    assert_eq!(reply["resumed"], "recovered");
    let expected: Vec<String> = (1..=700).map(|n| n.to_string()).collect();
    assert_eq!(back.comments(700), expected);
}

#[test]
fn what_cannot_be_resumed_is_a_gap_with_history() {
    let stage = Stage::new();
    let mut ann = stage.member("ann", "launch");
    for n in 0..3 {
        stage.say("launch", "x", &n.to_string());
    }
    let position = ann.comment("2")["position"].as_str().unwrap().to_owned();
    let parts: Vec<&str> = position.split('.').collect();
    for gone in [
        format!("ff.{}.{}", parts[1], parts[2]),
        format!("{}.9.{}", parts[0], parts[2]),
        format!("{}.{}.ffff", parts[0], parts[1]),
    ] {
        let mut back = stage.connect();
        let reply = back.ask(json!({"type": "join", "stream": "launch", "position": gone}));
        assert_eq!((&reply["resumed"], history(&reply).len()), (&json!("gap"), 3), "{gone}");
    }
}

#[test]
fn more_than_a_resume_may_replay_is_a_gap() {
    let stage = Stage::new();
    let mut ann = stage.member("ann", "launch");
    stage.say("launch", "x", "0");
    let position = ann.comment("0")["position"].clone();
    let stream = world::stream("launch");
    let author = world::author("x", Role::Viewer);
    let kinds = (0..2_001)
        .map(|n| EventKind::CommentAccepted(stage.world.comment(&stream, author.clone(), &n.to_string())))
        .collect();
    stage.runtime.block_on(stage.world.events(&stream, kinds));
    assert_eq!(ann.comments(2_001).len(), 2_001, "live viewers get all of it");
    let mut back = stage.connect();
    let reply = back.ask(json!({"type": "join", "stream": "launch", "position": position}));
    assert_eq!((&reply["resumed"], history(&reply).len()), (&json!("gap"), 50));
}

#[test]
fn one_event_that_breaks_the_codec_takes_no_other_along() {
    let stage = Stage::new();
    let mut bob = stage.member("bob", "launch");
    let stream = world::stream("launch");
    let author = world::author("x", Role::Viewer);
    let kinds = ["a", support::codecs::POISON, "b"]
        .iter()
        .map(|text| EventKind::CommentAccepted(stage.world.comment(&stream, author.clone(), text)))
        .collect();
    stage.runtime.block_on(stage.world.events(&stream, kinds));
    assert_eq!(bob.comments(2), ["a", "b"]);
    stage.say("launch", "x", "c");
    assert_eq!(bob.comments(1), ["c"]);
}

#[test]
fn a_batch_is_encoded_once_however_many_watch() {
    let stage = Stage::new();
    let mut members: Vec<_> = (0..20).map(|n| stage.member(&format!("u{n}"), "launch")).collect();
    let before = stage.codecs.encoded.load(Ordering::SeqCst);
    stage.say("launch", "x", "once");
    for member in &mut members {
        member.comment("once");
    }
    assert_eq!(stage.codecs.encoded.load(Ordering::SeqCst) - before, 1);
}

#[test]
fn compressed_and_plain_members_of_each_format_see_the_same() {
    let stage = Stage::new();
    let mut plain = stage.member("ann", "launch");
    let mut deflating = support::Client::deflating(stage.edge().address());
    deflating.join("launch");
    let long = "the same words over and over, ".repeat(40);
    stage.say("launch", "x", &long);
    plain.comment(&long);
    // A ping may come first, or a count of viewers that is too short to be compressed.
    let frame = loop {
        let frame = deflating.frame().unwrap();
        if frame.opcode() < 8 && !texts(&support::client::message(&frame)).is_empty() {
            break frame;
        }
    };
    assert_eq!(frame.first, 0xc1, "compressed");
    assert!(frame.payload.len() < long.len() / 2);
    assert_eq!(texts(&support::client::message(&frame)), [long]);
}

#[test]
fn viewers_are_counted_by_stream_until_they_leave() {
    let stage = Stage::new();
    let mut ann = stage.member("ann", "a");
    let _bob = stage.member("bob", "a");
    let eve = stage.member("eve", "b");
    let mut viewers = stage.edge().viewers();
    viewers.sort();
    assert_eq!(viewers, [(world::stream("a"), 2), (world::stream("b"), 1)]);
    drop(eve);
    ann.ask(json!({"type": "join", "stream": "b"}));
    eventually("the counts to follow", || {
        let mut viewers = stage.edge().viewers();
        viewers.sort();
        viewers == [(world::stream("a"), 1), (world::stream("b"), 1)]
    });
}
