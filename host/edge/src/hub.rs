//! The hub: all sockets of one shard, in a poll of its own and a slab of small slots.
//!
//! Nothing here waits and nothing here runs a codec: whatever takes time is handed out (to the shard's pumps or to
//! the runtime) and comes back by the connection's [`Key`].

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use mio::unix::SourceFd;
use mio::{Interest, Registry};
use ringside_core::close::CloseCode;
use ringside_core::wire::Message;
use ringside_ports::Codecs;
use slab::Slab;
use tokio::sync::{Notify, mpsc};

use crate::auth::Identity;
use crate::config::Timings;
use crate::formats::{FormatId, Formats};
use crate::frame::deflate::Inflater;
use crate::frame::{self, Incoming};
use crate::metrics::ShardMetrics;
use crate::pump::{Outgoing, Pumps, Then};
use crate::room::Rooms;
use crate::services::{Services, now_ms};

mod commands;
mod direct;
mod drain;
mod member;
mod read;
pub(crate) mod signal;
pub(crate) mod slot;
mod sweep;
pub(crate) mod users;
mod wheel;
mod write;

pub(crate) use drain::drain;
use member::ShardRoom;
use signal::Signal;
use slot::{Flags, Key, Slot, Ticks};
pub(crate) use sweep::sweep;
use users::{NONE, Users};
pub(crate) use write::Sent;

/// Bytes read from a socket at once. One buffer a shard.
const READ_BYTES: usize = 16 << 10;
/// Frames of a shard that wait to be decoded: a second of 8,000 viewers who all comment. Sockets are not read
/// while it is full.
pub(crate) const UNDECODED_MAX: usize = 8_192;
/// Commands of a shard that run at once. Others wait in their connection, which has at most
/// [`ringside_core::limits::COMMANDS_IN_FLIGHT_MAX`].
const RUNNING_MAX: usize = 1_024;

/// What a hub is made of from outside.
pub(crate) struct HubParts {
    pub(crate) shard: usize,
    pub(crate) services: Services,
    pub(crate) rooms: Rooms,
    pub(crate) timings: Timings,
    pub(crate) registry: Registry,
    pub(crate) inbox: mpsc::Sender<Signal>,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) metrics: ShardMetrics,
}

/// All sockets of one shard.
pub(crate) struct Hub {
    shard: usize,
    services: Services,
    rooms_of_host: Rooms,
    timings: Timings,
    registry: Registry,
    inbox: mpsc::Sender<Signal>,
    pub(crate) metrics: ShardMetrics,
    started: Instant,
    slots: Slab<Slot>,
    users: Users,
    rooms: Slab<ShardRoom>,
    room_index: HashMap<u64, u32>,
    /// Connections of the host, over all shards.
    connections: Arc<AtomicUsize>,
    generation: u32,
    buffer: Box<[u8]>,
    inflater: Inflater,
    incoming: Vec<Incoming>,
    /// Connections with bytes to read: reading stopped at its bound, or for the decoder.
    unread: VecDeque<Key>,
    /// Told when `unread` is to be looked at.
    pub(crate) read_again: Rc<Notify>,
    pumps: Pumps,
    running: usize,
    starved: VecDeque<Key>,
    draining: bool,
}

impl Hub {
    pub(crate) fn new(parts: HubParts, pumps: Pumps) -> Self {
        let HubParts { shard, services, rooms, timings, registry, inbox, connections, metrics } = parts;
        Self {
            shard,
            services,
            rooms_of_host: rooms,
            timings,
            registry,
            inbox,
            metrics,
            started: Instant::now(),
            slots: Slab::new(),
            users: Users::default(),
            rooms: Slab::new(),
            room_index: HashMap::new(),
            connections,
            generation: 0,
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            inflater: Inflater::default(),
            incoming: Vec::new(),
            unread: VecDeque::new(),
            read_again: Rc::default(),
            pumps,
            running: 0,
            starved: VecDeque::new(),
            draining: false,
        }
    }

