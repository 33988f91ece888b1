//! Everybody: gathers viewers and posters, is told what is broken when, waits until all is well again, and gives the
//! account of it.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::RECOVERY_MAX;
use crate::clock::Clock;
use crate::doors::Doors;
use crate::poster::Poster;
use crate::record::{Account, Ack, Fault, Id, Saw, Sights, Watched};
use crate::viewer::Viewer;

/// Threads for all posters and viewers: one for each half of the work, parsing what viewers see and posting.
const THREADS: usize = 2;
/// Comments a second that one poster offers at most: 125 ms for an answer, before any is not offered.
const POSTER_RATE_MAX: u32 = 8;
/// Time for all viewers to join at the start.
const GATHER_MAX: Duration = Duration::from_secs(60);
/// How long recovery is waited for before the run goes on without: past the bound, so that what is late is measured.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// How often it is looked whether what is waited for is there.
const LOOK: Duration = Duration::from_millis(50);
/// Who has seen all that was acknowledged is listened to for so long after, for what nobody was told of.
const QUIET: Duration = Duration::from_secs(2);

/// Who takes part.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The hosts.
    pub doors: Doors,
    /// Names of streams; comments are spread evenly over them.
    pub streams: Vec<String>,
    /// Tokens of users who may say as much as they like, one each; posters share them.
    pub posters: Vec<String>,
    /// Token of who watches.
    pub viewer: String,
    /// Viewers, spread evenly over streams and hosts.
    pub viewers: usize,
    /// Comments offered a second, over all streams.
    pub rate: u32,
}

/// A viewer, as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    OnItsWay,
    Joined,
}

/// What everybody shares.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) doors: Doors,
    pub(crate) streams: Vec<String>,
    ended: AtomicBool,
    acks: Vec<Mutex<Vec<Ack>>>,
    sights: Vec<Mutex<Sights>>,
    refused: Mutex<Vec<String>>,
    pub(crate) not_offered: AtomicU64,
    pub(crate) said_again: AtomicU64,
    pub(crate) unanswered: AtomicU64,
    pub(crate) watches: watch::Sender<Vec<Watch>>,
    /// Counts calls to viewers to come back to their own host.
    pub(crate) calls_home: watch::Sender<u64>,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    pub(crate) fn acknowledge(&self, stream: usize, ack: Ack) {
        if let Some(acks) = self.acks.get(stream) {
            lock(acks).push(ack);
        }
    }

    pub(crate) fn refused(&self) -> MutexGuard<'_, Vec<String>> {
        lock(&self.refused)
    }

    /// What a viewer has seen so far; none for a number that no viewer has.
    pub(crate) fn sights(&self, viewer: usize) -> Option<MutexGuard<'_, Sights>> {
        self.sights.get(viewer).map(lock)
    }

    /// Name of a stream by its place.
    pub(crate) fn stream(&self, number: usize) -> &str {
        self.streams.get(number).map_or("", String::as_str)
    }
}

/// People who talk and watch.
pub struct Crowd {
    // Dropped last: tasks end with it.
    shared: Arc<Shared>,
    streams_of_viewers: Vec<usize>,
    posters: Vec<JoinHandle<()>>,
    faults: Vec<Fault>,
    rate: u32,
    runtime: Runtime,
}

impl Crowd {
    /// Gathers the viewers, waits until each has joined, and lets the posters begin.
    ///
    /// # Errors
    /// When a viewer could not join within a minute, or threads could not be started.
    pub fn gather(plan: Plan) -> io::Result<Self> {
        let Plan { doors, streams, posters: tokens, viewer, viewers, rate } = plan;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("checker")
            .enable_all()
            .build()?;
        let shared = Arc::new(Shared {
            clock: Clock::start(),
            acks: streams.iter().map(|_| Mutex::default()).collect(),
            sights: (0..viewers).map(|_| Mutex::default()).collect(),
            doors,
            streams,
            ended: AtomicBool::new(false),
            refused: Mutex::default(),
            not_offered: AtomicU64::new(0),
            said_again: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
            watches: watch::Sender::new(vec![Watch::OnItsWay; viewers]),
            calls_home: watch::Sender::new(0),
        });
        let hosts = shared.doors.count().max(1);
        let place = |number: usize| (number / hosts % shared.streams.len().max(1), number % hosts);
        for number in 0..viewers {
            let (stream, home) = place(number);
            let viewer = Viewer { number, stream, home, token: viewer.clone(), shared: shared.clone() };
            runtime.spawn(viewer.run());
        }
        let mut watches = shared.watches.subscribe();
        let all = runtime.block_on(async {
            let joined = watches.wait_for(|all| all.iter().all(|one| *one == Watch::Joined));
            tokio::time::timeout(GATHER_MAX, joined).await.is_ok()
        });
        if !all {
            return Err(io::Error::other(format!(
                "not every viewer could join within {} s",
                GATHER_MAX.as_secs()
            )));
        }
        // As many for each stream and host as for the others, so that each stream has its share of the rate.
        let even = u32::try_from(hosts * shared.streams.len()).unwrap_or(1).max(1);
        let count = rate.div_ceil(POSTER_RATE_MAX).next_multiple_of(even);
        let every = Duration::from_secs(1).saturating_mul(count) / rate.max(1);
        let posters = (0..usize::try_from(count).unwrap_or(0)).map(|number| {
            let token = tokens.get(number % tokens.len().max(1)).cloned().unwrap_or_default();
            runtime
                .spawn(Poster { number, stream: place(number).0, token, every, shared: shared.clone() }.run())
        });
        let posters = posters.collect();
        let streams_of_viewers = (0..viewers).map(|number| place(number).0).collect();
        Ok(Self { shared, streams_of_viewers, posters, faults: Vec::new(), rate, runtime })
    }

