//! A server that is killed, hangs, or is held up: calls are told so in a bounded time, and then it goes on by itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use ringside_core::{RestrictionKind, Role, Settings, StreamId, UserId};
use ringside_ports::audit::{AuditEntry, By, Deed};
use ringside_ports::catalog::StreamEntry;
use ringside_ports::error::{PortErrorKind, PortResult};
use ringside_postgres::{Postgres, PostgresOptions, migrate};
use ringside_services::{Folder, Server, postgres};
use sqlx::{Connection as _, Executor as _};
use support::{Scratch, connection};

/// More callers at once than there are connections.
const CALLERS: usize = 20;

fn server() -> (Server, PostgresOptions) {
    let server = postgres::start(&Folder::temporary().unwrap(), "postgres").unwrap();
    let options = PostgresOptions::new(server.address());
    (server, options)
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("it did not come in 60 s")
}

fn stream() -> StreamEntry {
    StreamEntry {
        id: StreamId::new("final").unwrap(),
        title: "The final".into(),
        settings: Settings::default(),
        version: 1,
        created_at_ms: 1,
    }
}

async fn ban(postgres: &Postgres, user: &str) -> PortResult<AuditEntry> {
    let actor = UserId::new("mod").unwrap();
    let by = By { actor, role: Role::Moderator, at_ms: 1, reason: "spam".into(), reference: None };
    let user = UserId::new(user).unwrap();
    let deed = Deed::Restrict { user, kind: RestrictionKind::Ban, stream: None, until_ms: None };
    postgres.audit.record(by, deed, None).await
}

/// All callers at once; how many succeeded. Whoever did not must be told to try again.
async fn at_once(postgres: &Postgres) -> usize {
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let catalog = postgres.catalog.clone();
        running.spawn(async move { catalog.stream(&stream().id).await });
    }
    let mut succeeded = 0;
    while let Some(done) = running.join_next().await {
        match done.unwrap() {
            Ok(found) => {
                assert_eq!(found, Some(stream()));
                succeeded += 1;
            }
            Err(error) => assert_eq!(error.kind, PortErrorKind::Unavailable, "{error}"),
        }
    }
    succeeded
}

async fn until_all_succeed(postgres: &Postgres) {
    while at_once(postgres).await < CALLERS {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn connected(options: &PostgresOptions) -> Postgres {
    migrate(options).await.unwrap();
    let postgres = Postgres::connect(options).await.unwrap();
    postgres.catalog.create(stream()).await.unwrap();
    assert_eq!(at_once(&postgres).await, CALLERS);
    postgres
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_is_unavailable_until_it_is_back_with_all_that_was_recorded() {
    let (mut server, options) = tokio::task::spawn_blocking(server).await.unwrap();
    let postgres = connected(&options).await;
    let banned = ban(&postgres, "ann").await.unwrap();
    server.kill().unwrap();
    assert_eq!(within(at_once(&postgres)).await, 0);
    let error = within(ban(&postgres, "bob")).await.unwrap_err();
    assert!(error.is_transient() && error.retry_after.is_some(), "{error}");
    server = tokio::task::spawn_blocking(move || server.restart().map(|()| server)).await.unwrap().unwrap();
    within(until_all_succeed(&postgres)).await;
    let found = postgres.audit.banned(2, &UserId::new("ann").unwrap()).await.unwrap();
    assert_eq!(found, banned.restriction());
    assert_eq!(ban(&postgres, "bob").await.unwrap().number, 2, "nothing was recorded while it was away");
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_unavailable_and_then_serves_everybody_again() {
    let (mut server, options) = tokio::task::spawn_blocking(server).await.unwrap();
    let postgres = Arc::new(connected(&options).await);
    server.stop().unwrap();
    for _ in 0..2 {
        assert_eq!(within(at_once(&postgres)).await, 0);
    }
    let error = within(Postgres::connect(&options)).await.err().expect("it hangs");
    assert_eq!(error.kind, PortErrorKind::Unavailable, "{error}");
    server.go_on().unwrap();
    within(until_all_succeed(&postgres)).await;
    ban(&postgres, "ann").await.unwrap();
}

#[tokio::test]
async fn who_waits_in_vain_for_another_that_records_may_try_again() {
    let scratch = Scratch::migrated().await;
    let postgres = Postgres::connect(&scratch.options()).await.unwrap();
    let mut other = connection(&scratch.url()).await;
    other.execute("BEGIN; SELECT last FROM audit_head FOR UPDATE").await.unwrap();
    let error = within(ban(&postgres, "ann")).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Unavailable, "{error}");
    assert_eq!(
        postgres.audit.banned(2, &UserId::new("ann").unwrap()).await.unwrap(),
        None,
        "reading goes on"
    );
    other.close().await.unwrap();
    assert_eq!(ban(&postgres, "ann").await.unwrap().number, 1);
}
