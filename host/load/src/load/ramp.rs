//! Brings the connections of a run up, one after another at a rate.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::enter::{Entered, Entrance, Refusal};
use super::plan::{Seat, SeatKind};
use super::sender::{ORDERS_MAX, Sender};
use super::stats::{Stats, lock};
use super::{Run, viewer};
use crate::error::Error;
use crate::pace::Pacer;
use crate::progress::Progress;

/// Connections that may be on their way at once. A host takes 64 handshakes at a time on each core, and lets the
/// rest wait; past that only waiting would be measured.
const ENTERING_MAX: usize = 256;

/// Tries to connect before a connection counts as failed. A host in a crowd closes handshakes that wait for too
/// long, and clients come back.
const TRIES: u32 = 3;
/// Wait before the second try; twice as long before the third.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Enters, and tries again where that may help.
async fn persist(entrance: &Entrance, seat: &Seat, stats: &Stats) -> Result<Entered, Refusal> {
    let mut tries = 1;
    loop {
        match entrance.enter(seat.clone(), stats).await {
            Err(refusal) if tries < TRIES && refusal.may_pass() => {
                lock(&stats.retried).add(&refusal.to_string());
                tokio::time::sleep(RETRY_AFTER * tries).await;
                tries += 1;
            }
            ended => return ended,
        }
    }
}

impl Run {
    /// Brings all connections up at the ramp's rate; false when it was stopped meanwhile. What is wrong with
    /// address, token or stream shows at the first connection, before there are others.
    pub(super) async fn ramp(&mut self) -> Result<bool, Error> {
        let mut seats = self.entrance.plan.seats.clone().into_iter();
        let Some(first) = seats.next() else { return Ok(true) };
        let stream = self.entrance.plan.streams.get(first.stream).map_or(String::new(), ToString::to_string);
        match self.entrance.enter(first, &self.stats).await {
            Ok(entered) => self.live(entered),
            Err(refusal) => return Err(refusal.into_error(&self.entrance, &stream)),
        }
        let _progress = Progress::start({
            let (stats, all) = (self.stats.clone(), self.entrance.plan.seats.len());
            move || {
                let live =
                    stats.viewers_live.load(Ordering::Relaxed) + stats.senders_live.load(Ordering::Relaxed);
                format!("connecting: {live} of {all}")
            }
        });
        let room = Arc::new(Semaphore::new(ENTERING_MAX));
        let mut entering: JoinSet<Result<Entered, Refusal>> = JoinSet::new();
        let mut pacer = Pacer::new(Instant::now(), self.entrance.args.ramp);
        let mut next = seats.next();
        while next.is_some() || !entering.is_empty() {
            let due = async {
                pacer.next().await;
                room.clone().acquire_owned().await
            };
            tokio::select! {
                permit = due, if next.is_some() => {
                    if let (Some(seat), Ok(permit)) = (next.take(), permit) {
                        let (entrance, stats) = (self.entrance.clone(), self.stats.clone());
                        entering.spawn(async move {
                            let entered = persist(&entrance, &seat, &stats).await;
                            drop(permit);
                            entered
                        });
                    }
                    next = seats.next();
                }
                Some(entered) = entering.join_next() => match entered {
                    Ok(Ok(entered)) => self.live(entered),
                    Ok(Err(refusal)) => self.failed.add(&refusal.to_string()),
                    Err(error) => return Err(Error::Failed(format!("connecting broke off: {error}"))),
                },
                _ = tokio::signal::ctrl_c() => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Gives a connection that has joined its task.
    fn live(&mut self, entered: Entered) {
        self.joined += 1;
        self.upgrade.record(entered.upgraded);
        self.join.record(entered.joined);
        let Entered { seat, socket, .. } = entered;
        let stats = self.stats.clone();
        match seat.kind {
            SeatKind::Viewer => {
                stats.viewers_live.fetch_add(1, Ordering::Relaxed);
                self.lives.spawn(viewer::count(socket, stats));
            }
            SeatKind::Sampled(viewer) => {
                self.viewers_reading += 1;
                stats.viewers_live.fetch_add(1, Ordering::Relaxed);
                self.lives.spawn(viewer::read(socket, stats, seat.stream, viewer));
            }
            SeatKind::Sender(number) => {
                stats.senders_live.fetch_add(1, Ordering::Relaxed);
                let (sender, orders) = mpsc::channel(ORDERS_MAX);
                self.senders.push(sender);
                let seed = self.entrance.args.seed.wrapping_mul(1 << 20).wrapping_add(number as u64);
                self.lives.spawn(Sender::new(socket, stats, seat.stream, seed).run(orders));
            }
        }
    }
}
