//! Redis that is hurt: a single server, and a cluster.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod common;

use common::is_gone;
use ringside_services::{Folder, redis};

#[test]
fn a_killed_server_comes_back_with_its_data_if_it_was_to_keep_it_and_empty_if_not() {
    let folder = Folder::temporary().unwrap();
    for keeps_data in [true, false] {
        let name = format!("redis-{keeps_data}");
        let mut server = redis::start(&folder, &name, redis::Options { keeps_data }).unwrap();
        let address = server.address().to_owned();
        redis::ask(&address, &["SET", "a", "1"]).unwrap();
        let killed = server.pid();
        server.restart().unwrap();
        assert!(is_gone(killed));
        assert_eq!(server.address(), address);
        let left = if keeps_data { "1" } else { "0" };
        assert_eq!(redis::ask(&address, &["EXISTS", "a"]).unwrap(), left, "keeps_data: {keeps_data}");
        let last = server.pid();
        drop(server);
        assert!(is_gone(last));
    }
}

#[test]
fn a_stopped_server_answers_nobody_until_it_goes_on_and_ends_even_if_it_never_does() {
    let folder = Folder::temporary().unwrap();
    let mut server = redis::start(&folder, "redis", redis::Options::default()).unwrap();
    server.stop().unwrap();
    assert!(server.answers().is_err());
    server.go_on().unwrap();
    server.answers().unwrap();
    server.stop().unwrap();
    let last = server.pid();
    drop(server);
    assert!(is_gone(last));
}

#[test]
fn a_cluster_is_whole_again_when_its_killed_master_is_back() {
    let folder = Folder::temporary().unwrap();
    let mut nodes = redis::start_cluster(&folder, "redis-cluster", redis::Options::default()).unwrap();
    assert_eq!(nodes.len(), 3);
    let slots = redis::ask(nodes[0].address(), &["CLUSTER", "INFO"]).unwrap();
    assert!(slots.contains("cluster_slots_ok:16384"), "{slots}");
    nodes[1].kill().unwrap();
    nodes[1].restart().unwrap();
    for node in &mut nodes {
        node.wait_until_ready().unwrap();
    }
    // The hash slot of "a" is 15495: the third third.
    redis::ask(nodes[2].address(), &["SET", "a", "1"]).unwrap();
    assert!(redis::ask(nodes[0].address(), &["SET", "a", "1"]).unwrap_err().to_string().starts_with("MOVED"));
}
