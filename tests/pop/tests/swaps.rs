//! Invariant 3: a batch is judged by exactly one generation, and a swap costs no connection and no comment. Codecs,
//! throttle and rules are replaced again and again under 500 viewers who read and eight who write.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ringside_testkit::pop::bundle;
use ringside_testkit::{Client, Pop, eventually};
use serde_json::{Value, json};

const VIEWERS: usize = 500;
/// Threads that read for the viewers.
const READERS: usize = 4;
const WRITERS: usize = 8;
/// Rounds of three swaps each: rules, throttle, codec.
const ROUNDS: usize = 6;
/// Forbidden in turn.
const WORDS: [&str; 2] = ["rosebud", "sled"];
/// A writer's wait between comments: about 150 comments/s in all, so that a reader's share of a small machine is enough.
const PACE: Duration = Duration::from_millis(50);
/// Time for the last comments to reach everyone.
const REST: Duration = Duration::from_secs(60);

/// What a writer was told of its comments.
#[derive(Default)]
struct Told {
    accepted: Vec<String>,
    rejected: usize,
}

/// Pushes, and gives the generation that runs since.
fn push(pop: &Pop, arguments: &[&str]) -> u64 {
    let output = pop.run(&[&["component", "push"], arguments].concat());
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    let number = text.split("generation ").nth(1).and_then(|rest| rest.split(' ').next());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no generation in: {text}"))
}

fn configure(pop: &Pop, slot: &str, config: &Value) -> u64 {
    push(pop, &["--slot", slot, "--config", &config.to_string()])
}

fn forbid(pop: &Pop, word: &str) -> u64 {
    let list = json!({ "name": "test", "language": "en", "severity": 4, "entries": [word] });
    configure(pop, "words", &json!({ "lists": [list] }))
}

fn throttle(pop: &Pop, comments_per_minute: usize) -> u64 {
    configure(
        pop,
        "throttle-standard",
        &json!({ "comments_per_minute": comments_per_minute, "cap_per_second": 0 }),
    )
}

fn write(
    pop: &Pop,
    writer: usize,
    stop: &Arc<AtomicBool>,
    answered: &Arc<AtomicUsize>,
) -> std::thread::JoinHandle<Told> {
    let (rest, stop, answered) =
        (pop.rest_as(&format!("w{writer}"), "viewer"), stop.clone(), answered.clone());
    std::thread::spawn(move || {
        let mut told = Told::default();
        for n in 0.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let text = format!("writer {writer} says {} the time number {n}", WORDS[n % 2]);
            let answer = rest.post("/v1/streams/s/comments", &json!({ "text": text }));
            match answer.status {
                201 => told.accepted.push(answer.body["id"].as_str().unwrap().to_owned()),
                _ => {
                    answer.expect_problem(210, WORDS[n % 2]);
                    told.rejected += 1;
                }
            }
            answered.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(PACE);
        }
        told
    })
}

/// Reads for some viewers until each has seen all that will have been accepted; gives the viewers back.
fn read(
    mut viewers: Vec<Client>,
    accepted: &Arc<AtomicUsize>,
) -> std::thread::JoinHandle<Vec<(Client, HashSet<String>)>> {
    let accepted = accepted.clone();
    std::thread::spawn(move || {
        let mut seen = vec![HashSet::new(); viewers.len()];
        let mut last = Instant::now();
        loop {
            let all = accepted.load(Ordering::Relaxed);
            if all != usize::MAX && seen.iter().all(|seen| seen.len() >= all) {
                break;
            }
            for (viewer, seen) in viewers.iter_mut().zip(&mut seen) {
                // Long enough for one read, which waits a moment where nothing is there.
                for event in viewer.drain(Duration::from_micros(100)) {
                    if event["type"] == "comment" {
                        last = Instant::now();
                        assert!(seen.insert(event["id"].as_str().unwrap().to_owned()), "twice: {event}");
                    }
                }
                assert_eq!(viewer.closed, None, "a connection was dropped");
            }
            assert!(all == usize::MAX || last.elapsed() < REST, "some saw less than the {all} accepted");
        }
        viewers.into_iter().zip(seen).collect()
    })
}

#[test]
fn components_are_swapped_under_load_and_no_connection_or_comment_is_lost() {
    let pop = Pop::start();
    throttle(&pop, 1_000_000);
    assert!(pop.run(&["component", "remove", "repetition"]).status.success());
    let codec = bundle().join("components/codec-json.wasm");
    // What each generation forbids, from the one that forbade it first on.
    let mut forbidden = BTreeMap::from([(forbid(&pop, WORDS[1]), WORDS[1])]);
    let mut viewers: Vec<Client> =
        (0..VIEWERS).map(|n| Client::join(&pop, &format!("v{n}"), "viewer", "s")).collect();
    let accepted = Arc::new(AtomicUsize::new(usize::MAX));
    let readers: Vec<_> = (0..READERS)
        .map(|left| read(viewers.split_off(viewers.len() - viewers.len() / (READERS - left)), &accepted))
        .collect();
    let stop = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..WRITERS).map(|writer| write(&pop, writer, &stop, &answered)).collect();
    for round in 0..ROUNDS {
        let word = WORDS[round % 2];
        forbidden.insert(forbid(&pop, word), word);
        throttle(&pop, 1_000_001 + round);
        push(&pop, &[codec.to_str().unwrap()]);
        // However quick the swaps are: each writer says both words under each rule.
        let wanted = answered.load(Ordering::Relaxed) + 4 * WRITERS;
        eventually("the writers to go on", || (answered.load(Ordering::Relaxed) >= wanted).then_some(()));
    }
    stop.store(true, Ordering::Relaxed);
    let told: Vec<Told> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
    let ids: HashSet<String> = told.iter().flat_map(|told| told.accepted.iter().cloned()).collect();
    assert!(told.iter().any(|told| told.rejected > 0), "no rule was ever at work");
    accepted.store(ids.len(), Ordering::Relaxed);
    let mut read = 0;
    for reader in readers {
        for (mut viewer, seen) in reader.join().unwrap() {
            assert_eq!(seen, ids, "a viewer saw something else than what was accepted");
            viewer.command(json!({ "type": "leave" }), "done");
            read += 1;
        }
    }
    assert_eq!(read, VIEWERS);

    // The generation that a comment names is the one that judged it: its rules would have rejected the other word.
    pop.wait_for_page("s", ids.iter().max().unwrap());
    let (mut generations, mut stored) = (HashSet::new(), HashSet::new());
    for item in pop.rest_as("mona", "moderator").all_comments("s") {
        let generation = item["judgement"]["generation"].as_u64().unwrap();
        let (_, word) = forbidden.range(..=generation).next_back().unwrap();
        assert!(
            !item["text"].as_str().unwrap().contains(word),
            "generation {generation} let through: {item}"
        );
        assert!(stored.insert(item["id"].as_str().unwrap().to_owned()), "stored twice: {item}");
        generations.insert(generation);
    }
    assert_eq!(stored, ids, "stored and accepted differ");
    assert!(generations.len() >= ROUNDS, "{generations:?}");
}
