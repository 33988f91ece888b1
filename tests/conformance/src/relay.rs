//! What every relay must do.

use std::sync::Arc;
use std::time::Duration;

use ringside_core::StreamId;
use ringside_core::event::EventKind;
use ringside_core::sampling::Plan;
use ringside_ports::Relay;
use ringside_ports::relay::{RelayBatch, SUBSCRIPTION_CAPACITY, Subscription};

use crate::samples::{event, stream};
use crate::{Place, within};

crate::checks!($ relay relay_tests [Place<dyn Relay>] {
    every_subscriber_of_a_stream_gets_its_batches_in_order,
    a_batch_arrives_as_it_was_published,
    nothing_is_kept_for_those_who_come_later,
    a_subscriber_that_lags_sees_its_gap_and_the_newest_batches,
    a_slow_subscriber_holds_up_nobody,
    a_dropped_subscription_gets_nothing_and_a_new_one_begins_afresh,
    a_wait_for_a_batch_that_is_given_up_loses_nothing,
    targeted_batches_reach_all_hosts_and_no_stream,
    publishing_to_nobody_succeeds,
});

/// The n-th batch of a stream: one event at offset n.
fn batch(of: &StreamId, n: u64) -> Arc<RelayBatch> {
    let (offset, event) = event(of, n, EventKind::Viewers(n));
    Arc::new(RelayBatch {
        stream: of.clone(),
        partition: 3,
        from: n,
        next: n + 1,
        plan: Plan::default(),
        events: vec![(offset, Arc::new(event))],
    })
}

async fn next(subscription: &mut Box<dyn Subscription>) -> Arc<RelayBatch> {
    within(subscription.next()).await.expect("the relay is open")
}

/// The first event's offset of what comes next.
async fn number(subscription: &mut Box<dyn Subscription>) -> u64 {
    next(subscription).await.from
}

pub async fn every_subscriber_of_a_stream_gets_its_batches_in_order<P: Place<dyn Relay>>() {
    let place = P::fresh().await;
    let relay = place.open().await;
    let (a, b) = (stream("a"), stream("ab"));
    let mut of_a = Vec::new();
    for _ in 0..5 {
        of_a.push(relay.subscribe(&a).await.unwrap());
    }
    let mut of_b = relay.subscribe(&b).await.unwrap();
    for n in 0..100 {
        relay.publish(batch(&a, n)).await.unwrap();
        relay.publish(batch(&b, 1_000 + n)).await.unwrap();
    }
    for subscription in &mut of_a {
        for n in 0..100 {
            assert_eq!(number(subscription).await, n);
        }
    }
    for n in 0..100 {
        assert_eq!(number(&mut of_b).await, 1_000 + n, "only its own stream's");
    }
}

pub async fn a_batch_arrives_as_it_was_published<P: Place<dyn Relay>>() {
    let place = P::fresh().await;
    let relay = place.open().await;
    let s = stream("s");
    let mut subscription = relay.subscribe(&s).await.unwrap();
    let mut sent = (*batch(&s, 7)).clone();
    sent.from = 2;
    let (offset, more) = event(&s, 9, crate::samples::accepted(crate::samples::comment(&s, 1, "ann")));
    sent.events.push((offset, Arc::new(more)));
    sent.next = 12;
    relay.publish(Arc::new(sent.clone())).await.unwrap();
    assert_eq!(*next(&mut subscription).await, sent);
}

pub async fn nothing_is_kept_for_those_who_come_later<P: Place<dyn Relay>>() {
    let place = P::fresh().await;
    let relay = place.open().await;
    let s = stream("s");
    let mut early = relay.subscribe(&s).await.unwrap();
    relay.publish(batch(&s, 0)).await.unwrap();
    assert_eq!(number(&mut early).await, 0);
    let mut late = relay.subscribe(&s).await.unwrap();
    relay.publish(batch(&s, 1)).await.unwrap();
    assert_eq!(
        number(&mut late).await,
        1,
        "what is published after `subscribe` returned, and nothing before"
    );
    assert_eq!(number(&mut early).await, 1);
}

/// Reads until batch `last`, checks that what came stands in order, and returns it.
async fn until(subscription: &mut Box<dyn Subscription>, last: u64) -> Vec<u64> {
    let mut seen = Vec::new();
    while seen.last() != Some(&last) {
        seen.push(number(subscription).await);
    }
    assert!(seen.is_sorted_by(|a, b| a < b), "each once and in order");
    seen
}

