//! Servers that are killed, that hang, and slots that move.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

mod support;

use ringside_core::HostId;
use ringside_ports::counters::Hit;
use ringside_ports::{Counters as _, Directory as _, Relay as _};
use ringside_redis::Redis;
use ringside_services::Server;
use ringside_services::redis::ask;
use support::{NOW, batch, cluster, eventually, host, number, options, refused, server, stream, within};

/// Hits of many keys: in a cluster they are of all nodes.
fn hits() -> Vec<Hit> {
    (0..60).map(|n| Hit { key: format!("comment/s/u{n}"), window_ms: 60_000 }).collect()
}

/// Every port works, and `streams` are heard.
async fn works(redis: &Redis, round: u64) {
    eventually(async || redis.counters.hit(NOW, &hits()).await.ok()).await;
    let host = HostId::new("h1").unwrap();
    eventually(async || redis.directory.report(NOW, &host, &[(stream("s"), round)]).await.ok()).await;
    let viewers = eventually(async || redis.directory.viewers(NOW, &stream("s")).await.ok()).await;
    assert_eq!(viewers, round);
}

/// Every port says that it does not.
async fn is_away(redis: &Redis) {
    refused(redis.relay.publish(batch(&stream("s"), 0))).await;
    refused(async { redis.relay.subscribe(&stream("another")).await.map(|_| ()) }).await;
    refused(redis.counters.hit(NOW, &hits())).await;
    refused(redis.counters.take_back(&["k".into()])).await;
    refused(redis.directory.viewers(NOW, &stream("s"))).await;
}

/// Publishes until the subscription hears it.
async fn is_heard(
    publisher: &Redis,
    subscription: &mut Box<dyn ringside_ports::relay::Subscription>,
    of: &str,
    n: u64,
) {
    eventually(async || {
        publisher.relay.publish(batch(&stream(of), n)).await.ok().filter(|reached| *reached > 0)
    })
    .await;
    assert_eq!(number(subscription).await, n);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_subscriptions_go_on_and_scripts_are_there_again() {
    let mut servers = [server()];
    let (a, b) = (host(&servers).await, host(&servers).await);
    let mut subscription = a.relay.subscribe(&stream("s")).await.unwrap();
    let mut targeted = a.relay.subscribe_targeted().await.unwrap();
    let mut health = a.relay.health();
    works(&b, 1).await;
    for kill in 1..=3 {
        servers[0].kill().unwrap();
        within(health.wait_for(|health| !health.is_up)).await.unwrap();
        is_away(&a).await;
        servers[0].restart().unwrap();
        within(health.wait_for(|health| health.is_up && health.outages >= kill)).await.unwrap();
        is_heard(&b, &mut subscription, "s", 10 * kill).await;
        b.relay.publish_targeted(batch(&stream("t"), kill)).await.unwrap();
        assert_eq!(number(&mut targeted).await, kill);
        works(&a, kill).await;
        works(&b, kill).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_seen_and_calls_have_a_bound() {
    let mut servers = [server()];
    let (a, b) = (host(&servers).await, host(&servers).await);
    let mut subscription = a.relay.subscribe(&stream("s")).await.unwrap();
    let mut health = a.relay.health();
    servers[0].stop().unwrap();
    // Nobody knows yet.
    is_away(&a).await;
    within(health.wait_for(|health| !health.is_up)).await.unwrap();
    is_away(&a).await;
    servers[0].go_on().unwrap();
    within(health.wait_for(|health| health.is_up && health.outages >= 1)).await.unwrap();
    works(&a, 3).await;
    is_heard(&b, &mut subscription, "s", 9).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_may_begin_while_the_server_is_away() {
    let mut servers = [server()];
    servers[0].kill().unwrap();
    let redis = Redis::open(options(&servers)).unwrap();
    is_away(&redis).await;
    assert!(redis.check().await.unwrap_err().to_string().contains(servers[0].address()));
    servers[0].restart().unwrap();
    within(redis.relay.health().wait_for(|health| health.is_up)).await.unwrap();
    works(&redis, 1).await;
    redis.check().await.unwrap();
}

/// Subscribes to streams of all nodes.
async fn subscribe_all(redis: &Redis) -> Vec<(String, Box<dyn ringside_ports::relay::Subscription>)> {
    let mut all = Vec::new();
    for n in 0..30 {
        let name = format!("s{n}");
        let subscription = redis.relay.subscribe(&stream(&name)).await.unwrap();
        all.push((name, subscription));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_of_a_cluster_may_be_killed_or_hang_and_come_back() {
    let mut servers = cluster();
    let (a, b) = (host(&servers).await, host(&servers).await);
    let mut subscriptions = subscribe_all(&a).await;
    let mut health = a.relay.health();
    works(&b, 1).await;
    let back = async |health: &mut tokio::sync::watch::Receiver<ringside_ports::relay::RelayHealth>, n| {
        within(health.wait_for(|health| health.is_up && health.outages >= n)).await.unwrap();
    };
    servers[1].kill().unwrap();
    within(health.wait_for(|health| !health.is_up)).await.unwrap();
    is_away(&a).await;
    servers[1].restart().unwrap();
    back(&mut health, 1).await;
    for (name, subscription) in &mut subscriptions {
        is_heard(&b, subscription, name, 1).await;
    }
    works(&a, 2).await;

    let outages = health.borrow().outages;
    servers[2].stop().unwrap();
    within(health.wait_for(|health| !health.is_up)).await.unwrap();
    is_away(&a).await;
    servers[2].go_on().unwrap();
    back(&mut health, outages + 1).await;
    for (name, subscription) in &mut subscriptions {
        is_heard(&b, subscription, name, 2).await;
    }
    works(&b, 3).await;
}

fn tell(server: &Server, words: &[&str]) -> String {
    ask(server.address(), words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_whose_slot_moves_to_another_node_is_heard_there() {
    let servers = cluster();
    let (a, b) = (host(&servers).await, host(&servers).await);
    let mut subscription = a.relay.subscribe(&stream("s")).await.unwrap();
    is_heard(&b, &mut subscription, "s", 1).await;
    let slot = tell(&servers[0], &["CLUSTER", "KEYSLOT", "s"]);
    let owner = usize::from(slot.parse::<u16>().unwrap() / 5_461).min(2);
    let other = (owner + 1) % 3;
    let id = tell(&servers[other], &["CLUSTER", "MYID"]);
    for at in [other, owner] {
        tell(&servers[at], &["CLUSTER", "SETSLOT", &slot, "NODE", &id]);
    }
    let mut health = a.relay.health();
    within(health.wait_for(|health| health.is_up && health.outages > 0)).await.unwrap();
    is_heard(&b, &mut subscription, "s", 2).await;
    works(&b, 1).await;
}
