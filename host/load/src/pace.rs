//! Doing things at a constant rate: each falls due at its own moment from the start, so that a late one does not
//! delay the rest and nothing adds up over hours.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A constant rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate(f64);

impl Rate {
    /// Reads a rate a second: above 0, at most a million.
    ///
    /// # Errors
    /// Names the text and what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .ok()
            .filter(|rate: &f64| *rate > 0.0 && *rate <= 1e6)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no rate: give how many a second, above 0, at most 1000000"))
    }

    /// How many a second.
    #[must_use]
    pub fn per_second(self) -> f64 {
        self.0
    }

    /// When number `n`, counted from 0, is due after the start.
    #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53")]
    pub(crate) fn due(self, n: u64) -> Duration {
        Duration::from_secs_f64(n as f64 / self.0)
    }
}

/// Waits for what is due.
#[derive(Debug)]
pub(crate) struct Pacer {
    start: Instant,
    rate: Rate,
    next: u64,
}

impl Pacer {
    pub(crate) fn new(start: Instant, rate: Rate) -> Self {
        Self { start, rate, next: 0 }
    }

    /// Waits until the next is due and gives how late it is. May be dropped while it waits.
    pub(crate) async fn next(&mut self) -> Duration {
        let late = wait_until(self.start + self.rate.due(self.next)).await;
        self.next += 1;
        late
    }
}

/// Waits for a moment, and gives by how much it was missed. A moment that has passed costs no timer.
pub(crate) async fn wait_until(due: Instant) -> Duration {
    if Instant::now() < due {
        sleep_until(due).await;
    }
    Instant::now().saturating_duration_since(due)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hundred_millionth_is_still_due_to_the_microsecond() {
        for (rate, n, due_us) in [
            ("500", 0, 0),
            ("500", 1, 2_000),
            ("3", 3, 1_000_000),
            ("0.5", 1, 2_000_000),
            ("7", 700_000_000, 100_000_000_000_000),
        ] {
            assert_eq!(Rate::parse(rate).unwrap().due(n).as_micros(), due_us, "{n} at {rate}");
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in ["", "0", "-1", "nan", "inf", "1e7", "fast", "1/s"] {
            assert!(Rate::parse(text).unwrap_err().contains(text), "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn in_any_time_as_many_are_due_as_the_rate_says() {
        for rate in ["1", "7", "500", "3000"] {
            let start = Instant::now();
            let rate = Rate::parse(rate).unwrap();
            let mut pacer = Pacer::new(start, rate);
            let mut count = 0_u32;
            while start.elapsed() < Duration::from_secs(10) {
                pacer.next().await;
                count += 1;
            }
            // The timer's millisecond may bring a few more or fewer into the last one.
            let expected = 10.0 * rate.per_second();
            assert!((expected - 4.0..=expected + 4.0).contains(&f64::from(count)), "{count} at {rate:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_late_does_not_delay_the_rest() {
        let start = Instant::now();
        let mut pacer = Pacer::new(start, Rate::parse("100").unwrap());
        pacer.next().await;
        tokio::time::sleep(Duration::from_millis(995)).await;
        for n in 1..=99_u64 {
            assert_eq!(pacer.next().await, Duration::from_millis(995 - n * 10), "{n}");
        }
        pacer.next().await;
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    }
}
