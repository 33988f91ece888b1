//! What the tests of this crate have in common, and what the conformance suite needs of it.
#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test uses a part of it")]

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use ringside_cassandra::{CassandraOptions, migrate};
use ringside_core::RegionId;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use tokio::sync::OnceCell;

/// Making a keyspace takes two seconds: the tests of one run share one, each with a prefix of its own. Named by its
/// schema, so that a node that lasts while the schema is worked on gets a new one.
fn keyspace() -> String {
    let mut hasher = DefaultHasher::new();
    include_str!("../../migrations/001_comments.cql").hash(&mut hasher);
    format!("ringside_test_{:016x}", hasher.finish())
}

/// The node that all tests share.
pub fn shared() -> String {
    let addresses = std::env::var("RINGSIDE_TEST_CASSANDRA")
        .expect("RINGSIDE_TEST_CASSANDRA is not set: run cargo xtask services up, or cargo xtask test");
    addresses.split(',').next().expect("an address").to_owned()
}

/// A session of the driver's own.
pub async fn session(address: &str) -> Session {
    SessionBuilder::new().known_node(address).build().await.expect("a session")
}

/// A keyspace on a node, with one copy in its datacenter.
pub async fn options(address: &str, keyspace: &str) -> CassandraOptions {
    let state = session(address).await.get_cluster_state();
    let datacenter = state.get_nodes_info().first().and_then(|node| node.datacenter.clone()).expect("a node");
    CassandraOptions {
        keyspace: keyspace.to_owned(),
        replication: BTreeMap::from([(datacenter.clone(), 1)]),
        ..CassandraOptions::new(
            vec![address.to_owned()],
            &datacenter,
            RegionId::new("here").expect("a region"),
        )
    }
}

/// A place in the shared keyspace that nobody else uses.
pub async fn fresh() -> CassandraOptions {
    static MADE: OnceCell<CassandraOptions> = OnceCell::const_new();
    let made = MADE.get_or_init(async || {
        let options = options(&shared(), &keyspace()).await;
        migrate(&options).await.expect("migrated");
        options
    });
    CassandraOptions { prefix: format!("{:016x}/", fastrand::u64(..)), ..made.await.clone() }
}

/// A keyspace that is not there.
pub fn unused_keyspace() -> String {
    format!("ringside_{:016x}", fastrand::u64(..))
}
