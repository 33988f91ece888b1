//! Counters that go on when those of the region are away (R16).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use ringside_ports::counters::{Hit, Window};
use ringside_ports::{Counters, PortResult};
use tracing::{info, warn};

/// Counts in the region's counters and in this process's own. The region's answer is given while there is one, else this
/// process's: a user's limits then hold on each host by itself, from what was counted here all along.
pub struct FallbackCounters {
    region: Arc<dyn Counters>,
    own: Arc<dyn Counters>,
    is_away: AtomicBool,
}

impl FallbackCounters {
    /// Both.
    #[must_use]
    pub fn new(region: Arc<dyn Counters>, own: Arc<dyn Counters>) -> Self {
        Self { region, own, is_away: AtomicBool::new(false) }
    }

    /// Says once that they went, and once that they came back: a line for every comment would help nobody.
    fn note<T>(&self, answer: &PortResult<T>) {
        match answer {
            Ok(_) if self.is_away.swap(false, Ordering::Relaxed) => {
                info!("the region's counters answer again");
            }
            Err(error) if !self.is_away.swap(true, Ordering::Relaxed) => {
                warn!(%error, "the region's counters do not answer: limits hold on this host alone");
            }
            _ => {}
        }
    }
}

#[async_trait]
impl Counters for FallbackCounters {
    async fn hit(&self, now_ms: u64, hits: &[Hit]) -> PortResult<Vec<Window>> {
        let own = self.own.hit(now_ms, hits).await;
        let region = self.region.hit(now_ms, hits).await;
        self.note(&region);
        region.or(own)
    }

    async fn take_back(&self, keys: &[String]) -> PortResult<()> {
        self.own.take_back(keys).await?;
        // What the region could not count need not be taken back there.
        let region = self.region.take_back(keys).await;
        self.note(&region);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ringside_ports::error::{PortError, PortErrorKind};

    use super::*;

    struct Away(AtomicBool, Arc<dyn Counters>);

    #[async_trait]
    impl Counters for Away {
        async fn hit(&self, now_ms: u64, hits: &[Hit]) -> PortResult<Vec<Window>> {
            if self.0.load(Ordering::SeqCst) {
                return Err(PortError::new(PortErrorKind::Unavailable, "counters.hit", "as the test has it"));
            }
            self.1.hit(now_ms, hits).await
        }

        async fn take_back(&self, keys: &[String]) -> PortResult<()> {
            if self.0.load(Ordering::SeqCst) {
                return Err(PortError::new(
                    PortErrorKind::Unavailable,
                    "counters.take_back",
                    "as the test has it",
                ));
            }
            self.1.take_back(keys).await
        }
    }

    #[tokio::test]
    async fn limits_go_on_from_what_was_counted_here_while_the_region_is_away() {
        let shared = ringside_embedded::local_counters();
        let region = Arc::new(Away(AtomicBool::new(false), shared.clone()));
        let counters = FallbackCounters::new(region.clone(), ringside_embedded::local_counters());
        let hits = [Hit { key: "comment/s/ann".into(), window_ms: 60_000 }];
        let count = async |at| counters.hit(at, &hits).await.unwrap().first().unwrap().count;
        assert_eq!(count(1_000).await, 0);
        shared.hit(1_001, &hits).await.unwrap();
        assert_eq!(count(1_002).await, 2, "the other host's hit counts");
        region.0.store(true, Ordering::SeqCst);
        assert_eq!(count(1_003).await, 2, "two were counted here");
        counters.take_back(&["comment/s/ann".into()]).await.unwrap();
        assert_eq!(count(1_004).await, 2, "what was taken back does not count");
        region.0.store(false, Ordering::SeqCst);
        assert_eq!(count(1_005).await, 3, "what the region missed is forgiven");
    }
}
