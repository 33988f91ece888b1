//! Several processes of one group: each partition is one's at a time, and each is some one's soon.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringside_kafka::{KafkaLog, KafkaOptions};
use ringside_ports::Log;
use ringside_ports::error::PortErrorKind;
use ringside_ports::log::{Membership, Share};
use rustix::process::{Pid, Signal, kill_process};
use support::{PARTITIONS, ROOMS, begin, options, shared, within};

const GROUP: &str = "writer";
/// How a test is told that it is the other process: prefix and brokers of its parent.
const OTHER: &str = "RINGSIDE_TEST_OTHER_MEMBER";

/// Who has which partition.
type Owners = Arc<Mutex<BTreeMap<u32, &'static str>>>;

/// Does as a role does: begins what is given, ends what is taken.
async fn work(mut member: Box<dyn Membership>, name: &'static str, owners: Owners) {
    while let Some(share) = member.next().await {
        let mut owners = owners.lock().unwrap();
        match share {
            Share::Given(given) => {
                for partition in given {
                    let before = owners.insert(partition, name);
                    assert_eq!(before, None, "partition {partition} is {name}'s and somebody else's");
                }
            }
            Share::Taken(taken) => {
                for partition in taken {
                    assert_eq!(owners.remove(&partition), Some(name));
                }
            }
            Share::Lost(lost) => panic!("{name} was never away, and lost {lost:?}"),
        }
    }
}

