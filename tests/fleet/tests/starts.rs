//! What is wrong with a region is said at the start, with what is to be done, and by the exit code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use ringside_testkit::pop::{bundle, program};
use ringside_testkit::{Region, Services};

/// Starts a process that is expected to end by itself.
fn serve(region: &Region, more: &[&str]) -> Output {
    let data = tempfile::tempdir().unwrap();
    let mut child = Command::new(program())
        .args(["serve", "--listen", "127.0.0.1:0", "--operators", "127.0.0.1:0", "--bundle"])
        .arg(bundle())
        .arg("--data")
        .arg(data.path())
        .arg("--region")
        .arg(region.file())
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            panic!("it did not end by itself: {}", String::from_utf8_lossy(&output.stderr));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

fn refused(output: &Output, code: i32, says: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}");
    for said in says {
        assert!(text.contains(said), "`{said}` is not in: {text}");
    }
}

/// Changes the region's file.
fn edit(region: &Region, from: &str, to: &str) {
    let text = std::fs::read_to_string(region.file()).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(region.file(), text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_service_that_does_not_answer_is_69_and_named() {
    let services = Services::shared();
    // Nobody listens on the discard port of this address.
    let nobody = "127.0.0.1:9".to_owned();
    let region = Region::on(&services);
    let cases = [
        (Services { kafka: nobody.clone(), ..services.clone() }, "kafka"),
        (Services { cassandra: nobody.clone(), ..services.clone() }, "cassandra"),
        (
            Services { postgres: format!("postgres://ringside@{nobody}/postgres"), ..services.clone() },
            "127.0.0.1:9",
        ),
    ];
    for (services, says) in cases {
        region.describe(&services);
        refused(&serve(&region, &[]), 69, &[says, "127.0.0.1:9"]);
        refused(&region.run(&["region", "migrate"]), 69, &[says]);
    }
}

#[test]
fn a_region_that_was_not_migrated_or_does_not_fit_is_64_with_the_remedy() {
    let services = Services::shared();
    let region = Region::on(&services);
    let again = region.run(&["region", "migrate"]);
    assert!(again.status.success(), "migrating twice: {}", String::from_utf8_lossy(&again.stderr));
    // Each is put right again after it was refused.
    for (from, to, says) in [
        ("prefix: t", "prefix: other-t", vec!["ringside region migrate", "other-t"]),
        (
            "keyspace: ringside_tests",
            "keyspace: nothing_here",
            vec!["nothing_here", "ringside region migrate"],
        ),
        ("partitions: 4", "partitions: 8", vec!["partitions", "4", "8"]),
        ("datacenter: us-east", "datacenter: us-west", vec!["us-west"]),
    ] {
        edit(&region, from, to);
        refused(&serve(&region, &[]), 64, &says);
        edit(&region, to, from);
    }
    let (database, empty) = (format!("/{}", region.name()), format!("/{}_empty", region.name()));
    let made = format!("CREATE DATABASE {}", &empty[1..]);
    ringside_services::postgres::ask(&services.postgres, &made).unwrap();
    edit(&region, &format!("{database}\n"), &format!("{empty}\n"));
    refused(&serve(&region, &[]), 64, &["ringside region migrate"]);
    edit(&region, &empty, "/no_such_database");
    refused(&serve(&region, &[]), 64, &["no_such_database"]);
}

#[test]
fn roles_and_region_files_that_make_no_sense_are_64() {
    let region = Region::on(&Services::shared());
    refused(&serve(&region, &["--roles", "writer,poet"]), 64, &["poet"]);
    edit(&region, "redis:", "valkey:");
    refused(&serve(&region, &[]), 64, &["region.yaml", "valkey"]);
    refused(&region.run(&["region", "check"]), 64, &["valkey"]);
    let alone = Command::new(program()).args(["serve", "--roles", "writer"]).output().unwrap();
    refused(&alone, 64, &["`host` is missing", "region_file"]);
}
