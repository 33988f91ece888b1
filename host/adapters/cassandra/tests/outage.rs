//! A node that is killed, and one that hangs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

mod support;

use std::time::{Duration, Instant};

use ringside_cassandra::{CassandraStore, connect, migrate};
use ringside_conformance::samples::{accepted, comment, event, id, reacted, stream};
use ringside_core::Reaction;
use ringside_ports::Store;
use ringside_ports::error::PortErrorKind;
use ringside_ports::store::{Anchor, PageOf, PageQuery, Reader};
use ringside_services::{Folder, Server, cassandra};

/// A call that hangs for longer has no bound: what is said is five seconds, and a busy machine adds some.
const BOUND: Duration = Duration::from_secs(20);
/// Comments in a chunk.
const CHUNK: u64 = 40;

/// A node of the test's own.
async fn node() -> Server {
    let start = || {
        let folder = Folder::temporary().expect("a folder");
        let name = format!("cassandra-{:08x}", fastrand::u32(..));
        cassandra::start(&folder, &name, &cassandra::Options::default()).expect("a node").remove(0)
    };
    tokio::task::spawn_blocking(start).await.unwrap()
}

async fn hurt(mut server: Server, how: impl FnOnce(&mut Server) + Send + 'static) -> Server {
    let hurts = move || {
        how(&mut server);
        server
    };
    tokio::task::spawn_blocking(hurts).await.unwrap()
}

/// Comments, and a like on each.
async fn apply(store: &CassandraStore, chunk: u64) -> Result<(), ringside_ports::PortError> {
    let s = stream("s");
    let begin = chunk * CHUNK;
    let kinds = (begin..begin + CHUNK)
        .flat_map(|n| [accepted(comment(&s, n, "ann")), reacted(n, "bob", Reaction::Like, 1)]);
    let events: Vec<_> = (2 * begin..).zip(kinds).map(|(offset, kind)| event(&s, offset, kind)).collect();
    store.apply(0, &events, 2 * (begin + CHUNK)).await.map(drop)
}

/// Everything that was taken in is there.
async fn check(store: &CassandraStore, chunks: u64) {
    let s = stream("s");
    assert_eq!(store.checkpoint(0).await.unwrap(), 2 * chunks * CHUNK);
    for n in 0..chunks * CHUNK {
        let found = store.comment(&s, id(n)).await.unwrap().unwrap_or_else(|| panic!("comment {n} is lost"));
        assert_eq!(found.likes, 1, "comment {n}");
    }
}

/// Calls of every kind fail within the bound, and the chunk that failed goes through when the node is back.
async fn is_away(store: &CassandraStore) {
    let s = stream("s");
    let newest = PageQuery {
        stream: s.clone(),
        of: PageOf::Stream,
        reader: Reader::Public,
        anchor: Anchor::Newest,
        size: 50,
    };
    let begun = Instant::now();
    let errors = tokio::join!(
        async { store.page(newest).await.unwrap_err() },
        async { store.comment(&s, id(0)).await.unwrap_err() },
        async { store.checkpoint(0).await.unwrap_err() },
        async { store.recount(&s, id(0)).await.unwrap_err() },
    );
    for error in [errors.0, errors.1, errors.2, errors.3] {
        assert_eq!(error.kind, PortErrorKind::Unavailable, "{error}");
        assert!(error.retry_after.is_some(), "{error}");
    }
    assert!(begun.elapsed() < BOUND, "it took {:?} to say that nobody answers", begun.elapsed());
}

/// Repeats a chunk until it is taken in, as the writer does.
async fn until_applied(store: &CassandraStore, chunk: u64) {
    let begun = Instant::now();
    while let Err(error) = apply(store, chunk).await {
        assert_eq!(error.kind, PortErrorKind::Unavailable, "{error}");
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not go on: {error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_killed_or_hangs_loses_nothing_and_is_used_again_when_it_is_back() {
    let mut node = node().await;
    let options = support::options(node.address(), "ringside").await;
    migrate(&options).await.unwrap();
    let store = connect(&options).await.unwrap();
    for chunk in 0..3 {
        apply(&store, chunk).await.unwrap();
    }

    node = hurt(node, |node| node.kill().unwrap()).await;
    is_away(&store).await;
    assert_eq!(apply(&store, 3).await.unwrap_err().kind, PortErrorKind::Unavailable);
    node = hurt(node, |node| node.restart().unwrap()).await;
    until_applied(&store, 3).await;
    check(&store, 4).await;

    // Killed in the middle of it.
    let writing = async {
        for chunk in 4..40 {
            until_applied(&store, chunk).await;
        }
    };
    let killing = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let node = hurt(node, |node| node.kill().unwrap()).await;
        hurt(node, |node| node.restart().unwrap()).await
    };
    let ((), mut node) = tokio::join!(writing, killing);
    check(&store, 40).await;

    node = hurt(node, |node| node.stop().unwrap()).await;
    is_away(&store).await;
    let begun = Instant::now();
    assert_eq!(apply(&store, 40).await.unwrap_err().kind, PortErrorKind::Unavailable);
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    node = hurt(node, |node| node.go_on().unwrap()).await;
    until_applied(&store, 40).await;
    check(&store, 41).await;
    drop(node);
}
