//! The coordinator: reads the log and relays each stream's events to the hosts that have members of it, with the
//! sampling plan that holds for them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ringside_core::sampling::Plan;
use ringside_core::{Event, EventKind, StreamId};
use ringside_ports::log::Topic;
use ringside_ports::policy::StreamLoad;
use ringside_ports::relay::RelayBatch;
use ringside_ports::{Directory, Log, Policy, PortResult, Relay, Span, Traces};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::clock::Clock;
use crate::consumer::{Chunk, Consumer, OnPoison, Place};
use crate::pace::Pace;
use crate::workers::Worker;

/// Streams whose place and plan are remembered; the longest quiet are forgotten first.
const STREAMS_MAX: usize = 50_000;
/// A stream's plan is asked for again after this long.
const PLAN_AGE_MS: u64 = 1_000;
/// Streams that must exceed this many comments a second before the throttle is asked at all: below it no plan
/// samples, and quiet streams cost no call.
const PLAN_FROM_PER_SECOND: u32 = 10;
/// Records before the end that a coordinator which takes over relays again at most: the one before it kept its place
/// every [`SWEEP`], so this is a second of 20,000 comments. What is older, hosts find in the log when they join.
const REPEATED_MAX: u64 = 20_000;
/// Mentions and replies older than this, in milliseconds, are told to nobody beyond the room: a coordinator that catches up
/// would tell them long after.
const TARGETED_AGE_MS: u64 = 60_000;
/// While sampling, a quiet moment must not leave the banner up: plans are looked at this often.
const SWEEP: Duration = Duration::from_millis(1_000);

/// What the coordinator works with.
#[derive(Clone)]
pub struct CoordinatorServices {
    /// Read.
    pub log: Arc<dyn Log>,
    /// Written.
    pub relay: Arc<dyn Relay>,
    /// Asked for plans.
    pub policy: Arc<dyn Policy>,
    /// Asked for viewers.
    pub directory: Arc<dyn Directory>,
    /// Time.
    pub clock: Clock,
}

/// Offset and event, ascending.
type Events = Vec<(u64, Arc<Event>)>;

struct StreamState {
    /// Offset after the last event read when this stream's last batch was published.
    published: u64,
    plan: Plan,
    planned_at_ms: u64,
}

/// Relays a partition until `stop`: from where the coordinator before stopped, since what came between would reach
/// viewers only with their stream's next event.
///
/// # Errors
/// When the log's extent or the place cannot be read at the start.
pub async fn run(
    services: CoordinatorServices,
    worker: Arc<Worker>,
    stop: CancellationToken,
) -> PortResult<()> {
    let place = Place::find(services.log.clone(), worker.clone()).await?;
    let extent = services.log.extent(Topic::RoomEvents, worker.partition()).await?;
    // On a log that no coordinator read yet, viewers may have come and spoken before this one began.
    let start = place.kept().unwrap_or(extent.first);
    let start = start.clamp(extent.next.saturating_sub(REPEATED_MAX), extent.next);
    relay_from(services, worker, start, Some(place), stop).await;
    Ok(())
}

/// Relays a partition within this process from `start` on until `stop`, beside the coordinator that relays it to all.
pub async fn run_beside(
    services: CoordinatorServices,
    worker: Arc<Worker>,
    start: u64,
    stop: CancellationToken,
) {
    relay_from(services, worker, start, None, stop).await;
}

/// Keeps its place in the log where it has one.
async fn relay_from(
    services: CoordinatorServices,
    worker: Arc<Worker>,
    start: u64,
    mut place: Option<Place>,
    stop: CancellationToken,
) {
    let (partition, traces) = (worker.partition(), worker.traces().clone());
    let mut consumer = Consumer::new(services.log.clone(), start, OnPoison::Skip, worker, stop);
    let mut coordinator =
        Coordinator { services, partition, start, streams: HashMap::new(), pace: Pace::default(), traces };
    let mut read_to = start;
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            () = consumer.ready() => match consumer.next().await {
                Some(chunk) => {
                    read_to = chunk.next;
                    coordinator.relay(chunk).await;
                }
                None => break,
            },
            _ = sweep.tick() => {
                coordinator.lift_plans().await;
                if let Some(place) = &mut place {
                    place.keep(read_to).await;
                }
            }
        }
    }
    if let Some(place) = &mut place {
        place.keep(read_to).await;
    }
}

struct Coordinator {
    services: CoordinatorServices,
    partition: u32,
    start: u64,
    streams: HashMap<StreamId, StreamState>,
    pace: Pace,
    traces: Traces,
}

