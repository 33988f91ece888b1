//! Reading: from readable sockets to whole messages, and on to the decoder.

use std::mem::take;

use bytes::Bytes;
use ringside_core::close::CloseCode;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

use super::slot::{Flags, Key};
use super::{Hub, UNDECODED_MAX};
use crate::frame::assembler::Rules;
use crate::frame::{self, Assembler, Incoming, Opcode};

/// Reads of one connection before others have their turn: 64 KiB, sixteen of the longest messages.
const READS_AT_ONCE: usize = 4;
/// Connections with bytes to read that have their turn before the shard does something else.
const TURNS: usize = 64;

enum Read {
    /// This many bytes are in the buffer.
    Some(usize),
    /// Nothing more now.
    Later,
    /// The client is gone.
    End,
}

impl Hub {
    /// A socket is readable: it is read until it has nothing more or the bound is reached.
    pub(crate) fn readable(&mut self, key: Key) {
        for _ in 0..READS_AT_ONCE {
            let Some(slot) = self.slots.get(key.index as usize).filter(|s| s.generation == key.generation)
            else {
                return;
            };
            if self.pumps.undecoded() >= UNDECODED_MAX && !slot.flags.any(Flags::CLOSING) {
                break;
            }
            let read = match recv(&slot.fd, &mut *self.buffer, RecvFlags::DONTWAIT) {
                Ok((_, 0)) => Read::End,
                Ok((_, n)) => Read::Some(n),
                Err(Errno::AGAIN) => Read::Later,
                Err(Errno::INTR) => continue,
                Err(_) => Read::End,
            };
            match read {
                Read::End => return self.remove(key),
                Read::Later => return,
                Read::Some(n) => {
                    let buffer = take(&mut self.buffer);
                    self.take_in(key, buffer.get(..n).unwrap_or(&[]));
                    self.buffer = buffer;
                }
            }
        }
        self.read_later(key);
    }

    /// Comes back to a connection: its edge has passed and will not come again for what is there already.
    fn read_later(&mut self, key: Key) {
        if let Some(slot) = self.slot_mut(key)
            && !slot.flags.any(Flags::UNREAD)
        {
            slot.flags.put(Flags::UNREAD, true);
            self.unread.push_back(key);
            self.read_again.notify_one();
        }
    }

    /// Goes on with connections that were left with bytes to read.
    pub(crate) fn read_more(&mut self) {
        for _ in 0..TURNS {
            if self.pumps.undecoded() >= UNDECODED_MAX {
                return;
            }
            let Some(key) = self.unread.pop_front() else { return };
            if let Some(slot) = self.slot_mut(key) {
                slot.flags.put(Flags::UNREAD, false);
                self.readable(key);
            }
        }
        if !self.unread.is_empty() {
            self.read_again.notify_one();
        }
    }

    /// Takes a client's bytes in.
    pub(super) fn take_in(&mut self, key: Key, bytes: &[u8]) {
        let now = self.now();
        let mut incoming = take(&mut self.incoming);
        let Some(slot) = self.slots.get_mut(key.index as usize).filter(|s| s.generation == key.generation)
        else {
            return;
        };
        if slot.flags.any(Flags::CLOSED) {
            return;
        }
        slot.last_seen = now;
        let text = self.pumps.is_text(slot.format);
        let deflate = slot.flags.any(Flags::DEFLATE).then_some(&mut self.inflater);
        let mut assembler: Assembler =
            slot.more.as_mut().and_then(|more| more.assembler.take()).unwrap_or_default();
        let fed = assembler.feed(bytes, &mut Rules { text, deflate }, &mut incoming);
        if fed.is_ok() && !assembler.is_idle() {
            slot.more().assembler = Some(assembler);
        } else {
            slot.slim();
        }
        for incoming in incoming.drain(..) {
            self.came(key, incoming);
        }
        self.incoming = incoming;
        if let Err(violation) = fed {
            tracing::debug!(%violation, "a client broke the protocol");
            self.close(key, violation.close());
        }
    }

    fn came(&mut self, key: Key, incoming: Incoming) {
        let now = self.now();
        let Some(slot) = self.slot_mut(key) else { return };
        if slot.flags.any(Flags::CLOSING) && !matches!(incoming, Incoming::Close(_)) {
            return;
        }
        match incoming {
            Incoming::Message(message) => {
                if !slot.budget.spend(now) {
                    return self.close(key, CloseCode::TooManyCommands);
                }
                let format = slot.format;
                self.pumps.decode(format, key, Bytes::from(message));
            }
            // Who does not read the answers to its pings is not owed more of them (RFC 6455, 5.5.3).
            Incoming::Ping(_) if slot.has_queue() => {}
            Incoming::Ping(payload) => self.push(key, frame::frame(Opcode::Pong, false, &payload)),
            Incoming::Pong => {}
            Incoming::Close(code) => {
                slot.flags.put(Flags::CLOSED, true);
                if slot.flags.any(Flags::CLOSING) {
                    // The answer to ours.
                    if !slot.has_queue() {
                        self.remove(key);
                    }
                } else {
                    self.end(key, frame::close_echo(code), code.unwrap_or(1005));
                }
            }
        }
    }
}
