//! Workers follow the partitions: they begin with what is given, end before it is let go, and start again when they fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use prometheus_client::registry::Registry;
use ringside_ports::Log;
use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use ringside_ports::log::{Durability, Extent, Membership, NewRecord, Record, Share, Topic};
use ringside_roles::workers::WorkerState;
use ringside_roles::{Clock, RoleMetrics, Workers, shares};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A log that does nothing but share its partitions as the test says.
struct Shares {
    member: Mutex<Option<Scripted>>,
    /// Joins that fail before one succeeds.
    away: AtomicUsize,
}

struct Scripted {
    shares: mpsc::Receiver<Share>,
    /// Told when the member asks again, with who was at work then.
    asked: mpsc::UnboundedSender<BTreeSet<u32>>,
    at_work: Arc<Mutex<BTreeSet<u32>>>,
}

#[async_trait]
impl Membership for Scripted {
    async fn next(&mut self) -> Option<Share> {
        let _ = self.asked.send(self.at_work.lock().unwrap().clone());
        self.shares.recv().await
    }
}

fn unused() -> PortError {
    PortError::new(PortErrorKind::Invalid, "log", "no test asks for this")
}

#[async_trait]
impl Log for Shares {
    fn epoch(&self) -> u64 {
        1
    }

    fn partitions(&self, _: Topic) -> u32 {
        4
    }

    fn partition_of(&self, _: Topic, _: &str) -> u32 {
        0
    }

    async fn append(&self, _: Topic, _: u32, _: Vec<NewRecord>, _: Durability) -> PortResult<u64> {
        Err(unused())
    }

    async fn read(&self, _: Topic, _: u32, _: u64, _: usize, _: usize) -> PortResult<Vec<Record>> {
        Err(unused())
    }

    async fn wait_for(&self, _: Topic, _: u32, _: u64) -> PortResult<()> {
        Err(unused())
    }

    async fn extent(&self, _: Topic, _: u32) -> PortResult<Extent> {
        Err(unused())
    }

    async fn join(&self, group: &str, _: Topic) -> PortResult<Box<dyn Membership>> {
        if self.away.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
            return Err(PortError::new(PortErrorKind::Unavailable, "log.join", "as the test has it"));
        }
        match self.member.lock().unwrap().take() {
            Some(member) => Ok(Box::new(member)),
            None => Err(PortError::new(PortErrorKind::Conflict, "log.join", format!("`{group}` is joined"))),
        }
    }

    async fn commit(&self, _: &str, _: Topic, _: u32, _: u64) -> PortResult<()> {
        Err(unused())
    }

    async fn committed(&self, _: &str, _: Topic, _: u32) -> PortResult<Option<u64>> {
        Err(unused())
    }
}

/// A role at work, and the hands of the test on it.
struct Stage {
    log: Arc<Shares>,
    give: mpsc::Sender<Share>,
    asked: mpsc::UnboundedReceiver<BTreeSet<u32>>,
    at_work: Arc<Mutex<BTreeSet<u32>>>,
    starts: Arc<AtomicUsize>,
    workers: Workers,
    stop: CancellationToken,
    role: tokio::task::JoinHandle<PortResult<()>>,
}

/// Each worker fails as often as `failures` says before it goes on.
fn stage(away: usize, failures: usize) -> Stage {
    let (give, shares) = mpsc::channel(8);
    let (told, asked) = mpsc::unbounded_channel();
    let at_work: Arc<Mutex<BTreeSet<u32>>> = Arc::default();
    let member = Scripted { shares, asked: told, at_work: at_work.clone() };
    let log = Arc::new(Shares { member: Mutex::new(Some(member)), away: AtomicUsize::new(away) });
    let starts = Arc::new(AtomicUsize::new(0));
    let workers = Workers::new(Clock::system(), RoleMetrics::register(&mut Registry::default()));
    let stop = CancellationToken::new();
    let (working, started) = (at_work.clone(), starts.clone());
    let role = tokio::spawn(shares::run(
        log.clone(),
        "writer",
        workers.clone(),
        stop.clone(),
        move |worker, stop: CancellationToken| {
            let (working, started) = (working.clone(), started.clone());
            async move {
                if started.fetch_add(1, Ordering::SeqCst) < failures {
                    return Err(PortError::new(PortErrorKind::Unavailable, "store.checkpoint", "it is away"));
                }
                worker.at(7, 3);
                worker.succeeded();
                assert!(working.lock().unwrap().insert(worker.partition()), "two workers of one partition");
                stop.cancelled().await;
                // A last effect takes a moment.
                tokio::time::sleep(Duration::from_millis(20)).await;
                working.lock().unwrap().remove(&worker.partition());
                Ok(())
            }
        },
    ));
    Stage { log, give, asked, at_work, starts, workers, stop, role }
}

