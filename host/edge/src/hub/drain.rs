//! Sending everyone elsewhere: each connection is told a moment of its own, so that the other hosts are not flooded.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use ringside_core::close::CloseCode;
use ringside_core::wire::{Message, Notice, NoticeKind};

use super::Hub;
use super::slot::Key;
use crate::pump::Then;

/// How often connections whose moment has passed are closed.
const STEP: Duration = Duration::from_millis(50);
/// Part of the time over which the moments are spread; what is left is for the close handshakes.
const SPREAD: f64 = 0.7;
/// From a connection's moment to its close: a client that follows the notice has gone by itself.
const GRACE: f64 = 0.1;

/// Asks all connections to go within `time`, and closes those that stay.
pub(crate) async fn drain(hub: Rc<RefCell<Hub>>, time: Duration) {
    let started = Instant::now();
    hub.borrow_mut().announce_drain(time);
    while started.elapsed() < time {
        if hub.borrow().len() == 0 {
            return;
        }
        tokio::time::sleep(STEP.min(time)).await;
        let passed = started.elapsed().mul_f64(1.0).saturating_sub(time.mul_f64(GRACE));
        hub.borrow_mut().close_due(time, passed);
    }
    hub.borrow_mut().close_due(time, time);
}

impl Hub {
    fn keys(&self) -> Vec<Key> {
        self.slots.iter().filter_map(|(index, _)| self.key(index)).collect()
    }

    fn announce_drain(&mut self, time: Duration) {
        self.draining = true;
        for key in self.keys() {
            let moment = moment(key, time);
            let notice = Notice {
                kind: NoticeKind::Drain,
                text: "This server is about to stop: reconnect.".to_owned(),
                value: u32::try_from(moment.as_millis()).unwrap_or(u32::MAX),
                stream: String::new(),
                comment: None,
            };
            self.tell(key, vec![Message::Notice(notice)], Then::Nothing);
        }
    }

    fn close_due(&mut self, time: Duration, passed: Duration) {
        for key in self.keys() {
            if moment(key, time) <= passed {
                self.close(key, CloseCode::Drain);
            }
        }
    }
}

/// When a connection is to go: spread evenly by a hash of its key.
fn moment(key: Key, time: Duration) -> Duration {
    let mixed = (u64::from(key.generation) << 32 | u64::from(key.index)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // 16 bits of the product's upper half: the golden ratio spreads consecutive keys evenly.
    let share = f64::from(u16::try_from(mixed >> 48).unwrap_or(0)) / 65_536.0;
    time.mul_f64(SPREAD * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_spread_evenly_over_the_time() {
        let time = Duration::from_secs(10);
        let mut buckets = [0u32; 7];
        for index in 0..7_000u32 {
            let moment = moment(Key { index, generation: index + 1 }, time);
            assert!(moment < time.mul_f64(SPREAD));
            buckets[usize::try_from(moment.as_secs()).unwrap()] += 1;
        }
        assert!(buckets.iter().all(|count| (900..1_100).contains(count)), "{buckets:?}");
    }
}