    /// From now on something is broken.
    pub fn fault(&mut self, name: &str) {
        self.faults.push(Fault { name: name.to_owned(), began: self.shared.clock.now(), mended: None });
    }

    /// From now on what was broken last is let work again.
    pub fn mended(&mut self) {
        let now = self.shared.clock.now();
        if let Some(fault) = self.faults.last_mut() {
            fault.mended = Some(now);
        }
    }

    /// Waits until on each stream something was acknowledged, and each viewer saw something, that came after this call.
    /// Then viewers that are elsewhere go back to their own host. True when it came in time.
    pub fn recovers(&self) -> bool {
        let since = self.shared.clock.now();
        let recovered = self.waits(WAIT_MAX, || {
            let said = |acks: &Mutex<Vec<Ack>>| lock(acks).last().is_some_and(|ack| ack.said > since);
            let saw = |sights: &Mutex<Sights>| {
                let sights = lock(sights);
                let mut last = sights.0.iter().rev().take_while(|(at, _)| *at > since);
                last.any(|(_, saw)| matches!(saw, Saw::Live(_)))
            };
            self.shared.acks.iter().all(said) && self.shared.sights.iter().all(saw)
        });
        self.shared.calls_home.send_modify(|calls| *calls += 1);
        recovered
    }

    /// Lets people talk for a while.
    pub fn goes_on_for(&self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }

    fn waits(&self, limit: Duration, there: impl Fn() -> bool) -> bool {
        self.runtime.block_on(async {
            let last = Instant::now() + limit;
            while !there() {
                if Instant::now() > last {
                    return false;
                }
                tokio::time::sleep(LOOK).await;
            }
            true
        })
    }

    /// Nobody says anything more. Returns as soon as nobody waits for an answer either.
    pub fn falls_silent(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        let posters = std::mem::take(&mut self.posters);
        self.runtime.block_on(async {
            for poster in posters {
                // Posters do not panic; one that did has nothing more to say.
                let _ = poster.await;
            }
        });
    }

    /// Ends the talk, waits until every viewer saw what was acknowledged, for [`RECOVERY_MAX`] at most, and gives the
    /// account. Who did not see all by then is the judge's business.
    #[must_use]
    pub fn ends(mut self) -> Account {
        self.falls_silent();
        let ended = self.shared.clock.now();
        self.waits(RECOVERY_MAX, || (0..self.streams_of_viewers.len()).all(|number| self.has_all(number)));
        self.goes_on_for(QUIET);
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let shared = &self.shared;
        let viewers = self.streams_of_viewers.iter().zip(&shared.sights);
        Account {
            streams: shared.streams.clone(),
            acks: shared.acks.iter().map(|acks| lock(acks).clone()).collect(),
            viewers: viewers
                .map(|(stream, sights)| Watched { stream: *stream, sights: lock(sights).clone() })
                .collect(),
            faults: self.faults.clone(),
            ended,
            rate: self.rate,
            not_offered: count(&shared.not_offered),
            said_again: count(&shared.said_again),
            unanswered: count(&shared.unanswered),
            refused: lock(&shared.refused).clone(),
        }
    }

    /// A viewer has seen what was acknowledged last on its stream: all of it, if nothing was lost on the way.
    fn has_all(&self, viewer: usize) -> bool {
        const LAST: usize = 64;
        let Some(stream) = self.streams_of_viewers.get(viewer) else { return true };
        let last: Vec<Id> = {
            let Some(acks) = self.shared.acks.get(*stream) else { return true };
            let acks = lock(acks);
            acks.iter().rev().filter(|ack| !ack.held).take(LAST).map(|ack| ack.id).collect()
        };
        let Some(sights) = self.shared.sights(viewer) else { return true };
        let recent: HashSet<Id> =
            sights.0.iter().rev().take(LAST * 64).filter_map(|(_, saw)| id(*saw)).collect();
        last.iter().all(|id| recent.contains(id))
    }
}

fn id(saw: Saw) -> Option<Id> {
    match saw {
        Saw::Past(id) | Saw::Live(id) => Some(id),
        Saw::Joined { .. } | Saw::Gap | Saw::LeftOut(_) => None,
    }
}
