//! One clock for everything that is written down: microseconds since the run began.

use std::time::Instant;

/// Microseconds since the run began.
pub(crate) type Micros = u64;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(&self) -> Micros {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}