    /// Begins to serve a format, once its first connection comes.
    pub(crate) fn serve_format(
        hub: &Rc<RefCell<Self>>,
        format: FormatId,
        formats: &Formats,
        codecs: &Arc<dyn Codecs>,
    ) {
        hub.borrow_mut().pumps.serve(format, formats, codecs, hub);
    }

    /// Shows how much waits.
    pub(crate) fn measure(&self) {
        let gauge = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.metrics.undecoded.set(gauge(self.pumps.undecoded()));
        self.metrics.unencoded.set(gauge(self.pumps.unencoded()));
    }

    /// A socket that was full takes bytes again.
    pub(crate) fn flush_blocked(&mut self, key: Key) {
        if self.slot(key).is_some_and(|slot| slot.flags.any(Flags::BLOCKED)) {
            self.flush(key);
        }
    }

    fn now(&self) -> Ticks {
        ticks(self.started.elapsed())
    }

    /// Connections of this shard.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn slot(&self, key: Key) -> Option<&Slot> {
        self.slots.get(key.index as usize).filter(|slot| slot.generation == key.generation)
    }

    pub(crate) fn slot_mut(&mut self, key: Key) -> Option<&mut Slot> {
        self.slots.get_mut(key.index as usize).filter(|slot| slot.generation == key.generation)
    }

    fn key(&self, index: usize) -> Option<Key> {
        let slot = self.slots.get(index)?;
        Some(Key { index: u32::try_from(index).ok()?, generation: slot.generation })
    }

    /// Takes a socket over after the upgrade. `early` is what came behind the request. Where the host is full, the
    /// client is told so.
    pub(crate) fn adopt(
        &mut self,
        fd: OwnedFd,
        early: &[u8],
        format: FormatId,
        deflate: bool,
        identity: Option<Identity>,
        connections_max: usize,
    ) {
        let now = self.now();
        self.generation = self.generation.wrapping_add(1);
        let vacant = self.slots.vacant_entry();
        let Ok(index) = u32::try_from(vacant.key()) else { return };
        let key = Key { index, generation: self.generation };
        let mut slot = Slot::new(fd, key.generation, format, deflate, now);
        slot.expires = now.saturating_add(ticks(self.timings.authenticate));
        if let Err(error) =
            self.registry.register(&mut SourceFd(&slot.fd.as_raw_fd()), key.token(), Interest::READABLE)
        {
            tracing::warn!(%error, "a connection cannot be watched and is dropped");
            return;
        }
        vacant.insert(slot);
        self.metrics.connections.inc();
        self.metrics.opened.inc();
        let before = self.connections.fetch_add(1, Ordering::Relaxed);
        if before >= connections_max {
            self.close(key, CloseCode::Full);
            return;
        }
        if let Some(identity) = identity {
            self.sign_in(key, identity);
        }
        if self.draining {
            self.close(key, CloseCode::Drain);
            return;
        }
        if !early.is_empty() {
            self.take_in(key, early);
        }
        // What came since the registration: its edge may have passed already.
        self.readable(key);
    }

    /// Makes a connection one of a user.
    pub(crate) fn sign_in(&mut self, key: Key, identity: Identity) {
        let now = self.now();
        let left_ms = identity.expires_at_ms.saturating_sub(now_ms());
        let expires = now.saturating_add(ticks(std::time::Duration::from_millis(left_ms)));
        if self.slot(key).is_none() {
            return;
        }
        self.sign_out(key);
        let user = self.users.connect(identity);
        let head = self.users.get_mut(user).map(|user| std::mem::replace(&mut user.first_slot, key.index));
        if let Some(next) = head.and_then(|head| self.slots.get_mut(head as usize)) {
            next.previous_of_user = key.index;
        }
        if let Some(slot) = self.slot_mut(key) {
            slot.user = user;
            slot.next_of_user = head.unwrap_or(NONE);
            slot.previous_of_user = NONE;
            slot.expires = expires;
            slot.flags.put(Flags::ADMITTED, true);
            slot.flags.put(Flags::TOLD, false);
        }
        self.regroup(key);
    }

    fn sign_out(&mut self, key: Key) {
        let Some(slot) = self.slot_mut(key) else { return };
        let (user, next, previous) = (slot.user, slot.next_of_user, slot.previous_of_user);
        (slot.user, slot.next_of_user, slot.previous_of_user) = (NONE, NONE, NONE);
        if user == NONE {
            return;
        }
        if let Some(next) = self.slots.get_mut(next as usize) {
            next.previous_of_user = previous;
        }
        match self.slots.get_mut(previous as usize) {
            Some(previous) => previous.next_of_user = next,
            None => {
                if let Some(user) = self.users.get_mut(user) {
                    user.first_slot = next;
                }
            }
        }
        self.users.disconnect(user);
    }

    /// The connections of a user, from the first of its chain.
    fn chain(&self, first: u32) -> impl Iterator<Item = Key> {
        std::iter::successors(self.key(first as usize), |key| {
            self.slot(*key).and_then(|slot| self.key(slot.next_of_user as usize))
        })
    }

    /// Sends messages to one connection, encoded in its format by the pump.
    pub(crate) fn tell(&mut self, key: Key, messages: Vec<Message>, then: Then) {
        let Some(slot) = self.slot(key) else { return };
        if !slot.flags.any(Flags::CLOSING) {
            self.pumps.encode(slot.format, Outgoing { key, messages, then });
        }
    }

    /// Ends a connection with a code: the close frame goes behind what waits already.
    pub(crate) fn close(&mut self, key: Key, code: CloseCode) {
        self.end(key, frame::close(code), code.number());
    }

    fn end(&mut self, key: Key, close: bytes::Bytes, code: u16) {
        if self.slot(key).is_none_or(|slot| slot.flags.any(Flags::CLOSING)) {
            return;
        }
        self.leave_room(key);
        let by = self.now().saturating_add(ticks(self.timings.close));
        if let Some(slot) = self.slot_mut(key) {
            slot.flags.put(Flags::CLOSING, true);
            slot.flags.put(Flags::HELD, false);
            let more = slot.more();
            more.close_by = by;
            more.waiting.clear();
            more.assembler = None;
            more.queue.push_back(close);
        }
        self.metrics.closed(code);
        self.flush(key);
    }

    /// Lets go of a connection.
    fn remove(&mut self, key: Key) {
        self.leave_room(key);
        self.sign_out(key);
        if self.slot(key).is_some() {
            // Closing the descriptor takes it out of the poll.
            drop(self.slots.try_remove(key.index as usize));
            self.connections.fetch_sub(1, Ordering::Relaxed);
            self.metrics.connections.dec();
        }
        if self.slots.is_empty() {
            self.slots.shrink_to_fit();
        }
    }

    /// Ends all connections of a user.
    pub(crate) fn disconnect(&mut self, user: &str, code: CloseCode) {
        let keys: Vec<Key> = self.users.with_id(user).flat_map(|user| self.chain(user.first_slot)).collect();
        for key in keys {
            self.close(key, code);
        }
    }

    /// Ends the connections whose codec is no longer there.
    pub(crate) fn withdraw(&mut self, is_there: impl Fn(FormatId) -> bool) {
        let keys: Vec<Key> = self
            .slots
            .iter()
            .filter(|(_, slot)| !is_there(slot.format))
            .filter_map(|(index, _)| self.key(index))
            .collect();
        for key in keys {
            self.close(key, CloseCode::CodecWithdrawn);
        }
    }
}

/// Tenths of a second.
fn ticks(time: std::time::Duration) -> Ticks {
    Ticks::try_from(time.as_millis() / 100).unwrap_or(Ticks::MAX)
}
