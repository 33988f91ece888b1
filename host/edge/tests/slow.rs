//! Viewers that are slow, and hosts that drain.
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

use std::time::{Duration, Instant};

use ringside_core::{EventKind, Role, Visibility};
use serde_json::json;
use support::client::texts;
use support::{Client, Stage, eventually, world};

/// A comment of about 4 KB whose text begins with its number.
fn long(n: usize) -> String {
    format!("{n} {}", "x".repeat(4_000))
}

fn number(text: &str) -> usize {
    text.split(' ').next().unwrap().parse().unwrap()
}

fn say_many(stage: &Stage, from: usize, count: usize) {
    stage.runtime.block_on(async {
        for n in from..from + count {
            stage.world.say("launch", "x", &long(n)).await;
        }
    });
}

/// A viewer who reads as fast as it can until it has seen so many comments.
fn reading(mut client: Client, count: usize) -> std::thread::JoinHandle<Client> {
    std::thread::spawn(move || {
        assert_eq!(client.comments(count).len(), count);
        client
    })
}

#[test]
fn a_viewer_who_stalls_delays_nobody_and_misses_nothing() {
    let stage = Stage::timed(|timings| timings.slow = Duration::from_secs(60));
    let mut stalled = stage.member("stalled", "launch");
    let mut quick = stage.member("quick", "launch");
    say_many(&stage, 0, 1_000);
    let numbers: Vec<usize> = quick.comments(1_000).iter().map(|text| number(text)).collect();
    assert!(numbers.iter().copied().eq(0..1_000));
    // Its own answers wait behind what is begun, and come whole.
    let leave = stalled.send(json!({"type": "react", "comment": "00000000-0000-7000-8000-000000000000"}));
    let numbers: Vec<usize> = stalled.comments(1_000).iter().map(|text| number(text)).collect();
    assert!(numbers.iter().copied().eq(0..1_000));
    assert_eq!(stalled.reply(leave)["status"], "done");
}

