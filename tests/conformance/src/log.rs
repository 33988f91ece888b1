//! What every log must do.

mod consumers;
mod reads;

use std::sync::Arc;

use bytes::Bytes;
use ringside_ports::Log;
use ringside_ports::error::PortErrorKind;
use ringside_ports::log::{Durability, NewRecord, RECORD_BYTES_MAX, Record, Topic};
use tokio::task::JoinSet;

use crate::Place;

pub use consumers::*;
pub use reads::*;

crate::checks!($ log log_tests [Place<dyn Log>] {
    a_new_log_is_empty_and_has_an_epoch,
    records_come_back_as_they_were_written,
    records_of_one_append_stand_next_to_each_other,
    concurrent_appends_leave_no_gap_and_keep_each_callers_order,
    what_was_acknowledged_can_be_read_at_once,
    queued_records_keep_their_place_and_are_there_with_the_next_durable_ones,
    a_queued_append_tells_a_lower_bound_of_its_offset,
    a_key_of_another_partition_is_refused_with_its_whole_append,
    a_payload_that_is_too_large_is_refused_with_its_whole_append,
    a_key_has_one_partition_and_keys_are_spread,
    partitions_and_topics_have_offsets_of_their_own,
    a_restart_keeps_every_record_and_the_epoch,
    a_read_takes_at_most_as_many_records_as_asked_for,
    a_read_takes_about_as_many_bytes_as_asked_for_and_at_least_one_record,
    a_read_at_the_end_is_empty,
    reads_from_any_offset_begin_there,
    waiting_for_what_is_there_returns_at_once,
    waiting_ends_with_the_record_that_was_waited_for,
    a_wait_that_is_given_up_loses_nothing,
    a_reader_that_follows_sees_every_record_once_and_in_order,
    the_extent_grows_with_what_is_durable,
    a_group_that_never_committed_has_no_place,
    places_are_kept_by_group_topic_and_partition,
    a_place_may_be_set_back,
    a_restart_sets_no_place_ahead,
    who_joins_a_group_alone_has_every_partition,
    a_process_joins_a_group_once_at_a_time,
    a_cancelled_wait_for_a_share_loses_nothing,
});

/// Records read at once by these checks: enough for all of them.
const ALL: usize = 1_000_000;
const BYTES: usize = 256 << 20;

pub(crate) fn record(key: &str, payload: impl Into<Bytes>) -> NewRecord {
    NewRecord { key: key.into(), payload: payload.into() }
}

/// A key of this partition; the n-th such.
pub(crate) fn key_of(log: &dyn Log, partition: u32, n: usize) -> String {
    let keys = (0..100_000u32).map(|k| format!("stream-{k}"));
    keys.filter(|key| log.partition_of(Topic::RoomEvents, key) == partition).nth(n).expect("a key of it")
}

/// Appends a durable record to partition 0 of the room events.
pub(crate) async fn append(log: &dyn Log, payload: impl Into<Bytes>) -> u64 {
    let key = key_of(log, 0, 0);
    let records = vec![record(&key, payload)];
    log.append(Topic::RoomEvents, 0, records, Durability::Durable).await.expect("appended")
}

/// All that partition 0 of the room events holds.
pub(crate) async fn all(log: &dyn Log) -> Vec<Record> {
    read_all(log, Topic::RoomEvents, 0).await
}

pub(crate) async fn read_all(log: &dyn Log, topic: Topic, partition: u32) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let from = records.last().map_or(0, |last| last.offset + 1);
        let more = log.read(topic, partition, from, ALL, BYTES).await.expect("read");
        if more.is_empty() {
            return records;
        }
        records.extend(more);
    }
}

fn assert_dense(records: &[Record], count: usize) {
    assert_eq!(records.len(), count);
    for (index, record) in records.iter().enumerate() {
        assert_eq!(record.offset, index as u64, "offsets have no gap");
    }
}

pub async fn a_new_log_is_empty_and_has_an_epoch<P: Place<dyn Log>>() {
    let (one, other) = (P::fresh().await, P::fresh().await);
    let (log, another) = (one.open().await, other.open().await);
    for topic in Topic::ALL {
        assert!(log.partitions(topic) >= 1);
        for partition in 0..log.partitions(topic) {
            assert_eq!(read_all(&*log, topic, partition).await, []);
            let extent = log.extent(topic, partition).await.unwrap();
            assert_eq!((extent.first, extent.next), (0, 0));
        }
    }
    assert_ne!(log.epoch(), another.epoch(), "offsets of one log mean nothing in another");
}

