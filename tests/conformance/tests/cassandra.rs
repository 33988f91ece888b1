//! The store on Cassandra passes the suite, against the node in `RINGSIDE_TEST_CASSANDRA`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

#[path = "../../../host/adapters/cassandra/tests/support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use ringside_cassandra::{CassandraOptions, connect};
use ringside_conformance::Place;
use ringside_conformance::store::StorePlace;
use ringside_core::{CommentId, StreamId};
use ringside_ports::Store;

/// A prefix of its own in a keyspace that all checks share.
struct Keyspace(CassandraOptions);

#[async_trait]
impl Place<dyn Store> for Keyspace {
    async fn fresh() -> Self {
        Self(support::fresh().await)
    }

    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(connect(&self.0).await.expect("connected"))
    }
}

type Counts = HashMap<String, (i64, i32, i32, i32, i32)>;

#[async_trait]
impl StorePlace for Keyspace {
    async fn spoil_totals(&self, stream: &StreamId, comment: CommentId, likes: u32, dislikes: u32) {
        let session = support::session(&self.0.contact_points[0]).await;
        let table = format!("{}.comments", self.0.keyspace);
        let bucket = i64::try_from(comment.at_ms() / 8_000).unwrap();
        let place = (format!("{}{stream}", self.0.prefix), bucket, comment.as_bytes().as_slice());
        let read = format!(
            "SELECT version, counts FROM {table} WHERE stream = ? AND bucket = ? AND class = 0 AND id = ?"
        );
        let read = session.query_unpaged(read, place.clone()).await.unwrap().into_rows_result().unwrap();
        let (version, counts): (i64, Option<Counts>) = read.single_row().unwrap();
        let mut share = counts.unwrap_or_default().remove("here").unwrap_or_default();
        let written = share.0.max(version) + 1;
        (share.2, share.3) = (likes.cast_signed(), dislikes.cast_signed());
        let write = format!(
            "UPDATE {table} USING TIMESTAMP ? SET counts['here'] = ? WHERE stream = ? AND bucket = ? AND class = 0 AND id = ?"
        );
        session.query_unpaged(write, (written, share, place.0, place.1, place.2)).await.unwrap();
    }
}

mod store {
    ringside_conformance::store_tests!(super::Keyspace);
}
