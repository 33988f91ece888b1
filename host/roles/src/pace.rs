//! How fast a stream is: events in the last second, by stream, in bounded memory.

use std::collections::HashMap;

use ringside_core::StreamId;

/// Streams that are measured at once; the quietest are forgotten first. A host serves fewer streams than this
/// at one moment, and a forgotten one begins again at zero, which only delays sampling by a second.
const STREAMS_MAX: usize = 10_000;

/// Counts by stream over one second, in ten steps.
#[derive(Debug, Default)]
pub struct Pace {
    streams: HashMap<StreamId, Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    steps: [u32; 10],
    /// The step (tenth of a second since 1970) that was counted last.
    last: u64,
}

impl Ring {
    fn forward(&mut self, step: u64) {
        let passed = step.saturating_sub(self.last).min(10);
        for back in 0..passed {
            if let Some(slot) = self.steps.get_mut(index(step - back)) {
                *slot = 0;
            }
        }
        self.last = self.last.max(step);
    }
}

fn index(step: u64) -> usize {
    usize::try_from(step % 10).unwrap_or(0)
}

impl Pace {
    /// Counts `events` and returns how many there were in the second that ends now.
    pub fn count(&mut self, stream: &StreamId, events: u32, now_ms: u64) -> u32 {
        let step = now_ms / 100;
        if !self.streams.contains_key(stream) {
            if self.streams.len() >= STREAMS_MAX {
                self.streams.retain(|_, ring| step.saturating_sub(ring.last) < 10);
            }
            if self.streams.len() >= STREAMS_MAX {
                return events;
            }
            self.streams.insert(stream.clone(), Ring { steps: [0; 10], last: step });
        }
        let Some(ring) = self.streams.get_mut(stream) else { return events };
        ring.forward(step);
        if let Some(slot) = ring.steps.get_mut(index(ring.last)) {
            *slot = slot.saturating_add(events);
        }
        ring.steps.iter().fold(0, |sum, n| sum.saturating_add(*n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_what_came_in_the_last_second() {
        let stream = StreamId::new("s").unwrap();
        let mut pace = Pace::default();
        for step in 0..50 {
            pace.count(&stream, 3, step * 100);
        }
        assert_eq!(pace.count(&stream, 0, 4_900), 30);
        assert_eq!(pace.count(&stream, 0, 5_400), 15);
        assert_eq!(pace.count(&stream, 1, 60_000), 1);
        assert_eq!(pace.count(&stream, 1, 59_000), 2, "a clock that steps back loses nothing");
    }
}
