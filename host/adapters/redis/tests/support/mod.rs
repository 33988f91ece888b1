//! Servers of a test's own, and what to send over them.
#![allow(dead_code, unreachable_pub, reason = "each test takes what it needs")]

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use ringside_core::sampling::Plan;
use ringside_core::{Event, EventKind, HostId, RegionId, StreamId};
use ringside_ports::error::{PortErrorKind, PortResult};
use ringside_ports::relay::{RelayBatch, Subscription};
use ringside_redis::{Redis, RedisOptions};
use ringside_services::redis::Options;
use ringside_services::{Folder, Server};

/// Longest time of a call: on a busy machine a server that lives may be silent for seconds.
const CALL_MAX: Duration = Duration::from_secs(4);
/// Longest wait for what must come.
const WAIT_MAX: Duration = Duration::from_secs(60);

pub const NOW: u64 = 1_700_000_000_000;
pub const PREFIX: &str = "test:faults";

pub fn server() -> Server {
    let folder = Folder::temporary().expect("a folder");
    ringside_services::redis::start(&folder, "redis", Options::default()).expect("a server")
}

pub fn cluster() -> Vec<Server> {
    let folder = Folder::temporary().expect("a folder");
    ringside_services::redis::start_cluster(&folder, "cluster", Options::default()).expect("a cluster")
}

pub fn options(servers: &[Server]) -> RedisOptions {
    RedisOptions {
        addresses: servers.iter().map(|server| server.address().to_owned()).collect(),
        cluster: servers.len() > 1,
        user: None,
        password: None,
        prefix: PREFIX.into(),
    }
}

/// The adapter of one more host.
pub async fn host(servers: &[Server]) -> Redis {
    let redis = Redis::open_within(options(servers), CALL_MAX).expect("options");
    redis.check().await.expect("connected");
    redis
}

/// A connection beside the adapter's.
pub async fn beside(server: &Server) -> MultiplexedConnection {
    let client = redis::Client::open(format!("redis://{}", server.address())).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

pub fn stream(id: &str) -> StreamId {
    StreamId::new(id).unwrap()
}

/// The n-th batch of a stream: one event at offset n.
pub fn batch(of: &StreamId, n: u64) -> Arc<RelayBatch> {
    let event = Event {
        stream: of.clone(),
        origin: RegionId::new("local").unwrap(),
        producer: HostId::new("h1").unwrap(),
        sequence: n,
        at_ms: NOW + n,
        trace: None,
        kind: EventKind::Viewers(n),
    };
    let events = vec![(n, Arc::new(event))];
    Arc::new(RelayBatch {
        stream: of.clone(),
        partition: 0,
        from: n,
        next: n + 1,
        plan: Plan::default(),
        events,
    })
}

pub async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(WAIT_MAX, what).await.expect("it did not come in 60 s")
}

/// The number of the next batch.
pub async fn number(subscription: &mut Box<dyn Subscription>) -> u64 {
    within(subscription.next()).await.expect("the relay is open").from
}

/// Tries until it succeeds.
pub async fn eventually<T>(what: impl AsyncFn() -> Option<T>) -> T {
    within(async {
        loop {
            if let Some(done) = what().await {
                return done;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

/// The call failed, because the server is away, and did not take long to say so.
pub async fn refused<T: std::fmt::Debug>(call: impl Future<Output = PortResult<T>>) {
    let answer = tokio::time::timeout(3 * CALL_MAX, call).await.expect("a call has a bound");
    assert_eq!(answer.unwrap_err().kind, PortErrorKind::Unavailable);
}
