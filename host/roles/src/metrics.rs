//! What the roles count.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Buckets of the time to an answer. What is promised (200 ms) and aimed at (50 ms) are bounds of buckets, so that the
/// share that kept it is counted, not guessed.
const SUBMISSION_SECONDS: [f64; 13] =
    [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];

/// What became of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabel {
    /// `accept`, `flag`, `hold`, `shadow-ban`, `reject`, `wait`, `refuse`, `failed`.
    pub outcome: &'static str,
    /// The slot that decided, empty where none did.
    pub slot: String,
}

/// A consumer of the log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ConsumerLabel {
    /// `coordinator`, `writer`, `judge`, `reconciler`.
    pub role: &'static str,
}

/// A worker: a role at work on a partition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct WorkerLabel {
    /// `coordinator`, `writer`, `judge`, `reconciler`.
    pub role: &'static str,
    /// Of the room events.
    pub partition: u32,
}

/// A counted activity.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ActivityLabel {
    /// `reaction`, `emoji`, `delete`, `pin`, `settings`, `moderate`.
    pub activity: &'static str,
}

/// A request to a cache.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CacheLabel {
    /// What was asked for: `pages`, `comment`, `popular`, `beside`.
    pub cache: &'static str,
    /// Who was asked: `memory`, then `redis` (for pages of a region), then `store`.
    pub tier: &'static str,
    /// `hit`; `collapsed`, with one that was asked already; `miss`: the next one is asked; `failed`.
    pub outcome: &'static str,
}

/// Metrics of the roles; clones count together.
#[derive(Debug, Clone)]
pub struct RoleMetrics {
    /// Submissions by outcome and deciding slot.
    pub submissions: Family<OutcomeLabel, Counter>,
    /// Requests to caches and what is behind them.
    pub cache_requests: Family<CacheLabel, Counter>,
    /// Seconds from submission to its answer.
    pub submission_seconds: Histogram,
    /// Other commands.
    pub activities: Family<ActivityLabel, Counter>,
    /// Records in one append.
    pub append_group: Histogram,
    /// Appends that failed.
    pub append_failures: Counter,
    /// Records between a worker's place and the end of the log.
    pub lag: Family<WorkerLabel, Gauge>,
    /// 1 while what a worker did last failed, else 0.
    pub failing: Family<WorkerLabel, Gauge>,
    /// Records read by consumers.
    pub records: Family<ConsumerLabel, Counter>,
    /// Records that could not be read and went to the dead letters.
    pub dead_letters: Counter,
    /// Offsets that consumers went past because what stands there is damaged.
    pub damaged: Family<ConsumerLabel, Counter>,
    /// Records of kinds this version does not know.
    pub unknown_kinds: Counter,
    /// Records that came twice and were dropped.
    pub duplicates: Counter,
    /// Comments that wait to be judged.
    pub unjudged: Family<WorkerLabel, Gauge>,
    /// Totals that the reconciler corrected.
    pub reconciled: Counter,
    /// 1 while the relay is away and this host reads the log itself, else 0.
    pub breaker_open: Gauge,
}

impl RoleMetrics {
    /// Makes the metrics and registers them.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            submissions: Family::default(),
            submission_seconds: Histogram::new(SUBMISSION_SECONDS),
            activities: Family::default(),
            append_group: Histogram::new(exponential_buckets(1.0, 2.0, 12)),
            append_failures: Counter::default(),
            lag: Family::default(),
            failing: Family::default(),
            records: Family::default(),
            dead_letters: Counter::default(),
            damaged: Family::default(),
            unknown_kinds: Counter::default(),
            duplicates: Counter::default(),
            unjudged: Family::default(),
            cache_requests: Family::default(),
            reconciled: Counter::default(),
            breaker_open: Gauge::default(),
        };
        let m = metrics.clone();
        registry.register(
            "ringside_submissions",
            "Comments submitted, by outcome and deciding slot",
            m.submissions,
        );
        registry.register(
            "ringside_submission_seconds",
            "Time from submission to its answer",
            m.submission_seconds,
        );
        registry.register(
            "ringside_cache_requests",
            "Reads of comments, by cache, tier and outcome",
            m.cache_requests,
        );
        registry.register("ringside_activities", "Other commands carried out", m.activities);
        registry.register(
            "ringside_append_group_records",
            "Records in one append to the log",
            m.append_group,
        );
        registry.register("ringside_append_failures", "Appends to the log that failed", m.append_failures);
        registry.register("ringside_log_lag_records", "Records a worker has still to read", m.lag);
        registry.register(
            "ringside_worker_failing",
            "1 while what a worker did last failed, else 0",
            m.failing,
        );
        registry.register("ringside_log_records", "Records read by consumers of the log", m.records);
        registry.register("ringside_dead_letters", "Records that could not be read", m.dead_letters);
        registry.register("ringside_log_damaged_records", "Damaged offsets that were passed", m.damaged);
        registry.register(
            "ringside_unknown_kinds",
            "Records of kinds this version does not know",
            m.unknown_kinds,
        );
        registry.register("ringside_duplicates_dropped", "Records that came twice", m.duplicates);
        registry.register("ringside_unjudged_comments", "Comments that wait to be judged", m.unjudged);
        registry.register(
            "ringside_relay_breaker_open",
            "1 while the relay is away and this host reads the log itself",
            m.breaker_open,
        );
        registry.register("ringside_reaction_totals_corrected", "Totals that were off", m.reconciled);
        metrics
    }
}
