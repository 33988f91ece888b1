//! Places of consumer groups.

use ringside_ports::Log;
use ringside_ports::log::Topic;

use super::append;
use crate::Place;

const ROOMS: Topic = Topic::RoomEvents;

pub async fn a_group_that_never_committed_has_no_place<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    assert_eq!(log.committed("writer", ROOMS, 0).await.unwrap(), None);
    log.commit("writer", ROOMS, 0, 0).await.unwrap();
    assert_eq!(log.committed("writer", ROOMS, 0).await.unwrap(), Some(0), "a place at the beginning is one");
}

pub async fn places_are_kept_by_group_topic_and_partition<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    for _ in 0..5 {
        append(&*log, "x").await;
    }
    log.commit("writer", ROOMS, 0, 3).await.unwrap();
    log.commit("judge", ROOMS, 0, 5).await.unwrap();
    log.commit("writer", ROOMS, 0, 4).await.unwrap();
    assert_eq!(log.committed("writer", ROOMS, 0).await.unwrap(), Some(4));
    assert_eq!(log.committed("judge", ROOMS, 0).await.unwrap(), Some(5));
    assert_eq!(log.committed("write", ROOMS, 0).await.unwrap(), None);
    assert_eq!(log.committed("writer", ROOMS, 1).await.unwrap(), None);
    assert_eq!(log.committed("writer", Topic::DeadLetters, 0).await.unwrap(), None);
}

pub async fn a_place_may_be_set_back<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    append(&*log, "x").await;
    append(&*log, "x").await;
    log.commit("replay", ROOMS, 0, 2).await.unwrap();
    log.commit("replay", ROOMS, 0, 0).await.unwrap();
    assert_eq!(log.committed("replay", ROOMS, 0).await.unwrap(), Some(0));
}

pub async fn a_restart_sets_no_place_ahead<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let mut last = None;
    for round in 1..=5 {
        let log = place.open().await;
        let kept = log.committed("writer", ROOMS, 0).await.unwrap();
        assert!(kept <= last, "a crash may set it back, never ahead: {kept:?} after {last:?}");
        append(&*log, "x").await;
        log.commit("writer", ROOMS, 0, round).await.unwrap();
        last = Some(round);
    }
}