impl Stage {
    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let last = Instant::now() + Duration::from_secs(60);
        while !holds(self) {
            assert!(Instant::now() < last, "it never came that {what}: {:?}", self.workers.list());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn working(&self) -> Vec<u32> {
        self.at_work.lock().unwrap().iter().copied().collect()
    }

    /// Who was at work when the member next asked.
    async fn asks(&mut self) -> Vec<u32> {
        let asked = tokio::time::timeout(Duration::from_secs(60), self.asked.recv()).await;
        asked.expect("it asks").expect("it lives").into_iter().collect()
    }
}

#[tokio::test]
async fn partitions_are_let_go_only_when_their_workers_have_ended() {
    let mut stage = stage(0, 0);
    assert!(stage.asks().await.is_empty());
    stage.give.send(Share::Given(vec![0, 1, 2])).await.unwrap();
    stage.asks().await;
    stage.until("three work", |stage| stage.working() == [0, 1, 2]).await;
    for (share, left) in [
        (Share::Taken(vec![1]), vec![0, 2]),
        (Share::Lost(vec![0]), vec![2]),
        (Share::Taken(vec![3]), vec![2]),
    ] {
        stage.give.send(share).await.unwrap();
        assert_eq!(stage.asks().await, left);
        let listed: Vec<u32> = stage.workers.list().iter().map(|worker| worker.partition).collect();
        assert_eq!(listed, left);
    }
    stage.stop.cancel();
    stage.role.await.unwrap().unwrap();
    assert!(stage.at_work.lock().unwrap().is_empty(), "all end with their role");
}

#[tokio::test]
async fn a_partition_that_is_given_twice_has_one_worker() {
    let mut stage = stage(0, 0);
    for _ in 0..2 {
        stage.asks().await;
        stage.give.send(Share::Given(vec![2])).await.unwrap();
        stage.until("it works", |stage| stage.working() == [2]).await;
    }
    stage.asks().await;
    stage.until("it works again", |stage| stage.working() == [2]).await;
    assert_eq!(stage.starts.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_worker_that_fails_is_listed_with_its_error_and_started_again() {
    let stage = stage(0, 3);
    stage.give.send(Share::Given(vec![0])).await.unwrap();
    let failed = |stage: &Stage| stage.workers.list().iter().any(|worker| worker.last_error.is_some());
    stage.until("its failure is listed", failed).await;
    stage.until("it works", |stage| stage.working() == [0]).await;
    let [worker] = &stage.workers.list()[..] else { panic!("{:?}", stage.workers.list()) };
    assert_eq!((worker.role, worker.partition, worker.next, worker.lag), ("writer", 0, 7, 3));
    assert_eq!(worker.state, WorkerState::Running);
    let error = worker.last_error.as_ref().expect("it is kept after it is over");
    assert!(error.error.contains("it is away") && error.at_ms > 0, "{error:?}");
    assert_eq!(stage.starts.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_log_that_is_away_is_joined_when_it_is_back_and_joined_once() {
    let stage = stage(3, 0);
    stage.give.send(Share::Given(vec![1])).await.unwrap();
    stage.until("it works", |stage| stage.working() == [1]).await;
    let work = |_, _| async { Ok(()) };
    let second =
        shares::run(stage.log.clone(), "writer", stage.workers.clone(), stage.stop.clone(), work).await;
    assert_eq!(second.unwrap_err().kind, PortErrorKind::Conflict);
}
