//! Appending: what one call brings goes to the cluster in one run, and is answered when all of it is acknowledged.
//!
//! The client sends each record again until it is in the log of all in-sync copies, once and in order, or until
//! [`APPEND_MAX`] is over. So an outage is waited for that long, and then told.

mod group;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::statistics::Statistics;
use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use ringside_ports::log::{Durability, NewRecord};
use tokio::sync::{oneshot, watch};
use tracing::{error, warn};

use crate::client::{self, ANSWER_MAX, POLL, ProducerBounds, Reporter};
use crate::failure;
use crate::options::{Compression, KafkaOptions};
use crate::topics::Reports;
use group::Group;
pub(crate) use group::InFlight;

/// How long a record is tried for. Restarting a broker and changing a leader take some seconds; longer, and whoever
/// wrote the comment has gone on: then they are told to try again.
pub(crate) const APPEND_MAX: Duration = Duration::from_secs(4);
/// How much later the client tells at the most: it looks for late records once a second.
const APPEND_SLACK: Duration = Duration::from_secs(2);
/// Records that may be on their way: three seconds of 20,000 comments/s, so that a change of leader fills nothing.
const IN_FLIGHT_RECORDS_MAX: usize = 65_536;
/// Bytes of key and payload that may be on their way: so many records of 500 bytes.
const IN_FLIGHT_BYTES_MAX: usize = 32 << 20;
/// How long a producer that ends waits for what was queued.
const FLUSH_MAX: Duration = Duration::from_secs(2);

/// What this process knows of a partition it appends to.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// Held while a call's records are handed over: they stand next to each other.
    order: Mutex<()>,
    /// The offset after the newest record that was acknowledged here.
    next: Arc<AtomicU64>,
}

impl Written {
    /// The offset after the newest record that was acknowledged to this process.
    pub(crate) fn next(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }
}

/// A client, and the thread that serves it.
struct Client {
    kafka: BaseProducer<Deliveries>,
    stop: AtomicBool,
}

/// All records that are compressed alike take this way.
pub(crate) struct Producer {
    options: KafkaOptions,
    compression: Compression,
    client: RwLock<Arc<Client>>,
    in_flight: Arc<InFlight>,
}

impl Producer {
    pub(crate) fn start(options: &KafkaOptions, compression: Compression) -> KafkaResult<Self> {
        let client = RwLock::new(start(options, compression)?);
        let in_flight = Arc::new(InFlight::new(IN_FLIGHT_RECORDS_MAX, IN_FLIGHT_BYTES_MAX));
        Ok(Self { options: options.clone(), compression, client, in_flight })
    }

    pub(crate) fn compression(&self) -> Compression {
        self.compression
    }

    pub(crate) fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }

    /// Waits until the first record would be acknowledged as quickly as all others: a producer asks for its identity
    /// first, which takes up to a second. False when that does not come.
    pub(crate) async fn warm(&self) -> bool {
        let mut warm = self.client().kafka.context().warm.subscribe();
        tokio::time::timeout(ANSWER_MAX, warm.wait_for(|warm| *warm)).await.is_ok_and(|warm| warm.is_ok())
    }

    /// What went wrong last.
    pub(crate) fn reporter(&self) -> Reporter {
        self.client().kafka.context().reporter.clone()
    }

    fn client(&self) -> Arc<Client> {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The client's view of the cluster, for questions: it has no fetch on its connections that answers would have to
    /// wait behind. Blocks.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&rdkafka::client::Client<Deliveries>) -> T) -> T {
        question(self.client().kafka.client())
    }

    /// Appends records to a partition, and returns the first's offset, or a lower bound of it where it is not waited
    /// for.
    pub(crate) async fn append(
        &self,
        topic: &str,
        partition: i32,
        written: &Written,
        records: &[NewRecord],
        durability: Durability,
    ) -> PortResult<u64> {
        let bytes = records.iter().map(|record| record.key.len() + record.payload.len()).sum();
        let Some(room) = self.in_flight.take(records.len(), bytes) else {
            let detail = format!(
                "{} records of {} bytes wait for the cluster already: try again",
                self.in_flight.records(),
                self.in_flight.bytes()
            );
            let busy = PortError::new(PortErrorKind::Busy, "log.append", detail);
            return Err(busy.after(failure::BUSY_RETRY_AFTER));
        };
        let least = written.next();
        let (done, answer) = oneshot::channel();
        let waits = (durability == Durability::Durable).then_some(done);
        let group = Group::new(records.len(), written.next.clone(), room, waits);
        self.send(topic, partition, written, records, &group);
        if durability == Durability::Queued {
            return Ok(least);
        }
        match tokio::time::timeout(APPEND_MAX + APPEND_SLACK, answer).await {
            Ok(Ok(Ok(first))) => Ok(first),
            Ok(Ok(Err(error))) => {
                self.renew_broken();
                Err(self.failed(topic, partition, &error))
            }
            Ok(Err(_)) | Err(_) => {
                let detail = format!("{topic}/{partition}: no answer came");
                Err(failure::unavailable("log.append", detail))
            }
        }
    }

    /// Hands over all records in one run. What cannot be handed over fails with its group.
    fn send(
        &self,
        topic: &str,
        partition: i32,
        written: &Written,
        records: &[NewRecord],
        group: &Arc<Group>,
    ) {
        let client = self.client();
        let _order = written.order.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, record) in records.iter().enumerate() {
            let next = BaseRecord::with_opaque_to(topic, group.clone())
                .partition(partition)
                .key(record.key.as_str())
                .payload(record.payload.as_ref());
            if let Err((error, _)) = client.kafka.send(next) {
                self.renew_broken();
                group.fail(records.len() - at, error);
                return;
            }
        }
    }

    fn failed(&self, topic: &str, partition: i32, error: &KafkaError) -> PortError {
        let what = match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::MessageTimedOut) => {
                let last =
                    self.reporter().last().map(|(_, reason)| format!(" ({reason})")).unwrap_or_default();
                format!(
                    "{topic}/{partition}: the brokers at {} did not acknowledge within {} s{last}",
                    self.options.servers,
                    APPEND_MAX.as_secs()
                )
            }
            _ => format!("{topic}/{partition}"),
        };
        failure::of("log.append", &what, error)
    }

    /// Begins anew after a failure that the client cannot recover from: it lost count of what the broker has of it, as
    /// when a topic was made again.
    fn renew_broken(&self) {
        let mut client = self.client.write().unwrap_or_else(PoisonError::into_inner);
        let Some((_, cause)) = client.kafka.client().fatal_error() else { return };
        match start(&self.options, self.compression) {
            Ok(new) => {
                error!(cause, "the producer cannot go on and is begun anew");
                client.stop.store(true, Ordering::Relaxed);
                *client = new;
            }
            Err(error) => error!(cause, %error, "the producer cannot go on, and none can be begun"),
        }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.client().stop.store(true, Ordering::Relaxed);
    }
}

