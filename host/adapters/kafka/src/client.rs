//! How each client of the cluster is set up, and where what it logs goes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tracing::{debug, error, warn};

use crate::options::{Compression, KafkaOptions, MESSAGE_BYTES_MAX};

/// Longest time that a call waits for a broker: what hangs is told as `Unavailable` while whoever asked still waits.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(4);
/// A failure is taken for the cause of what fails so soon after.
const RECENT: Duration = Duration::from_secs(10);
/// How long a poll of a client's thread blocks: so long a stop may take.
pub(crate) const POLL: Duration = Duration::from_millis(100);
/// How long a broker holds a fetch back for want of records. Records end it at once; but a partition that comes to the
/// tail waits for it, since a consumer has one fetch at a time with each broker.
const TAIL_FETCH_MS: u32 = 100;
/// The same where one partition is read after the other.
const CATCH_UP_FETCH_MS: u32 = 10;
/// Bytes that one fetch may bring: some of the largest records.
const FETCH_BYTES_MAX: usize = 16 << 20;
/// Kilobytes that a consumer keeps ahead of who reads.
const AHEAD_KBYTES_MAX: usize = 16 << 10;
/// How long a member of a group may be silent before its partitions go to others. It is the least that brokers allow
/// where nobody changed `group.min.session.timeout.ms`; where that is higher, joining fails and the log says so.
const SESSION_MS: u32 = 6_000;
/// How often a member says that it is alive, which is also how it hears that partitions move.
const HEARTBEAT_MS: u32 = 500;
/// How long a member may not ask for its share; only a process that is stopped or stuck does not.
const MEMBER_POLL_MS_MAX: u32 = 30_000;

/// What all clients have in common.
fn common(options: &KafkaOptions) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &options.servers)
        .set("client.id", &options.client_id)
        .set("socket.keepalive.enable", "true")
        .set("socket.nagle.disable", "true")
        // A broker that hangs is left after this; one that does not take a connection too.
        .set("socket.timeout.ms", ANSWER_MAX.as_millis().to_string())
        .set("socket.connection.setup.timeout.ms", "3000")
        // A broker that restarts is found again at once: the wait stays short.
        .set("reconnect.backoff.ms", "10")
        .set("reconnect.backoff.max.ms", "200")
        .set("retry.backoff.ms", "50")
        .set("retry.backoff.max.ms", "200")
        // A topic that is missing must be made with its partitions and copies, never by asking for it.
        .set("allow.auto.create.topics", "false");
    config.set_log_level(RDKafkaLogLevel::Info);
    if let (Some(user), Some(password)) = (&options.user, &options.password) {
        config
            .set("security.protocol", "sasl_plaintext")
            .set("sasl.mechanisms", "PLAIN")
            .set("sasl.username", user)
            .set("sasl.password", password);
    }
    config
}

/// Idempotent, so that what is sent again after a broken connection is in the log once and in order.
pub(crate) fn producer(
    options: &KafkaOptions,
    compression: Compression,
    bounds: ProducerBounds,
) -> ClientConfig {
    let mut config = common(options);
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        // Who appends has gathered a group already: waiting for more only delays its acknowledgement (0.45 ms with 0,
        // 1.5 with 1, 5.7 with 5).
        .set("linger.ms", "0")
        .set("compression.type", compression.name())
        .set("message.max.bytes", MESSAGE_BYTES_MAX.to_string())
        .set("message.timeout.ms", bounds.timeout.as_millis().to_string())
        .set("request.timeout.ms", bounds.timeout.as_millis().to_string())
        .set("queue.buffering.max.messages", bounds.records.to_string())
        .set("queue.buffering.max.kbytes", (bounds.bytes / 1_024).to_string())
        // Tells when the producer is warm.
        .set("statistics.interval.ms", "500");
    config
}

/// What may be on its way in a producer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProducerBounds {
    pub(crate) records: usize,
    pub(crate) bytes: usize,
    pub(crate) timeout: Duration,
}

/// What all consumers have in common. They need a group's name even where they have no part in it.
fn consumer(options: &KafkaOptions, group: &str) -> ClientConfig {
    let mut config = common(options);
    config.set("group.id", group).set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
    config
}

fn reader(options: &KafkaOptions, fetch_ms: u32) -> ClientConfig {
    let mut config = consumer(options, &format!("{}ringside.readers", options.prefix));
    config
        .set("check.crcs", "true")
        // What retention has dropped is not waited for.
        .set("auto.offset.reset", "earliest")
        .set("fetch.wait.max.ms", fetch_ms.to_string())
        .set("fetch.max.bytes", FETCH_BYTES_MAX.to_string())
        .set("fetch.error.backoff.ms", "50")
        .set("fetch.queue.backoff.ms", "5")
        .set("queued.max.messages.kbytes", AHEAD_KBYTES_MAX.to_string());
    config
}

/// Follows the ends of all partitions that are read.
pub(crate) fn tail(options: &KafkaOptions) -> ClientConfig {
    reader(options, TAIL_FETCH_MS)
}

/// Reads one partition from some offset on, up to its end.
pub(crate) fn catch_up(options: &KafkaOptions) -> ClientConfig {
    let mut config = reader(options, CATCH_UP_FETCH_MS);
    config.set("enable.partition.eof", "true");
    config
}

/// Keeps a group's places without being a member.
pub(crate) fn places(options: &KafkaOptions, group: &str) -> ClientConfig {
    consumer(options, group)
}

/// A member of a group.
pub(crate) fn member(options: &KafkaOptions, group: &str) -> ClientConfig {
    let mut config = consumer(options, group);
    config
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", SESSION_MS.to_string())
        .set("heartbeat.interval.ms", HEARTBEAT_MS.to_string())
        .set("max.poll.interval.ms", MEMBER_POLL_MS_MAX.to_string());
    config
}

/// Makes and looks at topics.
pub(crate) fn admin(options: &KafkaOptions) -> ClientConfig {
    common(options)
}

/// Hands what a client logs to `tracing`, and remembers the last thing that went wrong.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reporter {
    last: Arc<Mutex<Option<(Instant, KafkaError, String)>>>,
}

impl Reporter {
    /// The last failure that concerned the client as a whole, such as a broker that refuses connections, if that was
    /// just now.
    pub(crate) fn last(&self) -> Option<(KafkaError, String)> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        last.filter(|(at, ..)| at.elapsed() < RECENT).map(|(_, error, reason)| (error, reason))
    }

    pub(crate) fn note(&self, error: KafkaError, reason: &str) {
        // Each attempt to connect says so again.
        debug!(%error, reason, "a client of kafka reports a failure");
        // That all are down follows from what was said of each before.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) && self.last().is_some() {
            return;
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), error, reason.to_owned()));
    }
}

pub(crate) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            error!(target: "librdkafka", facility, "{message}");
        }
        // It calls an error what it tries again by itself.
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => {
            warn!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
            debug!(target: "librdkafka", facility, "{message}");
        }
    }
}

impl ClientContext for Reporter {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.note(error, reason);
    }
}

impl ConsumerContext for Reporter {}

/// Ends clients on a thread of their own: each waits for its threads, and they for the network.
pub(crate) fn aside<T: Send + 'static>(clients: T) {
    let ends = move || drop(clients);
    // Without a thread it is done here.
    let _ = std::thread::Builder::new().name("kafka-ends".into()).spawn(ends);
}

/// A consumer that only reports.
pub(crate) type Consumer = BaseConsumer<Reporter>;
