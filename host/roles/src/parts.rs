//! Which of the parts that a process stands on answer, since when, and what went wrong: what `/readyz` tells.
//!
//! Each is asked something small at its own pace, whether or not viewers are there, so that an outage is told before the
//! first of them meets it, and its end without one that tries.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use ringside_ports::{PortError, PortResult};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clock::Clock;

/// How often a part is asked.
const ASK_EVERY: Duration = Duration::from_millis(1_000);
/// A part that does not answer within this is away. Adapters give up a little later by themselves.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// Answers in a row that must be missing: one may have met a connection that broke.
const FAILURES: u32 = 2;

/// How a part does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartReport {
    /// `log`, `relay`, `store`, `catalog`.
    pub part: &'static str,
    /// It answers.
    pub up: bool,
    /// Since when, in milliseconds since 1970.
    pub since_ms: u64,
    /// Why it is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PartLabel {
    part: &'static str,
}

/// The parts of this process. Clones are the same.
#[derive(Clone)]
pub struct Parts {
    known: Arc<Mutex<BTreeMap<&'static str, PartReport>>>,
    up: Family<PartLabel, Gauge>,
    clock: Clock,
}

impl Parts {
    /// None are known yet.
    #[must_use]
    pub fn new(clock: Clock, registry: &mut Registry) -> Self {
        let up: Family<PartLabel, Gauge> = Family::default();
        registry.register("ringside_part_up", "1 while a part answers, 0 while it is away", up.clone());
        Self { known: Arc::default(), up, clock }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<&'static str, PartReport>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them, by name.
    #[must_use]
    pub fn list(&self) -> Vec<PartReport> {
        self.known().values().cloned().collect()
    }

    /// False while a part is away; one that is not there is not missed.
    #[must_use]
    pub fn is_up(&self, part: &'static str) -> bool {
        self.known().get(part).is_none_or(|report| report.up)
    }

    /// Asks a part again and again until `stop`.
    pub async fn watch<F>(self, part: &'static str, ask: impl Fn() -> F + Send, stop: CancellationToken)
    where
        F: Future<Output = PortResult<()>> + Send,
    {
        let mut tick = tokio::time::interval(ASK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut failures = 0;
        self.note(part, None);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            let failed = match tokio::time::timeout(ANSWER_MAX, ask()).await {
                // It answered, and not what was hoped for: it is there.
                Ok(Err(error)) if error.is_transient() => Some(error.to_string()),
                Ok(_) => None,
                Err(_) => Some(format!("no answer within {} s", ANSWER_MAX.as_secs())),
            };
            failures = if failed.is_some() { failures + 1 } else { 0 };
            if failures == 0 || failures >= FAILURES {
                self.note(part, failed);
            }
        }
    }

    fn note(&self, part: &'static str, error: Option<String>) {
        let up = error.is_none();
        let mut known = self.known();
        if known.get(part).is_some_and(|report| report.up == up) {
            return;
        }
        self.up.get_or_create(&PartLabel { part }).set(i64::from(up));
        match &error {
            Some(error) => warn!(part, %error, "a part is away"),
            None if known.contains_key(part) => info!(part, "a part is back"),
            None => {}
        }
        known.insert(part, PartReport { part, up, since_ms: self.clock.now_ms(), error });
    }
}

/// The error of a part that says by itself that it is away.
#[must_use]
pub fn away(operation: &'static str, detail: &str) -> PortError {
    PortError::new(ringside_ports::error::PortErrorKind::Unavailable, operation, detail)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_part_is_away_after_two_missing_answers_and_back_with_the_next() {
        let now_ms = Arc::new(AtomicU64::new(7));
        let time = now_ms.clone();
        let parts = Parts::new(Clock::from_fn(move || time.load(Ordering::SeqCst)), &mut Registry::default());
        let (asked, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let count = asked.clone();
        // Answers, breaks once, answers, breaks, hangs, breaks, answers.
        let ask = move || {
            let turn = count.fetch_add(1, Ordering::SeqCst);
            async move {
                match turn {
                    1 | 3 | 5 => Err(away("log.extent", "as the test has it")),
                    4 => std::future::pending().await,
                    _ => Ok(()),
                }
            }
        };
        let watching = tokio::spawn(parts.clone().watch("log", ask, stop.clone()));
        let at = async |turn: usize| {
            while asked.load(Ordering::SeqCst) <= turn {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            parts.list()[0].clone()
        };
        assert!(at(1).await.up && at(2).await.up && at(3).await.up);
        now_ms.store(9, Ordering::SeqCst);
        assert!(at(4).await.up, "one missing answer is none");
        let away = at(5).await;
        assert_eq!((away.up, away.since_ms, parts.is_up("log")), (false, 9, false));
        assert!(away.error.unwrap().contains("no answer within 2 s"));
        assert!(at(6).await.up && parts.is_up("log") && parts.is_up("store"));
        stop.cancel();
        watching.await.unwrap();
    }
}