/// Makes a client, and a thread that hears what becomes of its records until it is stopped.
fn start(options: &KafkaOptions, compression: Compression) -> KafkaResult<Arc<Client>> {
    // The client's own bounds lie above ours, which refuse before it does.
    let bounds = ProducerBounds {
        records: IN_FLIGHT_RECORDS_MAX * 2,
        bytes: IN_FLIGHT_BYTES_MAX * 2,
        timeout: APPEND_MAX,
    };
    let config = client::producer(options, compression, bounds);
    let client = Arc::new(Client {
        kafka: config.create_with_context(Deliveries::default())?,
        stop: AtomicBool::new(false),
    });
    let served = client.clone();
    let serve = move || {
        while !served.stop.load(Ordering::Relaxed) {
            served.kafka.poll(POLL);
        }
        if let Err(error) = served.kafka.flush(FLUSH_MAX) {
            warn!(%error, "a producer ended with records that were queued and not acknowledged");
        }
    };
    std::thread::Builder::new()
        .name("kafka-producer".into())
        .spawn(serve)
        .map_err(|error| KafkaError::ClientCreation(format!("no thread: {error}")))?;
    Ok(client)
}

/// Hears what becomes of records.
#[derive(Default)]
pub(crate) struct Deliveries {
    reporter: Reporter,
    warm: watch::Sender<bool>,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.reporter.note(error, reason);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        // Of all it tells, only this is asked for.
        if !*self.warm.borrow()
            && let Ok(statistics) = serde_json::from_slice::<Statistics>(statistics)
            && statistics.eos.is_some_and(|eos| eos.idemp_state == "Assigned")
        {
            self.warm.send_replace(true);
        }
    }
}

impl Reports for Deliveries {
    fn reporter(&self) -> &Reporter {
        &self.reporter
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Arc<Group>;

    fn delivery(&self, result: &DeliveryResult<'_>, group: Arc<Group>) {
        match result {
            Ok(message) => group.acknowledged(rdkafka::Message::offset(message)),
            Err((error, _)) => group.fail(1, error.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::mocking::MockCluster;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

    use super::*;

    const WAIT_MAX: Duration = Duration::from_secs(60);

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_producer_that_lost_count_is_begun_anew() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("rooms", 1, 1).unwrap();
        let options = KafkaOptions::at(cluster.bootstrap_servers());
        let producer = Producer::start(&options, Compression::Snappy).unwrap();
        let written = Written::default();
        let append = async || {
            let records = [NewRecord { key: "stream".into(), payload: "payload".into() }];
            let append = producer.append("rooms", 0, &written, &records, Durability::Durable);
            tokio::time::timeout(WAIT_MAX, append).await.unwrap()
        };
        append().await.unwrap();
        let lost_count = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
        cluster.request_errors(RDKafkaApiKey::Produce, &[lost_count]);
        let before = producer.client();
        let error = append().await.unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Unavailable, "{error}");
        assert!(!Arc::ptr_eq(&before, &producer.client()), "the old client takes nothing any more");
        append().await.unwrap();
        assert_eq!(producer.in_flight().records(), 0);
    }
}
