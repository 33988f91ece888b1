//! Records that the brokers' disk has damaged: named, and passed by whoever wants to go on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

mod support;

use std::path::Path;

use ringside_kafka::{Compression, KafkaLog, KafkaOptions};
use ringside_ports::Log;
use ringside_ports::error::PortErrorKind;
use ringside_ports::log::Durability;
use support::{ROOMS, all, begin, broker, key_of, options, record, within};

/// Changes a byte of a record on the broker's disk.
fn damage(data: &Path, options: &KafkaOptions, partition: u32, payload: &str) {
    let folder = data.join(format!("{}-{partition}", options.topic_name(ROOMS)));
    let path = folder.join("00000000000000000000.log");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(payload.len()).position(|window| window == payload.as_bytes()).unwrap();
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();
}

/// Reads all of a partition, past what is damaged; returns what was read and which offsets were passed.
async fn read_on(log: &KafkaLog, partition: u32) -> (Vec<String>, Vec<(u64, u64)>) {
    let (mut read, mut passed, mut from) = (Vec::new(), Vec::new(), 0);
    loop {
        match within(log.read(ROOMS, partition, from, 7, 100_000)).await {
            Ok(records) if records.is_empty() => return (read, passed),
            Ok(records) => {
                from = records.last().unwrap().offset + 1;
                read.extend(records.iter().map(|record| String::from_utf8(record.payload.to_vec()).unwrap()));
            }
            Err(error) => {
                assert_eq!(error.kind, PortErrorKind::Corrupt, "{error}");
                let resume_at = error.resume_at.expect("where to go on");
                passed.push((from, resume_at));
                from = resume_at;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_costs_its_batch_and_nothing_before_or_behind_it() {
    let server = broker(&[]).await;
    let mut options = options(server.address());
    // So that a payload is found on the disk.
    options.topics.get_mut(ROOMS).unwrap().compression = Compression::None;
    let log = begin(&options).await;
    for partition in [0, 1] {
        let key = key_of(&log, partition);
        for group in 0..6 {
            let records = (0..10).map(|n| record(&key, format!("record-{group}-{n}."))).collect();
            log.append(ROOMS, partition, records, Durability::Durable).await.unwrap();
        }
    }
    let every: Vec<String> = all(&log, 1)
        .await
        .into_iter()
        .map(|record| String::from_utf8(record.payload.to_vec()).unwrap())
        .collect();
    assert_eq!(every.len(), 60);
    let data = server.folder().join("data");
    damage(&data, &options, 0, "record-2-5.");
    damage(&data, &options, 0, "record-5-9.");

    let again = KafkaLog::connect(&options).await.unwrap();
    let (read, passed) = read_on(&again, 0).await;
    assert_eq!(passed.len(), 2, "{passed:?}");
    let [(first, behind), (last, end)] = passed[..] else { panic!("{passed:?}") };
    // A group is one batch or two: the first record may go ahead of the others.
    assert!((20..=25).contains(&first) && (26..=30).contains(&behind), "{passed:?}");
    assert!((50..=59).contains(&last) && end == 60, "{passed:?}");
    let whole = every.iter().enumerate().filter(|(offset, _)| {
        let offset = *offset as u64;
        !(first..behind).contains(&offset) && !(last..end).contains(&offset)
    });
    assert_eq!(read, whole.map(|(_, payload)| payload.clone()).collect::<Vec<_>>());
    assert_eq!(read_on(&again, 1).await, (every, vec![]), "another partition does not notice");
    // It goes on behind the damage, for who reads there already too.
    let after = vec![record(&key_of(&log, 0), "after")];
    assert_eq!(log.append(ROOMS, 0, after, Durability::Durable).await.unwrap(), 60);
    for log in [&log, &again] {
        within(log.wait_for(ROOMS, 0, 60)).await.unwrap();
        let read = within(log.read(ROOMS, 0, 60, 10, 1_000)).await.unwrap();
        assert_eq!(read[0].payload, "after");
    }
}
