//! The circuit breaker on the relay: while the relay is away, this host reads the log itself (R43).
//!
//! Rooms subscribe here and notice nothing. Closed, batches come through the relay (far). Open, coordinators in this
//! process read every partition and relay within it (near). Rooms drop what they have and read the log where a batch
//! begins past what they have, so at each change every subscription is handed an empty batch at the log's end: whatever
//! was lost on the way before it is read then, also for a stream in which nobody says anything more.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ringside_core::StreamId;
use ringside_core::sampling::Plan;
use ringside_ports::log::Topic;
use ringside_ports::relay::{RelayBatch, RelayHealth, Subscription};
use ringside_ports::{Log, PortResult, Relay};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::consumer::Backoff;
use crate::coordinator::{self, CoordinatorServices};
use crate::workers::Workers;

/// How often it is looked whether a relay that was away is back (R43).
const RETRY_EVERY: Duration = Duration::from_secs(5);
/// How often a subscription that the relay refused is tried again while the relay works for others.
const SUBSCRIBE_EVERY: Duration = Duration::from_secs(1);

/// What the breaker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// The relay carries what is said.
    Closed,
    /// The relay is away: the log is read directly.
    Open,
    /// The relay is being asked whether it is back; the log is still read directly.
    HalfOpen,
}

impl BreakerState {
    /// Its name in logs and health.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// What the breaker works with.
pub struct BreakerServices {
    /// The relay between hosts.
    pub far: Arc<dyn Relay>,
    /// A relay within this process, that nobody else writes.
    pub near: Arc<dyn Relay>,
    /// For the coordinators that write it; their relay is replaced by `near`.
    pub coordinator: CoordinatorServices,
    /// Lists them, as `direct`.
    pub workers: Workers,
}

/// A relay for this host's rooms that goes on without the relay between hosts.
pub struct BreakerRelay {
    far: Arc<dyn Relay>,
    near: Arc<dyn Relay>,
    log: Arc<dyn Log>,
    state: watch::Receiver<BreakerState>,
}

impl BreakerRelay {
    /// Starts closed, and watches the relay until `stop`.
    #[must_use]
    pub fn start(services: BreakerServices, stop: CancellationToken) -> Arc<Self> {
        let (state, watched) = watch::channel(BreakerState::Closed);
        let relay = Self {
            far: services.far.clone(),
            near: services.near.clone(),
            log: services.coordinator.log.clone(),
            state: watched,
        };
        tokio::spawn(watch_over(services, state, stop));
        Arc::new(relay)
    }

    /// What it does now, and from now on.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<BreakerState> {
        self.state.clone()
    }

    async fn guard(&self, of: Of) -> PortResult<Box<dyn Subscription>> {
        let mut state = self.state.clone();
        let health = self.far.health();
        let outages = health.borrow().outages;
        let near = of.subscribe(&*self.near).await?;
        let works = *state.borrow_and_update() == BreakerState::Closed;
        // A relay that is known to be away would only be waited for.
        let far = if works { of.subscribe(&*self.far).await.ok() } else { None };
        Ok(Box::new(Guarded {
            owes_look: works && far.is_none(),
            of,
            near,
            far,
            works,
            relay: self.far.clone(),
            outages,
            health,
            log: self.log.clone(),
            state,
            plan: Plan::default(),
        }))
    }
}

#[async_trait]
impl Relay for BreakerRelay {
    async fn publish(&self, batch: Arc<RelayBatch>) -> PortResult<usize> {
        self.far.publish(batch).await
    }

    async fn subscribe(&self, stream: &StreamId) -> PortResult<Box<dyn Subscription>> {
        let partition = self.log.partition_of(Topic::RoomEvents, stream.as_str());
        self.guard(Of::Stream(stream.clone(), partition)).await
    }

    async fn subscribe_targeted(&self) -> PortResult<Box<dyn Subscription>> {
        self.guard(Of::Targeted).await
    }

    async fn publish_targeted(&self, batch: Arc<RelayBatch>) -> PortResult<usize> {
        self.far.publish_targeted(batch).await
    }
}

/// What is subscribed to.
#[derive(Debug, Clone)]
enum Of {
    Stream(StreamId, u32),
    Targeted,
}

impl Of {
    async fn subscribe(&self, relay: &dyn Relay) -> PortResult<Box<dyn Subscription>> {
        match self {
            Self::Stream(stream, _) => relay.subscribe(stream).await,
            Self::Targeted => relay.subscribe_targeted().await,
        }
    }
}

/// Both relays as one.
struct Guarded {
    of: Of,
    near: Box<dyn Subscription>,
    /// None while the relay is away, and until it took the subscription again.
    far: Option<Box<dyn Subscription>>,
    /// The relay works, as far as the breaker knows.
    works: bool,
    /// Something may have been lost: the log's end is to be told. Kept here, so that a call that is given up while it
    /// asks for it forgets nothing.
    owes_look: bool,
    relay: Arc<dyn Relay>,
    /// Of the relay: its outages may be over before the breaker opens.
    health: watch::Receiver<RelayHealth>,
    /// Outages of it that were looked into.
    outages: u64,
    log: Arc<dyn Log>,
    state: watch::Receiver<BreakerState>,
    /// Of the last batch: a batch that only says where the log ends must not change what is shown.
    plan: Plan,
}

