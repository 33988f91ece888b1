//! Places of consumer groups.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ringside_ports::Log;
use ringside_ports::error::PortErrorKind;
use ringside_ports::log::{Membership, Share, Topic};

use super::append;
use crate::{Place, WAIT_MAX, within};

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

/// Waits until a member has all these partitions.
async fn has_all(member: &mut dyn Membership, partitions: u32) {
    let mut has = BTreeSet::new();
    while has.len() < usize::try_from(partitions).unwrap() {
        match within(member.next()).await.expect("the log is open") {
            Share::Given(given) => {
                for partition in given {
                    assert!(has.insert(partition), "partition {partition} was given twice");
                }
            }
            Share::Taken(taken) | Share::Lost(taken) => {
                for partition in taken {
                    assert!(has.remove(&partition), "partition {partition} was taken and never given");
                }
            }
        }
    }
    assert_eq!(has, (0..partitions).collect());
}

pub async fn who_joins_a_group_alone_has_every_partition<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    // Groups do not share with each other.
    for group in ["writer", "judge"] {
        let mut member = log.join(group, ROOMS).await.unwrap();
        has_all(&mut *member, log.partitions(ROOMS)).await;
        append(&*log, "x").await;
        log.commit(group, ROOMS, 0, 1).await.unwrap();
        assert_eq!(log.committed(group, ROOMS, 0).await.unwrap(), Some(1), "a member keeps its place");
        drop(member);
        let mut again = log.join(group, ROOMS).await.unwrap();
        has_all(&mut *again, log.partitions(ROOMS)).await;
    }
}

pub async fn a_process_joins_a_group_once_at_a_time<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    let member = log.join("writer", ROOMS).await.unwrap();
    let error = log.join("writer", ROOMS).await.map(drop).unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("writer"), "{error}");
    drop(member);
    log.join("writer", ROOMS).await.unwrap();
}

pub async fn a_cancelled_wait_for_a_share_loses_nothing<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    let mut member = log.join("writer", ROOMS).await.unwrap();
    let mut has = BTreeSet::new();
    let last = Instant::now() + WAIT_MAX;
    while has.len() < usize::try_from(log.partitions(ROOMS)).unwrap() {
        assert!(Instant::now() < last, "only {has:?} came");
        // Given up again and again before it can be there.
        if let Ok(share) = tokio::time::timeout(Duration::from_micros(50), member.next()).await {
            let Some(Share::Given(given)) = share else { panic!("{share:?}") };
            has.extend(given);
        }
    }
}
