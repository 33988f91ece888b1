//! Sets of services, and what becomes of them when their harness is killed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod common;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use common::{eventually, is_gone};
use ringside_services::set::{self, Name, Wanted};
use ringside_services::{Cache, Folder, Server, redis};

/// Tells the harness below where to write its folder down, and that it shall be killed.
const NOTE: &str = "RINGSIDE_SERVICES_NOTE";
const LASTING: &str = "RINGSIDE_SERVICES_LASTING";

fn wanted(names: &[Name]) -> Wanted {
    Wanted { names: names.iter().copied().collect::<BTreeSet<_>>(), regions: vec!["us-east".into()] }
}

/// A folder that the test removes itself.
fn scratch(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("ringside-set-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir(&path).unwrap();
    path
}

/// A harness in a process of its own; gives it and the folder of its services.
fn harness(note: &Path, lasting: Option<&Path>) -> (Child, PathBuf) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "a_server_answers_while_its_harness_lives"]).env(NOTE, note);
    if let Some(lasting) = lasting {
        command.env(LASTING, lasting);
    }
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("the harness has started its server", || note.exists());
    (child, std::fs::read_to_string(note).unwrap().into())
}

#[test]
fn a_server_answers_while_its_harness_lives() {
    let folder = match std::env::var_os(LASTING) {
        Some(path) => Folder::lasting(Path::new(&path), Cache::find().unwrap()).unwrap(),
        None => Folder::temporary().unwrap(),
    };
    let server = redis::start(&folder, "redis", redis::Options::default()).unwrap();
    server.answers().unwrap();
    if let Some(note) = std::env::var_os(NOTE) {
        let part = Path::new(&note).with_extension("part");
        std::fs::write(&part, folder.path().to_str().unwrap()).unwrap();
        std::fs::rename(part, note).unwrap();
        std::thread::sleep(std::time::Duration::from_secs(120));
    }
}

#[test]
fn services_of_a_killed_harness_go_on_in_a_lasting_folder_until_down_ends_them() {
    let scratch = scratch("lasting");
    let (mut harness, folder) = harness(&scratch.join("note"), Some(&scratch.join("set")));
    harness.kill().unwrap();
    harness.wait().unwrap();
    let left = set::list(&folder);
    assert_eq!(left.len(), 1);
    left[0].ask().unwrap();
    assert_eq!(set::down(&folder).unwrap(), 1);
    assert!(is_gone(left[0].pid()));
    assert!(set::list(&folder).is_empty());
    assert_eq!(set::down(&folder).unwrap(), 0);
    std::fs::remove_dir_all(scratch).unwrap();
}

#[test]
fn services_of_a_killed_harness_end_with_it_in_a_temporary_folder() {
    let scratch = scratch("temporary");
    let (mut harness, folder) = harness(&scratch.join("note"), None);
    let pid = set::list(&folder)[0].pid();
    assert!(!is_gone(pid));
    harness.kill().unwrap();
    harness.wait().unwrap();
    eventually("the guard ends the server and removes its folder", || is_gone(pid) && !folder.exists());
    std::fs::remove_dir_all(scratch).unwrap();
}

#[test]
fn a_process_that_got_the_number_of_an_ended_one_is_left_alone() {
    let scratch = scratch("number");
    let mut other = Command::new("sleep").arg("120").spawn().unwrap();
    let home = scratch.join("redis");
    std::fs::create_dir(&home).unwrap();
    std::fs::write(home.join("process"), format!("{} KILL 1\n127.0.0.1:1\n5\n", other.id())).unwrap();
    assert_eq!(set::list(&scratch).len(), 1);
    assert_eq!(set::down(&scratch).unwrap(), 0);
    assert!(!is_gone(other.id()));
    other.kill().unwrap();
    other.wait().unwrap();
    std::fs::remove_dir_all(scratch).unwrap();
}

#[test]
fn a_start_that_fails_half_way_ends_what_it_had_started() {
    let scratch = scratch("half");
    let folder = Folder::lasting(&scratch, Cache::find().unwrap()).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let home = scratch.join("redis");
    std::fs::create_dir(&home).unwrap();
    std::fs::write(home.join("port"), taken.local_addr().unwrap().port().to_string()).unwrap();
    let failure = set::up(&folder, &wanted(&[Name::Redis, Name::Postgres])).unwrap_err().to_string();
    assert!(failure.starts_with("redis: ended") && failure.contains("in use"), "{failure}");
    assert!(set::list(&scratch).is_empty());
    drop(taken);

    let started = set::up(&folder, &wanted(&[Name::Redis, Name::Postgres])).unwrap();
    assert_eq!(started.len(), 2);
    let told = set::environment(&scratch);
    assert_eq!(told.len(), 2);
    assert_eq!(told[0], ("RINGSIDE_TEST_REDIS", started_address(&started, "redis")));
    assert_eq!(told[1], ("RINGSIDE_TEST_POSTGRES", started_address(&started, "postgres")));
    assert!(set::up(&folder, &wanted(&[Name::Redis])).unwrap().is_empty(), "it runs already");
    drop(started);
    assert!(set::list(&scratch).is_empty());
    std::fs::remove_dir_all(scratch).unwrap();
}

fn started_address(started: &[Server], name: &str) -> String {
    started.iter().find(|server| server.folder().ends_with(name)).unwrap().address().to_owned()
}

#[test]
fn data_of_other_datacenters_is_not_started_upon() {
    let folder = Folder::temporary().unwrap();
    let home = folder.path().join("cassandra");
    std::fs::create_dir(&home).unwrap();
    std::fs::write(home.join("datacenters"), "us-east,eu-west").unwrap();
    let failure = set::up(&folder, &wanted(&[Name::Cassandra])).unwrap_err().to_string();
    assert!(failure.contains("is of Cassandra in us-east,eu-west, not us-east"), "{failure}");
}

#[test]
fn mirror_maker_with_one_region_is_refused_with_what_would_do() {
    let folder = Folder::temporary().unwrap();
    let failure = set::up(&folder, &wanted(&[Name::MirrorMaker])).unwrap_err().to_string();
    assert!(failure.contains("two at least"), "{failure}");
}
