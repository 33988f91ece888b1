//! A shard: one thread with a runtime of its own, a door, and a hub of sockets.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use axum::Router;
use mio::Events;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, watch};
use tokio::task::{LocalSet, spawn_local};
use tokio_util::sync::CancellationToken;

use crate::bell::Bell;
use crate::config::{EdgeConfig, Timings};
use crate::door::{self, Door};
use crate::formats::Formats;
use crate::hub::signal::Signal;
use crate::hub::slot::Key;
use crate::hub::{self, Hub, HubParts};
use crate::metrics::Metrics;
use crate::pump::Pumps;
use crate::room::Rooms;
use crate::services::Services;

/// Readiness events taken from the poll at once.
const EVENTS: usize = 1_024;
/// Longest time between two looks at the connections' times.
const ROUND_MAX: Duration = Duration::from_secs(1);

/// What a shard is made of.
pub(crate) struct Shard {
    pub(crate) index: usize,
    pub(crate) config: Arc<EdgeConfig>,
    pub(crate) services: Services,
    pub(crate) rooms: Rooms,
    pub(crate) formats: Arc<Formats>,
    pub(crate) router: Router,
    pub(crate) bell: Arc<Bell>,
    pub(crate) inbox: mpsc::Sender<Signal>,
    pub(crate) signals: mpsc::Receiver<Signal>,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) metrics: Metrics,
    /// Stops accepting.
    pub(crate) closing: CancellationToken,
}

impl Shard {
    /// Runs on this thread until it is stopped.
    ///
    /// # Errors
    /// When the runtime or the poll cannot be made.
    pub(crate) fn run(self, listener: std::net::TcpListener) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let local = LocalSet::new();
        local.block_on(&runtime, self.serve(listener))
    }

    async fn serve(self, listener: std::net::TcpListener) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let poll = mio::Poll::new()?;
        let parts = HubParts {
            shard: self.index,
            services: self.services.clone(),
            rooms: self.rooms,
            timings: self.config.timings,
            registry: poll.registry().try_clone()?,
            inbox: self.inbox,
            connections: self.connections,
            metrics: self.metrics.shard(self.index),
        };
        let hub = Rc::new(RefCell::new(Hub::new(parts, Pumps::default())));
        let door = Door::new(
            hub.clone(),
            self.services.clone(),
            self.config.clone(),
            self.formats.clone(),
            self.router,
        );
        let read_again = hub.borrow().read_again.clone();
        // Sound here: the poll owns its descriptor, which stays the same and open until the `AsyncFd` drops both.
        #[expect(deprecated, reason = "what replaces it is unsafe to call, which this crate does not allow")]
        let poll = AsyncFd::with_interest(poll, Interest::READABLE)?;
        spawn_local(watch_sockets(hub.clone(), poll));
        spawn_local({
            let hub = hub.clone();
            async move {
                loop {
                    read_again.notified().await;
                    hub.borrow_mut().read_more();
                    tokio::task::yield_now().await;
                }
            }
        });
        spawn_local(answer_bell(hub.clone(), self.bell));
        spawn_local(turn_wheel(hub.clone(), self.config.timings));
        spawn_local(watch_release(hub.clone(), self.services.codecs.formats(), self.formats));
        spawn_local(door::accept(Rc::new(door), listener, self.closing));
        take_signals(hub, self.signals).await;
        Ok(())
    }
}

/// The hub's poll, nested into the runtime's.
async fn watch_sockets(hub: Rc<RefCell<Hub>>, mut poll: AsyncFd<mio::Poll>) {
    let mut events = Events::with_capacity(EVENTS);
    loop {
        let Ok(mut ready) = poll.readable_mut().await else { return };
        match ready.get_inner_mut().poll(&mut events, Some(Duration::ZERO)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                tracing::error!(%error, "the sockets of a shard can no longer be watched");
                return;
            }
        }
        let count = events.iter().count();
        {
            let mut hub = hub.borrow_mut();
            for event in &events {
                let key = Key::from_token(event.token());
                if event.is_writable() {
                    hub.flush_blocked(key);
                }
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    hub.readable(key);
                }
            }
        }
        // A full list may not have been all: the poll is asked again before it is waited for.
        if count < EVENTS {
            ready.clear_ready();
        }
        tokio::task::yield_now().await;
    }
}

/// Sweeps the rooms that ring, each in a task of its own, so that a small room does not wait for a large one.
async fn answer_bell(hub: Rc<RefCell<Hub>>, bell: Arc<Bell>) {
    loop {
        for room in bell.heard().await {
            if hub.borrow_mut().needs_sweep(room) {
                spawn_local(hub::sweep(hub.clone(), room));
            }
        }
    }
}

/// Looks at the connections' times, a batch at a time.
async fn turn_wheel(hub: Rc<RefCell<Hub>>, timings: Timings) {
    let Timings { authenticate, ping, idle, expiring, slow, close, .. } = timings;
    let shortest = [authenticate, ping, idle, expiring, slow, close].into_iter().min().unwrap_or(ROUND_MAX);
    let round = (shortest / 4).clamp(Duration::from_millis(20), ROUND_MAX);
    let rounds_a_ping = u32::try_from(ping.as_millis() / round.as_millis().max(1)).unwrap_or(u32::MAX).max(1);
    let mut interval = tokio::time::interval(round);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for number in (0u32..).cycle() {
        interval.tick().await;
        let mut from = Some(0);
        while let Some(at) = from {
            from = hub.borrow_mut().turn(at, number, rounds_a_ping);
            tokio::task::yield_now().await;
        }
        hub.borrow().measure();
    }
}

/// Closes the connections of a codec that was taken off the host.
async fn watch_release(
    hub: Rc<RefCell<Hub>>,
    mut release: watch::Receiver<Arc<[ringside_ports::codecs::Format]>>,
    formats: Arc<Formats>,
) {
    while release.changed().await.is_ok() {
        let there = release.borrow_and_update().clone();
        hub.borrow_mut().withdraw(|id| formats.get(id).is_some_and(|format| there.contains(&format)));
    }
}

async fn take_signals(hub: Rc<RefCell<Hub>>, mut signals: mpsc::Receiver<Signal>) {
    while let Some(signal) = signals.recv().await {
        match signal {
            Signal::Done(key, finished) => hub.borrow_mut().done(key, finished),
            Signal::Direct(directed) => hub.borrow_mut().direct(&directed),
            Signal::Disconnect(user, code) => hub.borrow_mut().disconnect(user.as_str(), code),
            Signal::Online(to) => {
                // Who asked may be gone.
                let _gone = to.try_send(hub.borrow().online());
            }
            Signal::SignedInOnly(room) => hub.borrow_mut().put_out_anonymous(room),
            Signal::Drain(time) => {
                spawn_local(hub::drain(hub.clone(), time));
            }
            Signal::Stop => return,
        }
    }
}
