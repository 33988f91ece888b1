//! A broker that is killed, and one that hangs: nothing acknowledged is lost, and everything goes on by itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

mod support;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ringside_kafka::KafkaLog;
use ringside_ports::Log;
use ringside_ports::error::PortErrorKind;
use ringside_ports::log::Durability;
use support::{PARTITIONS, ROOMS, all, begin, broker, hurt, key_of, options, record, within};

/// What all appenders were told.
#[derive(Default)]
struct Told {
    acknowledged: AtomicUsize,
    refused: AtomicUsize,
    enough: AtomicBool,
}

impl Told {
    async fn until(&self, what: impl Fn(&Self) -> bool) {
        within(async {
            while !what(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

/// Appends groups to a partition until it is enough; returns the payloads of those that were acknowledged.
async fn appends(log: Arc<KafkaLog>, partition: u32, told: Arc<Told>) -> Vec<String> {
    let key = key_of(&*log, partition);
    let mut acknowledged = Vec::new();
    let mut number = 0;
    while !told.enough.load(Ordering::Relaxed) {
        let payloads: Vec<String> = (number..number + 1 + number % 30).map(|n| format!("{n}")).collect();
        number += payloads.len();
        let records = payloads.iter().map(|payload| record(&key, payload.clone())).collect();
        match within(log.append(ROOMS, partition, records, Durability::Durable)).await {
            Ok(_) => {
                told.acknowledged.fetch_add(payloads.len(), Ordering::Relaxed);
                acknowledged.extend(payloads);
            }
            Err(error) => {
                assert!(error.is_transient() && error.retry_after.is_some(), "{error}");
                told.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    acknowledged
}

/// Reads a partition as roles do, until it has seen this payload; returns all it saw.
async fn follows(log: Arc<KafkaLog>, partition: u32) -> Vec<(u64, String)> {
    let mut seen: Vec<(u64, String)> = Vec::new();
    loop {
        let next = seen.last().map_or(0, |(offset, _)| offset + 1);
        if log.wait_for(ROOMS, partition, next).await.is_err() {
            continue;
        }
        let Ok(records) = log.read(ROOMS, partition, next, 100, 100_000).await else { continue };
        for record in records {
            let payload = String::from_utf8(record.payload.to_vec()).unwrap();
            if payload == "end" {
                return seen;
            }
            seen.push((record.offset, payload));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_broker_loses_nothing_that_was_acknowledged_and_doubles_nothing() {
    let server = broker(&[]).await;
    let options = options(server.address());
    let log = Arc::new(begin(&options).await);
    let told = Arc::new(Told::default());
    let appenders: Vec<_> = (0..PARTITIONS)
        .map(|partition| tokio::spawn(appends(log.clone(), partition, told.clone())))
        .collect();
    let readers: Vec<_> =
        (0..PARTITIONS).map(|partition| tokio::spawn(follows(log.clone(), partition))).collect();
    told.until(|told| told.acknowledged.load(Ordering::Relaxed) > 5_000).await;
    let server = hurt(server, |server| server.kill().unwrap()).await;
    // Down for long enough that appends are given up.
    told.until(|told| told.refused.load(Ordering::Relaxed) > PARTITIONS as usize).await;
    let server = hurt(server, |server| server.restart().unwrap()).await;
    let before = told.acknowledged.load(Ordering::Relaxed);
    told.until(|told| told.acknowledged.load(Ordering::Relaxed) > before + 5_000).await;
    told.enough.store(true, Ordering::Relaxed);

    let again = KafkaLog::connect(&options).await.unwrap();
    for (partition, (appender, reader)) in (0..PARTITIONS).zip(appenders.into_iter().zip(readers)) {
        let acknowledged = appender.await.unwrap();
        let end = vec![record(&key_of(&*log, partition), "end")];
        within(log.append(ROOMS, partition, end, Durability::Durable)).await.unwrap();
        let seen = within(reader).await.unwrap();
        let kept: Vec<_> = all(&again, partition)
            .await
            .into_iter()
            .map(|record| (record.offset, String::from_utf8(record.payload.to_vec()).unwrap()))
            .filter(|(_, payload)| payload != "end")
            .collect();
        assert_eq!(seen, kept, "who followed saw what is there, once and in order");
        let distinct: HashSet<_> = kept.iter().map(|(_, payload)| payload).collect();
        assert_eq!(distinct.len(), kept.len(), "nothing is there twice");
        let place: HashMap<_, _> = kept.iter().map(|(offset, payload)| (payload, offset)).collect();
        let places: Vec<_> = acknowledged.iter().map(|payload| place.get(payload).copied()).collect();
        assert!(places.iter().all(Option::is_some), "all that was acknowledged is there");
        assert!(places.is_sorted(), "in the order of its appends");
    }
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_hangs_is_told_as_unavailable_and_all_goes_on_when_it_does() {
    let server = broker(&[]).await;
    let options = options(server.address());
    let log = Arc::new(begin(&options).await);
    let key = key_of(&*log, 0);
    let one = |payload: &str| vec![record(&key, payload.to_owned())];
    log.append(ROOMS, 0, one("before"), Durability::Durable).await.unwrap();
    log.commit("writer", ROOMS, 0, 1).await.unwrap();
    assert_eq!(log.read(ROOMS, 0, 0, 10, 1_000).await.unwrap().len(), 1);

    let server = hurt(server, |server| server.stop().unwrap()).await;
    // Eighty thousand records do not fit in.
    let many: Vec<_> = (0..40)
        .map(|_| {
            let (log, records) = (log.clone(), (0..2_000).map(|n| record(&key, format!("{n}"))).collect());
            tokio::spawn(async move { log.append(ROOMS, 0, records, Durability::Durable).await })
        })
        .collect();
    let mut kinds = Vec::new();
    for one in many {
        let error = within(one).await.unwrap().unwrap_err();
        assert!(error.retry_after.is_some(), "{error}");
        kinds.push(error.kind);
    }
    assert!(kinds.contains(&PortErrorKind::Busy) && kinds.contains(&PortErrorKind::Unavailable), "{kinds:?}");
    let append = within(log.append(ROOMS, 0, one("while"), Durability::Durable)).await.unwrap_err();
    assert!(append.to_string().contains(server.address()), "{append}");
    for error in [
        append,
        within(log.extent(ROOMS, 1)).await.unwrap_err(),
        within(log.read(ROOMS, 1, 0, 10, 1_000)).await.unwrap_err(),
        within(log.wait_for(ROOMS, 1, 0)).await.unwrap_err(),
        within(log.commit("writer", ROOMS, 0, 2)).await.unwrap_err(),
        within(log.committed("writer", ROOMS, 0)).await.unwrap_err(),
    ] {
        assert_eq!(error.kind, PortErrorKind::Unavailable, "{error}");
    }

    let server = hurt(server, |server| server.go_on().unwrap()).await;
    within(async {
        while log.append(ROOMS, 0, one("after"), Durability::Durable).await.is_err() {}
        while log.extent(ROOMS, 1).await.is_err() {}
        while log.read(ROOMS, 1, 0, 10, 1_000).await.is_err() {}
        while log.commit("writer", ROOMS, 0, 3).await.is_err() {}
        while log.committed("writer", ROOMS, 0).await.is_err() {}
    })
    .await;
    assert_eq!(log.committed("writer", ROOMS, 0).await.unwrap(), Some(3));
    let kept = all(&*log, 0).await;
    assert_eq!(kept[0].payload, "before");
    assert_eq!(kept.last().unwrap().payload, "after");
    assert_eq!(log.figures().in_flight_records, 0, "nothing is left on its way");
    drop(server);
}