pub async fn a_subscriber_that_lags_sees_its_gap_and_the_newest_batches<P: Place<dyn Relay>>() {
    let count = 4 * SUBSCRIPTION_CAPACITY as u64;
    let place = P::fresh().await;
    let relay = place.open().await;
    let s = stream("s");
    let mut slow = relay.subscribe(&s).await.unwrap();
    relay.publish(batch(&s, 0)).await.unwrap();
    assert_eq!(number(&mut slow).await, 0);
    for n in 1..count {
        relay.publish(batch(&s, n)).await.unwrap();
    }
    let seen = until(&mut slow, count - 1).await;
    assert!(seen.len() <= SUBSCRIPTION_CAPACITY + 1, "the queue is bounded: {} batches", seen.len());
    assert!(seen[0] > 1, "`from` {} is past the next offset 1: a gap", seen[0]);
    relay.publish(batch(&s, count)).await.unwrap();
    assert_eq!(number(&mut slow).await, count, "it goes on without one");
}

pub async fn a_slow_subscriber_holds_up_nobody<P: Place<dyn Relay>>() {
    let place = P::fresh().await;
    let relay = place.open().await;
    let s = stream("s");
    let _slow = relay.subscribe(&s).await.unwrap();
    let mut quick = relay.subscribe(&s).await.unwrap();
    for n in 0..4 * SUBSCRIPTION_CAPACITY as u64 {
        within(relay.publish(batch(&s, n))).await.unwrap();
        assert_eq!(number(&mut quick).await, n);
    }
}

pub async fn a_dropped_subscription_gets_nothing_and_a_new_one_begins_afresh<P: Place<dyn Relay>>() {
    let place = P::fresh().await;
    let relay = place.open().await;
    let s = stream("s");
    let mut stays = relay.subscribe(&s).await.unwrap();
    for round in 0..50 {
        let leaves = relay.subscribe(&s).await.unwrap();
        drop(leaves);
        let reached = relay.publish(batch(&s, round)).await.unwrap();
        assert!(reached <= 1, "{reached} subscribers, only one is left");
        assert_eq!(number(&mut stays).await, round);
    }
    drop(stays);
    // Over a network, who just left may still be counted.
    within(async {
        while relay.publish(batch(&s, 50)).await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    let mut again = relay.subscribe(&s).await.unwrap();
    relay.publish(batch(&s, 51)).await.unwrap();
    assert_eq!(number(&mut again).await, 51);
}

pub async fn a_wait_for_a_batch_that_is_given_up_loses_nothing<P: Place<dyn Relay>>() {
    let place = P::fresh().await;
    let relay = place.open().await;
    let s = stream("s");
    let mut subscription = relay.subscribe(&s).await.unwrap();
    for n in 0..20 {
        let given_up = tokio::time::timeout(Duration::from_millis(1), subscription.next()).await;
        assert!(given_up.is_err(), "nothing was published yet");
        relay.publish(batch(&s, n)).await.unwrap();
        assert_eq!(number(&mut subscription).await, n);
    }
}

pub async fn targeted_batches_reach_all_hosts_and_no_stream<P: Place<dyn Relay>>() {
    let place = P::fresh().await;
    let relay = place.open().await;
    let (s, other) = (stream("s"), stream("other"));
    let mut hosts = [relay.subscribe_targeted().await.unwrap(), relay.subscribe_targeted().await.unwrap()];
    let mut of_stream = relay.subscribe(&s).await.unwrap();
    for n in 0..10 {
        relay.publish_targeted(batch(&s, n)).await.unwrap();
        relay.publish_targeted(batch(&other, 100 + n)).await.unwrap();
        relay.publish(batch(&s, 1_000 + n)).await.unwrap();
    }
    for host in &mut hosts {
        for n in 0..10 {
            assert_eq!([number(host).await, number(host).await], [n, 100 + n]);
        }
    }
    for n in 0..10 {
        assert_eq!(number(&mut of_stream).await, 1_000 + n);
    }
    drop(hosts);
    relay.publish_targeted(batch(&s, 0)).await.unwrap();
}

pub async fn publishing_to_nobody_succeeds<P: Place<dyn Relay>>() {
    let place = P::fresh().await;
    let relay = place.open().await;
    assert_eq!(relay.publish(batch(&stream("s"), 0)).await.unwrap(), 0);
    assert_eq!(relay.publish_targeted(batch(&stream("s"), 0)).await.unwrap(), 0);
}
