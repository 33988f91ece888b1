//! What components and moderators decide is told in the topic of moderation events, by the users it is about.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::collections::BTreeMap;

use ringside_core::encoding::decode_moderation;
use ringside_core::moderation::{CommentDecision, Decided, ModerationEventKind};
use ringside_kafka::{KafkaLog, KafkaOptions, Topics};
use ringside_ports::Log as _;
use ringside_ports::log::Topic;
use ringside_testkit::region::PARTITIONS;
use ringside_testkit::{Client, Region, Services, eventually};
use serde_json::json;

/// The decisions that are told so far, each once, by key, in their order.
async fn told(log: &KafkaLog) -> BTreeMap<String, Vec<CommentDecision>> {
    let mut told: BTreeMap<String, Vec<CommentDecision>> = BTreeMap::new();
    for partition in 0..log.partitions(Topic::ModerationEvents) {
        let records = log.read(Topic::ModerationEvents, partition, 0, 1_000, 1 << 20).await.unwrap();
        for record in records {
            let event = decode_moderation(&record.payload).unwrap();
            assert_eq!(record.key, event.user.as_str());
            let ModerationEventKind::CommentDecided(decision) = event.kind else {
                panic!("{:?}", event.kind)
            };
            let of = told.entry(record.key).or_default();
            if of.iter().all(|other| (other.partition, other.offset) != (decision.partition, decision.offset))
            {
                of.push(decision);
            }
        }
    }
    told
}

#[test]
fn decisions_of_components_and_moderators_are_told_even_if_a_judge_dies() {
    let services = Services::shared();
    let region = Region::on(&services);
    let host = region.process("host");
    let _roles = region.process("coordinator,writer");
    let mut judge = region.process("judge");
    let mut ann = Client::join(&host, "ann", "viewer", "s");
    let list = json!({ "name": "mild", "language": "en", "severity": 2, "entries": ["blimey"] });
    let config = json!({ "lists": [list] }).to_string();
    let output = host.run(&["component", "push", "--slot", "words", "--config", &config]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let desk = host.operators_with(Some(host.token("mona", "moderator")));
    let seen = ann.comment("nothing to see here");
    let flagged = ann.comment("blimey, what a shot");
    host.wait_for_page("s", &flagged);
    judge.kill();
    for (id, review) in [(&flagged, "approve"), (&seen, "remove")] {
        desk.post(
            "/v1/review",
            &json!({ "stream": "s", "comment": id, "review": review, "reason": "as I see it" }),
        )
        .expect(200);
    }
    judge.restart();

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut topics = Topics::of_one_broker(PARTITIONS);
    topics.get_mut(Topic::ModerationEvents).unwrap().partitions = 2;
    topics.get_mut(Topic::DeadLetters).unwrap().partitions = 1;
    let options =
        KafkaOptions { prefix: format!("{}.", region.name()), topics, ..KafkaOptions::at(&services.kafka) };
    let log = runtime.block_on(KafkaLog::connect(&options)).unwrap();
    let told = eventually("the three decisions to be told", || {
        let told = runtime.block_on(told(&log));
        (told.get("ann").map_or(0, Vec::len) >= 3).then_some(told)
    });
    assert_eq!(told.keys().collect::<Vec<_>>(), ["ann"], "by the comments' author");
    let [flag, approve, remove] = &told["ann"][..] else { panic!("{told:?}") };
    assert_eq!((flag.action, flag.comment.to_string()), (Decided::Flag, flagged.clone()));
    assert!(flag.component.starts_with("words ") && flag.slot == "words", "{flag:?}");
    assert!(
        flag.reason.contains("blimey") && flag.generation.is_some() && flag.moderator.is_none(),
        "{flag:?}"
    );
    assert_eq!((approve.action, approve.comment.to_string()), (Decided::Approve, flagged));
    assert_eq!((remove.action, remove.comment.to_string()), (Decided::Remove, seen));
    assert_eq!(
        (remove.moderator.as_ref().unwrap().as_str(), remove.reason.as_str()),
        ("mona", "as I see it")
    );
    assert!(remove.component.is_empty() && remove.stream.as_str() == "s", "{remove:?}");
    assert!(approve.offset > flag.offset && remove.offset > approve.offset);
}
