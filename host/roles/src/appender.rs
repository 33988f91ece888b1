//! The one door into the log: gives comments their ids in the log's order, numbers this producer's records, and
//! appends what waits as one group.

use bytes::Bytes;
use ringside_core::error::Problem;
use ringside_core::ids::CommentIds;
use ringside_core::{Event, EventKind, Failure, HostId, RegionId, StreamId, encoding};
use ringside_ports::log::{Durability, NewRecord, Topic};
use ringside_ports::{Log, Span};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::metrics::RoleMetrics;

/// Drafts that wait for one partition: a second of 20,000 comments/s is let wait through two slow syncs of
/// 200 ms; more means that the log is away, and clients are told to try again.
pub const QUEUE_CAPACITY: usize = 8_192;
/// Most records in one group: about half a megabyte of ordinary comments.
const GROUP_RECORDS_MAX: usize = 2_048;
/// How long clients are asked to wait when the queue is full or the log fails.
const RETRY_AFTER: Duration = Duration::from_millis(1_000);

/// An event in the log.
#[derive(Debug, Clone)]
pub struct Appended {
    /// As it stands there.
    pub event: Event,
    /// An offset that it is below, near to it.
    pub next: u64,
}

struct Draft {
    stream: StreamId,
    kind: EventKind,
    durability: Durability,
    done: Option<oneshot::Sender<Result<Appended, Failure>>>,
    span: Option<Span>,
}

/// Appends events. Cheap to clone.
#[derive(Clone)]
pub struct Appender {
    region: RegionId,
    log: Arc<dyn Log>,
    queues: Arc<[mpsc::Sender<Draft>]>,
}

/// Who produces.
#[derive(Debug, Clone)]
pub struct Producer {
    /// The region whose events these are.
    pub region: RegionId,
    /// This process.
    pub host: HostId,
    /// A random number, drawn for this process: the tail of its comment ids.
    pub seed: u64,
}

impl Appender {
    /// Starts one task a partition on the current runtime. They end when all clones are dropped.
    pub fn start(log: Arc<dyn Log>, producer: &Producer, clock: &Clock, metrics: &RoleMetrics) -> Self {
        let queues = (0..log.partitions(Topic::RoomEvents))
            .map(|partition| {
                let (sender, queue) = mpsc::channel(QUEUE_CAPACITY);
                let worker = Worker {
                    log: log.clone(),
                    partition,
                    // Two partitions must not draw one id in one millisecond: each has its own tail.
                    ids: CommentIds::new(producer.seed.wrapping_add(u64::from(partition))),
                    producer: producer.clone(),
                    sequence: 0,
                    clock: clock.clone(),
                    metrics: metrics.clone(),
                };
                tokio::spawn(worker.run(queue));
                sender
            })
            .collect();
        Self { region: producer.region.clone(), log, queues }
    }

    /// The region whose events these are.
    #[must_use]
    pub fn region(&self) -> &RegionId {
        &self.region
    }

    fn queue(&self, stream: &StreamId) -> Result<&mpsc::Sender<Draft>, Failure> {
        let partition = self.log.partition_of(Topic::RoomEvents, stream.as_str());
        usize::try_from(partition).ok().and_then(|index| self.queues.get(index)).ok_or_else(|| {
            Failure::new(Problem::Internal, format!("stream {stream} has no partition {partition}"))
        })
    }

    /// Appends an event and returns it as it stands in the log, durably. A `CommentAccepted` gets its id here:
    /// the one it is given is replaced.
    ///
    /// # Errors
    /// `Unavailable` with a wait when the queue is full or the log fails.
    pub async fn append(&self, stream: &StreamId, kind: EventKind) -> Result<Appended, Failure> {
        self.append_in(stream, kind, None).await
    }

    /// As [`Appender::append`], within a span that is over when the event is in the log, and that all who read it
    /// there go on from.
    ///
    /// # Errors
    /// Those of [`Appender::append`].
    pub async fn append_in(
        &self,
        stream: &StreamId,
        kind: EventKind,
        span: Option<Span>,
    ) -> Result<Appended, Failure> {
        let (done, answer) = oneshot::channel();
        let durability = Durability::Durable;
        let draft = Draft { stream: stream.clone(), kind, durability, done: Some(done), span };
        self.queue(stream)?.try_send(draft).map_err(|_| busy())?;
        answer.await.unwrap_or_else(|_| Err(busy()))
    }

