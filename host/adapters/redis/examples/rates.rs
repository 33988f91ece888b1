//! What the adapter costs beside the client alone: `cargo run --release -p ringside-redis --example rates`.
//!
//! Starts a server of its own. Each figure stands beside the same work done with the client alone in the same run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a program for people at a terminal"
)]

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use hdrhistogram::Histogram;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ProtocolVersion, PushInfo, PushKind};
use ringside_core::sampling::Plan;
use ringside_core::{Event, EventKind, HostId, RegionId, StreamId};
use ringside_ports::counters::Hit;
use ringside_ports::relay::RelayBatch;
use ringside_ports::{Counters as _, Directory as _, Relay as _};
use ringside_redis::{Redis, RedisOptions};
use ringside_services::Folder;
use ringside_services::redis::{Options, start};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const BATCHES: u64 = 5_000;
const CALLS: u64 = 20_000;
/// Calls under way at once where a rate is measured.
const UNDER_WAY: usize = 64;

fn batch(n: u64) -> Arc<RelayBatch> {
    let of = StreamId::new("s").unwrap();
    let event = Event {
        stream: of.clone(),
        origin: RegionId::new("local").unwrap(),
        producer: HostId::new("h1").unwrap(),
        sequence: n,
        at_ms: 1_700_000_000_000 + n,
        trace: None,
        kind: EventKind::EmojiTotals((0..8).map(|kind| (format!("emoji-{kind}"), n)).collect()),
    };
    let events = vec![(n, Arc::new(event))];
    Arc::new(RelayBatch { stream: of, partition: 0, from: n, next: n + 1, plan: Plan::default(), events })
}

/// The client alone, with what it is pushed.
async fn bare(address: &str) -> (MultiplexedConnection, UnboundedReceiver<usize>) {
    let (pushed, pushes) = unbounded_channel();
    let config = AsyncConnectionConfig::new().set_push_sender(move |push: PushInfo| {
        if push.kind == PushKind::SMessage { pushed.send(push.data.len()) } else { Ok(()) }
    });
    let client = Client::open(format!("redis://{address}/?protocol=resp3")).unwrap();
    assert_eq!(client.get_connection_info().redis_settings().protocol(), ProtocolVersion::RESP3);
    (client.get_multiplexed_async_connection_with_config(&config).await.unwrap(), pushes)
}

fn print(name: &str, figure: f64, unit: &str, bare: f64) {
    println!("{name:<44} {figure:>10.1} {unit:<6} client alone {bare:>10.1}   ratio {:.2}", figure / bare);
}

fn print_both(name: &str, ours: &Histogram<u64>, bare: &Histogram<u64>) {
    for (label, quantile) in [("p50", 0.5), ("p99", 0.99)] {
        let us = |of: &Histogram<u64>| of.value_at_quantile(quantile) as f64;
        print(&format!("{name} {label}"), us(ours), "us", us(bare));
    }
}

async fn rate<F: Future<Output = ()>>(call: impl Fn(u64) -> F) -> f64 {
    let began = Instant::now();
    stream::iter(0..CALLS).map(call).buffer_unordered(UNDER_WAY).collect::<()>().await;
    CALLS as f64 / began.elapsed().as_secs_f64()
}

#[tokio::main]
async fn main() {
    let folder = Folder::temporary().unwrap();
    let server = start(&folder, "redis", Options::default()).unwrap();
    let options = RedisOptions {
        addresses: vec![server.address().to_owned()],
        cluster: false,
        user: None,
        password: None,
        prefix: "rates".into(),
    };
    let (a, b) = (Redis::connect(options.clone()).await.unwrap(), Redis::connect(options).await.unwrap());
    relay(&a, &b, server.address()).await;
    counters(&a, server.address()).await;
    directory(&a).await;
}

async fn relay(a: &Redis, b: &Redis, address: &str) {
    let payload = vec![b'x'; 400];
    let (publisher, _) = bare(address).await;
    let (mut listener, mut pushes) = bare(address).await;
    redis::cmd("SSUBSCRIBE").arg("bare").exec_async(&mut listener).await.unwrap();
    let mut subscription = b.relay.subscribe(&StreamId::new("s").unwrap()).await.unwrap();
    let publish = || {
        let (mut connection, mut command) = (publisher.clone(), redis::cmd("SPUBLISH"));
        command.arg("bare").arg(&payload);
        async move { command.exec_async(&mut connection).await.unwrap() }
    };

    let new = || Histogram::<u64>::new(3).unwrap();
    let (mut ours, mut alone) = (new(), new());
    for n in 0..BATCHES {
        let began = Instant::now();
        let (_, heard) = tokio::join!(a.relay.publish(batch(n)), subscription.next());
        ours.record(began.elapsed().as_micros() as u64).unwrap();
        assert_eq!(heard.unwrap().from, n);
        let began = Instant::now();
        tokio::join!(publish(), pushes.recv());
        alone.record(began.elapsed().as_micros() as u64).unwrap();
    }
    print_both("relay, publish to receive", &ours, &alone);

    let taken = tokio::spawn(async move {
        while let Ok(Some(_)) = tokio::time::timeout(Duration::from_secs(1), subscription.next()).await {}
    });
    let ours = rate(|n| async move { assert!(a.relay.publish(batch(n)).await.is_ok()) }).await;
    let alone = rate(|_| publish()).await;
    print("relay, batches of one event", ours, "/s", alone);
    taken.await.unwrap();
}

async fn counters(redis: &Redis, address: &str) {
    let (connection, _) = bare(address).await;
    let hits = |n: u64| {
        ["comment", "text", "slow"]
            .map(|kind| Hit { key: format!("{kind}/s/u{}", n % 1_000), window_ms: 10_000 })
    };
    let ours =
        rate(|n| async move { drop(redis.counters.hit(1_700_000_000_000 + n, &hits(n)).await.unwrap()) })
            .await;
    let alone = rate(|n| {
        let mut connection = connection.clone();
        async move {
            let mut pipeline = redis::pipe();
            for hit in hits(n) {
                pipeline.cmd("INCR").arg(&hit.key).cmd("PEXPIRE").arg(&hit.key).arg(hit.window_ms);
            }
            pipeline.exec_async(&mut connection).await.unwrap();
        }
    })
    .await;
    print("counters, hits (three a call; INCR, PEXPIRE)", 3.0 * ours, "/s", 3.0 * alone);
}

async fn directory(redis: &Redis) {
    let streams: Vec<_> = (0..200).map(|n| StreamId::new(&format!("s{n}")).unwrap()).collect();
    let reports: Vec<_> = streams.iter().map(|stream| (stream.clone(), 50)).collect();
    let mut reported = Histogram::<u64>::new(3).unwrap();
    for host in 0..20 {
        let began = Instant::now();
        redis
            .directory
            .report(1_700_000_000_000, &HostId::new(&format!("h{host}")).unwrap(), &reports)
            .await
            .unwrap();
        reported.record(began.elapsed().as_micros() as u64).unwrap();
    }
    let mut looked = Histogram::<u64>::new(3).unwrap();
    for stream in streams.iter().cycle().take(2_000) {
        let began = Instant::now();
        assert_eq!(redis.directory.viewers(1_700_000_000_000, stream).await.unwrap(), 1_000);
        looked.record(began.elapsed().as_micros() as u64).unwrap();
    }
    let (p50, p99) = (looked.value_at_quantile(0.5), looked.value_at_quantile(0.99));
    println!("directory, viewers over 20 hosts                p50 {p50} us, p99 {p99} us");
    println!("directory, report of 200 streams                p50 {} us", reported.value_at_quantile(0.5));
}
