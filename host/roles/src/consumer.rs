//! Reading a partition of the log: decoding, dropping what comes twice, waiting at the end, trying again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ringside_core::encoding::{self, Undecodable};
use ringside_core::{Event, HostId};
use ringside_ports::error::PortErrorKind;
use ringside_ports::log::{Record, Topic};
use ringside_ports::{Log, PortResult};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use crate::metrics::ConsumerLabel;
use crate::workers::Worker;

/// Most records read at once.
pub const READ_RECORDS_MAX: usize = 2_000;
/// About as many bytes are read at once.
pub const READ_BYTES_MAX: usize = 2 << 20;
/// Producers whose last number is remembered: hosts of a region over a day of restarts. Past it the memory is
/// cleared, and a record that comes twice just then is shown twice.
const PRODUCERS_MAX: usize = 4_096;
/// Wait after a first failure, doubled with each that follows up to [`BACKOFF_MAX`].
const BACKOFF_MIN: Duration = Duration::from_millis(50);
/// Longest wait after failures.
pub const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// How long to wait before something that failed is tried again.
#[derive(Debug)]
pub struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(BACKOFF_MIN)
    }
}

impl Backoff {
    /// Waits, the next time twice as long; false when `stop` came first.
    pub async fn wait(&mut self, stop: &CancellationToken) -> bool {
        let wait = self.0;
        self.0 = (wait * 2).min(BACKOFF_MAX);
        tokio::select! {
            () = stop.cancelled() => false,
            () = tokio::time::sleep(wait) => true,
        }
    }
}

/// What to do with a record that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnPoison {
    /// Keep it in the dead letters. One role of a host does so, the writer.
    Keep,
    /// Go past it.
    Skip,
}

/// Events that were read together.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Offset and event, ascending.
    pub events: Vec<(u64, Event)>,
    /// The offset after the last record read.
    pub next: u64,
}

/// How far a worker has carried out its partition, kept in the log for whoever takes over.
pub struct Place {
    log: Arc<dyn Log>,
    worker: Arc<Worker>,
    kept: Option<u64>,
}

impl Place {
    /// The place of the worker's role in its partition.
    ///
    /// # Errors
    /// When the log cannot tell it.
    pub async fn find(log: Arc<dyn Log>, worker: Arc<Worker>) -> PortResult<Self> {
        let kept = log.committed(worker.role(), Topic::RoomEvents, worker.partition()).await?;
        Ok(Self { log, worker, kept })
    }

    /// The offset that was kept last; none on a log that the role did not read yet.
    #[must_use]
    pub fn kept(&self) -> Option<u64> {
        self.kept
    }

    /// Keeps the offset before which everything has had its effect. When that fails it is tried with the next call,
    /// and who takes over before carries some of it out again, which every role can bear.
    pub async fn keep(&mut self, offset: u64) {
        if self.kept == Some(offset) {
            return;
        }
        let (role, partition) = (self.worker.role(), self.worker.partition());
        match self.log.commit(role, Topic::RoomEvents, partition, offset).await {
            Ok(()) => self.kept = Some(offset),
            Err(error) => {
                warn!(role, partition, %error, "a place in the log could not be kept, trying again");
            }
        }
    }
}

/// A worker's reader of its partition.
pub struct Consumer {
    log: Arc<dyn Log>,
    next: u64,
    on_poison: OnPoison,
    last_of: HashMap<HostId, u64>,
    worker: Arc<Worker>,
    /// The last read failed, so that the worker is listed as failing.
    failed: bool,
    stop: CancellationToken,
}

impl Consumer {
    /// A reader that begins at `next`.
    #[must_use]
    pub fn new(
        log: Arc<dyn Log>,
        next: u64,
        on_poison: OnPoison,
        worker: Arc<Worker>,
        stop: CancellationToken,
    ) -> Self {
        worker.at(next, 0);
        worker.succeeded();
        Self { log, next, on_poison, last_of: HashMap::new(), worker, failed: false, stop }
    }

    fn label(&self) -> ConsumerLabel {
        ConsumerLabel { role: self.worker.role() }
    }

