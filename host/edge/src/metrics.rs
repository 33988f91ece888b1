//! What the edge counts, for `/metrics`. Each shard counts for itself; nothing is shared between threads that send.

mod delays;

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::hub::Sent;
use crate::room::Payload;
use crate::services::now_ms;
use delays::Delays;

/// Labels of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Shard {
    shard: u64,
}

/// Labels of a close.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: u64,
}

/// Labels of a command.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// Labels of a shard's queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Queue {
    shard: u64,
    queue: &'static str,
}

/// All that the edge counts.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    connections: Family<Shard, Gauge>,
    opened: Family<Shard, Counter>,
    closes: Family<Code, Counter>,
    commands: Family<Kind, Counter>,
    sends: Family<Shard, Counter>,
    bytes: Family<Shard, Counter>,
    full: Family<Shard, Counter>,
    deliveries: Family<Shard, Counter>,
    due: Counter,
    delivery_seconds: Delays,
    sweeps: Family<Shard, Counter>,
    sweep_us: Family<Shard, Counter>,
    visits: Family<Shard, Counter>,
    queued: Family<Queue, Gauge>,
    directed_dropped: Family<Shard, Counter>,
    /// Rooms open on this host.
    pub rooms: Gauge,
    /// Bytes in the logs of all rooms.
    pub room_bytes: Gauge,
}

impl Metrics {
    /// Makes all of it visible. Names get the registry's prefix.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("connections", "WebSocket connections", self.connections.clone());
        registry.register("opened", "WebSocket connections opened", self.opened.clone());
        registry.register("closes", "connections closed, by close code", self.closes.clone());
        registry.register("commands", "commands of clients, by type", self.commands.clone());
        registry.register("sends", "calls of send", self.sends.clone());
        registry.register("sent_bytes", "bytes given to sockets", self.bytes.clone());
        registry.register("full_sends", "sends that found the socket full", self.full.clone());
        registry.register("deliveries", "events given to members' sockets", self.deliveries.clone());
        registry.register("due", "events that members' sockets were to be given", self.due.clone());
        registry.register(
            "delivery_seconds",
            "time from an event's acceptance to a member's socket",
            self.delivery_seconds.clone(),
        );
        registry.register("sweeps", "sweeps of rooms", self.sweeps.clone());
        registry.register("sweep_microseconds", "time spent in sweeps", self.sweep_us.clone());
        registry.register("sweep_visits", "members visited by sweeps", self.visits.clone());
        registry.register("queued", "what waits in a shard's queues", self.queued.clone());
        registry.register(
            "directed_dropped",
            "times that messages to single users were dropped as too many waited",
            self.directed_dropped.clone(),
        );
        registry.register("rooms", "rooms open", self.rooms.clone());
        registry.register("room_log_bytes", "bytes in the logs of all rooms", self.room_bytes.clone());
    }

    /// So many events are to be given to sockets.
    pub(crate) fn due(&self, events: usize) {
        self.due.inc_by(events as u64);
    }

    /// The counters of one shard.
    pub(crate) fn shard(&self, shard: usize) -> ShardMetrics {
        let shard = shard as u64;
        let labels = Shard { shard };
        let queue = |queue| self.queued.get_or_create(&Queue { shard, queue }).clone();
        ShardMetrics {
            connections: self.connections.get_or_create(&labels).clone(),
            opened: self.opened.get_or_create(&labels).clone(),
            sends: self.sends.get_or_create(&labels).clone(),
            bytes: self.bytes.get_or_create(&labels).clone(),
            full: self.full.get_or_create(&labels).clone(),
            deliveries: self.deliveries.get_or_create(&labels).clone(),
            sweeps: self.sweeps.get_or_create(&labels).clone(),
            sweep_us: self.sweep_us.get_or_create(&labels).clone(),
            visits: self.visits.get_or_create(&labels).clone(),
            directed_dropped: self.directed_dropped.get_or_create(&labels).clone(),
            undecoded: queue("undecoded"),
            unencoded: queue("unencoded"),
            all: self.clone(),
        }
    }
}

/// The counters of one shard.
#[derive(Debug, Clone)]
pub(crate) struct ShardMetrics {
    pub(crate) connections: Gauge,
    pub(crate) opened: Counter,
    sends: Counter,
    bytes: Counter,
    full: Counter,
    deliveries: Counter,
    sweeps: Counter,
    sweep_us: Counter,
    visits: Counter,
    pub(crate) directed_dropped: Counter,
    pub(crate) undecoded: Gauge,
    pub(crate) unencoded: Gauge,
    all: Metrics,
}

impl ShardMetrics {
    pub(crate) fn sent(&self, sent: Sent) {
        self.sends.inc();
        match sent {
            Sent::Bytes(bytes) => {
                self.bytes.inc_by(bytes as u64);
            }
            Sent::Full => {
                self.full.inc();
            }
            Sent::Gone => {}
        }
    }

    /// Events were given to the sockets of so many members.
    pub(crate) fn delivered(&self, payload: &Payload, members: u64) {
        self.deliveries.inc_by(payload.events as u64 * members);
        let now_ms = now_ms();
        for (at_ms, count) in &*payload.moments {
            // A host whose clock is behind the producer's has them at once.
            self.all.delivery_seconds.observe(now_ms.saturating_sub(*at_ms), u64::from(*count) * members);
        }
    }

    pub(crate) fn swept(&self, took: Duration, visited: usize) {
        self.sweeps.inc();
        self.sweep_us.inc_by(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        self.visits.inc_by(visited as u64);
    }

    pub(crate) fn closed(&self, code: u16) {
        self.all.closes.get_or_create(&Code { code: u64::from(code) }).inc();
    }

    pub(crate) fn command(&self, kind: &'static str) {
        self.all.commands.get_or_create(&Kind { kind }).inc();
    }
}