#[test]
fn frames_stay_whole_however_a_socket_cuts_them() {
    let stage = Stage::timed(|timings| timings.slow = Duration::from_secs(60));
    let mut clients: Vec<Client> = (0..4).map(|n| stage.member(&format!("u{n}"), "launch")).collect();
    let world = stage.world.clone();
    let writer = stage.runtime.spawn(async move {
        for n in 0..1_500 {
            world.say("launch", "x", &long(n)).await;
            if n % 10 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    });
    let threads: Vec<_> = clients
        .drain(..)
        .enumerate()
        .map(|(n, mut client)| {
            std::thread::spawn(move || {
                let mut seen = Vec::new();
                let mut asked = Vec::new();
                while seen.len() < 1_500 {
                    // Each reads at a pace of its own, and asks in between.
                    if seen.len() % 100 == n && asked.len() < 20 {
                        asked.push(client.send(json!({"type": "dance"})));
                    }
                    if seen.len() % (n + 2) == 0 {
                        std::thread::sleep(Duration::from_millis(n as u64));
                    }
                    seen.extend(client.comments(1).iter().map(|text| number(text)));
                }
                for id in asked {
                    assert_eq!(client.reply(id)["number"], 200);
                }
                seen
            })
        })
        .collect();
    for thread in threads {
        assert!(thread.join().unwrap().into_iter().eq(0..1_500));
    }
    stage.runtime.block_on(writer).unwrap();
}

#[test]
fn who_takes_nothing_for_too_long_is_asked_to_come_back() {
    let stage = Stage::timed(|timings| {
        timings.slow = Duration::from_millis(700);
        timings.close = Duration::from_secs(30);
    });
    let mut stalled = stage.member("stalled", "launch");
    let quick = reading(stage.member("quick", "launch"), 1_000);
    say_many(&stage, 0, 1_000);
    let _quick = quick.join().unwrap();
    eventually("the slow viewer to be no member any more", || {
        stage.edge().viewers() == [(world::stream("launch"), 1)]
    });
    assert_eq!(stalled.close_code(), 4001);
}

#[test]
fn who_falls_off_the_log_comes_back_without_a_hole() {
    let stage = Stage::timed(|timings| {
        timings.slow = Duration::from_secs(60);
        timings.close = Duration::from_secs(30);
    });
    let mut stalled = stage.member("stalled", "launch");
    let quick = reading(stage.member("quick", "launch"), 8_000);
    // 32 MB of frames: twice what a room keeps.
    say_many(&stage, 0, 8_000);
    let _quick = quick.join().unwrap();
    let (mut seen, mut position) = (Vec::new(), String::new());
    let code = loop {
        let frame = stalled.frame().expect("a close frame");
        match frame.opcode() {
            8 => break u16::from_be_bytes([frame.payload[0], frame.payload[1]]),
            1 => {
                let batch = support::client::message(&frame);
                seen.extend(texts(&batch).iter().map(|text| number(text)));
                position = batch["position"].as_str().unwrap().to_owned();
            }
            _ => {}
        }
    };
    assert_eq!(code, 4001);
    assert!(seen.iter().copied().eq(0..seen.len()), "what came is whole and in order");
    assert!(seen.len() < 8_000);
    let mut back = stage.connect();
    let reply = back.ask(json!({"type": "join", "stream": "launch", "position": position}));
    assert_eq!(
        reply["resumed"],
        if 8_000 - seen.len() > 2_000 { "gap" } else { "recovered" },
        "{}",
        seen.len()
    );
}

#[test]
fn a_drain_spreads_the_leaving_and_lets_nobody_in() {
    let stage = Stage::new();
    let mut members: Vec<Client> = (0..40).map(|n| stage.member(&format!("u{n}"), "launch")).collect();
    let time = Duration::from_secs(3);
    let start = Instant::now();
    let address = stage.edge().address();
    let threads: Vec<_> = members
        .drain(..)
        .map(|mut member| {
            std::thread::spawn(move || {
                let notice = member.wait("the notice", |m| m["kind"] == "drain");
                (notice["value"].as_u64().unwrap(), member.close_code(), start.elapsed())
            })
        })
        .collect();
    stage.runtime.block_on(stage.edge().drain(time));
    assert_eq!(stage.edge().connections(), 0);
    let left: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let moments: std::collections::HashSet<u64> = left.iter().map(|(value, ..)| *value).collect();
    // Each shard spreads its own: with two shards, two connections may share a moment.
    assert!(moments.len() >= 20, "{moments:?}");
    for (value, code, when) in left {
        assert!(value < 3_000);
        assert_eq!(code, 4000);
        assert!(when >= Duration::from_millis(value), "closed before its moment: {value} ms, at {when:?}");
    }
    assert!(std::net::TcpStream::connect(address).is_err(), "the listeners are closed");
}

#[test]
fn a_drain_ends_when_everyone_has_gone() {
    let stage = Stage::new();
    let members: Vec<Client> = (0..5).map(|n| stage.member(&format!("u{n}"), "launch")).collect();
    let leaving = std::thread::spawn(move || {
        for mut member in members {
            member.wait("the notice", |m| m["kind"] == "drain");
        }
    });
    let start = Instant::now();
    stage.runtime.block_on(stage.edge().drain(Duration::from_secs(50)));
    leaving.join().unwrap();
    assert!(start.elapsed() < Duration::from_secs(40), "{:?}", start.elapsed());
}

#[test]
fn who_becomes_a_moderator_on_a_live_connection_sees_what_moderators_see() {
    let stage = Stage::new();
    stage.world.visibility.lock().unwrap().insert("held".to_owned(), Visibility::Held);
    let mut client = stage.connect();
    client.join("launch");
    stage.say("launch", "held", "before");
    stage.say("launch", "x", "shown");
    client.comment("shown");
    client.sign_in(&support::token("mod", Role::Moderator));
    stage.say("launch", "held", "after");
    client.comment("after");
    assert!(client.seen.iter().all(|m| texts(m) != ["before"]), "{:?}", client.seen);
}

#[test]
fn a_reader_of_a_room_sees_what_sockets_see_and_counts_as_a_viewer() {
    use ringside_core::wire::{Message, WireEvent};
    use ringside_edge::room::{Tier, Viewer};
    use ringside_ports::store::Reader;
    let stage = Stage::new();
    stage.say("launch", "x", "0");
    let viewer = Viewer { tier: Tier::Sampled, reader: Reader::Public };
    let (joined, mut reader) = stage
        .runtime
        .block_on(stage.edge().rooms().reader(&world::stream("launch"), viewer.clone(), None, 50))
        .unwrap();
    assert_eq!(joined.history.len(), 1);
    assert_eq!(stage.edge().viewers(), [(world::stream("launch"), 1)]);
    let mut texts = Vec::new();
    let mut position = None;
    for n in 1..=3 {
        stage.say("launch", "x", &n.to_string());
    }
    while texts.len() < 3 {
        let Message::Batch(batch) = stage.runtime.block_on(reader.next()).unwrap() else { panic!() };
        position = Some(batch.position.parse().unwrap());
        texts.extend(batch.events.into_iter().filter_map(|event| match event {
            WireEvent::Comment(comment) => Some(comment.text),
            _ => None,
        }));
    }
    assert_eq!(texts, ["1", "2", "3"]);
    drop(reader);
    assert_eq!(stage.edge().viewers(), []);
    stage.say("launch", "x", "4");
    let (_, mut again) = stage
        .runtime
        .block_on(stage.edge().rooms().reader(&world::stream("launch"), viewer, position, 50))
        .unwrap();
    let batch = stage.runtime.block_on(again.next_batch()).unwrap();
    assert!(matches!(&batch.events[..], [WireEvent::Comment(comment)] if comment.text == "4"), "{batch:?}");
    let kind = EventKind::Viewers(3);
    stage.runtime.block_on(stage.world.event(&world::stream("launch"), kind));
    let batch = stage.runtime.block_on(again.next_batch()).unwrap();
    assert_eq!(batch.events, [WireEvent::Viewers(3)]);
}
