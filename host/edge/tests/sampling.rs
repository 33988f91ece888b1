//! Chat that moves too fast: what is left out, and what never is.
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

use ringside_core::sampling::{Plan, rank};
use ringside_core::{Comment, EventKind, Role};
use serde_json::json;
use support::client::texts;
use support::{Stage, world};

fn plan(percent: u8, cap: u32) -> Plan {
    Plan { shown_percent: percent, cap_per_second: cap, tick_ms: 0, banner: Some("fast".to_owned()) }
}

/// Comments by `author` on `launch`, with ids of which some are left out at 50 %.
fn comments(stage: &Stage, author: &str, role: Role, count: usize) -> Vec<Comment> {
    let stream = world::stream("launch");
    (0..count)
        .map(|n| stage.world.comment(&stream, world::author(author, role), &format!("{author} {n}")))
        .collect()
}

#[test]
fn viewers_see_their_share_and_are_told_and_moderators_see_all() {
    let stage = Stage::new();
    let mut bob = stage.member("bob", "launch");
    let mut moderator = stage.member_as("mod", Role::Moderator, "launch");
    *stage.world.plan.lock().unwrap() = plan(50, 0);
    let said = comments(&stage, "x", Role::Viewer, 100);
    let shown: Vec<String> = said.iter().filter(|c| rank(c.id) < 50).map(|c| c.text.clone()).collect();
    let all: Vec<String> = said.iter().map(|c| c.text.clone()).collect();
    let stream = world::stream("launch");
    let kinds = said.into_iter().map(EventKind::CommentAccepted).collect();
    stage.runtime.block_on(stage.world.events(&stream, kinds));
    let banner = bob.wait("the banner", |m| m["kind"] == "banner");
    assert_eq!((&banner["value"], &banner["text"]), (&json!(50), &json!("fast")));
    let batch = bob.wait("the batch", |m| m["type"] == "batch");
    assert_eq!((texts(&batch), batch["left_out"].as_u64()), (shown.clone(), Some(100 - shown.len() as u64)));
    let batch = moderator.wait("the batch", |m| m["type"] == "batch");
    assert_eq!((texts(&batch), batch["left_out"].as_u64()), (all, Some(0)));

    let mut late = stage.connect();
    late.join("launch");
    late.wait("the banner", |m| m["kind"] == "banner");
    *stage.world.plan.lock().unwrap() = Plan::default();
    stage.say("launch", "x", "calm");
    bob.wait("the end of the banner", |m| m["kind"] == "banner_ended");
    bob.comment("calm");
}

#[test]
fn moderators_comments_are_never_left_out() {
    let stage = Stage::new();
    let mut bob = stage.member("bob", "launch");
    *stage.world.plan.lock().unwrap() = plan(1, 1);
    let said = comments(&stage, "mod", Role::Moderator, 50);
    let all: Vec<String> = said.iter().map(|c| c.text.clone()).collect();
    let kinds = said.into_iter().map(EventKind::CommentAccepted).collect();
    stage.runtime.block_on(stage.world.events(&world::stream("launch"), kinds));
    assert_eq!(bob.comments(50), all);
}

#[test]
fn no_more_than_the_cap_is_shown_in_a_second() {
    let stage = Stage::new();
    let mut bob = stage.member("bob", "launch");
    *stage.world.plan.lock().unwrap() = plan(100, 5);
    let mut said = comments(&stage, "x", Role::Viewer, 30);
    for (n, comment) in said.iter_mut().enumerate() {
        comment.at_ms = 1_000_000 + if n < 20 { 0 } else { 1_000 };
    }
    let kinds = said.into_iter().map(EventKind::CommentAccepted).collect();
    stage.runtime.block_on(stage.world.events(&world::stream("launch"), kinds));
    let batch = bob.wait("the batch", |m| m["type"] == "batch");
    assert_eq!((texts(&batch).len(), batch["left_out"].as_u64()), (10, Some(20)), "{batch}");
}

