//! Swaps while the chain works: a new generation each tenth of a second, made and tested like any other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::{SWAP_EVERY, Stage};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A task that swaps until it is ended.
pub(super) struct Swaps {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Result<u64, Failure>>,
}

impl Swaps {
    pub(super) fn begin(runtime: &Runtime, stage: &Arc<Stage>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stage, stopped) = (stage.clone(), stop.clone());
        let task = runtime.spawn(async move {
            let mut swaps = 0;
            let mut tick = tokio::time::interval(SWAP_EVERY);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while !stopped.load(Ordering::Relaxed) {
                tick.tick().await;
                stage.publish_next().await?;
                swaps += 1;
            }
            Ok(swaps)
        });
        Self { stop, task }
    }

    /// How many there were.
    ///
    /// # Errors
    /// What went wrong with a swap.
    pub(super) fn end(self, runtime: &Runtime) -> Result<u64, Failure> {
        self.stop.store(true, Ordering::Relaxed);
        runtime.block_on(self.task)?
    }
}
