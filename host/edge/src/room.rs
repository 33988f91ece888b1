//! A room: one host's share of a stream, shared by all shards.
//!
//! Its [`feed`] runs on the runtime: it receives the stream's events, decides what members are shown, encodes
//! that once for each kind of connection and appends it to the room's [`log`]. Shards are told by their
//! [`Bell`](crate::bell::Bell) and send from the log, each member from its own cursor.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ringside_core::sampling::Plan;
use ringside_core::wire::{WireComment, WireEvent};
use ringside_core::{CommentId, Position, Settings, StreamId, Visibility};
use tokio::sync::{mpsc, oneshot, watch};

use crate::bell::Bell;
use crate::metrics::Metrics;

mod delivery;
mod encode;
pub mod event;
mod feed;
pub mod join;
pub mod log;
mod missed;
mod reader;
mod recent;
mod registry;

pub use delivery::Traced;
pub use event::{Audience, Direct, RoomEvent};
pub use join::{Joining, Viewer};
use log::RoomLog;
pub use log::{Content, Entry, Payload, Pending, Tier, Variant};
pub use reader::{Lagged, RoomReader};
pub use registry::{RoomHold, Rooms};

use recent::Recent;

/// Requests that wait for a room's feed: joins that need it to catch up, and late encodings. A feed answers
/// hundreds a second; who finds it full goes on without.
const REQUESTS_MAX: usize = 256;

/// What is asked of a room's feed.
#[derive(Debug)]
enum Request {
    /// Take in all events of the log below this offset.
    CatchUp(u64, oneshot::Sender<()>),
    /// Encode the entry at this cursor for this variant.
    Encode(u64, Variant),
}

/// What holds for a stream after the last entry of its room's log.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The settings.
    pub settings: Settings,
    /// Viewers over all hosts.
    pub viewers: u64,
    /// Running totals of emoji.
    pub emoji: Vec<(String, u64)>,
    /// The pinned comment.
    pub pinned: Option<WireComment>,
    /// What is shown.
    pub plan: Plan,
}

impl Facts {
    fn apply(&mut self, event: &WireEvent) {
        let is = |pinned: &Option<WireComment>, id: &CommentId| pinned.as_ref().is_some_and(|p| p.id == *id);
        match event {
            WireEvent::Settings(settings) => self.settings = settings.clone(),
            WireEvent::Viewers(viewers) => self.viewers = *viewers,
            WireEvent::Emoji(totals) => self.emoji.clone_from(totals),
            WireEvent::Pinned(comment) => self.pinned.clone_from(comment),
            WireEvent::Removed { comment, .. } if is(&self.pinned, comment) => self.pinned = None,
            WireEvent::Edited { comment, text } if is(&self.pinned, comment) => {
                if let Some(pinned) = &mut self.pinned {
                    pinned.text.clone_from(text);
                    pinned.edited = true;
                }
            }
            _ => {}
        }
    }
}

/// What is published, all of one moment.
#[derive(Debug)]
struct Published {
    log: RoomLog,
    /// The offset after all that the log's entries cover.
    next: u64,
    facts: Facts,
}

/// How a shard is told of new entries.
#[derive(Debug)]
struct Ring {
    bell: Arc<Bell>,
    /// Members on this shard: a shard without any is not told.
    members: AtomicUsize,
    /// Rung, and not looked at since.
    rung: AtomicBool,
    /// Time a sweep of this shard takes, in microseconds, averaged.
    sweep_us: AtomicU32,
}

/// One host's share of a stream.
#[derive(Debug)]
pub struct Room {
    /// Of this process; never used twice.
    pub id: u64,
    /// The stream.
    pub stream: StreamId,
    /// The stream's partition in the log.
    pub partition: u32,
    epoch: u64,
    published: Mutex<Published>,
    end: watch::Sender<u64>,
    recent: Mutex<Recent>,
    rings: Box<[Ring]>,
    wanted: Mutex<Vec<(Variant, usize)>>,
    requests: mpsc::Sender<Request>,
    holds: AtomicUsize,
    members: AtomicU64,
    /// A room that was removed from the registry takes nobody in.
    closed: AtomicBool,
    metrics: Metrics,
}

impl Room {
    fn published(&self) -> MutexGuard<'_, Published> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wanted(&self) -> MutexGuard<'_, Vec<(Variant, usize)>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cursor after the last entry.
    #[must_use]
    pub fn end(&self) -> u64 {
        *self.end.borrow()
    }

    /// Members on this host.
    #[must_use]
    pub fn members(&self) -> u64 {
        self.members.load(Ordering::Relaxed)
    }

    /// What holds now.
    #[must_use]
    pub fn facts(&self) -> Facts {
        self.published().facts.clone()
    }