impl Coordinator {
    async fn relay(&mut self, chunk: Chunk) {
        let mut by_stream: Vec<(StreamId, Events)> = Vec::new();
        let mut index: HashMap<StreamId, usize> = HashMap::new();
        let mut spans: Vec<(usize, Span)> = Vec::new();
        for (offset, mut event) in chunk.events {
            let at = *index.entry(event.stream.clone()).or_insert_with(|| {
                by_stream.push((event.stream.clone(), Vec::new()));
                by_stream.len() - 1
            });
            if let Some(span) = self.traces.of_event("relay", self.partition, offset, &event) {
                // Hosts go on from here.
                event.trace = Some(span.trace().context());
                spans.push((at, span));
            }
            if let Some((_, events)) = by_stream.get_mut(at) {
                events.push((offset, Arc::new(event)));
            }
        }
        for (at, (stream, events)) in by_stream.into_iter().enumerate() {
            let comments = events
                .iter()
                .filter(|(_, event)| matches!(event.kind, EventKind::CommentAccepted(_)))
                .count();
            let now_ms = self.services.clock.now_ms();
            let comments = u32::try_from(comments).unwrap_or(u32::MAX);
            let per_second = self.pace.count(&stream, comments, now_ms);
            self.plan(&stream, per_second, now_ms).await;
            self.publish(stream, events, chunk.next).await;
            spans.retain(|(of, _)| *of != at);
        }
    }

    async fn plan(&mut self, stream: &StreamId, per_second: u32, now_ms: u64) {
        let start = self.start;
        if self.streams.len() >= STREAMS_MAX && !self.streams.contains_key(stream) {
            // A forgotten stream's next batch says `from` the start: a host never takes that for a gap.
            let quiet_before = now_ms.saturating_sub(60_000);
            self.streams.retain(|_, state| state.planned_at_ms > quiet_before);
        }
        let state = self.streams.entry(stream.clone()).or_insert_with(|| StreamState {
            published: start,
            plan: Plan::default(),
            planned_at_ms: 0,
        });
        if now_ms.saturating_sub(state.planned_at_ms) < PLAN_AGE_MS {
            return;
        }
        state.planned_at_ms = now_ms;
        if per_second < PLAN_FROM_PER_SECOND && state.plan == Plan::default() {
            return;
        }
        let viewers = self.services.directory.viewers(now_ms, stream).await.unwrap_or(0);
        let viewers = u32::try_from(viewers).unwrap_or(u32::MAX);
        let load = StreamLoad { stream: stream.clone(), comments_per_second: per_second, viewers };
        match self.services.policy.plan(load).await {
            Ok(plan) => state.plan = plan,
            Err(error) => debug!(%stream, %error, "the last sampling plan goes on"),
        }
    }

    async fn publish(&mut self, stream: StreamId, events: Events, next: u64) {
        let Some(state) = self.streams.get_mut(&stream) else { return };
        let since_ms = self.services.clock.now_ms().saturating_sub(TARGETED_AGE_MS);
        let is_news = |event: &Event| is_targeted(event) && event.at_ms >= since_ms;
        let targeted: Vec<_> = events.iter().filter(|(_, event)| is_news(event)).cloned().collect();
        let from = state.published;
        state.published = next;
        let plan = state.plan.clone();
        let batch = |events| RelayBatch {
            stream: stream.clone(),
            partition: self.partition,
            from,
            next,
            plan: plan.clone(),
            events,
        };
        if let Err(error) = self.services.relay.publish(Arc::new(batch(events))).await {
            // Hosts see the hole by the next batch's `from` and read the log.
            warn!(%stream, %error, "relaying failed, hosts will read the log");
        }
        if !targeted.is_empty()
            && let Err(error) = self.services.relay.publish_targeted(Arc::new(batch(targeted))).await
        {
            warn!(%stream, %error, "relaying mentions failed");
        }
    }

    /// Streams that fell silent while sampled get the plan of a quiet stream.
    async fn lift_plans(&mut self) {
        let now_ms = self.services.clock.now_ms();
        let sampled: Vec<StreamId> = self
            .streams
            .iter()
            .filter(|(_, state)| state.plan != Plan::default())
            .map(|(stream, _)| stream.clone())
            .collect();
        for stream in sampled {
            let per_second = self.pace.count(&stream, 0, now_ms);
            let before = self.streams.get(&stream).map(|state| (state.plan.clone(), state.published));
            self.plan(&stream, per_second, now_ms).await;
            let after = self.streams.get(&stream).map(|state| state.plan.clone());
            if let (Some((before, published)), Some(after)) = (before, after)
                && before != after
            {
                self.publish(stream, Vec::new(), published).await;
            }
        }
    }
}

/// True for events that reach users beyond the room: mentions, and replies to someone.
fn is_targeted(event: &Event) -> bool {
    match &event.kind {
        EventKind::CommentAccepted(comment) | EventKind::CommentApproved { comment, .. } => {
            !comment.mentions.is_empty() || comment.reply_to.is_some()
        }
        _ => false,
    }
}
