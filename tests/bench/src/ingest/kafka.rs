//! The baseline of `ingest --region`: the client library's own producer on a topic of the same settings.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use ringside_kafka::KafkaOptions;
use ringside_ports::log::Topic;

use crate::figure::BenchError;

/// Longest wait for what is on its way at the end.
const FLUSH_MAX: Duration = Duration::from_secs(10);

/// Counts what is acknowledged and what failed.
#[derive(Default)]
struct Counts {
    acknowledged: AtomicU64,
    failed: AtomicU64,
}

impl ClientContext for Counts {}
impl ProducerContext for Counts {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let count = if result.is_ok() { &self.acknowledged } else { &self.failed };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Records a second with as many on their way as `ingest` has users, each record one of `payloads`, all of one key on one
/// partition, acknowledged by all in-sync replicas, never doubled: as the log asks for.
pub(super) fn bare(
    options: &KafkaOptions,
    payloads: &[Bytes],
    in_flight: u32,
    time: Duration,
) -> Result<f64, BenchError> {
    let producer: BaseProducer<Counts> = ClientConfig::new()
        .set("bootstrap.servers", &options.servers)
        .set("enable.idempotence", "true")
        .set("linger.ms", "0")
        .set("compression.type", "snappy")
        .create_with_context(Counts::default())?;
    let (topic, in_flight) = (options.topic_name(Topic::RoomEvents), i32::try_from(in_flight)?);
    let begun = Instant::now();
    let mut next = payloads.iter().cycle();
    while begun.elapsed() < time {
        while producer.in_flight_count() < in_flight {
            let payload = next.next().ok_or("the log has no records")?;
            let record = BaseRecord::to(&topic).partition(0).key("final").payload(&payload[..]);
            producer.send(record).map_err(|(error, _)| error)?;
        }
        producer.poll(Duration::from_millis(1));
    }
    producer.flush(FLUSH_MAX)?;
    let counts = producer.context();
    match counts.failed.load(Ordering::Relaxed) {
        0 => Ok(counts.acknowledged.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()),
        failed => Err(format!("{failed} records of the bare producer were not acknowledged").into()),
    }
}
