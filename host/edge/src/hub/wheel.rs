//! What happens by time: pings, expiry, idleness, slowness, the end of a close.

use ringside_core::close::CloseCode;
use ringside_core::wire::{Message, Notice, NoticeKind};

use super::slot::{Flags, Key};
use super::users::NONE;
use super::{Hub, ticks};
use crate::frame::{self, Opcode};
use crate::pump::Then;

/// Connections looked at before other work has its turn: 30 µs.
const BATCH: usize = 4_096;

enum Due {
    Remove,
    Close(CloseCode),
    Expiring(u32),
    Ping,
}

impl Hub {
    /// Looks at the connections from `from` on. `round` counts the rounds, `rounds_a_ping` of which pass between two
    /// pings: each connection has its round, so that pings are spread. Returns where to go on, none at the end.
    pub(crate) fn turn(&mut self, from: usize, round: u32, rounds_a_ping: u32) -> Option<usize> {
        let now = self.now();
        let (idle, slow) = (ticks(self.timings.idle), ticks(self.timings.slow));
        let expiring = ticks(self.timings.expiring);
        let to = from + BATCH;
        let mut due: Vec<(Key, Due)> = Vec::new();
        for index in from..to {
            let Some(slot) = self.slots.get(index) else { continue };
            let Ok(at) = u32::try_from(index) else { break };
            let key = Key { index: at, generation: slot.generation };
            let flags = slot.flags;
            let more = slot.more.as_ref();
            let left = slot.expires.saturating_sub(now);
            if flags.any(Flags::CLOSING) {
                if more.is_none_or(|more| now >= more.close_by) {
                    due.push((key, Due::Remove));
                }
            } else if left == 0 && !flags.any(Flags::ADMITTED) {
                due.push((key, Due::Close(CloseCode::AuthenticateTimeout)));
            } else if left == 0 {
                due.push((key, Due::Close(CloseCode::TokenExpired)));
            } else if now.saturating_sub(slot.last_seen) >= idle {
                due.push((key, Due::Close(CloseCode::Idle)));
            } else if flags.any(Flags::BLOCKED)
                && more.is_some_and(|more| now.saturating_sub(more.blocked_since) >= slow)
            {
                due.push((key, Due::Close(CloseCode::Slow)));
            } else {
                if slot.user != NONE && left <= expiring && !flags.any(Flags::TOLD) {
                    due.push((key, Due::Expiring(left.saturating_mul(100))));
                }
                if at % rounds_a_ping == round % rounds_a_ping && !flags.any(Flags::BLOCKED) {
                    due.push((key, Due::Ping));
                }
            }
        }
        for (key, due) in due {
            match due {
                Due::Remove => self.remove(key),
                Due::Close(code) => self.close(key, code),
                Due::Expiring(left_ms) => {
                    if let Some(slot) = self.slot_mut(key) {
                        slot.flags.put(Flags::TOLD, true);
                    }
                    let notice = Notice {
                        kind: NoticeKind::Expiring,
                        text: "Your sign-in ends soon: refresh it.".to_owned(),
                        value: left_ms,
                        stream: String::new(),
                        comment: None,
                    };
                    self.tell(key, vec![Message::Notice(notice)], Then::Nothing);
                }
                Due::Ping => self.push(key, frame::frame(Opcode::Ping, false, &[])),
            }
        }
        (to < self.slots.capacity().max(self.slots.len())).then_some(to)
    }
}
