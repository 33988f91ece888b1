//! Any service of a region may die, hang or be slow: nothing acknowledged is lost, and recovery needs no hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::time::Duration;

use ringside_services::{Folder, Server, cassandra, kafka, postgres, redis};
use ringside_testkit::{Pop, Region, Services, Talk};

const STREAMS: [&str; 2] = ["a", "b"];
const PACE: Duration = Duration::from_millis(25);

/// Two hosts and the roles.
fn processes(region: &Region) -> ([Pop; 2], Pop) {
    let hosts = [region.process("host"), region.process("host")];
    (hosts, region.process("coordinator,writer,judge,reconciler"))
}

/// Kills a service and brings it back, then stops it where it is and lets it go on, while people talk. `away` is what
/// must go on meanwhile.
fn hurt(talk: &Talk, server: &mut Server, away: impl Fn(&Talk)) {
    talk.watch_for(10);
    server.kill().unwrap();
    away(talk);
    server.restart().unwrap();
    talk.go_on_for(20);
    talk.watch_for(10);
    server.stop().unwrap();
    away(talk);
    server.go_on().unwrap();
    talk.go_on_for(20);
    talk.watch_for(10);
}

#[test]
fn without_redis_hosts_read_the_log_and_viewers_miss_nothing() {
    let folder = Folder::temporary().unwrap();
    let mut own = redis::start(&folder, "redis", redis::Options::default()).unwrap();
    let region = Region::on(&Services { redis: own.address().to_owned(), ..Services::shared() });
    let (hosts, _roles) = processes(&region);
    let talk = Talk::begin(&[&hosts[0], &hosts[1]], &STREAMS, PACE);
    let says = |value: &str| {
        let line = format!("ringside_relay_breaker_open {value}");
        ringside_testkit::eventually(&format!("`{line}` in the metrics"), || {
            let said =
                |host: &Pop| host.operator().get("/metrics").expect(200).text.lines().any(|one| one == line);
            hosts.iter().all(said).then_some(())
        });
    };
    // Posting and seeing go on, and the metrics tell the truth.
    hurt(&talk, &mut own, |talk| {
        talk.go_on_for(100);
        talk.watch_for(20);
        says("1");
    });
    says("0");
    let _ = talk.end();
}

#[test]
fn without_kafka_nothing_is_acknowledged_and_what_was_is_not_lost() {
    let folder = Folder::temporary().unwrap();
    let mut own = kafka::start(&folder, "kafka", &kafka::Options::default()).unwrap();
    let region = Region::on(&Services { kafka: own.address().to_owned(), ..Services::shared() });
    let (hosts, _roles) = processes(&region);
    let talk = Talk::begin(&[&hosts[0], &hosts[1]], &STREAMS, PACE);
    hurt(&talk, &mut own, |_| std::thread::sleep(Duration::from_secs(3)));
    let _ = talk.end();
}

#[test]
fn without_cassandra_live_goes_on_and_the_writer_catches_up() {
    let folder = Folder::temporary().unwrap();
    let options = cassandra::Options { datacenters: vec!["us-east".into()] };
    let mut own = cassandra::start(&folder, "cassandra", &options).unwrap();
    let region = Region::on(&Services { cassandra: own[0].address().to_owned(), ..Services::shared() });
    let (hosts, _roles) = processes(&region);
    let talk = Talk::begin(&[&hosts[0], &hosts[1]], &STREAMS, PACE);
    hurt(&talk, &mut own[0], |talk| {
        talk.go_on_for(50);
        talk.watch_for(10);
    });
    let account = talk.end();
    for (stream, said) in &account.said {
        ringside_testkit::eventually("the writer to have caught up", || {
            (hosts[0].rest().all_comments(stream).len() == said.len()).then_some(())
        });
    }
}

#[test]
fn without_postgres_streams_that_are_known_go_on() {
    let folder = Folder::temporary().unwrap();
    let mut own = postgres::start(&folder, "postgres").unwrap();
    let region = Region::on(&Services { postgres: own.address().to_owned(), ..Services::shared() });
    let (hosts, _roles) = processes(&region);
    let talk = Talk::begin(&[&hosts[0], &hosts[1]], &STREAMS, PACE);
    hurt(&talk, &mut own, |talk| {
        talk.go_on_for(50);
        talk.watch_for(10);
    });
    let _ = talk.end();
}
