use super::*;

const GRACE: Duration = Duration::from_secs(5);

struct Run {
    tracker: Tracker,
    latency: SeenLatency,
    start: Instant,
}

impl Run {
    /// With so many viewers who read.
    fn new(viewers: u32) -> Self {
        let mut tracker = Tracker::new(GRACE);
        (0..viewers).for_each(|viewer| tracker.watch(viewer));
        Self { tracker, latency: SeenLatency::new(), start: Instant::now() }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn send(&mut self, ms: u64) -> u64 {
        let number = self.tracker.begin(self.at(ms)).unwrap();
        self.tracker.acknowledged(number, self.at(ms));
        number
    }

    fn see(&mut self, viewer: u32, number: u64, ms: u64) {
        let now = self.at(ms);
        self.tracker.seen(viewer, number, now, &mut self.latency);
    }

    fn losses(&mut self, ms: u64) -> Losses {
        self.tracker.settle(self.at(ms));
        self.tracker.losses()
    }
}

#[test]
fn a_comment_that_all_saw_is_measured_and_none_is_lost() {
    let mut run = Run::new(2);
    let number = run.send(0);
    assert!(run.tracker.is_waiting());
    run.see(0, number, 20);
    run.see(1, number, 40);
    assert!(!run.tracker.is_waiting());
    assert_eq!(run.losses(60_000), Losses::default());
    let seen = run.latency.since_sent.percentiles();
    assert_eq!((seen.count, seen.max_ms.round() as u64), (2, 40));
}

#[test]
fn what_is_seen_is_measured_from_its_reply_too_and_before_the_reply_as_nothing() {
    let mut run = Run::new(2);
    let number = run.tracker.begin(run.at(0)).unwrap();
    run.see(0, number, 20);
    run.tracker.acknowledged(number, run.at(25));
    run.see(1, number, 65);
    let seen = run.latency.since_reply.percentiles();
    assert_eq!((seen.count, seen.p50_ms.round() as u64, seen.max_ms.round() as u64), (2, 0, 40));
}

#[test]
fn who_did_not_see_an_acknowledged_comment_in_time_lost_it() {
    let mut run = Run::new(3);
    let number = run.send(0);
    run.see(1, number, 20);
    assert_eq!(run.losses(4_999).lost, 0, "there is still time");
    assert_eq!(run.losses(5_000).lost, 2);
    run.see(0, number, 6_000);
    assert_eq!(run.losses(6_000), Losses { lost: 2, late: 1, ..Losses::default() });
}

#[test]
fn what_was_not_acknowledged_or_will_not_be_shown_cannot_be_lost() {
    let mut run = Run::new(1);
    let unanswered = run.tracker.begin(run.at(0)).unwrap();
    let rejected = run.tracker.begin(run.at(0)).unwrap();
    run.tracker.ended(rejected);
    assert_ne!(unanswered, rejected);
    assert_eq!(run.losses(10_000), Losses::default());
}

#[test]
fn a_comment_that_is_shown_twice_is_a_duplicate_for_that_viewer_only() {
    let mut run = Run::new(2);
    let number = run.send(0);
    for viewer in [0, 1, 0] {
        run.see(viewer, number, 10);
    }
    assert_eq!(run.losses(10_000), Losses { duplicates: 1, ..Losses::default() });
    assert_eq!(run.latency.since_sent.percentiles().count, 2);
}

#[test]
fn what_sampling_left_out_is_not_lost() {
    let mut run = Run::new(2);
    for _ in 0..10 {
        let number = run.send(0);
        run.see(0, number, 10);
    }
    run.tracker.left_out(1, 7);
    run.tracker.left_out(0, 2);
    assert_eq!(run.losses(10_000), Losses { lost: 3, left_out: 9, ..Losses::default() });
}

#[test]
fn a_viewer_who_left_or_came_later_misses_nothing() {
    let mut run = Run::new(1);
    let before = run.send(0);
    run.tracker.watch(1);
    let after = run.send(10);
    run.see(0, before, 20);
    run.see(1, before, 20);
    run.see(1, after, 20);
    run.tracker.unwatch(0);
    assert!(!run.tracker.is_waiting());
    assert_eq!(run.losses(10_000), Losses::default());
}

#[test]
fn memory_has_a_bound_when_nothing_is_answered() {
    let mut run = Run::new(1);
    let now = run.at(0);
    for _ in 0..FOLLOWED_MAX {
        assert!(run.tracker.begin(now).is_some());
    }
    assert_eq!(run.tracker.begin(now), None);
    assert_eq!(
        run.tracker.begin(run.at(5_000)),
        Some(FOLLOWED_MAX as u64),
        "after the grace there is room again"
    );
}
