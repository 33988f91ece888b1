//! How fast the log on Kafka is on this machine, against a broker in `RINGSIDE_TEST_KAFKA`:
//! `cargo run --release -p ringside-kafka --example rates`.
//!
//! Appends stand beside a bare loop over the same client library with the same settings and record size, by turns in
//! the same run: brokers and machines differ more than any adapter does.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "figures are this program's output, and a failure ends it"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use ringside_kafka::{KafkaLog, KafkaOptions, Topics};
use ringside_ports::Log;
use ringside_ports::log::{Durability, NewRecord, Topic};

const ROOMS: Topic = Topic::RoomEvents;
const RECORD_BYTES: usize = 300;
/// Log and bare loop take turns of this length.
const SLICE: Duration = Duration::from_millis(1_000);
const SLICES: u32 = 7;
/// As many records as the appender of the roles gathers at most.
const GROUP: usize = 2_048;

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn percentiles(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |percent| times[(times.len() - 1) * percent / 100];
    format!("p50 {:?}, p99 {:?}", at(50), at(99))
}

/// Counts what is acknowledged.
#[derive(Default)]
struct Counts(AtomicUsize);

impl ClientContext for Counts {}
impl ProducerContext for Counts {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        assert!(result.is_ok(), "acknowledged");
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn bare_producer(servers: &str) -> BaseProducer<Counts> {
    ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("enable.idempotence", "true")
        .set("linger.ms", "0")
        .set("compression.type", "snappy")
        .create_with_context(Counts::default())
        .unwrap()
}

/// Hands over records as fast as they are taken, with at most so many on their way; records a second.
fn bare(producer: &BaseProducer<Counts>, topic: &str, payload: &[u8], in_flight: i32) -> f64 {
    let acknowledged = || producer.context().0.load(Ordering::Relaxed);
    let (begun, before) = (Instant::now(), acknowledged());
    while begun.elapsed() < SLICE {
        while producer.in_flight_count() < in_flight {
            for _ in 0..64 {
                producer
                    .send(BaseRecord::to(topic).partition(0).key("stream").payload(payload))
                    .ok()
                    .unwrap();
            }
        }
        producer.poll(Duration::from_millis(1));
    }
    producer.flush(Duration::from_secs(10)).unwrap();
    (acknowledged() - before) as f64 / begun.elapsed().as_secs_f64()
}

/// Appends to partition 0 as so many callers do, groups of `group`; records a second, and each call's time.
async fn appends(log: &Arc<KafkaLog>, callers: usize, group: usize, payload: &Bytes) -> (f64, Vec<Duration>) {
    let key = (0..).map(|n| format!("stream-{n}")).find(|key| log.partition_of(ROOMS, key) == 0).unwrap();
    let records = vec![NewRecord { key, payload: payload.clone() }; group];
    let begun = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let (log, records) = (log.clone(), records.clone());
        running.spawn(async move {
            let mut times = Vec::new();
            while begun.elapsed() < SLICE {
                let at = Instant::now();
                log.append(ROOMS, 0, records.clone(), Durability::Durable).await.unwrap();
                times.push(at.elapsed());
            }
            times
        });
    }
    let times: Vec<_> = running.join_all().await.into_iter().flatten().collect();
    ((times.len() * group) as f64 / begun.elapsed().as_secs_f64(), times)
}

/// From the call of an append to a reader at the end that has the record, one after the other.
async fn to_reader(log: &Arc<KafkaLog>, partition: u32) -> Vec<Duration> {
    let key =
        (0..).map(|n| format!("stream-{n}")).find(|key| log.partition_of(ROOMS, key) == partition).unwrap();
    let mut times = Vec::new();
    let mut next = log.extent(ROOMS, partition).await.unwrap().next;
    for _ in 0..2_000 {
        let reader = log.clone();
        let reads = tokio::spawn(async move {
            reader.wait_for(ROOMS, partition, next).await.unwrap();
            assert_eq!(reader.read(ROOMS, partition, next, 1, 1_000).await.unwrap().len(), 1);
            Instant::now()
        });
        let at = Instant::now();
        let records = vec![NewRecord { key: key.clone(), payload: Bytes::from_static(&[7; RECORD_BYTES]) }];
        log.append(ROOMS, partition, records, Durability::Durable).await.unwrap();
        times.push(reads.await.unwrap() - at);
        next += 1;
    }
    times
}

/// Reads partition 0 from its beginning, as a role that fell behind; records a second.
async fn catch_up(log: &KafkaLog) -> f64 {
    let (begun, mut read) = (Instant::now(), 0);
    let mut from = 0;
    while begun.elapsed() < SLICE {
        let records = log.read(ROOMS, 0, from, 2_000, 2 << 20).await.unwrap();
        let Some(last) = records.last() else { break };
        from = last.offset + 1;
        read += records.len();
    }
    f64::from(u32::try_from(read).unwrap()) / begun.elapsed().as_secs_f64()
}

#[tokio::main]
async fn main() {
    let servers =
        std::env::var("RINGSIDE_TEST_KAFKA").expect("RINGSIDE_TEST_KAFKA: run cargo xtask services up");
    let options = KafkaOptions {
        prefix: format!("rates-{:x}.", std::process::id()),
        topics: Topics::of_one_broker(4),
        ..KafkaOptions::at(&servers)
    };
    KafkaLog::create_topics(&options).await.unwrap();
    let begun = Instant::now();
    let log = Arc::new(KafkaLog::connect(&options).await.unwrap());
    println!("connect: {:?}", begun.elapsed());
    // Text like that of comments, which compresses to about half.
    let payload: Bytes = (0..RECORD_BYTES).map(|at| b"a comment of a viewer "[(at * at / 7) % 22]).collect();
    let topic = options.topic_name(ROOMS);

    println!(
        "append to acknowledgement, one record: {}",
        percentiles(&mut appends(&log, 1, 1, &payload).await.1)
    );
    println!("append to reader, one record: {}", percentiles(&mut to_reader(&log, 1).await));
    let producer = bare_producer(&servers);
    bare(&producer, &topic, &payload, 1_000);
    for (callers, group) in [(1, GROUP), (4, GROUP), (64, 32), (1_000, 1)] {
        let (mut ours, mut bares, mut times) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..SLICES {
            let (rate, of_slice) = appends(&log, callers, group, &payload).await;
            ours.push(rate);
            times.extend(of_slice);
            let in_flight = i32::try_from(callers * group).unwrap();
            bares.push(bare(&producer, &topic, &payload, in_flight));
        }
        let (ours, bare) = (median(&mut ours), median(&mut bares));
        println!(
            "append, {callers:>4} callers with groups of {group:>4}: {ours:>7.0} records/s, {}; bare loop with as many on their way: {bare:>7.0}/s, ratio {:.2}",
            percentiles(&mut times),
            ours / bare
        );
    }
    println!("catch up: {:.0} records/s", catch_up(&log).await);
}
