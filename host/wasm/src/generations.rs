//! Which generation works now, which one stays warm behind it, and how one takes the other's place.
//!
//! Workers read the current one at batch boundaries, so each batch is of exactly one generation. Instances belong
//! to components, which generations share: publishing and rolling back move pointers and make nothing.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use ringside_core::Generation as Number;
use ringside_ports::codecs::Format;
use tokio::sync::watch;

use crate::component::Component;
use crate::generation::{Generation, Slots};
use crate::metrics::{Metrics, Swap, SwapOf};
use crate::world::World;

/// The host went back to the previous generation by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutomaticRollback {
    /// The generation that was left.
    pub from: Number,
    /// The generation that judges since, under its own number.
    pub to: Number,
    /// The slot whose component kept breaking.
    pub slot: String,
    /// What it did last.
    pub reason: String,
}

/// Why there is no rollback.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SwapError {
    #[error("there is no previous generation to go back to: publish a release instead")]
    NoPrevious,
    #[error("generation {given} is not newer than {current}: number releases upwards")]
    NotNewer { given: Number, current: Number },
}

pub(crate) struct Generations {
    current: ArcSwapOption<Generation>,
    warm: Mutex<Warm>,
    formats: watch::Sender<Arc<[Format]>>,
    rolled_back: watch::Sender<Option<AutomaticRollback>>,
    metrics: Metrics,
}

#[derive(Default)]
struct Warm {
    previous: Option<Arc<Generation>>,
    /// The highest number there was, which a rollback does not lower.
    highest: u64,
    /// Let go, but perhaps still at work on a worker. Dropped here, so that no worker has to take instances down.
    retired: Vec<Arc<Generation>>,
}

impl Generations {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self {
            current: ArcSwapOption::empty(),
            warm: Mutex::default(),
            formats: watch::channel(Arc::from([])).0,
            rolled_back: watch::channel(None).0,
            metrics,
        }
    }

    /// The generation that works now; none before the first release.
    pub(crate) fn current(&self) -> Option<Arc<Generation>> {
        self.current.load_full()
    }

    /// The one that stays warm behind it.
    pub(crate) fn previous(&self) -> Option<Arc<Generation>> {
        self.lock().previous.clone()
    }

    pub(crate) fn formats(&self) -> watch::Receiver<Arc<[Format]>> {
        self.formats.subscribe()
    }

    pub(crate) fn rollbacks(&self) -> watch::Receiver<Option<AutomaticRollback>> {
        self.rolled_back.subscribe()
    }

    /// # Errors
    /// [`SwapError::NotNewer`].
    pub(crate) fn publish(&self, number: Number, slots: Arc<Slots>) -> Result<(), SwapError> {
        self.replace(&mut self.lock(), number, slots, Swap::Publish)
    }

    /// Publishes the previous generation's slots under a new number.
    ///
    /// # Errors
    /// [`SwapError`].
    pub(crate) fn rollback(&self, number: Number) -> Result<(), SwapError> {
        let mut warm = self.lock();
        let slots = warm.previous.as_ref().ok_or(SwapError::NoPrevious)?.slots.clone();
        self.replace(&mut warm, number, slots, Swap::Rollback)
    }

    /// Leaves `from`, if it still works, for the previous generation, because a component of it keeps breaking.
    /// False where that would not help: there is none, or it has the very same component.
    ///
    /// The previous generation works on under its own number. A new number is for the one who keeps the releases
    /// to give: two hosts that roll back at once must not invent the same.
    pub(crate) fn rollback_from<W: World>(
        &self,
        from: &Arc<Generation>,
        component: &Arc<Component<W>>,
        slot: &str,
        reason: &str,
    ) -> bool {
        let mut warm = self.lock();
        let still_current = self.current.load().as_ref().is_some_and(|current| Arc::ptr_eq(current, from));
        if !still_current {
            return true;
        }
        let helps = |previous: &Arc<Generation>| !previous.slots.shares(Arc::as_ptr(component).cast());
        let Some(previous) = warm.previous.take_if(|previous| helps(previous)) else { return false };
        tracing::error!(
            slot,
            component = component.label(),
            from = from.number.0,
            to = previous.number.0,
            "a component keeps breaking, the previous generation takes over: {reason}"
        );
        let rollback = AutomaticRollback {
            from: from.number,
            to: previous.number,
            slot: slot.to_owned(),
            reason: reason.to_owned(),
        };
        let left = self.install(previous, Swap::AutomaticRollback);
        warm.retired.extend(left);
        self.rolled_back.send_replace(Some(rollback));
        true
    }

    /// Forgets all generations: nothing is judged any more.
    pub(crate) fn clear(&self) {
        let mut warm = self.lock();
        let current = self.current.swap(None);
        warm.retired.extend(current);
        let previous = warm.previous.take();
        warm.retired.extend(previous);
        warm.retired.clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Warm> {
        self.warm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(
        &self,
        warm: &mut Warm,
        number: Number,
        slots: Arc<Slots>,
        how: Swap,
    ) -> Result<(), SwapError> {
        if number.0 <= warm.highest {
            return Err(SwapError::NotNewer { given: number, current: Number(warm.highest) });
        }
        warm.highest = number.0;
        let left = self.install(Arc::new(Generation { number, slots }), how);
        let before = std::mem::replace(&mut warm.previous, left);
        warm.retired.extend(before);
        // One that a worker still holds is dropped at a later swap.
        warm.retired.retain(|generation| Arc::strong_count(generation) > 1);
        Ok(())
    }

    fn install(&self, next: Arc<Generation>, how: Swap) -> Option<Arc<Generation>> {
        let formats = next.slots.formats.clone();
        self.metrics.generation.set(i64::try_from(next.number.0).unwrap_or(i64::MAX));
        self.metrics.swaps.get_or_create(&SwapOf { how }).inc();
        let left = self.current.swap(Some(next));
        self.formats.send_if_modified(|known| {
            let changed = *known != formats;
            if changed {
                *known = formats;
            }
            changed
        });
        left
    }
}