#[test]
fn mentions_of_oneself_and_replies_to_oneself_are_never_left_out() {
    let stage = Stage::new();
    let mut bob = stage.member("bob", "launch");
    let mut eve = stage.member("eve", "launch");
    let mine = bob.ask(json!({"type": "comment", "text": "mine"}))["comment"].clone();
    bob.comment("mine");
    eve.comment("mine");
    *stage.world.plan.lock().unwrap() = plan(1, 0);
    let stream = world::stream("launch");
    let left_out = |text: &str| loop {
        let comment = stage.world.comment(&stream, world::author("x", Role::Viewer), text);
        if rank(comment.id) >= 1 {
            return comment;
        }
    };
    let mention = left_out("hello @Bob and @nobody");
    let mut answer = left_out("I agree");
    answer.reply_to = mine.as_str().unwrap().parse().ok();
    let kinds = vec![
        EventKind::CommentAccepted(mention),
        EventKind::CommentAccepted(answer),
        EventKind::CommentAccepted(left_out("to nobody")),
    ];
    stage.runtime.block_on(stage.world.events(&stream, kinds));
    let notice = bob.wait("the mention", |m| m["kind"] == "mention");
    assert_eq!(notice["comment"]["text"], "hello @Bob and @nobody");
    let reply = bob.comment("I agree");
    assert_eq!(texts(&reply), ["I agree"]);
    let batch = eve.wait("the batch", |m| m["type"] == "batch");
    assert_eq!((texts(&batch).len(), batch["left_out"].as_u64()), (0, Some(3)));
    let leave = eve.ask(json!({"type": "leave"}));
    assert_eq!(leave["status"], "done");
    assert!(eve.seen.iter().all(|m| m["kind"] == "banner"), "{:?}", eve.seen);
}

#[test]
fn a_mention_reaches_a_user_who_watches_another_stream() {
    let stage = Stage::new();
    let mut bob = stage.member("bob", "other");
    let mut bob_too = stage.member("bob", "launch");
    let stream = world::stream("launch");
    let comment = stage.world.comment(&stream, world::author("x", Role::Viewer), "look, @bob");
    let (offset, event) = stage.world.append_only(&stream, EventKind::CommentAccepted(comment));
    let batch = std::sync::Arc::new(ringside_ports::relay::RelayBatch {
        stream,
        partition: world::PARTITION,
        from: offset,
        next: offset + 1,
        plan: Plan::default(),
        events: vec![(offset, event)],
    });
    stage.runtime.block_on(async {
        ringside_ports::Relay::publish(&*stage.world, batch.clone()).await.unwrap();
        ringside_ports::Relay::publish_targeted(&*stage.world, batch).await.unwrap();
    });
    let notice = bob.wait("the mention", |m| m["kind"] == "mention");
    assert_eq!((&notice["stream"], &notice["comment"]["text"]), (&json!("launch"), &json!("look, @bob")));
    bob_too.comment("look, @bob");
    bob_too.ask(json!({"type": "leave"}));
    assert!(bob_too.seen.is_empty(), "who sees the comment needs no notice: {:?}", bob_too.seen);
}

#[test]
fn who_comes_back_while_comments_are_sampled_is_told_so() {
    let stage = Stage::new();
    let _keeper = stage.member("keeper", "launch");
    let mut ann = stage.member("ann", "launch");
    stage.say("launch", "x", "0");
    let position = ann.comment("0")["position"].clone();
    drop(ann);
    *stage.world.plan.lock().unwrap() = plan(50, 0);
    let said = comments(&stage, "x", Role::Viewer, 60);
    let shown: Vec<String> = said.iter().filter(|c| rank(c.id) < 50).map(|c| c.text.clone()).collect();
    let kinds = said.into_iter().map(EventKind::CommentAccepted).collect();
    stage.runtime.block_on(stage.world.events(&world::stream("launch"), kinds));
    let mut back = stage.connect();
    let reply = back.ask(json!({"type": "join", "stream": "launch", "position": position}));
    assert!(reply["resumed"] == "sampled" || reply["resumed"] == "recovered", "{reply}");
    let missed = back.comments(shown.len());
    assert_eq!(missed, shown);
    let mut moderator = stage.connect();
    moderator.sign_in(&support::token("mod", Role::Moderator));
    let reply = moderator.ask(json!({"type": "join", "stream": "launch", "position": position}));
    assert_eq!(reply["resumed"], "recovered");
    assert_eq!(moderator.comments(60).len(), 60);
}
