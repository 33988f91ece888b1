//! Hosts that share a server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

mod support;

use futures_util::future::join_all;
use ringside_ports::{Counters as _, Directory as _, Relay as _};
use support::{NOW, PREFIX, batch, beside, eventually, host, number, server, stream, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_goes_to_each_host_once_however_many_subscribe_there() {
    let server = [server()];
    let (a, b) = (host(&server).await, host(&server).await);
    let s = stream("s");
    let mut at_b = Vec::new();
    for _ in 0..3 {
        at_b.push(b.relay.subscribe(&s).await.unwrap());
    }
    assert_eq!(a.relay.publish(batch(&s, 1)).await.unwrap(), 1);
    let mut at_a = a.relay.subscribe(&s).await.unwrap();
    assert_eq!(b.relay.publish(batch(&s, 2)).await.unwrap(), 2);
    for subscription in &mut at_b {
        assert_eq!([number(subscription).await, number(subscription).await], [1, 2]);
    }
    assert_eq!(number(&mut at_a).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_count_together_and_know_of_each_other() {
    use ringside_core::{HostId, UserId};
    use ringside_ports::counters::Hit;
    let server = [server()];
    let (a, b) = (host(&server).await, host(&server).await);
    let hit = [Hit { key: "comment/s/ann".into(), window_ms: 60_000 }];
    a.counters.hit(NOW, &hit).await.unwrap();
    assert_eq!(b.counters.hit(NOW + 5, &hit).await.unwrap()[0].newest_age_ms, Some(5));
    // The clock of the other host is behind.
    let seen = a.counters.hit(NOW + 1, &hit).await.unwrap()[0];
    assert_eq!((seen.count, seen.oldest_age_ms, seen.newest_age_ms), (2, 1, Some(0)));

    let (ha, hb) = (HostId::new("a").unwrap(), HostId::new("b").unwrap());
    a.directory.report(NOW, &ha, &[(stream("s"), 2), (stream("t"), 4)]).await.unwrap();
    b.directory.report(NOW, &hb, &[(stream("s"), 3)]).await.unwrap();
    assert_eq!(b.directory.viewers(NOW, &stream("s")).await.unwrap(), 5);
    let ann = UserId::new("ann").unwrap();
    a.directory.seen(NOW, &ha, &[(stream("s"), ann.clone())]).await.unwrap();
    assert_eq!(b.directory.hosts_of(NOW, &ann).await.unwrap(), std::slice::from_ref(&ha));
    // A host that died and came back under its name takes back what it said before.
    drop(a);
    let a = host(&server).await;
    a.directory.report(NOW + 1, &ha, &[(stream("s"), 1)]).await.unwrap();
    assert_eq!(a.directory.viewers(NOW + 1, &stream("t")).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_streams_subscribed_at_once_share_a_connection_and_leave_nothing_behind() {
    let server = [server()];
    let (a, b) = (host(&server).await, host(&server).await);
    let streams: Vec<_> = (0..1_000).map(|n| stream(&format!("s{n}"))).collect();
    let subscribed = join_all(streams.iter().map(|stream| a.relay.subscribe(stream))).await;
    let mut subscriptions: Vec<_> = subscribed.into_iter().map(Result::unwrap).collect();
    let published = streams.iter().zip(0..).map(|(stream, n)| b.relay.publish(batch(stream, n)));
    for reached in join_all(published).await {
        assert_eq!(reached.unwrap(), 1);
    }
    for (subscription, n) in subscriptions.iter_mut().zip(0..) {
        assert_eq!(number(subscription).await, n);
    }
    let list = async |command: &redis::Cmd| -> String {
        command.query_async(&mut beside(&server[0]).await).await.unwrap()
    };
    let listeners = list(redis::cmd("CLIENT").arg("LIST").arg("TYPE").arg("PUBSUB")).await;
    assert_eq!(listeners.lines().count(), 1, "{listeners}");
    drop(subscriptions);
    eventually(async || {
        let mut connection = beside(&server[0]).await;
        let channels: Vec<String> =
            redis::cmd("PUBSUB").arg("SHARDCHANNELS").query_async(&mut connection).await.unwrap();
        channels.is_empty().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_cannot_be_read_are_dropped_counted_and_told_of() {
    let server = [server()];
    let host = host(&server).await;
    let s = stream("s");
    let mut subscription = host.relay.subscribe(&s).await.unwrap();
    let mut health = host.relay.health();
    assert_eq!(health.borrow().outages, 0);
    let mut connection = beside(&server[0]).await;
    let mut send = async |message: &[u8]| {
        let channel = format!("{PREFIX}:relay:{{s}}");
        let reached: usize =
            redis::cmd("SPUBLISH").arg(channel).arg(message).query_async(&mut connection).await.unwrap();
        assert_eq!(reached, 1);
    };
    for damaged in [&b""[..], b"\x01", b"\x01\x00not a batch", b"\x01\x01not deflated"] {
        send(damaged).await;
    }
    host.relay.publish(batch(&s, 7)).await.unwrap();
    assert_eq!(number(&mut subscription).await, 7, "the next one comes");
    assert_eq!(host.relay.dropped().damaged, 4);
    // Its subscribers cannot know by `from`, for nothing of those four could be read.
    within(health.wait_for(|health| health.is_up && health.outages > 0)).await.unwrap();
    send(b"\xffof a later version").await;
    within(health.wait_for(|health| !health.is_up)).await.unwrap();
    assert_eq!(host.relay.dropped().later, 1);
}
