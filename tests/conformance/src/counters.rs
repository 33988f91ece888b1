//! What shared counters must do.

use std::sync::Arc;

use ringside_ports::Counters;
use ringside_ports::counters::{HITS_MAX, Hit, Window};

use crate::Place;

crate::checks!($ counters counters_tests [Place<dyn Counters>] {
    a_hit_sees_what_was_before_it,
    hits_count_as_long_as_their_window,
    a_key_that_comes_twice_sees_its_first_hit,
    keys_are_counted_apart,
    what_is_taken_back_does_not_count,
    counts_end_at_the_most_that_is_remembered,
    hits_at_once_are_counted_one_by_one,
    the_longest_window_is_kept,
});

const START: u64 = 1_700_000_000_000;

fn hit(key: &str, window_ms: u32) -> Hit {
    Hit { key: key.into(), window_ms }
}

async fn one(counters: &dyn Counters, at_ms: u64, key: &str) -> Window {
    counters.hit(START + at_ms, &[hit(key, 60_000)]).await.unwrap()[0]
}

pub async fn a_hit_sees_what_was_before_it<P: Place<dyn Counters>>() {
    let place = P::fresh().await;
    let counters = place.open().await;
    let expected =
        [(0, 0, 0, None), (100, 1, 100, Some(100)), (250, 2, 250, Some(150)), (250, 3, 250, Some(0))];
    for (at_ms, count, oldest_age_ms, newest_age_ms) in expected {
        let seen = one(&*counters, at_ms, "comment/s/ann").await;
        assert_eq!(seen, Window { count, oldest_age_ms, newest_age_ms }, "at {at_ms}");
    }
    assert_eq!(counters.hit(START, &[]).await.unwrap(), []);
}

pub async fn hits_count_as_long_as_their_window<P: Place<dyn Counters>>() {
    let place = P::fresh().await;
    let counters = place.open().await;
    for at_ms in [0, 20_000, 40_000] {
        one(&*counters, at_ms, "k").await;
    }
    assert_eq!(one(&*counters, 59_999, "k").await.count, 3);
    let seen = one(&*counters, 60_001, "k").await;
    assert_eq!((seen.count, seen.oldest_age_ms), (3, 40_001), "the first has passed");
    let seen = one(&*counters, 400_000, "k").await;
    assert_eq!(seen, Window::default(), "all have passed");
}

pub async fn a_key_that_comes_twice_sees_its_first_hit<P: Place<dyn Counters>>() {
    let place = P::fresh().await;
    let counters = place.open().await;
    let hits = [hit("a", 1_000), hit("b", 1_000), hit("a", 1_000), hit("a", 1_000)];
    let seen = counters.hit(START, &hits).await.unwrap();
    assert_eq!(seen.iter().map(|window| window.count).collect::<Vec<_>>(), [0, 0, 1, 2]);
}

pub async fn keys_are_counted_apart<P: Place<dyn Counters>>() {
    let place = P::fresh().await;
    let counters = place.open().await;
    let keys: Vec<String> = (0..500).map(|n| format!("comment/s/u{n}")).collect();
    for round in 0..3 {
        let hits: Vec<Hit> = keys.iter().map(|key| hit(key, 60_000)).collect();
        let seen = counters.hit(START + round, &hits).await.unwrap();
        assert_eq!(seen.len(), 500);
        assert!(seen.iter().all(|window| u64::from(window.count) == round), "round {round}");
    }
}

pub async fn what_is_taken_back_does_not_count<P: Place<dyn Counters>>() {
    let place = P::fresh().await;
    let counters = place.open().await;
    one(&*counters, 0, "a").await;
    one(&*counters, 50, "a").await;
    one(&*counters, 50, "b").await;
    counters.take_back(&["a".into(), "nobody's".into()]).await.unwrap();
    let seen = one(&*counters, 100, "a").await;
    assert_eq!(seen, Window { count: 1, oldest_age_ms: 100, newest_age_ms: Some(100) }, "the newest went");
    assert_eq!(one(&*counters, 100, "b").await.count, 1);
    counters.take_back(&["a".into(), "a".into(), "a".into()]).await.unwrap();
    assert_eq!(one(&*counters, 100, "a").await, Window::default());
}

pub async fn counts_end_at_the_most_that_is_remembered<P: Place<dyn Counters>>() {
    let place = P::fresh().await;
    let counters = place.open().await;
    for n in 0..2 * HITS_MAX as u64 {
        let seen = one(&*counters, n, "k").await;
        assert_eq!(u64::from(seen.count), n.min(HITS_MAX as u64));
        assert_eq!(u64::from(seen.oldest_age_ms), n.min(HITS_MAX as u64), "the newest are kept");
    }
}

pub async fn hits_at_once_are_counted_one_by_one<P: Place<dyn Counters>>() {
    let place = P::fresh().await;
    let counters: Arc<dyn Counters> = place.open().await;
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let counters = counters.clone();
        running.spawn(async move { one(&*counters, 0, "k").await.count });
    }
    let mut counts = Vec::new();
    while let Some(count) = running.join_next().await {
        counts.push(count.unwrap());
    }
    counts.sort_unstable();
    assert_eq!(counts, (0..100).collect::<Vec<_>>(), "no two saw the same");
}

pub async fn the_longest_window_is_kept<P: Place<dyn Counters>>() {
    const SIX_HOURS_MS: u32 = 21_600_000;
    let place = P::fresh().await;
    let counters = place.open().await;
    counters.hit(START, &[hit("slow/s/ann", SIX_HOURS_MS)]).await.unwrap();
    let at_ms = START + u64::from(SIX_HOURS_MS) - 1;
    let seen = counters.hit(at_ms, &[hit("slow/s/ann", SIX_HOURS_MS)]).await.unwrap()[0];
    assert_eq!((seen.count, seen.newest_age_ms), (1, Some(SIX_HOURS_MS - 1)));
}
