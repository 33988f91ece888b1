//! Invariant 1: an acknowledged comment is in the log. The host is killed with SIGKILL under load, again and again;
//! every acknowledged comment must be there afterwards, once and in order, and a viewer who resumes must miss none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringside_testkit::{Client, Pop, PopOptions};
use serde_json::{Value, json};

/// Connections that comment as fast as they are answered.
const WRITERS: usize = 8;

fn rounds() -> u32 {
    std::env::var("RINGSIDE_LONG").map_or(3, |_| 50)
}

/// No limits: the load is the test's own.
fn unlimited(pop: &Pop) {
    let config = json!({
        "comments_per_minute": 1_000_000, "reactions_per_minute": 1_000_000, "cap_per_second": 0,
    });
    let pushed =
        pop.run(&["component", "push", "--slot", "throttle-standard", "--config", &config.to_string()]);
    assert!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    for slot in ["repetition", "words", "links"] {
        assert!(pop.run(&["component", "remove", slot]).status.success());
    }
}

/// Comments over REST until told to stop or the host is gone; keeps what was acknowledged.
fn write(
    pop: &Pop,
    writer: usize,
    round: u32,
    stop: &Arc<AtomicBool>,
    acknowledged: &Arc<Mutex<Vec<(String, String)>>>,
) -> std::thread::JoinHandle<()> {
    let rest = pop.rest_as(&format!("writer{writer}"), "viewer");
    let (stop, acknowledged) = (stop.clone(), acknowledged.clone());
    std::thread::spawn(move || {
        for i in 0.. {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let text = format!("round {round} writer {writer} comment {i}");
            let Some(answer) = rest.try_post("/v1/streams/s/comments", &json!({ "text": text })) else {
                return;
            };
            if answer.status == 201 {
                let id = answer.body["id"].as_str().unwrap().to_owned();
                acknowledged.lock().unwrap().push((id, text));
            }
        }
    })
}

#[test]
fn no_acknowledged_comment_is_lost_doubled_or_moved_when_the_host_is_killed() {
    let mut pop =
        Pop::with(PopOptions { set: vec!["components.chain_threads=1".into()], ..Default::default() });
    unlimited(&pop);
    let acknowledged: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    for round in 0..rounds() {
        let mut viewer = Client::join(&pop, "viewer", "viewer", "s");
        let before = acknowledged.lock().unwrap().len();
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> =
            (0..WRITERS).map(|writer| write(&pop, writer, round, &stop, &acknowledged)).collect();
        // The viewer reads for a while, so that its position lies in the middle of the load.
        let seen = viewer.drain(Duration::from_millis(150 + u64::from(round % 7) * 50));
        let position = viewer.position.clone().unwrap();
        pop.kill();
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.join().unwrap();
        }
        pop.restart();
        let wanted: Vec<(String, String)> = acknowledged.lock().unwrap()[before..].to_vec();
        assert!(!wanted.is_empty(), "round {round}: nothing was acknowledged before the kill");

        let last = wanted.iter().map(|(id, _)| id).max().unwrap();
        pop.wait_for_page("s", last);
        // Stored: once, in the order of ids, which is the log's.
        let stored: Vec<String> = pop
            .rest()
            .all_comments("s")
            .iter()
            .rev()
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect();
        let unique: HashSet<&String> = stored.iter().collect();
        assert_eq!(unique.len(), stored.len(), "round {round}: a comment is stored twice");
        assert!(stored.is_sorted(), "round {round}: pages are out of order");
        for (id, text) in &wanted {
            assert!(unique.contains(id), "round {round}: `{text}` was acknowledged and is lost");
        }

        // Resumed: what the viewer saw and what it gets now are all there was, once and in order.
        let mut again = Client::connect(&pop);
        let token = pop.token("viewer", "viewer");
        again.command(json!({ "type": "authenticate", "token": token }), "authenticated");
        let joined = again.command(json!({ "type": "join", "stream": "s", "position": position }), "joined");
        assert_eq!(joined["resumed"], "recovered", "round {round}: {joined}");
        let last = stored.last().unwrap().clone();
        let mut ids: Vec<String> = seen.iter().filter_map(comment_id).collect();
        while ids.last() != Some(&last) {
            ids.push(comment_id(&again.event("comment")).unwrap());
        }
        let first = stored.iter().position(|id| Some(id) == ids.first()).unwrap();
        assert_eq!(ids, stored[first..], "round {round}: the viewer missed or doubled a comment");
        assert!(ids.len() >= wanted.len(), "round {round}: the viewer saw fewer than were acknowledged");
    }
}

fn comment_id(event: &Value) -> Option<String> {
    (event["type"] == "comment").then(|| event["id"].as_str().unwrap().to_owned())
}