pub async fn records_come_back_as_they_were_written<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    let sizes = [1, 0, 7, 4_096, 65_537, 300_000, RECORD_BYTES_MAX, 2];
    let mut written = Vec::new();
    for (n, size) in sizes.into_iter().enumerate() {
        let payload: Bytes = (0..size).map(|at| (at * 31 + n) as u8).collect();
        let key = key_of(&*log, 0, n);
        let records = vec![record(&key, payload.clone())];
        let offset = log.append(Topic::RoomEvents, 0, records, Durability::Durable).await.unwrap();
        written.push(Record { offset, key, payload });
    }
    assert_eq!(all(&*log).await, written);
}

pub async fn records_of_one_append_stand_next_to_each_other<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    let keys = [key_of(&*log, 0, 0), key_of(&*log, 0, 1)];
    append(&*log, "before").await;
    let records: Vec<_> = (0..500).map(|n| record(&keys[n % 2], n.to_string())).collect();
    let first = log.append(Topic::RoomEvents, 0, records.clone(), Durability::Durable).await.unwrap();
    assert_eq!(first, 1);
    assert_eq!(append(&*log, "after").await, 501);
    let found = all(&*log).await;
    assert_dense(&found, 502);
    for (found, written) in found[1..501].iter().zip(&records) {
        assert_eq!((&found.key, &found.payload), (&written.key, &written.payload));
    }
}

/// Appends as many tasks do at once; returns what each was told: (task, number, offset of the first, count).
async fn appends_at_once(log: &Arc<dyn Log>, tasks: usize, each: usize) -> Vec<(usize, usize, u64, usize)> {
    let mut running = JoinSet::new();
    for task in 0..tasks {
        let (log, key) = (log.clone(), key_of(&**log, 0, task % 7));
        running.spawn(async move {
            let mut told = Vec::new();
            for number in 0..each {
                let count = 1 + (task + number) % 3;
                let records = (0..count).map(|at| record(&key, format!("{task}/{number}/{at}"))).collect();
                let offset =
                    log.append(Topic::RoomEvents, 0, records, Durability::Durable).await.expect("appended");
                told.push((task, number, offset, count));
            }
            told
        });
    }
    let mut told = Vec::new();
    while let Some(of_one) = running.join_next().await {
        told.extend(of_one.expect("a task"));
    }
    told
}

pub async fn concurrent_appends_leave_no_gap_and_keep_each_callers_order<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    let told = appends_at_once(&log, 50, 20).await;
    let records = all(&*log).await;
    assert_dense(&records, told.iter().map(|(.., count)| count).sum());
    for (task, number, first, count) in &told {
        for at in 0..*count {
            let found = &records[usize::try_from(*first).unwrap() + at];
            assert_eq!(found.payload, format!("{task}/{number}/{at}"), "what was told is what is there");
        }
    }
    for task in 0..50 {
        let mut of_task: Vec<_> = told.iter().filter(|(one, ..)| *one == task).collect();
        of_task.sort_by_key(|(_, number, ..)| *number);
        assert!(of_task.is_sorted_by_key(|(.., offset, _)| *offset), "{of_task:?}");
    }
}

pub async fn what_was_acknowledged_can_be_read_at_once<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    for n in 0..50u64 {
        let offset = append(&*log, n.to_string()).await;
        assert_eq!(offset, n);
        let found = log.read(Topic::RoomEvents, 0, offset, 1, BYTES).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].payload, n.to_string());
    }
}

pub async fn queued_records_keep_their_place_and_are_there_with_the_next_durable_ones<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    let key = key_of(&*log, 0, 0);
    for n in 0..100 {
        let durability = if n % 10 == 9 { Durability::Durable } else { Durability::Queued };
        let records = vec![record(&key, n.to_string())];
        log.append(Topic::RoomEvents, 0, records, durability).await.unwrap();
        if durability == Durability::Durable {
            let found = all(&*log).await;
            assert_dense(&found, n + 1);
            assert!(found.iter().enumerate().all(|(at, found)| found.payload == at.to_string()));
        }
    }
}