    /// Queues an event that nobody waits for (totals and counts). False when the queue was full and it is lost.
    pub fn queue_event(&self, stream: &StreamId, kind: EventKind) -> bool {
        let draft =
            Draft { stream: stream.clone(), kind, durability: Durability::Queued, done: None, span: None };
        self.queue(stream).is_ok_and(|queue| queue.try_send(draft).is_ok())
    }
}

fn busy() -> Failure {
    Failure::retry(Problem::Unavailable, "the log does not take more just now", RETRY_AFTER)
}

struct Worker {
    log: Arc<dyn Log>,
    partition: u32,
    producer: Producer,
    ids: CommentIds,
    sequence: u64,
    clock: Clock,
    metrics: RoleMetrics,
}

impl Worker {
    async fn run(mut self, mut queue: mpsc::Receiver<Draft>) {
        let mut drafts = Vec::with_capacity(GROUP_RECORDS_MAX);
        while queue.recv_many(&mut drafts, GROUP_RECORDS_MAX).await > 0 {
            self.metrics.append_group.observe(f64::from(u32::try_from(drafts.len()).unwrap_or(u32::MAX)));
            self.append(&mut drafts).await;
        }
    }

    async fn append(&mut self, drafts: &mut Vec<Draft>) {
        let mut records = Vec::with_capacity(drafts.len());
        let mut answers = Vec::with_capacity(drafts.len());
        let mut spans = Vec::new();
        let mut durability = Durability::Queued;
        let group = drafts.len();
        for draft in drafts.drain(..) {
            let mut event = self.event(draft.stream, draft.kind);
            if let Some(mut span) = draft.span {
                self.trace(&mut event, &mut span, group);
                spans.push(span);
            }
            records.push(NewRecord {
                key: event.stream.as_str().to_owned(),
                payload: Bytes::from(encoding::encode(&event)),
            });
            if draft.durability == Durability::Durable {
                durability = Durability::Durable;
            }
            if let Some(done) = draft.done {
                answers.push((done, event));
            }
        }
        let count = records.len() as u64;
        match self.log.append(Topic::RoomEvents, self.partition, records, durability).await {
            Ok(first) => {
                let next = first + count;
                for (done, event) in answers {
                    // A caller that is gone (its connection closed) does not take the comment back.
                    let _ = done.send(Ok(Appended { event, next }));
                }
            }
            Err(failure) => {
                self.metrics.append_failures.inc();
                spans.iter_mut().for_each(|span| span.fail(&failure));
                let retry_after = failure.retry_after.unwrap_or(RETRY_AFTER);
                if failure.is_transient() {
                    warn!(partition = self.partition, error = %failure, "append failed, clients are asked to try again");
                } else {
                    error!(partition = self.partition, error = %failure, "append failed");
                }
                for (done, _) in answers {
                    let detail = "the log could not take the comment; nothing was lost, try again";
                    let _ = done.send(Err(Failure::retry(Problem::Unavailable, detail, retry_after)));
                }
            }
        }
    }

    /// Sends a span's trace along with an event.
    fn trace(&self, event: &mut Event, span: &mut Span, group: usize) {
        let context = span.trace().context();
        event.trace = Some(context);
        span.set("ringside.stream", event.stream.as_str());
        span.set("ringside.partition", self.partition);
        span.set("ringside.records", group);
        if let EventKind::CommentAccepted(comment) | EventKind::CommentModerated { comment } = &event.kind {
            span.about(comment);
            let trace_id = context.trace_id();
            info!(trace_id, stream = %event.stream, comment = %comment.id, partition = self.partition, "a traced comment goes into the log");
        }
    }

    fn event(&mut self, stream: StreamId, mut kind: EventKind) -> Event {
        let now_ms = self.clock.now_ms();
        if let EventKind::CommentAccepted(comment) = &mut kind {
            comment.id = self.ids.next(now_ms);
            comment.at_ms = now_ms;
        }
        self.sequence += 1;
        Event {
            stream,
            origin: self.producer.region.clone(),
            producer: self.producer.host.clone(),
            sequence: self.sequence,
            at_ms: now_ms,
            trace: None,
            kind,
        }
    }
}