    /// What a member at `cursor` is sent of the entries before `end`. Where an entry is not encoded for the variant
    /// yet, it is asked for, and the bell rings again when it is.
    #[must_use]
    pub fn pending(&self, cursor: u64, end: u64, variant: Variant) -> Pending {
        let pending = self.published().log.pending(cursor, end, variant);
        if let Pending::NotEncoded(cursor) = pending {
            // When the feed's queue is full, the next sweep asks again.
            let _asked = self.requests.try_send(Request::Encode(cursor, variant));
        }
        pending
    }

    /// Where a member at a cursor stands; none when the log no longer reaches back to it.
    #[must_use]
    pub fn position_at(&self, cursor: u64) -> Option<Position> {
        let published = self.published();
        let next =
            if cursor == published.log.end() { published.next } else { published.log.get(cursor)?.from };
        Some(self.position(next))
    }

    /// Counts a member in.
    pub fn enter(&self, shard: usize, variant: Variant) {
        self.want(variant);
        self.members.fetch_add(1, Ordering::Relaxed);
        if let Some(ring) = self.rings.get(shard) {
            ring.members.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a member out.
    pub fn leave(&self, shard: usize, variant: Variant) {
        self.unwant(variant);
        self.members.fetch_sub(1, Ordering::Relaxed);
        if let Some(ring) = self.rings.get(shard) {
            ring.members.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn want(&self, variant: Variant) {
        let mut wanted = self.wanted();
        match wanted.iter_mut().find(|(known, _)| *known == variant) {
            Some((_, members)) => *members += 1,
            None => wanted.push((variant, 1)),
        }
    }

    fn unwant(&self, variant: Variant) {
        let mut wanted = self.wanted();
        if let Some((_, members)) = wanted.iter_mut().find(|(known, _)| *known == variant) {
            *members = members.saturating_sub(1);
        }
        wanted.retain(|(_, members)| *members > 0);
    }

    /// The traced events of the entries from one cursor to before another.
    pub(crate) fn traced(&self, from: u64, to: u64) -> Vec<Traced> {
        let published = self.published();
        let entries = (from..to).filter_map(|cursor| published.log.get(cursor));
        entries.flat_map(|entry| entry.traced.iter().cloned()).collect()
    }

    /// A shard begins to sweep: what is published from now on rings again.
    pub fn begin_sweep(&self, shard: usize) -> u64 {
        if let Some(ring) = self.rings.get(shard) {
            ring.rung.store(false, Ordering::SeqCst);
        }
        self.end()
    }

    /// True when there is more than when the shard's sweep began.
    #[must_use]
    pub fn is_rung(&self, shard: usize) -> bool {
        self.rings.get(shard).is_some_and(|ring| ring.rung.load(Ordering::SeqCst))
    }

    /// A shard's sweep took this long.
    pub fn end_sweep(&self, shard: usize, took: Duration) {
        if let Some(ring) = self.rings.get(shard) {
            let took = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
            let before = ring.sweep_us.load(Ordering::Relaxed);
            // The last four sweeps count: membership changes slowly, single sweeps are disturbed.
            let average = if before == 0 { took } else { before - before / 4 + took / 4 };
            ring.sweep_us.store(average, Ordering::Relaxed);
        }
    }

    /// The time a sweep takes on the shard where it takes longest.
    fn sweep_cost(&self) -> Duration {
        let us = self.rings.iter().map(|ring| ring.sweep_us.load(Ordering::Relaxed)).max().unwrap_or(0);
        Duration::from_micros(u64::from(us))
    }

    /// Tells the shards with members.
    fn ring(&self) {
        for ring in &self.rings {
            if ring.members.load(Ordering::Relaxed) > 0 && !ring.rung.swap(true, Ordering::SeqCst) {
                ring.bell.ring(self.id);
            }
        }
    }

    /// Appends what was sent together and tells everyone.
    fn publish(&self, entry: Entry, now: Instant) {
        let due =
            |(variant, members): &(Variant, usize)| delivery::count(entry.moments(variant.tier)) * members;
        self.metrics.due(self.wanted().iter().map(due).sum());
        {
            let mut published = self.published();
            if let Content::Events { events, .. } = &entry.content {
                for event in events.iter().filter(|event| Tier::Sampled.sees(event.audience)) {
                    published.facts.apply(&event.event);
                }
            }
            published.next = entry.next;
            published.log.push(Arc::new(entry), now);
            let end = published.log.end();
            self.end.send_replace(end);
        }
        self.ring();
    }

    /// Who sees a comment, as far as this room remembers.
    fn visibility(&self, id: CommentId) -> Option<Visibility> {
        self.recent().visibility(id)
    }
}
