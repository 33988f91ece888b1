//! A room that subscribes through the breaker misses nothing while the relay between hosts goes and comes back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use prometheus_client::registry::Registry;
use ringside_core::sampling::Plan;
use ringside_core::{Event, EventKind, Generation, RegionId, StreamId, encoding};
use ringside_embedded::{Embedded, EmbeddedOptions};
use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use ringside_ports::log::Topic;
use ringside_ports::policy::{Admission, Admitted, Decision, StreamLoad, Submission};
use ringside_ports::relay::{RelayBatch, RelayHealth, Subscription};
use ringside_ports::{Log, Policy, Relay};
use ringside_roles::breaker::{BreakerRelay, BreakerServices, BreakerState};
use ringside_roles::coordinator::CoordinatorServices;
use ringside_roles::{Appender, Clock, RoleMetrics, Workers, appender, coordinator};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A relay that can be away: then nothing comes through, and who asks is told so or, at first, is not.
struct Switch {
    relay: Arc<dyn Relay>,
    health: watch::Sender<RelayHealth>,
    silent: AtomicBool,
}

impl Switch {
    fn check(&self) -> PortResult<()> {
        if !self.health.borrow().is_up {
            return Err(PortError::new(PortErrorKind::Unavailable, "relay", "as the test has it"));
        }
        Ok(())
    }

    fn set_up(&self, is_up: bool) {
        self.health.send_modify(|health| {
            health.outages += u64::from(is_up);
            health.is_up = is_up;
        });
    }

    async fn carry(&self, batch: Arc<RelayBatch>) -> PortResult<usize> {
        if self.silent.load(Ordering::SeqCst) {
            return Ok(0);
        }
        self.check()?;
        self.relay.publish(batch).await
    }
}

#[async_trait]
impl Relay for Switch {
    async fn publish(&self, batch: Arc<RelayBatch>) -> PortResult<usize> {
        self.carry(batch).await
    }

    async fn subscribe(&self, stream: &StreamId) -> PortResult<Box<dyn Subscription>> {
        self.check()?;
        self.relay.subscribe(stream).await
    }

    async fn subscribe_targeted(&self) -> PortResult<Box<dyn Subscription>> {
        self.check()?;
        self.relay.subscribe_targeted().await
    }

    async fn publish_targeted(&self, batch: Arc<RelayBatch>) -> PortResult<usize> {
        self.carry(batch).await
    }

    fn health(&self) -> watch::Receiver<RelayHealth> {
        self.health.subscribe()
    }
}

struct Quiet;

#[async_trait]
impl Policy for Quiet {
    async fn judge(&self, _: Vec<Submission>) -> PortResult<Vec<Decision>> {
        Err(PortError::new(PortErrorKind::Unavailable, "policy.judge", "nothing is judged here"))
    }

    async fn admit(&self, _: Vec<Admission>) -> PortResult<Vec<Admitted>> {
        Err(PortError::new(PortErrorKind::Unavailable, "policy.admit", "nobody is admitted here"))
    }

    fn generation(&self) -> Generation {
        Generation(1)
    }

    async fn plan(&self, _: StreamLoad) -> PortResult<Plan> {
        Ok(Plan::default())
    }
}

/// What a room does with batches, and no more: drops what it has, reads the log where something is missing.
struct Room {
    log: Arc<dyn Log>,
    stream: StreamId,
    subscription: Box<dyn Subscription>,
    next: u64,
    seen: Vec<u64>,
}

impl Room {
    async fn receive(&mut self) {
        let batch = tokio::time::timeout(Duration::from_secs(60), self.subscription.next()).await;
        let batch = batch.expect("a batch comes").expect("the relay lives");
        if batch.from > self.next {
            let count = usize::try_from(batch.from - self.next).unwrap();
            let missed = self.log.read(Topic::RoomEvents, 0, self.next, count, usize::MAX).await.unwrap();
            for record in missed {
                let event = encoding::decode(&record.payload).unwrap();
                self.take(&event);
            }
            self.next = batch.from;
        }
        for (offset, event) in &batch.events {
            if *offset >= self.next {
                self.take(event);
            }
        }
        self.next = self.next.max(batch.next);
    }

    fn take(&mut self, event: &Event) {
        if event.stream == self.stream
            && let EventKind::Viewers(n) = event.kind
        {
            self.seen.push(n);
        }
    }

    async fn until_seen(&mut self, count: u64) {
        while (self.seen.len() as u64) < count {
            self.receive().await;
        }
        assert_eq!(self.seen, (0..count).collect::<Vec<_>>(), "once each, in order");
    }
}

