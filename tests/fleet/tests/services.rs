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
use serde_json::Value;

const STREAMS: [&str; 2] = ["a", "b"];
const PACE: Duration = Duration::from_millis(25);

/// Two hosts and the roles.
fn processes(region: &Region) -> ([Pop; 2], Pop) {
    let hosts = [region.process("host"), region.process("host")];
    (hosts, region.process("coordinator,writer,judge,reconciler"))
}

/// Kills a service and brings it back, then stops it where it is and lets it go on, while people talk. `away` is what
/// must go on meanwhile; `says` looks whether processes tell the truth.
fn hurt(talk: &Talk, server: &mut Server, says: impl Fn(bool), away: impl Fn(&Talk)) {
    talk.watch_for(10);
    says(true);
    server.kill().unwrap();
    away(talk);
    says(false);
    server.restart().unwrap();
    talk.go_on_for(20);
    talk.watch_for(10);
    says(true);
    server.stop().unwrap();
    away(talk);
    says(false);
    server.go_on().unwrap();
    talk.go_on_for(20);
    talk.watch_for(10);
    says(true);
}

/// Waits until each process says that a part is up, or away: ready it is all the same. To viewers hosts say what they can
/// do just now, and not what went wrong.
fn say(hosts: &[Pop], roles: &Pop, part: &str, up: bool, cannot: &[&str]) {
    let of = |body: &Value| body["parts"].as_array().unwrap().iter().find(|one| one["part"] == part).cloned();
    for process in hosts.iter().chain([roles]) {
        let part = ringside_testkit::eventually(
            &format!("`{part}` to be {} in /readyz", if up { "up" } else { "away" }),
            || {
                let body = process.operators_with(None).get("/readyz").expect(200).body;
                let part = of(&body).unwrap();
                // While one part was away, workers may have failed: these begin again in their own time.
                let status = if up { "ready" } else { "degraded" };
                (part["up"] == up && body["status"] == status).then_some(part)
            },
        );
        assert!(part["since_ms"].as_u64().unwrap() > 0 && part["error"].is_string() != up, "{part}");
    }
    for host in hosts {
        let body = host.rest().get("/readyz").expect(200).body;
        assert!(of(&body).unwrap()["error"].is_null(), "{body}");
        for what in ["watching", "commenting", "history"] {
            assert_eq!(body[what], up || !cannot.contains(&what), "{what}: {body}");
        }
    }
}

#[test]
fn without_redis_hosts_read_the_log_and_viewers_miss_nothing() {
    let folder = Folder::temporary().unwrap();
    let mut own = redis::start(&folder, "redis", redis::Options::default()).unwrap();
    let region = Region::on(&Services { redis: own.address().to_owned(), ..Services::shared() });
    let (hosts, roles) = processes(&region);
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
    hurt(
        &talk,
        &mut own,
        |up| say(&hosts, &roles, "relay", up, &[]),
        |talk| {
            talk.go_on_for(100);
            talk.watch_for(20);
            says("1");
        },
    );
    says("0");
    let _ = talk.end();
}

#[test]
fn without_kafka_nothing_is_acknowledged_and_what_was_is_not_lost() {
    let folder = Folder::temporary().unwrap();
    let mut own = kafka::start(&folder, "kafka", &kafka::Options::default()).unwrap();
    let region = Region::on(&Services { kafka: own.address().to_owned(), ..Services::shared() });
    let (hosts, roles) = processes(&region);
    let talk = Talk::begin(&[&hosts[0], &hosts[1]], &STREAMS, PACE);
    let says = |up| say(&hosts, &roles, "log", up, &["watching", "commenting"]);
    hurt(&talk, &mut own, says, |_| std::thread::sleep(Duration::from_secs(3)));
    let _ = talk.end();
}

#[test]
fn without_cassandra_live_goes_on_and_the_writer_catches_up() {
    let folder = Folder::temporary().unwrap();
    let options = cassandra::Options { datacenters: vec!["us-east".into()] };
    let mut own = cassandra::start(&folder, "cassandra", &options).unwrap();
    let region = Region::on(&Services { cassandra: own[0].address().to_owned(), ..Services::shared() });
    let (hosts, roles) = processes(&region);
    let talk = Talk::begin(&[&hosts[0], &hosts[1]], &STREAMS, PACE);
    let says = |up: bool| {
        say(&hosts, &roles, "store", up, &["history"]);
        let listed = roles.operator().get("/v1/workers").expect(200).body;
        let writers = listed["items"].as_array().unwrap().iter().filter(|one| one["role"] == "writer");
        let failing = writers.filter(|one| one["state"] == "failing").inspect(|one| {
            assert!(one["last_error"]["error"].is_string() && one["lag"].is_u64(), "{one}");
        });
        assert_eq!(failing.count() > 0, !up, "{listed}");
    };
    hurt(&talk, &mut own[0], says, |talk| {
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
    let (hosts, roles) = processes(&region);
    let talk = Talk::begin(&[&hosts[0], &hosts[1]], &STREAMS, PACE);
    hurt(
        &talk,
        &mut own,
        |up| say(&hosts, &roles, "catalog", up, &[]),
        |talk| {
            talk.go_on_for(50);
            talk.watch_for(10);
        },
    );
    let _ = talk.end();
}
