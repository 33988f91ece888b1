//! Releases become generations: prepared, published, judged by, rolled back, refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails so"
)]

mod common;

use common::{Stage, actions, admission, component, fresh, generation, hostile, stream, submission, texts};
use ringside_core::{Action, Generation, Settings};
use ringside_ports::error::PortErrorKind;
use ringside_ports::policy::{Activity, Admitted, Decision, StreamLoad};
use ringside_ports::releases::{OnFailure, Slot, World};
use ringside_wasm::SwapError;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_judged_before_the_first_release_and_all_after_it() {
    let mut stage = Stage::new();
    let policy = stage.policy();
    let error = policy.judge(texts(&["hello"])).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Unavailable, "{error}");
    assert_eq!(policy.generation(), Generation(0));

    let slots = vec![stage.throttle(), stage.words()];
    stage.publish(7, slots).await;
    assert_eq!(policy.generation(), Generation(7));
    let judged = stage.judge(texts(&["hello", "this is a spoiler", "bye"])).await;
    assert_eq!(actions(&judged), [Action::Accept, Action::Reject, Action::Accept]);
    assert!(judged.iter().all(|judgement| judgement.generation == generation(7)));
    assert_eq!((judged[0].slot.as_str(), judged[0].reason.as_str()), ("", ""));
    assert_eq!(judged[1].slot, "words");
    assert!(!judged[1].reason.is_empty());
    assert!(policy.judge(Vec::new()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_comments_than_a_batch_holds_come_back_in_order() {
    let mut stage = Stage::new();
    let slots = vec![stage.throttle(), stage.words()];
    stage.publish(1, slots).await;
    let many: Vec<_> =
        (0..1_000).map(|i| submission(if i % 7 == 0 { "a spoiler" } else { "hello" })).collect();
    for (i, judgement) in stage.judge(many).await.iter().enumerate() {
        let expected = if i % 7 == 0 { Action::Reject } else { Action::Accept };
        assert_eq!(judgement.action, expected, "comment {i}");
    }
    let error = stage.policy().judge(vec![submission("x"); 5_000]).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Invalid, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_throttle_admits_by_stream_and_settings_before_the_moderators_judge() {
    let mut stage = Stage::new();
    let throttle = stage.slot("throttle", World::Throttle, component("throttle-standard"), "");
    let words = stage.words();
    stage.publish(1, vec![throttle, words]).await;
    let mut closed = fresh("hello", "bob", 0);
    closed.stream = stream("closed");
    closed.admission = closed.admission.map(|admission| ringside_ports::policy::Admission {
        stream: stream("closed"),
        settings: Arc::new(Settings { closed: true, ..Settings::default() }),
        ..admission
    });
    let decisions = stage
        .policy()
        .judge(vec![
            fresh("hello", "ann", 0),
            fresh("a spoiler", "ann", 5),
            closed,
            fresh("a spoiler", "ann", 4),
            submission("a spoiler"),
        ])
        .await
        .unwrap();
    let shown: Vec<&str> = decisions
        .iter()
        .map(|decision| match decision {
            Decision::NotAdmitted(Admitted::Wait(_)) => "wait",
            Decision::NotAdmitted(Admitted::Refused(_)) => "refused",
            Decision::NotAdmitted(Admitted::Yes) => "admitted",
            Decision::Judged(judgement) => judgement.action.as_str(),
        })
        .collect();
    assert_eq!(shown, ["accept", "wait", "refused", "reject", "reject"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_activities_are_admitted_and_sampling_is_planned() {
    let mut stage = Stage::new();
    let throttle = stage.slot("throttle", World::Throttle, component("throttle-standard"), "");
    stage.publish(1, vec![throttle]).await;
    let settings = Arc::new(Settings::default());
    let asked = Activity::ALL
        .iter()
        .flat_map(|activity| {
            [0, 1_000].map(|count| ringside_ports::policy::Admission {
                count_in_window: count,
                ..admission(&stream("s"), &settings, *activity)
            })
        })
        .collect();
    for pair in stage.policy().admit(asked).await.unwrap().chunks(2) {
        assert!(matches!(pair, [Admitted::Yes, Admitted::Wait(_)]), "{pair:?}");
    }
    for (rate, shown) in [(10, 100), (6_000, 50), (60_000, 5)] {
        let load = StreamLoad { stream: stream("s"), comments_per_second: rate, viewers: 10 };
        assert_eq!(stage.policy().plan(load).await.unwrap().shown_percent, shown, "at {rate}/s");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_severe_verdict_counts_and_a_rejected_comment_goes_no_further() {
    let mut stage = Stage::new();
    let lists = |action: &str, word: &str| {
        format!(
            r#"{{"lists": [{{"name": "test", "severity": 1, "action": "{action}", "entries": ["{word}"]}}]}}"#
        )
    };
    let file = component("words");
    let slots = vec![
        stage.throttle(),
        stage.slot("flags", World::Moderator, file.clone(), &lists("flag", "apple")),
        stage.slot("rejects", World::Moderator, file.clone(), &lists("reject", "berry")),
        stage.slot("holds", World::Moderator, file, &lists("hold", "cherry")),
        stage.tagger("seen"),
    ];
    stage.publish(1, slots).await;
    let judged = stage
        .judge(texts(&["plain", "apple", "apple berry", "apple cherry", "cherry berry"]))
        .await
        .into_iter()
        .map(|judgement| {
            let seen = judgement.labels.iter().any(|label| label.name == "seen");
            (judgement.action, judgement.slot, seen)
        })
        .collect::<Vec<_>>();
    assert_eq!(
        judged,
        [
            (Action::Accept, String::new(), true),
            (Action::Flag, "flags".into(), true),
            (Action::Reject, "rejects".into(), false),
            (Action::Hold, "holds".into(), true),
            (Action::Reject, "rejects".into(), false),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_is_made_of_what_is_warm_and_has_a_number_of_its_own() {
    let mut stage = Stage::new();
    let throttle = stage.throttle();
    assert!(matches!(stage.host.rollback(Generation(1)), Err(SwapError::NoPrevious)));
    let (one, two) = (stage.tagger("one"), stage.tagger("two"));
    let prepared = stage.prepare(1, vec![throttle.clone(), one.clone()]).await.unwrap();
    assert_eq!(prepared.loaded, 2);
    stage.host.publish(&prepared).unwrap();
    let prepared = stage.prepare(2, vec![throttle.clone(), two]).await.unwrap();
    assert_eq!(prepared.loaded, 1, "the throttle did not change");
    stage.host.publish(&prepared).unwrap();

    let tag = async || stage.judge(texts(&["hello"])).await.remove(0);
    let judged = tag().await;
    assert_eq!((judged.generation, judged.labels[0].name.as_str()), (generation(2), "two"));
    stage.host.rollback(Generation(3)).unwrap();
    let judged = tag().await;
    assert_eq!((judged.generation, judged.labels[0].name.as_str()), (generation(3), "one"));
    stage.host.rollback(Generation(4)).unwrap();
    let judged = tag().await;
    assert_eq!((judged.generation, judged.labels[0].name.as_str()), (generation(4), "two"));
    assert!(matches!(stage.host.rollback(Generation(4)), Err(SwapError::NotNewer { .. })));
    assert!(matches!(stage.host.publish(&prepared), Err(SwapError::NotNewer { .. })));

    let again = stage.prepare(5, vec![throttle, one]).await.unwrap();
    assert_eq!(again.loaded, 0, "a release with what is warm makes nothing new");
    let status = stage.host.status();
    assert_eq!((status.generation, status.previous), (generation(4), generation(3)));
    assert_eq!(status.slots[1].component, "moderator-tagger");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_cannot_run_is_refused_with_the_slot_and_the_reason() {
    let mut stage = Stage::new();
    let (throttle, words) = (stage.throttle(), stage.words());
    let second = Slot { name: "second".into(), ..throttle.clone() };
    let as_codec = Slot { world: World::Codec, ..words.clone() };
    let misconfigured = Slot { config: r#"{"wurds": []}"#.into(), ..words.clone() };
    let json = stage.codec("json", component("codec-json"));
    let configured = Slot { config: "{}".into(), ..json.clone() };
    let json_again = Slot { name: "json-2".into(), ..json.clone() };
    let unknown = Slot { component: ringside_wasm::digest_of(b"never stored"), ..words.clone() };
    let outside = Slot { component: ringside_ports::releases::Digest("../x".into()), ..words.clone() };
    let slow = stage.hostile("moderator-slow-start", OnFailure::Hold);
    let failing = stage.hostile("moderator-fails-examples", OnFailure::Hold);
    let bad_plans = stage.slot("throttle", World::Throttle, hostile("throttle-bad-decisions"), "");
    for (slots, part) in [
        (vec![words.clone()], "has 0 throttles"),
        (vec![throttle.clone(), second], "has 2 throttles"),
        (vec![throttle.clone(), words.clone(), words.clone()], "two slots `words`"),
        (vec![throttle.clone(), as_codec], "slot `words`: the component is no codec"),
        (vec![throttle.clone(), misconfigured], "slot `words`: the component refuses its configuration"),
        (vec![throttle.clone(), configured], "a codec takes no configuration"),
        (vec![throttle.clone(), json.clone(), json_again], "both speak `ringside.v1.json`"),
        (vec![throttle.clone(), unknown], "neither compiled here nor given"),
        (vec![throttle.clone(), outside], "is not the SHA-256"),
        (vec![throttle.clone(), slow], "slot `moderator-slow-start`: the component ran longer than"),
        (
            vec![throttle.clone(), failing],
            "slot `moderator-fails-examples`: the component fails its own example",
        ),
        (vec![bad_plans], "planned to show 250 %"),
        (vec![throttle.clone(); 25], "has 25 slots"),
    ] {
        let error = stage.prepare(1, slots).await.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    stage.publish(1, vec![throttle, words]).await;
    assert_eq!(stage.judge(texts(&["hello"])).await.len(), 1, "what was refused left nothing behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_end_calls_fail_and_what_waited_was_answered() {
    let mut stage = Stage::new();
    let slots = vec![stage.throttle(), stage.words()];
    stage.publish(1, slots).await;
    let policy = stage.policy();
    let waiting = tokio::spawn({
        let policy = policy.clone();
        async move { policy.judge(vec![submission("hello"); 2_000]).await }
    });
    while stage.host.status().slots[1].items == 0 {
        tokio::task::yield_now().await;
    }
    stage.host.shutdown();
    assert_eq!(waiting.await.unwrap().unwrap().len(), 2_000);
    assert_eq!(policy.judge(texts(&["hello"])).await.unwrap_err().kind, PortErrorKind::Unavailable);
}
