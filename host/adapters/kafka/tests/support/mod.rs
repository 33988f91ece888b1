//! What the tests of this crate have in common.
#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test uses a part of it")]

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use ringside_kafka::{KafkaLog, KafkaOptions, Topics};
use ringside_ports::Log;
use ringside_ports::log::{NewRecord, Record, Topic};
use ringside_services::{Folder, Server, kafka};

pub const ROOMS: Topic = Topic::RoomEvents;
pub const PARTITIONS: u32 = 4;

/// The broker that all tests share.
pub fn shared() -> String {
    std::env::var("RINGSIDE_TEST_KAFKA")
        .expect("RINGSIDE_TEST_KAFKA is not set: run cargo xtask services up, or cargo xtask test")
}

/// Topics that no other test has.
pub fn options(servers: &str) -> KafkaOptions {
    KafkaOptions {
        prefix: format!("kafka-{:016x}.", fastrand::u64(..)),
        topics: Topics::of_one_broker(PARTITIONS),
        ..KafkaOptions::at(servers)
    }
}

/// Makes the topics and connects.
pub async fn begin(options: &KafkaOptions) -> KafkaLog {
    KafkaLog::create_topics(options).await.expect("topics");
    KafkaLog::connect(options).await.expect("connected")
}

/// A broker of the test's own, to be hurt.
pub async fn broker(properties: &[(&str, &str)]) -> Server {
    let properties = properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let options = kafka::Options { properties, ..kafka::Options::default() };
    let start = move || {
        let folder = Folder::temporary().expect("a folder");
        kafka::start(&folder, &format!("kafka-{:08x}", fastrand::u32(..)), &options).expect("a broker")
    };
    tokio::task::spawn_blocking(start).await.unwrap()
}

/// Does something to a server that takes a while.
pub async fn hurt(mut server: Server, how: impl FnOnce(&mut Server) + Send + 'static) -> Server {
    let hurts = move || {
        how(&mut server);
        server
    };
    tokio::task::spawn_blocking(hurts).await.unwrap()
}

pub async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("it did not come in 60 s")
}

/// A key of this partition.
pub fn key_of(log: &dyn Log, partition: u32) -> String {
    let mut keys = (0..10_000).map(|n| format!("stream-{n}"));
    keys.find(|key| log.partition_of(ROOMS, key) == partition).unwrap()
}

pub fn record(key: &str, payload: impl Into<Bytes>) -> NewRecord {
    NewRecord { key: key.to_owned(), payload: payload.into() }
}

pub async fn all(log: &dyn Log, partition: u32) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let from = records.last().map_or(0, |last| last.offset + 1);
        let more = log.read(ROOMS, partition, from, 10_000, 16 << 20).await.expect("read");
        if more.is_empty() {
            return records;
        }
        records.extend(more);
    }
}
