//! Latencies, gathered in a histogram of fixed size and told as percentiles.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// Longest latency that is told apart, in microseconds: longer ones count as two minutes.
const LATENCY_US_MAX: u64 = 120_000_000;
/// Figures are right to three digits.
const DIGITS: u8 = 3;

/// Latencies of one kind.
#[derive(Debug)]
pub(crate) struct Latency {
    /// None could only be when the bounds above were impossible; a test holds that they are not.
    histogram: Option<Histogram<u64>>,
}

impl Latency {
    pub(crate) fn new() -> Self {
        Self { histogram: Histogram::new_with_bounds(1, LATENCY_US_MAX, DIGITS).ok() }
    }

    /// Counts one.
    pub(crate) fn record(&mut self, latency: Duration) {
        if let Some(histogram) = &mut self.histogram {
            let us = u64::try_from(latency.as_micros()).unwrap_or(LATENCY_US_MAX);
            histogram.saturating_record(us.clamp(1, LATENCY_US_MAX));
        }
    }

    /// The percentiles so far.
    #[allow(clippy::cast_precision_loss, reason = "microseconds below two minutes")]
    pub(crate) fn percentiles(&self) -> Percentiles {
        let Some(histogram) = self.histogram.as_ref().filter(|histogram| !histogram.is_empty()) else {
            return Percentiles::default();
        };
        let ms = |us: u64| us as f64 / 1e3;
        let at = |quantile| ms(histogram.value_at_quantile(quantile));
        Percentiles {
            count: histogram.len(),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: ms(histogram.max()),
        }
    }
}

/// Percentiles of a latency, in milliseconds; all 0 when nothing was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// How many were measured.
    pub count: u64,
    /// Half were faster.
    pub p50_ms: f64,
    /// Nine in ten were faster.
    pub p90_ms: f64,
    /// 99 % were faster.
    pub p99_ms: f64,
    /// 99.9 % were faster.
    pub p999_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count == 0 {
            return f.write_str("nothing measured");
        }
        write!(
            f,
            "p50 {:.1}  p90 {:.1}  p99 {:.1}  p99.9 {:.1}  max {:.1} ms  (of {})",
            self.p50_ms, self.p90_ms, self.p99_ms, self.p999_ms, self.max_ms, self.count
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_what_was_recorded() {
        let mut latency = Latency::new();
        assert_eq!(latency.percentiles(), Percentiles::default());
        (1..=1_000).for_each(|ms| latency.record(Duration::from_millis(ms)));
        let found = latency.percentiles();
        assert_eq!(found.count, 1_000);
        for (found, expected) in [
            (found.p50_ms, 500.0),
            (found.p90_ms, 900.0),
            (found.p99_ms, 990.0),
            (found.p999_ms, 999.0),
            (found.max_ms, 1_000.0),
        ] {
            assert!((found - expected).abs() <= expected / 1_000.0, "{found} for {expected}");
        }
    }

    #[test]
    fn a_latency_beyond_the_histogram_counts_as_the_longest() {
        let mut latency = Latency::new();
        latency.record(Duration::from_secs(100_000));
        latency.record(Duration::ZERO);
        let found = latency.percentiles();
        assert_eq!(found.count, 2);
        assert!((found.max_ms - 120_000.0).abs() < 120.0, "{found}");
    }
}
