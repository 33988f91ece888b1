//! Sweeps: one send to each member of a room that has something new, in batches with a yield between.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ringside_core::close::CloseCode;

use super::Hub;
use super::slot::{Flags, Key};
use super::write::{Sent, send_now};
use crate::room::{Payload, Pending, RoomHold, Variant};

/// Members that are sent to before other work of the shard has its turn: one to two milliseconds.
const BATCH: usize = 256;
/// Cursors whose bytes a sweep keeps at hand. Nearly all members of a group are at one or two.
const CURSORS: usize = 8;

/// Sends a room's new entries to its members on this shard, again while it rings.
pub(crate) async fn sweep(hub: Rc<RefCell<Hub>>, room: u64) {
    loop {
        let begun = hub.borrow_mut().begin_sweep(room);
        let Some(mut sweep) = begun else { return };
        let mut took = Duration::ZERO;
        loop {
            let start = Instant::now();
            let more = hub.borrow_mut().sweep_some(&mut sweep);
            took += start.elapsed();
            if !more {
                break;
            }
            tokio::task::yield_now().await;
        }
        if !hub.borrow_mut().end_sweep(&sweep, took) {
            return;
        }
        // Rung again meanwhile: others first.
        tokio::task::yield_now().await;
    }
}

/// A sweep under way.
pub(super) struct Sweep {
    shard: usize,
    room: u64,
    hold: RoomHold,
    end: u64,
    group: usize,
    /// Members of the group still to be visited; from the last to the first, so that a member who takes the place of
    /// one who left was visited already.
    left: usize,
    cache: Vec<(u64, Pending)>,
    /// What members were sent whole since it was counted last, and how many.
    sent: Vec<(Payload, u64)>,
    visited: usize,
    began: SystemTime,
}

impl Sweep {
    /// What a member at a cursor is sent; the same bytes for all at the same cursor.
    fn pending(&mut self, cursor: u64, variant: Variant) -> Pending {
        if let Some((_, pending)) = self.cache.iter().find(|(known, _)| *known == cursor) {
            return pending.clone();
        }
        let pending = self.hold.pending(cursor, self.end, variant);
        if self.cache.len() == CURSORS {
            self.cache.clear();
        }
        self.cache.push((cursor, pending.clone()));
        pending
    }

    fn count(&mut self, payload: Payload) {
        match self.sent.last_mut().filter(|(last, _)| Arc::ptr_eq(&last.moments, &payload.moments)) {
            Some((_, members)) => *members += 1,
            None => self.sent.push((payload, 1)),
        }
    }
}

impl Hub {
    /// True when a room that rang is to be swept by a new task: it has members here, and none sweeps it yet.
    pub(crate) fn needs_sweep(&mut self, room: u64) -> bool {
        let index = self.room_index.get(&room).copied();
        let Some(room) = index.and_then(|index| self.rooms.get_mut(index as usize)) else { return false };
        !std::mem::replace(&mut room.sweeping, true)
    }

    fn begin_sweep(&mut self, room: u64) -> Option<Sweep> {
        let index = self.room_index.get(&room).copied()?;
        let hold = self.rooms.get(index as usize)?.hold.clone();
        let end = hold.begin_sweep(self.shard);
        let shard = self.shard;
        Some(Sweep {
            shard,
            room,
            hold,
            end,
            group: 0,
            left: usize::MAX,
            cache: Vec::new(),
            sent: Vec::new(),
            visited: 0,
            began: SystemTime::now(),
        })
    }

    /// Visits a batch of members; false when all have been.
    fn sweep_some(&mut self, sweep: &mut Sweep) -> bool {
        let Some(index) = self.room_index.get(&sweep.room).copied() else { return false };
        let mut budget = BATCH;
        let mut gone: Vec<Key> = Vec::new();
        let mut slow: Vec<Key> = Vec::new();
        let mut full: Vec<(Key, usize)> = Vec::new();
        let more = loop {
            let Some(room) = self.rooms.get(index as usize) else { break false };
            let Some(group) = room.groups.get(sweep.group) else { break false };
            let variant = group.variant;
            sweep.left = sweep.left.min(group.members.len());
            let from = sweep.left.saturating_sub(budget);
            let batch = group.members.get(from..sweep.left).unwrap_or(&[]);
            budget -= batch.len();
            sweep.visited += batch.len();
            for member in batch.iter().rev() {
                let Some(slot) = self.slots.get_mut(*member as usize) else { continue };
                if slot.flags.any(Flags::BLOCKED.with(Flags::HELD)) {
                    continue;
                }
                // More than one send only where the socket takes all of a bounded one and there is still more.
                while slot.cursor < sweep.end {
                    let payload = match sweep.pending(slot.cursor, variant) {
                        Pending::Payload(payload) => payload,
                        Pending::UpToDate | Pending::NotEncoded(_) => break,
                        Pending::Fallen => {
                            slow.push(Key { index: *member, generation: slot.generation });
                            break;
                        }
                    };
                    if payload.bytes.is_empty() {
                        slot.cursor = payload.end;
                        continue;
                    }
                    let sent = send_now(&slot.fd, &payload.bytes);
                    self.metrics.sent(sent);
                    match sent {
                        Sent::Bytes(n) if n == payload.bytes.len() => {
                            slot.cursor = payload.end;
                            sweep.count(payload);
                        }
                        Sent::Bytes(n) => {
                            let (cursor, begun) = payload.after(slot.cursor, n);
                            slot.cursor = cursor;
                            full.push((Key { index: *member, generation: slot.generation }, begun));
                            break;
                        }
                        Sent::Full => {
                            full.push((Key { index: *member, generation: slot.generation }, 0));
                            break;
                        }
                        Sent::Gone => {
                            gone.push(Key { index: *member, generation: slot.generation });
                            break;
                        }
                    }
                }
            }
            sweep.left = from;
            if from == 0 {
                sweep.group += 1;
                sweep.left = usize::MAX;
                sweep.cache.clear();
            }
            if budget == 0 {
                break true;
            }
        };
        // One look at the clock for all of them: they were sent within a millisecond or two.
        for (payload, members) in sweep.sent.drain(..) {
            self.metrics.delivered(&payload, members);
        }
        for (key, begun) in full {
            if self.keep_begun(key, begun) {
                self.block(key, true);
            } else {
                gone.push(key);
            }
        }
        for key in slow {
            self.close(key, CloseCode::Slow);
        }
        for key in gone {
            self.remove(key);
        }
        more
    }

    /// True when the room rang meanwhile and is to be swept again.
    fn end_sweep(&mut self, sweep: &Sweep, took: Duration) -> bool {
        sweep.hold.end_sweep(sweep.shard, took);
        self.metrics.swept(took, sweep.visited);
        let index = self.room_index.get(&sweep.room).copied();
        let Some(room) = index.and_then(|index| self.rooms.get_mut(index as usize)) else { return false };
        for traced in sweep.hold.traced(std::mem::replace(&mut room.swept, sweep.end), sweep.end) {
            let mut span = traced.trace.begin("send");
            span.began_at(sweep.began);
            span.set("ringside.stream", sweep.hold.stream.as_str());
            span.set("ringside.offset", traced.offset);
            span.set("ringside.shard", sweep.shard);
            span.set("ringside.members", sweep.visited);
        }
        room.sweeping = room.hold.is_rung(sweep.shard);
        room.sweeping
    }
}
