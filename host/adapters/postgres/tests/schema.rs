//! The schema: made once, by whoever comes first, and refused where it is another version's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

mod support;

use ringside_ports::error::{PortError, PortErrorKind};
use ringside_postgres::{Migrated, Postgres, PostgresOptions, migrate};
use support::{Scratch, beside, execute, server};

async fn refused(options: &PostgresOptions) -> PortError {
    match Postgres::connect(options).await {
        Ok(_) => panic!("connected"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let scratch = Scratch::empty().await;
    let first = migrate(&scratch.options()).await.unwrap();
    assert_eq!(first.before, 0);
    assert!(first.after > 0, "{first:?}");
    let again = migrate(&scratch.options()).await.unwrap();
    assert_eq!(again, Migrated { before: first.after, after: first.after });
    Postgres::connect(&scratch.options()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_migrate_at_once_one_does_and_all_succeed() {
    let scratch = Scratch::empty().await;
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let options = scratch.options();
        running.spawn(async move { migrate(&options).await });
    }
    while let Some(done) = running.join_next().await {
        let migrated = done.unwrap().unwrap();
        assert!(migrated.after > 0, "{migrated:?}");
    }
    Postgres::connect(&scratch.options()).await.unwrap();
}

#[tokio::test]
async fn an_older_schema_is_refused_and_the_command_is_named() {
    let scratch = Scratch::empty().await;
    let error = refused(&scratch.options()).await;
    assert_eq!(error.kind, PortErrorKind::Invalid, "{error}");
    assert!(
        error.detail.contains("version 0") && error.detail.contains("`ringside region migrate`"),
        "{error}"
    );

    migrate(&scratch.options()).await.unwrap();
    let newest = "(SELECT max(version) FROM _sqlx_migrations)";
    execute(&scratch.url(), format!("DELETE FROM _sqlx_migrations WHERE version = {newest}")).await;
    let error = refused(&scratch.options()).await;
    assert!(error.detail.contains("`ringside region migrate`"), "{error}");
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_both_versions_and_left_alone() {
    let scratch = Scratch::empty().await;
    let known = migrate(&scratch.options()).await.unwrap().after;
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9001, 'later', true, '', 0)";
    execute(&scratch.url(), later.to_owned()).await;
    for error in [refused(&scratch.options()).await, migrate(&scratch.options()).await.unwrap_err()] {
        assert_eq!(error.kind, PortErrorKind::Invalid, "{error}");
        let (found, knows) = ("version 9001".to_owned(), format!("up to {known}"));
        assert!(error.detail.contains(&found) && error.detail.contains(&knows), "{error}");
    }
}

#[tokio::test]
async fn what_cannot_be_connected_to_is_told_without_the_password() {
    let user = format!("user_{:016x}", fastrand::u64(..));
    let secret = "Tr0ub4dor";
    let shown = |error: &PortError| format!("{error} {error:?}");
    let with = |host: &str, database: &str| {
        PostgresOptions::new(format!("postgres://{user}:{secret}@{host}/{database}"))
    };
    let url = server();
    let host = url.split(['@', '/']).nth(3).unwrap();
    let nobody_listens =
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();

    let cases = [
        (PostgresOptions::new(format!("no address {secret}")), PortErrorKind::Invalid, "postgres://user"),
        (
            PostgresOptions::new(format!("postgres://{secret}@:nine/")),
            PortErrorKind::Invalid,
            "postgres://user",
        ),
        (with(&nobody_listens, "x"), PortErrorKind::Unavailable, nobody_listens.as_str()),
        // A server that trusts everybody knows its users all the same.
        (with(host, "postgres"), PortErrorKind::Invalid, user.as_str()),
        (PostgresOptions::new(beside(&url, "not_there")), PortErrorKind::NotFound, "createdb not_there"),
    ];
    for (options, kind, says) in cases {
        for error in [refused(&options).await, migrate(&options).await.unwrap_err()] {
            assert_eq!(error.kind, kind, "{error}");
            assert!(error.detail.contains(says), "{error} names `{says}`");
            assert!(!shown(&error).contains(secret), "{error}");
        }
        assert!(!format!("{options:?}").contains(secret));
    }
}
