//! How long a room gathers events before it sends them together.
//!
//! A sweep costs a `send` for each member, whatever it carries; gathering is what makes a busy room cheap, and
//! what a quiet one must not pay for with latency. So a room gathers only when sweeping each event by itself
//! would take more than [`FREE_SHARE`] of a core, and then just so long that sweeps take a small share of it.

use std::time::{Duration, Instant};

use ringside_core::limits::TICK_MS_MAX;

/// Share of a core that sweeps may take before anything is gathered. At the measured 4 to 8 µs a send, 10,000
/// members at 10 events/s stay below it on a quick machine and pass it on a slow one.
pub const FREE_SHARE: f64 = 0.6;
/// The longest gathering is this many sweeps long: sweeps then take half of a core. Measured with 10,000 members at 100
/// events/s: with 1.2 the last viewer has an event after 213 ms at the cost of 0.16 sends, with 1.9 after 244 ms at 0.093,
/// with 2.5 and more the limit of 250 ms is reached: 346 ms at 0.08.
pub const SWEEPS_A_TICK: f64 = 1.9;
/// Time over which the pace of events is averaged.
const WINDOW_S: f64 = 1.0;

/// The time between the starts of two sweeps.
///
/// `cost` is the time one sweep of the busiest shard takes, `per_second` how many sweeps a second there would be
/// without gathering, `least` what the throttle's plan asks for. It is not added to an event's way: an event that
/// comes later than this after the last sweep goes out at once.
#[must_use]
pub fn tick(cost: Duration, per_second: f64, least: Duration) -> Duration {
    let share = cost.as_secs_f64() * per_second;
    let wanted = if share <= FREE_SHARE {
        Duration::ZERO
    } else {
        // Grows from nothing where the free share is passed, so that the tick does not jump back and forth there.
        cost.mul_f64(SWEEPS_A_TICK * (1.0 - FREE_SHARE / share))
    };
    wanted.max(least).min(Duration::from_millis(TICK_MS_MAX))
}

/// The pace of a room's events, averaged over the last second.
#[derive(Debug)]
pub struct Pace {
    level: f64,
    at: Instant,
}

impl Pace {
    /// Nothing happened yet.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { level: 0.0, at: now }
    }

    /// Something happened.
    pub fn count(&mut self, now: Instant) {
        self.level = self.per_second(now) * WINDOW_S + 1.0;
        self.at = now;
    }

    /// How often things happen.
    #[must_use]
    pub fn per_second(&self, now: Instant) -> f64 {
        let age_s = now.saturating_duration_since(self.at).as_secs_f64();
        self.level * (-age_s / WINDOW_S).exp() / WINDOW_S
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn quiet_and_small_rooms_do_not_wait() {
        for (cost, per_second) in
            [(ms(40), 1.0), (ms(40), 10.0), (Duration::from_micros(200), 1_000.0), (ms(0), 1e6)]
        {
            assert_eq!(tick(cost, per_second, ms(0)), ms(0), "{cost:?} at {per_second}/s");
        }
        assert_eq!(tick(ms(40), 1.0, ms(100)), ms(100), "the plan's tick is the least");
    }

    #[test]
    fn busy_rooms_gather_so_long_that_sweeps_leave_half_of_the_core_free() {
        let busy = tick(ms(40), 100.0, ms(0));
        assert!((ms(55)..=ms(75)).contains(&busy), "{busy:?}");
        assert_eq!(tick(ms(150), 1_000.0, ms(0)), ms(TICK_MS_MAX));
        assert_eq!(tick(ms(400), 10.0, ms(1_000)), ms(TICK_MS_MAX), "never past the limit");
    }

    #[test]
    fn a_tick_never_shrinks_when_a_room_gets_busier() {
        for cost in [1, 5, 20, 80] {
            let ticks: Vec<Duration> = (1..200).map(|n| tick(ms(cost), f64::from(n), ms(0))).collect();
            assert!(ticks.is_sorted(), "cost {cost} ms: {ticks:?}");
            let jumps = ticks.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
            assert!(jumps <= ms(cost) + ms(15), "cost {cost} ms jumps by {jumps:?}");
        }
    }

    #[test]
    fn the_pace_is_what_it_was_over_the_last_second() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for n in 0..500 {
            pace.count(start + ms(n * 10));
        }
        let at = start + ms(5_000);
        assert!((90.0..=110.0).contains(&pace.per_second(at)), "{}", pace.per_second(at));
        assert!(pace.per_second(at + ms(10_000)) < 0.1);
    }
}
