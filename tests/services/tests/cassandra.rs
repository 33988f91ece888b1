//! Cassandra in two datacenters, of which one is hurt.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod common;

use common::{eventually, is_gone};
use ringside_services::{Folder, Server, cassandra};

#[test]
fn a_killed_node_comes_back_on_its_port_with_its_rows_and_those_that_it_missed() {
    let folder = Folder::temporary().unwrap();
    let path = folder.path().to_owned();
    let options = cassandra::Options { datacenters: vec!["us-east".into(), "eu-west".into()] };
    let mut nodes = cassandra::start(&folder, "cassandra", &options).unwrap();
    drop(folder);
    let addresses: Vec<String> = nodes.iter().map(|node| node.address().to_owned()).collect();
    for statement in [
        "CREATE KEYSPACE kept WITH replication = \
         {'class': 'NetworkTopologyStrategy', 'us-east': 1, 'eu-west': 1}",
        "CREATE TABLE kept.rows (name text PRIMARY KEY)",
        "INSERT INTO kept.rows (name) VALUES ('before')",
    ] {
        cassandra::ask(&addresses[0], statement).unwrap();
    }
    let rows = |node: usize| cassandra::ask(&addresses[node], "SELECT name FROM kept.rows").unwrap_or(0);
    eventually("the row is in the other datacenter", || rows(1) == 1);

    let killed = nodes[1].pid();
    nodes[1].kill().unwrap();
    assert!(is_gone(killed));
    cassandra::ask(&addresses[0], "INSERT INTO kept.rows (name) VALUES ('meanwhile')").unwrap();
    nodes[1].restart().unwrap();
    assert_eq!(nodes[1].address(), addresses[1]);
    eventually("both rows are in the other datacenter", || rows(1) == 2);

    let pids: Vec<u32> = nodes.iter().map(Server::pid).collect();
    drop(nodes);
    assert!(pids.into_iter().all(is_gone));
    assert!(!path.exists());
}