pub async fn a_queued_append_tells_a_lower_bound_of_its_offset<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    let key = key_of(&*log, 0, 0);
    let mut running = JoinSet::new();
    for task in 0..8 {
        let (log, key) = (log.clone(), key.clone());
        running.spawn(async move {
            let mut told = Vec::new();
            for number in 0..50 {
                let name = format!("{task}/{number}");
                let durability = if number % 10 == 9 { Durability::Durable } else { Durability::Queued };
                let records = vec![record(&key, name.clone())];
                let offset = log.append(Topic::RoomEvents, 0, records, durability).await.expect("appended");
                told.push((name, durability, offset));
            }
            told
        });
    }
    let mut told = Vec::new();
    while let Some(of_one) = running.join_next().await {
        told.extend(of_one.expect("a task"));
    }
    let records = all(&*log).await;
    assert_dense(&records, told.len());
    for (name, durability, offset) in told {
        let found = records.iter().find(|record| record.payload == name).expect("it is there").offset;
        match durability {
            Durability::Durable => assert_eq!(found, offset, "{name}"),
            Durability::Queued => assert!(found >= offset, "{name} is at {found}, not before {offset}"),
        }
    }
}

pub async fn a_key_of_another_partition_is_refused_with_its_whole_append<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    assert!(log.partitions(Topic::RoomEvents) >= 2, "the suite needs a log of two partitions");
    let records = vec![record(&key_of(&*log, 0, 0), "right"), record(&key_of(&*log, 1, 0), "wrong")];
    for durability in [Durability::Durable, Durability::Queued] {
        let error = log.append(Topic::RoomEvents, 0, records.clone(), durability).await.unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Invalid, "{error}");
    }
    assert_eq!(append(&*log, "next").await, 0, "nothing of it is in the log");
    assert_dense(&all(&*log).await, 1);
}

pub async fn a_payload_that_is_too_large_is_refused_with_its_whole_append<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    let key = key_of(&*log, 0, 0);
    let records = vec![record(&key, "right"), record(&key, vec![0; RECORD_BYTES_MAX + 1])];
    let error = log.append(Topic::RoomEvents, 0, records, Durability::Durable).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Invalid, "{error}");
    assert_eq!(append(&*log, "next").await, 0, "nothing of it is in the log");
    assert_dense(&all(&*log).await, 1);
}

pub async fn a_key_has_one_partition_and_keys_are_spread<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    let spread = |log: &dyn Log| -> Vec<u32> {
        (0..2_000).map(|n| log.partition_of(Topic::RoomEvents, &format!("stream-{n}"))).collect()
    };
    let before = spread(&*log);
    let partitions = log.partitions(Topic::RoomEvents);
    for partition in 0..partitions {
        let share = before.iter().filter(|one| **one == partition).count();
        assert!(share * partitions as usize >= 2_000 / 2, "partition {partition} has {share} of 2000 keys");
    }
    assert!(before.iter().all(|one| *one < partitions));
    drop(log);
    assert_eq!(spread(&*place.open().await), before);
}

pub async fn partitions_and_topics_have_offsets_of_their_own<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    let (zero, one) = (key_of(&*log, 0, 0), key_of(&*log, 1, 0));
    let dead = log.partition_of(Topic::DeadLetters, &zero);
    let places =
        [(Topic::RoomEvents, 0, &zero), (Topic::RoomEvents, 1, &one), (Topic::DeadLetters, dead, &zero)];
    for round in 0..3 {
        for (topic, partition, key) in places {
            let payload = format!("{}/{partition}/{round}", topic.name());
            let records = vec![record(key, payload)];
            let offset = log.append(topic, partition, records, Durability::Durable).await.unwrap();
            assert_eq!(offset, round);
        }
    }
    for (topic, partition, key) in places {
        let found = read_all(&*log, topic, partition).await;
        assert_dense(&found, 3);
        for (round, found) in found.iter().enumerate() {
            assert_eq!(found.payload, format!("{}/{partition}/{round}", topic.name()));
            assert_eq!(&found.key, key);
        }
    }
}

pub async fn a_restart_keeps_every_record_and_the_epoch<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let mut count = 0;
    let mut epochs = Vec::new();
    for _ in 0..3 {
        let log = place.open().await;
        epochs.push(log.epoch());
        let told = appends_at_once(&log, 10, 10).await;
        assert!(told.iter().all(|(.., offset, _)| *offset >= count as u64), "no offset is given out twice");
        count += told.iter().map(|(.., count)| count).sum::<usize>();
        let before = all(&*log).await;
        assert_dense(&before, count);
        drop(log);
        let log = place.open().await;
        assert_eq!(all(&*log).await, before);
        assert_eq!(log.extent(Topic::RoomEvents, 0).await.unwrap().next, count as u64);
    }
    assert!(epochs.iter().all(|epoch| *epoch == epochs[0]), "{epochs:?}");
}