async fn until(state: &BreakerRelay, wanted: BreakerState) {
    let mut state = state.state();
    let reached = state.wait_for(|state| *state == wanted);
    tokio::time::timeout(Duration::from_secs(60), reached).await.expect("it gets there").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_sees_everything_once_while_the_relay_goes_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let embedded = Embedded::open(folder.path(), &EmbeddedOptions::default()).unwrap();
    let (clock, stop) = (Clock::system(), CancellationToken::new());
    let metrics = RoleMetrics::register(&mut Registry::default());
    let workers = Workers::new(clock.clone(), metrics.clone());
    let producer = appender::Producer {
        region: RegionId::new("local").unwrap(),
        host: ringside_core::HostId::new("h1").unwrap(),
        seed: 1,
    };
    let appender = Appender::start(embedded.log.clone(), &producer, &clock, &metrics);
    let far = Arc::new(Switch {
        relay: ringside_embedded::local_relay(),
        health: watch::channel(RelayHealth { is_up: true, outages: 0 }).0,
        silent: AtomicBool::new(false),
    });
    let services = CoordinatorServices {
        log: embedded.log.clone(),
        relay: far.clone(),
        policy: Arc::new(Quiet),
        directory: embedded.directory.clone(),
        clock,
    };
    let worker = Arc::new(workers.enlist("coordinator", 0));
    tokio::spawn(coordinator::run(services.clone(), worker, stop.clone()));
    let breaker = BreakerRelay::start(
        BreakerServices {
            far: far.clone(),
            near: ringside_embedded::local_relay(),
            coordinator: services,
            workers: workers.clone(),
        },
        stop.clone(),
    );
    let (loud, still) = (StreamId::new("loud").unwrap(), StreamId::new("still").unwrap());
    let room = async |stream: &StreamId| Room {
        log: embedded.log.clone(),
        stream: stream.clone(),
        subscription: breaker.subscribe(stream).await.unwrap(),
        next: 0,
        seen: Vec::new(),
    };
    let (mut in_loud, mut in_still) = (room(&loud).await, room(&still).await);
    let say = async |stream: &StreamId, n: u64| {
        appender.append(stream, EventKind::Viewers(n)).await.unwrap();
    };

    say(&loud, 0).await;
    say(&still, 0).await;
    in_loud.until_seen(1).await;
    in_still.until_seen(1).await;

    // The relay loses what it is given before anybody notices; in one stream nobody says anything after that.
    far.silent.store(true, Ordering::SeqCst);
    say(&still, 1).await;
    say(&loud, 1).await;
    far.set_up(false);
    until(&breaker, BreakerState::Open).await;
    in_still.until_seen(2).await;
    assert!(workers.list().iter().any(|worker| worker.role == "direct"), "the log is read here");
    // Who comes while the relay is away sees what is said from then on.
    let mut late = room(&loud).await;
    say(&loud, 2).await;
    in_loud.until_seen(3).await;
    late.receive().await;
    assert_eq!(late.seen.last(), Some(&2));

    // It is back, loses once more what comes at that moment, and then works.
    far.set_up(true);
    until(&breaker, BreakerState::Closed).await;
    say(&loud, 3).await;
    in_loud.until_seen(4).await;
    far.silent.store(false, Ordering::SeqCst);
    let direct = || workers.list().iter().any(|worker| worker.role == "direct");
    let last = std::time::Instant::now() + Duration::from_secs(60);
    while direct() {
        assert!(std::time::Instant::now() < last, "the log is still read here");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    say(&loud, 4).await;
    say(&still, 2).await;
    in_loud.until_seen(5).await;
    in_still.until_seen(3).await;

    // An outage that is over before the breaker could open.
    far.silent.store(true, Ordering::SeqCst);
    say(&still, 3).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    far.silent.store(false, Ordering::SeqCst);
    far.health.send_modify(|health| health.outages += 1);
    in_still.until_seen(4).await;
    stop.cancel();
}

#[tokio::test]
async fn a_relay_within_the_process_is_carried_through_and_never_ends() {
    let folder = tempfile::tempdir().unwrap();
    let embedded = Embedded::open(folder.path(), &EmbeddedOptions::default()).unwrap();
    let (clock, stop) = (Clock::system(), CancellationToken::new());
    let workers = Workers::new(clock.clone(), RoleMetrics::register(&mut Registry::default()));
    let services = CoordinatorServices {
        log: embedded.log.clone(),
        relay: embedded.relay.clone(),
        policy: Arc::new(Quiet),
        directory: embedded.directory.clone(),
        clock,
    };
    let breaker = BreakerRelay::start(
        BreakerServices {
            far: embedded.relay.clone(),
            near: ringside_embedded::local_relay(),
            coordinator: services,
            workers,
        },
        stop.clone(),
    );
    let mut targeted = breaker.subscribe_targeted().await.unwrap();
    // Long enough for whatever watches over the relay to have looked at it.
    let nothing = tokio::time::timeout(Duration::from_millis(300), targeted.next()).await;
    assert!(nothing.is_err(), "it ended, or something came: {nothing:?}");
    let stream = StreamId::new("s").unwrap();
    let batch =
        RelayBatch { stream, partition: 0, from: 0, next: 1, plan: Plan::default(), events: Vec::new() };
    breaker.publish_targeted(Arc::new(batch.clone())).await.unwrap();
    let came = tokio::time::timeout(Duration::from_secs(60), targeted.next()).await.unwrap();
    assert_eq!(came.as_deref(), Some(&batch));
    stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(60), targeted.next()).await;
    assert!(ended.unwrap().is_none(), "it ends with the process");
}
