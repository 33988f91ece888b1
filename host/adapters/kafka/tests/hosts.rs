//! Several hosts on one log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

mod support;

use std::collections::HashMap;
use std::sync::Arc;

use ringside_kafka::KafkaLog;
use ringside_ports::Log;
use ringside_ports::log::Durability;
use support::{ROOMS, all, begin, key_of, options, record, shared, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_agree_on_epoch_partitions_and_the_log_and_each_keeps_its_order() {
    const ROUNDS: usize = 100;
    let options = options(&shared());
    let one = Arc::new(begin(&options).await);
    let two = Arc::new(KafkaLog::connect(&options).await.unwrap());
    assert_eq!(one.epoch(), two.epoch());
    let keys = (0..200).map(|n| format!("stream-{n}"));
    assert!(keys.into_iter().all(|key| one.partition_of(ROOMS, &key) == two.partition_of(ROOMS, &key)));

    let appenders = [(one.clone(), "one"), (two.clone(), "two")].map(|(log, name)| {
        tokio::spawn(async move {
            let key = key_of(&*log, 0);
            let mut firsts = HashMap::new();
            for round in 0..ROUNDS {
                let records = (0..5).map(|at| record(&key, format!("{name}/{round}/{at}"))).collect();
                let first = log.append(ROOMS, 0, records, Durability::Durable).await.unwrap();
                firsts.insert(format!("{name}/{round}/0"), first);
            }
            firsts
        })
    });
    let mut told = HashMap::new();
    for appender in appenders {
        told.extend(within(appender).await.unwrap());
    }
    let records = all(&*one, 0).await;
    assert_eq!(records, all(&*two, 0).await);
    assert_eq!(records.len(), 2 * ROUNDS * 5);
    for name in ["one", "two"] {
        let payloads: Vec<_> = records
            .iter()
            .map(|record| String::from_utf8(record.payload.to_vec()).unwrap())
            .filter(|payload| payload.starts_with(name))
            .collect();
        let expected: Vec<_> =
            (0..ROUNDS).flat_map(|round| (0..5).map(move |at| format!("{name}/{round}/{at}"))).collect();
        assert_eq!(payloads, expected, "what one host appended is in its order");
    }
    for record in records {
        let payload = String::from_utf8(record.payload.to_vec()).unwrap();
        assert!(
            told.get(&payload).is_none_or(|first| *first == record.offset),
            "{payload} is where it was told"
        );
    }
}

/// A room begins so: it asks how far the log goes, and reads up to there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_extent_tells_of_another_hosts_records_can_be_read_at_once() {
    let options = options(&shared());
    let one = begin(&options).await;
    let two = KafkaLog::connect(&options).await.unwrap();
    // It follows the partition already.
    assert_eq!(two.read(ROOMS, 0, 0, 10, 1_000).await.unwrap(), []);
    let key = key_of(&one, 0);
    for n in 0..300u64 {
        let offset =
            one.append(ROOMS, 0, vec![record(&key, n.to_string())], Durability::Durable).await.unwrap();
        assert_eq!(offset, n);
        let mut next = two.extent(ROOMS, 0).await.unwrap().next;
        within(async {
            // What another host appended it may leave out for a moment.
            while next < n + 1 {
                next = two.extent(ROOMS, 0).await.unwrap().next;
            }
        })
        .await;
        let read = two.read(ROOMS, 0, n, 10, 1_000).await.unwrap();
        assert_eq!(read.len(), 1, "offset {n} of {next}");
    }
}