    /// Returns when [`Consumer::next`] has something to do. Cancel-safe, which `next` is not: a role that waits
    /// for other things too selects on this and then calls `next` to its end.
    pub async fn ready(&self) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            // A failure is `next`'s to handle.
            _ = self.log.wait_for(Topic::RoomEvents, self.worker.partition(), self.next) => {}
        }
    }

    /// The next events; waits for them, and through failures of the log. None when the role is to end.
    pub async fn next(&mut self) -> Option<Chunk> {
        let mut backoff = Backoff::default();
        loop {
            let stop = self.stop.clone();
            let read = tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                read = self.read() => read,
            };
            match read {
                Ok(chunk) => {
                    self.worker.succeeded();
                    return Some(chunk);
                }
                Err(error) if self.pass_damage(error.kind, error.resume_at) => {
                    error!(
                        role = self.worker.role(), partition = self.worker.partition(), resumed_at = self.next, %error,
                        "went past damaged records of the log: what they said is lost to this role"
                    );
                }
                Err(error) => {
                    warn!(role = self.worker.role(), partition = self.worker.partition(), %error, "reading the log failed, trying again");
                    self.worker.failed(&error);
                    self.failed = true;
                    if !backoff.wait(&stop).await {
                        return None;
                    }
                }
            }
        }
    }

    /// Goes on behind records that are damaged, where the log says how: one place of one stream must not keep every
    /// other stream of the partition from going on. False when that is not what failed.
    fn pass_damage(&mut self, kind: PortErrorKind, resume_at: Option<u64>) -> bool {
        let Some(resume_at) = resume_at.filter(|at| kind == PortErrorKind::Corrupt && *at > self.next) else {
            return false;
        };
        self.worker.metrics().damaged.get_or_create(&self.label()).inc_by(resume_at - self.next);
        self.next = resume_at;
        true
    }

    /// Carries out an effect of what was read, again and again until it succeeds: nothing is skipped because a backend
    /// is away. None when the role is to end.
    pub async fn carry_out<T, F>(&self, effect: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = PortResult<T>>,
    {
        let mut backoff = Backoff::default();
        loop {
            match effect().await {
                Ok(done) => {
                    self.worker.succeeded();
                    return Some(done);
                }
                Err(error) => {
                    warn!(role = self.worker.role(), partition = self.worker.partition(), %error, "an effect failed, trying again");
                    self.worker.failed(&error);
                    if !backoff.wait(&self.stop).await {
                        return None;
                    }
                }
            }
        }
    }

    async fn read(&mut self) -> PortResult<Chunk> {
        let partition = self.worker.partition();
        if self.failed {
            // On a partition where nobody says anything it would be listed as failing long after all is well.
            self.log.extent(Topic::RoomEvents, partition).await?;
            self.worker.succeeded();
            self.failed = false;
        }
        self.log.wait_for(Topic::RoomEvents, partition, self.next).await?;
        let records =
            self.log.read(Topic::RoomEvents, partition, self.next, READ_RECORDS_MAX, READ_BYTES_MAX).await?;
        self.worker.metrics().records.get_or_create(&self.label()).inc_by(records.len() as u64);
        if let Some(first) = records.first().filter(|first| first.offset > self.next) {
            warn!(
                role = self.worker.role(),
                partition,
                from = self.next,
                to = first.offset,
                "records were dropped by retention before this role read them"
            );
        }
        let end = self.log.extent(Topic::RoomEvents, partition).await?.next;
        let mut chunk = Chunk { events: Vec::with_capacity(records.len()), next: self.next };
        // Taken over only when the whole read succeeded: a read that is tried again must not find its own
        // events known already.
        let mut seen = HashMap::new();
        for record in records {
            if let Some(event) = self.decode(&record, &mut seen).await? {
                chunk.events.push((record.offset, event));
            }
            chunk.next = record.offset + 1;
        }
        self.remember(seen);
        self.next = chunk.next;
        self.worker.at(chunk.next, end.saturating_sub(chunk.next));
        Ok(chunk)
    }

    async fn decode(&self, record: &Record, seen: &mut HashMap<HostId, u64>) -> PortResult<Option<Event>> {
        match encoding::decode_keyed(&record.key, &record.payload) {
            Ok(event) => Ok(self.is_new(&event, seen).then_some(event)),
            Err(Undecodable::UnknownKind(kind)) => {
                self.worker.metrics().unknown_kinds.inc();
                debug!(role = self.worker.role(), offset = record.offset, %kind, "skipped an event of an unknown kind");
                Ok(None)
            }
            Err(reason) => {
                if self.on_poison == OnPoison::Keep {
                    crate::dead_letters::keep(&self.log, self.worker.partition(), record, reason.to_string())
                        .await?;
                    self.worker.metrics().dead_letters.inc();
                    warn!(partition = self.worker.partition(), offset = record.offset, %reason, "kept a record as a dead letter");
                }
                Ok(None)
            }
        }
    }

    /// False for a record that this reader has seen: producers number their records.
    fn is_new(&self, event: &Event, seen: &mut HashMap<HostId, u64>) -> bool {
        let last = seen.get(&event.producer).or_else(|| self.last_of.get(&event.producer)).copied();
        if last.is_some_and(|last| event.sequence <= last) {
            self.worker.metrics().duplicates.inc();
            return false;
        }
        seen.insert(event.producer.clone(), event.sequence);
        true
    }

    fn remember(&mut self, seen: HashMap<HostId, u64>) {
        if self.last_of.len() + seen.len() > PRODUCERS_MAX {
            self.last_of.clear();
        }
        self.last_of.extend(seen);
    }
}