enum Came {
    Batch(Arc<RelayBatch>),
    Changed,
    FarEnded,
    Outage,
    TryAgain,
    Ended,
}

impl Guarded {
    async fn come(&mut self) -> Came {
        let waits = self.owes_look;
        let far = async {
            match &mut self.far {
                Some(far) => far.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            batch = far => batch.map_or(Came::FarEnded, Came::Batch),
            batch = self.near.next() => batch.map_or(Came::Ended, Came::Batch),
            changed = self.state.changed() => if changed.is_ok() { Came::Changed } else { Came::Ended },
            () = outage(&mut self.health, self.outages) => Came::Outage,
            () = tokio::time::sleep(SUBSCRIBE_EVERY), if waits => Came::TryAgain,
        }
    }

    /// Subscribes where that is to be done, and then gives a batch that makes a room read the log up to its end. None
    /// when either fails: it is still owed.
    async fn look(&mut self) -> Option<Arc<RelayBatch>> {
        if self.works && self.far.is_none() {
            self.far = Some(self.of.subscribe(&*self.relay).await.ok()?);
        }
        let Of::Stream(stream, partition) = &self.of else {
            self.owes_look = false;
            return None;
        };
        let end = self.log.extent(Topic::RoomEvents, *partition).await.ok()?.next;
        self.owes_look = false;
        Some(Arc::new(RelayBatch {
            stream: stream.clone(),
            partition: *partition,
            from: end,
            next: end,
            plan: self.plan.clone(),
            events: Vec::new(),
        }))
    }
}

#[async_trait]
impl Subscription for Guarded {
    async fn next(&mut self) -> Option<Arc<RelayBatch>> {
        loop {
            match self.come().await {
                Came::Batch(batch) => {
                    self.plan = batch.plan.clone();
                    return Some(batch);
                }
                Came::Changed => {
                    let works = *self.state.borrow_and_update() == BreakerState::Closed;
                    if works == self.works {
                        continue;
                    }
                    self.works = works;
                    self.owes_look = true;
                }
                Came::FarEnded => {
                    self.far = None;
                    self.owes_look = self.works;
                }
                Came::Outage => {
                    self.outages = self.health.borrow().outages;
                    self.owes_look = true;
                }
                Came::TryAgain => {}
                Came::Ended => return None,
            }
            if self.owes_look
                && let Some(batch) = self.look().await
            {
                return Some(batch);
            }
        }
    }
}

/// Returns when the relay came back after batches may have been lost. Cancel-safe.
async fn outage(health: &mut watch::Receiver<RelayHealth>, seen: u64) {
    if health.wait_for(|health| health.outages > seen).await.is_err() {
        // A relay within the process: it does not go.
        std::future::pending::<()>().await;
    }
}

async fn watch_over(services: BreakerServices, state: watch::Sender<BreakerState>, stop: CancellationToken) {
    let mut health = services.far.health();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            is_near = async { health.wait_for(|health| !health.is_up).await.is_err() } => if is_near {
                // A relay within the process never goes. Subscriptions end with `state`, which is kept until then.
                stop.cancelled().await;
                return;
            }
        }
        warn!("the relay does not answer: the breaker opens, this host reads the log itself");
        let direct = stop.child_token();
        if !read_directly(&services, &direct).await {
            return;
        }
        services.workers.metrics().breaker_open.set(1);
        state.send_replace(BreakerState::Open);
        loop {
            if !sleep(RETRY_EVERY, &stop).await {
                return;
            }
            state.send_replace(BreakerState::HalfOpen);
            if health.borrow().is_up {
                break;
            }
            state.send_replace(BreakerState::Open);
        }
        info!("the relay answers again: the breaker closes");
        services.workers.metrics().breaker_open.set(0);
        state.send_replace(BreakerState::Closed);
        // Both go on until every room has subscribed again and read what came between.
        if !sleep(RETRY_EVERY, &stop).await {
            return;
        }
        direct.cancel();
    }
}

async fn sleep(time: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(time) => true,
    }
}

/// Starts a coordinator for every partition that relays within this process, from the log's end as it is when this
/// returns or before. False when it was stopped first.
async fn read_directly(services: &BreakerServices, stop: &CancellationToken) -> bool {
    let coordinator = CoordinatorServices { relay: services.near.clone(), ..services.coordinator.clone() };
    for partition in 0..coordinator.log.partitions(Topic::RoomEvents) {
        let mut backoff = Backoff::default();
        let start = loop {
            // With the log away too there is nothing to be read, and viewers are told when they post.
            match coordinator.log.extent(Topic::RoomEvents, partition).await {
                Ok(extent) => break extent.next,
                Err(error) => warn!(partition, %error, "the log does not answer either"),
            }
            if !backoff.wait(stop).await {
                return false;
            }
        };
        let worker = Arc::new(services.workers.enlist("direct", partition));
        tokio::spawn(coordinator::run_beside(coordinator.clone(), worker, start, stop.clone()));
    }
    true
}
