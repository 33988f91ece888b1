//! Components that misbehave: each costs the comment that made it do so, and nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails so"
)]

mod common;

use std::time::{Duration, Instant};

use common::{PATIENCE, Stage, actions, fresh, generation, hostile, submission, texts};
use ringside_core::Action;
use ringside_ports::policy::{Admitted, Decision, StreamLoad};
use ringside_ports::releases::{OnFailure, World};
use ringside_wasm::limits;

/// Components that break on a comment, the word that makes them, and the kinds of failure in the metrics.
const BREAKING: [(&str, &str, &[&str]); 7] = [
    ("moderator-loops", "loop", &["deadline"]),
    ("moderator-hog", "hog", &["memory"]),
    ("moderator-panics", "panic", &["trap"]),
    // Which stack is full first, the engine's or the guest's own in its memory, is the compiler's choice.
    ("moderator-overflows", "overflow", &["stack", "trap"]),
    ("moderator-wrong-length", "short", &["malformed"]),
    ("moderator-wrong-length", "long", &["malformed"]),
    ("moderator-unknown-ticket", "unknown", &["malformed"]),
];

fn metrics_of(stage: &Stage) -> String {
    let mut registry = prometheus_client::registry::Registry::default();
    stage.metrics.register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    text
}

async fn breaks_alone(component: &str, word: &str, kinds: &[&str]) {
    let mut stage = Stage::with_workers(1);
    let slots = vec![stage.throttle(), stage.hostile(component, OnFailure::Hold), stage.words()];
    stage.publish(3, slots).await;
    let poison = format!("please {word} now");
    let mut batch: Vec<&str> = vec!["hello"; 30];
    batch[7] = "a spoiler";
    batch[11] = &poison;
    batch[20] = "another spoiler";
    for round in 0..2 {
        let judged = stage.judge(texts(&batch)).await;
        for (i, judgement) in judged.iter().enumerate() {
            let (action, slot) = match i {
                7 | 20 => (Action::Reject, "words"),
                11 => (Action::Hold, component),
                _ => (Action::Accept, ""),
            };
            assert_eq!((judgement.action, judgement.slot.as_str()), (action, slot), "{word}, {round}, {i}");
            assert_eq!(judgement.generation, generation(3));
        }
    }
    let metrics = metrics_of(&stage);
    let line = metrics
        .lines()
        .find(|line| {
            line.contains("failures_total") && kinds.iter().any(|kind| line.contains(&format!("\"{kind}\"")))
        })
        .unwrap_or_else(|| panic!("{word}: no failure of kind {kinds:?} in\n{metrics}"));
    // The batch, and alone: twice.
    assert!(line.contains(component) && line.ends_with(" 4"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_breaks_a_component_costs_the_one_comment_that_did_it() {
    for (component, word, kinds) in BREAKING {
        breaks_alone(component, word, kinds).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_wrong_only_in_company_harms_nobody() {
    // A ticket can be answered twice only where there are two: judged alone, the comment gets a real verdict.
    let mut stage = Stage::with_workers(1);
    let slots = vec![stage.throttle(), stage.hostile("moderator-duplicate-ticket", OnFailure::Reject)];
    stage.publish(1, slots).await;
    let judged = stage.judge(texts(&["hello", "a duplicate", "bye"])).await;
    let failures = stage.host.status().slots[1].failures;
    assert!(failures >= 1, "the batch was refused");
    assert_eq!((judged[0].action, judged[2].action), (Action::Accept, Action::Accept));
    let alone = stage.judge(texts(&["a duplicate"])).await;
    assert_eq!(judged[1].action, alone[0].action);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slot_says_what_becomes_of_the_comment_that_breaks_it() {
    for (policy, action, generation) in [
        (OnFailure::Hold, Action::Hold, generation(1)),
        (OnFailure::Reject, Action::Reject, generation(1)),
        (OnFailure::AllowUnjudged, Action::Accept, None),
    ] {
        let mut stage = Stage::with_workers(1);
        let slots = vec![stage.throttle(), stage.hostile("moderator-panics", policy), stage.words()];
        stage.publish(1, slots).await;
        let judged = stage.judge(texts(&["hello", "panic", "bye", "panic about the spoiler"])).await;
        assert_eq!((judged[1].action, judged[1].generation), (action, generation), "{policy:?}");
        assert_eq!(judged[1].is_unjudged(), policy == OnFailure::AllowUnjudged);
        assert_eq!((judged[0].action, judged[2].action), (Action::Accept, Action::Accept));
        assert_eq!(judged[3].action, Action::Reject, "{policy:?}: a broken rule lifts no other's verdict");
        assert!(judged[3].generation.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_alone_that_breaks_a_component_is_tried_on_a_fresh_instance_and_then_decided() {
    let mut stage = Stage::with_workers(1);
    let slots = vec![stage.throttle(), stage.hostile("moderator-panics", OnFailure::Reject)];
    stage.publish(1, slots).await;
    assert_eq!(actions(&stage.judge(texts(&["panic"])).await), [Action::Reject]);
    assert_eq!(stage.host.status().slots[1].failures, 2);
    assert_eq!(actions(&stage.judge(texts(&["hello"])).await), [Action::Accept]);
    assert_eq!(stage.host.status().slots[1].failures, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_dies_of_its_own_state_is_replaced_and_every_comment_is_judged() {
    let mut stage = Stage::with_workers(1);
    let slots = vec![stage.throttle(), stage.hostile("moderator-half-dead", OnFailure::Reject)];
    stage.publish(1, slots).await;
    for _ in 0..20 {
        let judged = stage.judge(vec![submission("hello"); 60]).await;
        assert!(judged.iter().all(|judgement| judgement.action == Action::Accept), "{judged:?}");
    }
    let failures = stage.host.status().slots[1].failures;
    assert!((6..=20).contains(&failures), "{failures} failures: an instance dies after 100 comments");
}

/// Few enough that the component is not left out for what it costs.
const POISONS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_loop_holds_up_its_own_worker_only() {
    let mut stage = Stage::with_workers(2);
    let slots = vec![stage.throttle(), stage.hostile("moderator-loops", OnFailure::Hold)];
    stage.publish(1, slots).await;
    let policy = stage.policy();
    // One after the other, so that one worker at a time is held up.
    let poisons = tokio::spawn({
        let policy = policy.clone();
        async move {
            for _ in 0..POISONS {
                let judged = policy.judge(texts(&["loop"])).await.unwrap().remove(0);
                assert_eq!(common::judgement(judged).action, Action::Hold);
            }
        }
    });
    let mut others = 0;
    let begun = Instant::now();
    while !poisons.is_finished() && begun.elapsed() < PATIENCE {
        let judged = stage.judge(texts(&["hello"])).await;
        others += judged.iter().filter(|judgement| judgement.action == Action::Accept).count();
    }
    poisons.await.unwrap();
    // A second of looping, and some 20 µs a comment. On one worker they would have to take turns.
    assert!(others > POISONS * 3, "{others} comments were judged meanwhile");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_keeps_breaking_is_left_for_the_generation_before() {
    let mut stage = Stage::with_workers(1);
    let (throttle, tagger) = (stage.throttle(), stage.tagger("good"));
    let panics = stage.hostile("moderator-panics", OnFailure::Hold);
    stage.publish(1, vec![throttle.clone(), tagger]).await;
    stage.publish(2, vec![throttle, panics]).await;
    let mut rollbacks = stage.host.automatic_rollbacks();
    assert_eq!(*rollbacks.borrow_and_update(), None);
    let mut held = 0;
    let judged = loop {
        let judged = stage.judge(texts(&["panic"])).await.remove(0);
        if judged.action == Action::Accept {
            break judged;
        }
        assert_eq!((judged.action, judged.generation), (Action::Hold, generation(2)));
        held += 1;
        assert!(held <= limits::INCIDENTS_MAX, "no rollback after {held} incidents");
    };
    assert_eq!(held, limits::INCIDENTS_MAX);
    assert_eq!((judged.generation, judged.labels[0].name.as_str()), (generation(1), "good"));
    assert_eq!(Some(stage.policy().generation()), generation(1));
    assert!(rollbacks.has_changed().unwrap());
    let rollback = rollbacks.borrow_and_update().clone().unwrap();
    assert_eq!((Some(rollback.from), Some(rollback.to)), (generation(2), generation(1)));
    assert_eq!(rollback.slot, "moderator-panics");
    // Its record is a release with a new number, made of what is warm.
    let (throttle, tagger) = (stage.throttle(), stage.tagger("good"));
    let prepared = stage.prepare(3, vec![throttle, tagger]).await.unwrap();
    assert_eq!(prepared.loaded, 0);
    stage.host.publish(&prepared).unwrap();
    assert_eq!(stage.judge(texts(&["panic"])).await[0].generation, generation(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_rollback_does_not_help_a_component_that_costs_too_much_is_left_out_for_a_while() {
    let mut stage = Stage::with_workers(1);
    let slots = vec![stage.throttle(), stage.hostile("moderator-loops", OnFailure::Hold)];
    stage.publish(1, slots.clone()).await;
    stage.publish(2, slots).await;
    let begun = Instant::now();
    let mut incidents = 0;
    while !stage.host.status().slots[1].suspended {
        assert!(begun.elapsed() < PATIENCE, "not left out after {incidents} endless loops");
        assert_eq!(actions(&stage.judge(texts(&["loop"])).await), [Action::Hold]);
        incidents += 1;
    }
    let failures = stage.host.status().slots[1].failures;
    assert_eq!(actions(&stage.judge(texts(&["loop", "hello"])).await), [Action::Hold, Action::Hold]);
    assert_eq!(stage.host.status().slots[1].failures, failures, "it is not called");
    assert_eq!(Some(stage.policy().generation()), generation(2));
    while stage.host.status().slots[1].suspended {
        assert!(begun.elapsed() < PATIENCE, "left out for good");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(actions(&stage.judge(texts(&["hello"])).await), [Action::Accept]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_breaks_cheaply_is_never_left_out() {
    // Else a viewer could switch a rule off with a few comments.
    let mut stage = Stage::with_workers(1);
    let slots = vec![stage.throttle(), stage.hostile("moderator-panics", OnFailure::Hold)];
    stage.publish(1, slots).await;
    for _ in 0..limits::INCIDENTS_MAX * 5 {
        let judged = stage.judge(texts(&["hello", "panic"])).await;
        assert_eq!(actions(&judged), [Action::Accept, Action::Hold]);
    }
    assert!(!stage.host.status().slots[1].suspended);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_throttle_is_broken_the_hosts_own_limits_hold() {
    for (component, id) in [("throttle-panics", "panic"), ("throttle-loops", "loop")] {
        let mut stage = Stage::with_workers(1);
        let throttle = stage.slot("throttle", World::Throttle, hostile(component), "");
        stage.publish(1, vec![throttle]).await;
        let decisions = stage
            .policy()
            .judge(vec![
                fresh("hello", "ann", 0),
                fresh("hello", id, 4),
                fresh("hello", "ann", 0),
                fresh("hello", id, 5),
            ])
            .await
            .unwrap();
        let admitted: Vec<bool> =
            decisions.iter().map(|decision| matches!(decision, Decision::Judged(_))).collect();
        assert_eq!(admitted, [true, true, true, false], "{component}: R16 allows 5 a minute");
        assert!(matches!(decisions[3], Decision::NotAdmitted(Admitted::Wait(_))));
        assert!(metrics_of(&stage).contains("ringside_chain_throttle_fallbacks_total 2"), "{component}");
        let load = StreamLoad { stream: common::stream("s"), comments_per_second: 1, viewers: 1 };
        assert_eq!(stage.policy().plan(load).await.unwrap().shown_percent, 100);
    }
}
