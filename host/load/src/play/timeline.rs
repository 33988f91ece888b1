//! When each comment of a recording is due when it is played by its own times.

use std::time::Duration;

use crate::recording::{DAY_MS, Stamp};

/// A stamp that is so much earlier than the one before is of the next day, where stamps have no day.
const NEXT_DAY_MS: i64 = 12 * 3_600_000;

/// Lays recorded times onto the time of playing. Times never run backwards.
#[derive(Debug)]
pub(super) struct Timeline {
    speed: f64,
    pause_max_ms: f64,
    /// The latest recorded time of this file, in milliseconds.
    latest_ms: Option<i64>,
    /// Midnight of stamps that are times of day.
    midnight_ms: i64,
    /// When the latest was due, in milliseconds after the start.
    due_ms: f64,
}

impl Timeline {
    pub(super) fn new(speed: f64, pause_max: Duration) -> Self {
        Self {
            speed,
            pause_max_ms: pause_max.as_secs_f64() * 1e3,
            latest_ms: None,
            midnight_ms: 0,
            due_ms: 0.0,
        }
    }

    /// A new file: its first comment follows right after the last one of the file before.
    pub(super) fn begin_file(&mut self) {
        self.latest_ms = None;
        self.midnight_ms = 0;
    }

    /// When comments that bear the same stamp are due, one after another. Logs often have no seconds: such comments
    /// are spread evenly over the minute, not thrown all at its start.
    #[allow(clippy::cast_precision_loss, reason = "a recording's length in milliseconds is below 2^53")]
    pub(super) fn place(&mut self, stamp: Option<Stamp>, comments: usize) -> impl Iterator<Item = Duration> {
        let mut spread_ms = 0.0;
        if let Some(stamp) = stamp {
            let mut ms = stamp.ms.saturating_add(if stamp.of_day { self.midnight_ms } else { 0 });
            let latest_ms = self.latest_ms.unwrap_or(ms);
            if stamp.of_day && ms < latest_ms.saturating_sub(NEXT_DAY_MS) {
                self.midnight_ms += DAY_MS;
                ms += DAY_MS;
            }
            let passed_ms = ms.saturating_sub(latest_ms).max(0) as f64;
            self.due_ms += (passed_ms / self.speed).min(self.pause_max_ms);
            self.latest_ms = Some(latest_ms.max(ms));
            spread_ms = (f64::from(stamp.resolution_ms) / self.speed).min(self.pause_max_ms);
        }
        let (start_ms, step_ms) = (self.due_ms, spread_ms / comments.max(1) as f64);
        (0..comments).map(move |n| Duration::from_secs_f64((start_ms + step_ms * n as f64) / 1e3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places groups of (stamp, comments) and gives when each comment is due, in ms.
    fn placed(speed: f64, pause_max_s: u64, groups: &[(Option<Stamp>, usize)]) -> Vec<u128> {
        let mut timeline = Timeline::new(speed, Duration::from_secs(pause_max_s));
        groups
            .iter()
            .flat_map(|(stamp, count)| timeline.place(*stamp, *count).collect::<Vec<_>>())
            .map(|due| due.as_millis())
            .collect()
    }

    fn exact(ms: i64) -> Option<Stamp> {
        Stamp::of_number(ms as f64 / 1e3).map(|stamp| Stamp { resolution_ms: 1, ..stamp })
    }

    fn clock(text: &str) -> Option<Stamp> {
        Stamp::parse(text)
    }

    #[test]
    fn comments_follow_each_other_as_they_were_recorded() {
        for (speed, pause_max_s, groups, due) in [
            (1.0, 60, vec![(exact(5_000), 1), (exact(6_000), 1), (exact(8_500), 1)], vec![0, 1_000, 3_500]),
            (10.0, 60, vec![(exact(5_000), 1), (exact(6_000), 1), (exact(8_500), 1)], vec![0, 100, 350]),
            (
                1.0,
                2,
                vec![(exact(0), 1), (exact(3_600_000), 1), (exact(3_601_000), 1)],
                vec![0, 2_000, 3_000],
            ),
            // One that was logged late comes at once, and those after it keep their distance.
            (1.0, 60, vec![(exact(5_000), 1), (exact(3_000), 1), (exact(6_000), 1)], vec![0, 0, 1_000]),
            (1.0, 60, vec![(exact(5_000), 1), (None, 2), (exact(6_000), 1)], vec![0, 0, 0, 1_000]),
            (
                1.0,
                90,
                vec![(clock("12:00"), 3), (clock("12:01"), 2)],
                vec![0, 20_000, 40_000, 60_000, 90_000],
            ),
            (60.0, 90, vec![(clock("12:00"), 2), (clock("12:02"), 1)], vec![0, 500, 2_000]),
            (
                1.0,
                90,
                vec![(clock("23:59"), 1), (clock("00:00"), 1), (clock("00:01"), 1)],
                vec![0, 60_000, 120_000],
            ),
            // The second midnight counts as well.
            (
                3_600.0,
                90_000,
                vec![
                    (clock("23:00:00"), 1),
                    (clock("01:00:00"), 1),
                    (clock("23:00:00"), 1),
                    (clock("01:00:00"), 1),
                ],
                vec![0, 2_000, 24_000, 26_000],
            ),
        ] {
            assert_eq!(placed(speed, pause_max_s, &groups), due, "{groups:?}");
        }
    }

    #[test]
    fn a_new_file_follows_the_one_before_whatever_its_times() {
        let mut timeline = Timeline::new(1.0, Duration::from_secs(60));
        assert_eq!(timeline.place(exact(1_000_000), 1).next(), Some(Duration::ZERO));
        timeline.begin_file();
        assert_eq!(timeline.place(exact(5), 1).next(), Some(Duration::ZERO));
        assert_eq!(timeline.place(exact(1_005), 1).next(), Some(Duration::from_secs(1)));
    }
}
