//! Versions: the time of an event, made to ascend with the log.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Between two versions: room for what is corrected by counting anew, which writes just above what it corrects.
/// Milliseconds are a multiple of it.
const STEP: i64 = 8;
/// An event from further in the future does not move the clock: its host's clock is wrong, and ScyllaDB takes no write
/// time that is days ahead.
const AHEAD_MAX: Duration = Duration::from_secs(3_600);

/// Gives each event of a partition its version: microseconds since 1970 at its producer, later than every version
/// before it in the log. Whoever reads the log from the same checkpoint gives the same versions, so writes that are
/// repeated, or come late from a writer that was thought dead, never win over what came after them.
pub(super) struct Clock {
    last: i64,
    latest: i64,
}

impl Clock {
    /// Goes on after the version that the checkpoint has.
    pub(super) fn new(last: i64) -> Self {
        let latest = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + AHEAD_MAX;
        Self { last, latest: i64::try_from(latest.as_micros()).unwrap_or(i64::MAX) }
    }

    /// The version of the next event.
    pub(super) fn next(&mut self, at_ms: u64) -> i64 {
        let at = write_time(at_ms);
        let after = self.last.saturating_add(STEP);
        self.last = if at > self.latest { after } else { at.max(after) };
        self.last
    }

    /// Of the last event.
    pub(super) fn last(&self) -> i64 {
        self.last
    }
}

/// Milliseconds since 1970 as a write time.
pub(super) fn write_time(at_ms: u64) -> i64 {
    i64::try_from(at_ms.saturating_mul(1_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_ascend_whatever_hosts_clocks_say() {
        let mut clock = Clock::new(0);
        let mut last = 0;
        for at_ms in [0, 0, 1_700_000_000_000, 5, 1_700_000_000_000, u64::MAX, 1_700_000_000_001] {
            let version = clock.next(at_ms);
            assert!(version > last && version % STEP == 0, "{version} after {last}");
            last = version;
        }
        assert_eq!(last, 1_700_000_000_001_000, "and they are times again as soon as they can be");
    }
}
