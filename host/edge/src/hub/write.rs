//! Writing: without waiting and without a buffer, from the room's log or the connection's own queue.
//!
//! A frame that is begun is always finished before anything else: its rest goes to the front of the connection's own
//! queue, which goes before the room's log.

use bytes::Bytes;
use mio::Interest;
use mio::unix::SourceFd;
use ringside_core::close::CloseCode;
use rustix::io::Errno;
use rustix::net::{SendFlags, Shutdown, send, shutdown};
use std::os::fd::{AsRawFd, OwnedFd};

use super::Hub;
use super::slot::{Flags, Key};
use super::users::NONE;
use crate::room::Pending;

/// Bytes that may wait for one connection beside the room's, and behind what is being sent.
const QUEUE_BYTES_MAX: usize = 256 << 10;
/// Frames that may wait for one connection.
const QUEUE_FRAMES_MAX: usize = 64;

/// What became of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// This many bytes.
    Bytes(usize),
    /// The socket is full.
    Full,
    /// The client is gone.
    Gone,
}

/// One send that does not wait.
pub(super) fn send_now(fd: &OwnedFd, bytes: &[u8]) -> Sent {
    loop {
        return match send(fd, bytes, SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL)) {
            Ok(sent) => Sent::Bytes(sent),
            Err(Errno::AGAIN | Errno::NOBUFS) => Sent::Full,
            Err(Errno::INTR) => continue,
            Err(_) => Sent::Gone,
        };
    }
}

impl Hub {
    /// Queues whole frames for one connection and sends what the socket takes.
    pub(crate) fn push(&mut self, key: Key, frames: Bytes) {
        let Some(slot) = self.slot_mut(key) else { return };
        if slot.flags.any(Flags::CLOSING) {
            return;
        }
        let more = slot.more();
        let over = more.queued() > QUEUE_BYTES_MAX || more.queue.len() >= QUEUE_FRAMES_MAX;
        more.queue.push_back(frames);
        if over {
            return self.close(key, CloseCode::Slow);
        }
        if !slot.flags.any(Flags::BLOCKED) {
            self.flush(key);
        }
    }

    /// Sends all that waits for a connection, until the socket is full.
    pub(crate) fn flush(&mut self, key: Key) {
        let full = loop {
            match self.flush_some(key) {
                Some(Flushed::More) => {}
                Some(Flushed::Full) => break true,
                Some(Flushed::All) => break false,
                None => return self.remove(key),
            }
        };
        self.block(key, full);
        let Some(slot) = self.slot_mut(key) else { return };
        if full {
            return;
        }
        if slot.flags.any(Flags::CLOSED) {
            return self.remove(key);
        }
        if slot.flags.any(Flags::CLOSING) {
            // The client reads our close frame before the end; what it still sends is read and dropped, as unread
            // bytes would make the kernel tear the connection down at once.
            let _gone = shutdown(&slot.fd, Shutdown::Write);
        }
        slot.slim();
    }

    /// One send; none when the client is gone.
    fn flush_some(&mut self, key: Key) -> Option<Flushed> {
        let slot = self.slots.get_mut(key.index as usize).filter(|slot| slot.generation == key.generation)?;
        if let Some(more) = slot.more.as_mut()
            && let Some(front) = more.queue.front()
        {
            let rest = front.get(more.sent..).unwrap_or(&[]);
            let sent = send_now(&slot.fd, rest);
            let len = rest.len();
            self.metrics.sent(sent);
            return match sent {
                Sent::Gone => None,
                Sent::Full => Some(Flushed::Full),
                Sent::Bytes(n) if n < len => {
                    more.sent += n;
                    Some(Flushed::Full)
                }
                Sent::Bytes(_) => {
                    more.sent = 0;
                    more.queue.pop_front();
                    Some(Flushed::More)
                }
            };
        }
        if slot.room == NONE || slot.flags.any(Flags::HELD) {
            return Some(Flushed::All);
        }
        let (room, variant) = self.rooms.get(slot.room as usize)?.group(slot.group)?;
        let payload = match room.pending(slot.cursor, room.end(), variant) {
            Pending::Payload(payload) => payload,
            // The bell rings when it is encoded.
            Pending::UpToDate | Pending::NotEncoded(_) => return Some(Flushed::All),
            Pending::Fallen => {
                self.close(key, CloseCode::Slow);
                return self.slot(key).map(|_| Flushed::All);
            }
        };
        if payload.bytes.is_empty() {
            slot.cursor = payload.end;
            return Some(Flushed::More);
        }
        let sent = send_now(&slot.fd, &payload.bytes);
        self.metrics.sent(sent);
        match sent {
            Sent::Gone => None,
            Sent::Full => Some(Flushed::Full),
            Sent::Bytes(n) => {
                let (cursor, begun) = payload.after(slot.cursor, n);
                slot.cursor = cursor;
                if n < payload.bytes.len() {
                    return self.keep_begun(key, begun).then_some(Flushed::Full);
                }
                self.metrics.delivered(&payload, 1);
                Some(Flushed::More)
            }
        }
    }

    /// Puts the rest of a room's frame, of which `begun` bytes were sent, into the connection's own queue, so that it
    /// is finished before anything else, also when the connection leaves the room or falls off its log meanwhile. The
    /// bytes are the log's own: all who stopped within the same frame share them. False when the log no longer has
    /// the frame; then nothing more may be sent on this connection.
    pub(super) fn keep_begun(&mut self, key: Key, begun: usize) -> bool {
        if begun == 0 {
            return true;
        }
        let Some(slot) = self.slots.get_mut(key.index as usize) else { return false };
        let group = self.rooms.get(slot.room as usize).and_then(|room| room.group(slot.group));
        let Some((room, variant)) = group else { return false };
        let Pending::Payload(payload) = room.pending(slot.cursor, slot.cursor + 1, variant) else {
            return false;
        };
        let rest = payload.bytes.slice(begun.min(payload.bytes.len())..);
        slot.cursor += 1;
        slot.more().queue.push_front(rest);
        self.metrics.delivered(&payload, 1);
        true
    }

    /// Watches for writability while the socket is full.
    pub(super) fn block(&mut self, key: Key, full: bool) {
        let now = self.now();
        let Some(slot) = self.slot_mut(key) else { return };
        let was = slot.flags.any(Flags::BLOCKED);
        if full {
            slot.more().blocked_since = now;
        }
        if was == full {
            return;
        }
        slot.flags.put(Flags::BLOCKED, full);
        let fd = slot.fd.as_raw_fd();
        let interest = if full { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        if let Err(error) = self.registry.reregister(&mut SourceFd(&fd), key.token(), interest) {
            tracing::warn!(%error, "a connection cannot be watched any longer and is dropped");
            self.remove(key);
        }
    }
}

enum Flushed {
    /// There may be more to send.
    More,
    /// The socket is full.
    Full,
    /// Everything is sent.
    All,
}
