//! A histogram of delays that takes many of one delay at once: a room's event goes to all members of a shard in one sweep,
//! and is counted once for all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// Bounds of the buckets, in milliseconds. What is promised (200 ms) is one of them, so that the share that kept it is
/// counted and not guessed.
const BOUNDS_MS: [u64; 12] = [2, 5, 10, 20, 50, 100, 200, 300, 500, 1_000, 2_000, 5_000];

#[derive(Debug, Default)]
struct Counts {
    /// Of each bucket by itself; the last is for what is later than all bounds.
    buckets: [AtomicU64; BOUNDS_MS.len() + 1],
    sum_ms: AtomicU64,
}

/// The histogram. Clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delays(Arc<Counts>);

impl Delays {
    /// Counts `count` of this delay.
    pub(crate) fn observe(&self, ms: u64, count: u64) {
        let bucket = BOUNDS_MS.partition_point(|bound| *bound < ms);
        if let Some(bucket) = self.0.buckets.get(bucket) {
            bucket.fetch_add(count, Ordering::Relaxed);
        }
        self.0.sum_ms.fetch_add(ms.saturating_mul(count), Ordering::Relaxed);
    }
}

impl EncodeMetric for Delays {
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of a process's life are far below 2^53")]
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let bounds = BOUNDS_MS.iter().map(|ms| *ms as f64 / 1_000.0).chain([f64::INFINITY]);
        let counts = self.0.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = self.0.sum_ms.load(Ordering::Relaxed) as f64 / 1_000.0;
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::registry::Registry;

    #[test]
    fn many_of_one_delay_are_counted_at_once_and_a_bound_is_within_its_bucket() {
        let delays = Delays::default();
        delays.observe(200, 1_000);
        delays.observe(201, 10);
        delays.observe(60_000, 1);
        let mut registry = Registry::default();
        registry.register("delay_seconds", "of the test", delays);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "delay_seconds_bucket{le=\"0.1\"} 0",
            "delay_seconds_bucket{le=\"0.2\"} 1000",
            "delay_seconds_bucket{le=\"0.3\"} 1010",
            "delay_seconds_bucket{le=\"5.0\"} 1010",
            "delay_seconds_bucket{le=\"+Inf\"} 1011",
            "delay_seconds_count 1011",
            "delay_seconds_sum 262.01",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in:\n{text}");
        }
    }
}
