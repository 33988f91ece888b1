//! Waiting for something that must come, with a bound.

use std::time::{Duration, Instant};

/// Longest wait for anything on a loaded machine.
pub const WAIT_MAX: Duration = Duration::from_secs(60);

/// Asks until there is an answer, and fails by name after [`WAIT_MAX`].
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < WAIT_MAX, "waited {WAIT_MAX:?} in vain for: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
