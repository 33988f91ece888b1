//! Swaps under load: nothing is lost, and every comment is judged by exactly one generation.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails so"
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use common::{Stage, judgement, submission};
use ringside_core::{Action, Generation};
use ringside_ports::Policy;
use ringside_ports::error::PortErrorKind;
use ringside_ports::releases::Slot;

/// Swaps in one run.
const SWAPS: u64 = 200;
/// Comments in flight at least, from so many callers.
const CALLERS: usize = 4;

/// Judges until told to stop; checks each verdict's tag against its generation.
async fn load(policy: Arc<dyn Policy>, stop: Arc<AtomicBool>, judged: Arc<AtomicU64>) -> (u64, u64) {
    let (mut sent, mut answered) = (0, 0);
    let mut number = 0u64;
    while !stop.load(Ordering::Relaxed) {
        let texts: Vec<String> = (0..(number % 90 + 1)).map(|i| format!("comment {number} {i}")).collect();
        number += 1;
        let batch: Vec<_> = texts.iter().map(|text| submission(text)).collect();
        sent += batch.len() as u64;
        loop {
            match policy.judge(batch.clone()).await {
                Ok(decisions) => {
                    assert_eq!(decisions.len(), batch.len());
                    answered += decisions.len() as u64;
                    judged.fetch_add(decisions.len() as u64, Ordering::Relaxed);
                    for judgement in decisions.into_iter().map(judgement) {
                        assert_eq!(judgement.action, Action::Accept);
                        let generation = judgement.generation.expect("judged by one generation").0;
                        let tags: Vec<&str> =
                            judgement.labels.iter().map(|label| label.name.as_str()).collect();
                        // Both taggers of a generation carry its number: two generations would leave two numbers.
                        let tag = format!("g{generation}");
                        assert_eq!(tags, [tag.as_str(), tag.as_str()], "generation {generation}");
                    }
                    break;
                }
                Err(error) if error.kind == PortErrorKind::Busy => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    }
    (sent, answered)
}

fn taggers(stage: &mut Stage, generation: u64) -> Vec<Slot> {
    let first = stage.tagger(&format!("g{generation}"));
    // Another configuration, so that it is a component of its own.
    let second = Slot { name: "second".into(), config: format!("{} ", first.config), ..first.clone() };
    vec![stage.throttle(), first, second]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_swaps_under_load_lose_nothing_and_mix_nothing() {
    let mut stage = Stage::new();
    let slots = taggers(&mut stage, 1);
    stage.publish(1, slots).await;
    let (stop, judged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let callers: Vec<_> =
        (0..CALLERS).map(|_| tokio::spawn(load(stage.policy(), stop.clone(), judged.clone()))).collect();
    for number in 2..=SWAPS + 1 {
        let slots = taggers(&mut stage, number);
        stage.publish(number, slots).await;
        // The next swap comes when this generation has judged: else nothing was swapped under load.
        let before = judged.load(Ordering::Relaxed);
        let begun = std::time::Instant::now();
        while judged.load(Ordering::Relaxed) < before + 200 {
            assert!(begun.elapsed() < common::PATIENCE, "nothing is judged after swap {number}");
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        let (sent, answered) = caller.await.unwrap();
        assert_eq!(sent, answered);
        assert!(sent > 0);
    }
    assert_eq!(stage.policy().generation(), Generation(SWAPS + 1));
    assert!(stage.host.status().slots.iter().all(|slot| slot.failures == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn going_back_and_forth_under_load_mixes_nothing_either() {
    let mut stage = Stage::new();
    // A rollback keeps the tag of the slots it brings back: two tags that take turns.
    let (one, two) = (taggers(&mut stage, 1), taggers(&mut stage, 2));
    stage.publish(1, one).await;
    stage.publish(2, two).await;
    let policy = stage.policy();
    let stop = Arc::new(AtomicBool::new(false));
    let caller = tokio::spawn({
        let stop = stop.clone();
        async move {
            let (mut seen, mut last) = ([0u64; 2], 0);
            while !stop.load(Ordering::Relaxed) {
                for judgement in
                    policy.judge(vec![submission("hello"); 40]).await.unwrap().into_iter().map(judgement)
                {
                    let generation = judgement.generation.expect("judged").0;
                    assert!(generation >= last, "generation {generation} after {last}");
                    last = generation;
                    let tag = if generation % 2 == 1 { "g1" } else { "g2" };
                    assert!(
                        judgement.labels.iter().all(|label| label.name == tag),
                        "{generation}: {judgement:?}"
                    );
                    seen[usize::from(tag == "g2")] += 1;
                }
            }
            seen
        }
    });
    let calls = || stage.host.status().slots[1].calls;
    for number in 3..=SWAPS {
        stage.host.rollback(Generation(number)).unwrap();
        let before = calls();
        let begun = std::time::Instant::now();
        while calls() < before + 2 {
            assert!(begun.elapsed() < common::PATIENCE, "nothing is judged after rollback {number}");
            tokio::task::yield_now().await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    let seen = caller.await.unwrap();
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
    assert!(stage.host.status().slots.iter().all(|slot| slot.failures == 0));
}