async fn until(owners: &Owners, what: impl Fn(&BTreeMap<u32, &'static str>) -> bool) {
    within(async {
        while !what(&owners.lock().unwrap()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_share_the_partitions_and_none_has_one_of_anothers() {
    let options = options(&shared());
    let one = begin(&options).await;
    let two = KafkaLog::connect(&options).await.unwrap();
    let owners = Owners::default();
    let first = tokio::spawn(work(one.join(GROUP, ROOMS).await.unwrap(), "one", owners.clone()));
    until(&owners, |owners| owners.len() == PARTITIONS as usize).await;
    let second = tokio::spawn(work(two.join(GROUP, ROOMS).await.unwrap(), "two", owners.clone()));
    let shared_out = |owners: &BTreeMap<u32, &str>| {
        owners.len() == PARTITIONS as usize
            && owners.values().filter(|owner| **owner == "two").count() == PARTITIONS as usize / 2
    };
    until(&owners, shared_out).await;
    // One goes as a role does that is stopped: its partitions come to the other.
    second.abort();
    let _ = second.await;
    owners.lock().unwrap().retain(|_, owner| *owner == "one");
    until(&owners, |owners| owners.len() == PARTITIONS as usize).await;
    assert!(!first.is_finished());
    drop(one);
    within(first).await.unwrap();
}

/// Takes what is given until all of it was.
async fn all_of(member: &mut dyn Membership) -> BTreeSet<u32> {
    let mut has = BTreeSet::new();
    while has.len() < PARTITIONS as usize {
        match within(member.next()).await.unwrap() {
            Share::Given(given) => has.extend(given),
            other => panic!("{other:?}"),
        }
    }
    has
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_goes_on_when_its_member_has_ended_its_work_and_is_not_its_to_commit_then() {
    let options = options(&shared());
    let one = begin(&options).await;
    let two = KafkaLog::connect(&options).await.unwrap();
    let stranger = KafkaLog::connect(&options).await.unwrap();
    let mut first = one.join(GROUP, ROOMS).await.unwrap();
    all_of(&mut *first).await;
    let mut second = two.join(GROUP, ROOMS).await.unwrap();
    let Share::Taken(taken) = within(first.next()).await.unwrap() else { panic!("one of two has too many") };
    // Its last work: the place that the other is to begin at.
    for partition in &taken {
        one.commit(GROUP, ROOMS, *partition, 7).await.unwrap();
    }
    let before = tokio::time::timeout(Duration::from_millis(300), second.next()).await;
    assert!(before.is_err(), "it has {before:?}, which the other has not let go of");
    let lets_go = tokio::spawn(async move {
        let _ = first.next().await;
        first
    });
    let mut given = BTreeSet::new();
    while given.len() < taken.len() {
        let Share::Given(more) = within(second.next()).await.unwrap() else { panic!("it had nothing") };
        given.extend(more);
    }
    assert_eq!(given, taken.iter().copied().collect());
    for partition in taken {
        assert_eq!(two.committed(GROUP, ROOMS, partition).await.unwrap(), Some(7));
        for log in [&one, &stranger] {
            let refused = log.commit(GROUP, ROOMS, partition, 9).await.unwrap_err();
            assert_eq!(refused.kind, PortErrorKind::Conflict, "{refused}");
        }
        two.commit(GROUP, ROOMS, partition, 8).await.unwrap();
        assert_eq!(stranger.committed(GROUP, ROOMS, partition).await.unwrap(), Some(8));
    }
    lets_go.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_does_not_let_go_loses_its_partitions_all_the_same() {
    let options = options(&shared());
    let one = begin(&options).await;
    let two = KafkaLog::connect(&options).await.unwrap();
    let mut first = one.join(GROUP, ROOMS).await.unwrap();
    all_of(&mut *first).await;
    let mut second = two.join(GROUP, ROOMS).await.unwrap();
    let Share::Taken(taken) = within(first.next()).await.unwrap() else { panic!("one of two has too many") };
    // It hangs: it never asks again.
    let Share::Given(given) = within(second.next()).await.unwrap() else { panic!("it had nothing") };
    assert!(given.iter().all(|partition| taken.contains(partition)), "{given:?} of {taken:?}");
    let refused = one.commit(GROUP, ROOMS, given[0], 9).await.unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::Conflict, "{refused}");
}

/// The other process: has what it is given, and tries to keep places of it, telling how that went.
async fn other(told: &str) {
    let (prefix, servers) = told.split_once(' ').unwrap();
    let options = KafkaOptions { prefix: prefix.to_owned(), ..options(servers) };
    let log = KafkaLog::connect(&options).await.unwrap();
    let mut member = log.join(GROUP, ROOMS).await.unwrap();
    let mut has = BTreeSet::new();
    loop {
        match tokio::time::timeout(Duration::from_millis(50), member.next()).await {
            Ok(Some(Share::Given(given))) => has.extend(given),
            Ok(Some(Share::Taken(gone))) => has.retain(|partition| !gone.contains(partition)),
            Ok(Some(Share::Lost(lost))) => {
                println!("\nlost {}", lost.len());
                return;
            }
            Ok(None) => return,
            Err(_) => {}
        }
        println!("\nhas {}", has.len());
    }
}

fn start_other(test: &str, options: &KafkaOptions) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(OTHER, format!("{} {}", options.prefix, options.servers))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until the other process says this.
fn says(lines: &mut impl Iterator<Item = std::io::Result<String>>, what: &str) {
    assert!(lines.any(|line| line.unwrap() == what), "it never said `{what}`");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_partitions_of_a_killed_and_of_a_stopped_process_come_to_the_other() {
    if let Ok(told) = std::env::var(OTHER) {
        return other(&told).await;
    }
    let test = "the_partitions_of_a_killed_and_of_a_stopped_process_come_to_the_other";
    let options = options(&shared());
    let log = begin(&options).await;
    let half = format!("has {}", PARTITIONS / 2);
    let owners = Owners::default();
    let _works = tokio::spawn(work(log.join(GROUP, ROOMS).await.unwrap(), "this", owners.clone()));
    until(&owners, |owners| owners.len() == PARTITIONS as usize).await;

    let mut killed = start_other(test, &options);
    let mut lines = BufReader::new(killed.stdout.take().unwrap()).lines();
    tokio::task::block_in_place(|| says(&mut lines, &half));
    killed.kill().unwrap();
    killed.wait().unwrap();
    until(&owners, |owners| owners.len() == PARTITIONS as usize).await;

    let mut stopped = start_other(test, &options);
    let pid = Pid::from_child(&stopped);
    let mut lines = BufReader::new(stopped.stdout.take().unwrap()).lines();
    tokio::task::block_in_place(|| says(&mut lines, &half));
    kill_process(pid, Signal::STOP).unwrap();
    until(&owners, |owners| owners.len() == PARTITIONS as usize).await;
    kill_process(pid, Signal::CONT).unwrap();
    tokio::task::block_in_place(|| says(&mut lines, &format!("lost {}", PARTITIONS / 2)));
    stopped.kill().unwrap();
    stopped.wait().unwrap();
}
