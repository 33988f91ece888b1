//! Any process of a region may die or hang: what was acknowledged is seen by every viewer, once, in one order, and stored.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use ringside_testkit::{Pop, Region, Services, Talk, eventually};

/// Streams, so that each process has some: by their names they are on different partitions.
const STREAMS: [&str; 4] = ["a", "b", "c", "d"];
/// A poster's wait between comments.
const PACE: Duration = Duration::from_millis(25);

/// All that viewers saw is in the store, and nothing else.
fn stored(host: &Pop, account: &ringside_testkit::talk::Account) {
    for (stream, said) in &account.said {
        let wanted: BTreeSet<&str> = said.iter().map(String::as_str).collect();
        eventually(&format!("all of `{stream}` to be stored"), || {
            let stored = host.rest().all_comments(stream);
            let ids: BTreeSet<&str> = stored.iter().map(|item| item["id"].as_str().unwrap()).collect();
            assert_eq!(ids.len(), stored.len(), "something is stored twice");
            assert!(ids.is_subset(&wanted), "stored, and never seen");
            (ids == wanted).then_some(())
        });
    }
}

#[test]
fn roles_that_are_killed_or_hang_are_taken_over_by_others() {
    let region = Region::on(&Services::shared());
    let hosts = [region.process("host"), region.process("host")];
    let mut roles = [
        region.process("coordinator,writer,judge,reconciler"),
        region.process("coordinator,writer,judge,reconciler"),
    ];
    let talk = Talk::begin(&[&hosts[0], &hosts[1]], &STREAMS, PACE);
    talk.watch_for(10);
    roles[0].kill();
    talk.go_on_for(200);
    talk.watch_for(10);
    roles[0].restart();
    talk.watch_for(10);
    // One that hangs loses its partitions to the other, and finds out when it goes on.
    roles[1].freeze();
    talk.go_on_for(200);
    talk.watch_for(10);
    roles[1].thaw();
    talk.go_on_for(200);
    let account = talk.end();
    assert!(account.count() > 600, "{}", account.count());
    stored(&hosts[0], &account);
}

#[test]
fn viewers_of_a_host_that_is_killed_resume_on_another_without_a_gap() {
    let region = Region::on(&Services::shared());
    let mut hosts = [region.process("host"), region.process("host")];
    let _roles = region.process("coordinator,writer,judge,reconciler");
    let talk = Talk::begin(&[&hosts[0], &hosts[1]], &STREAMS, PACE);
    talk.watch_for(10);
    hosts[0].kill();
    talk.go_on_for(100);
    talk.watch_for(10);
    let account = talk.end();
    stored(&hosts[1], &account);
}
