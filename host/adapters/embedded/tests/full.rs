//! A disk that is full: what is told, what stays readable, and that everything goes on by itself.
//!
//! The disk is played by the limit of a file's size, which needs no rights: a write past it writes what fits and
//! fails, as on a full disk. Each test runs in a process of its own, behind a shell that has the signal ignored
//! which would end it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic fails the test"
)]

mod support;

use std::path::Path;
use std::time::Duration;

use ringside_core::EventKind;
use ringside_ports::PortError;
use ringside_ports::error::PortErrorKind;
use ringside_ports::log::Durability;
use ringside_ports::store::{Anchor, PageOf, PageQuery, Reader};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use support::{
    ROOMS, again, all, append, block_on, comment, event, folder_of_child, open, record, segments, stream,
};

/// Runs this test in another process; none in that process, which gets the folder.
fn elsewhere(test: &str) -> Option<std::path::PathBuf> {
    let folder = folder_of_child();
    if folder.is_none() {
        let folder = tempfile::tempdir().unwrap();
        let output = again(test, folder.path(), "trap '' XFSZ;").wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    folder
}

/// Lets no file grow past `bytes`; none takes the limit away.
fn disk_of(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).unwrap();
}

fn assert_unavailable(error: &PortError, names: &Path) {
    assert_eq!(error.kind, PortErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains(names.to_str().unwrap()), "{error} names {}", names.display());
    assert!(error.retry_after.is_some(), "{error} says when to try again");
}

#[test]
fn a_full_disk_refuses_appends_and_the_log_goes_on_by_itself() {
    let Some(folder) = elsewhere("a_full_disk_refuses_appends_and_the_log_goes_on_by_itself") else { return };
    block_on(async {
        let opened = open(&folder);
        let mut expected: Vec<u8> = Vec::new();
        for round in 0..5u64 {
            let path = segments(&folder)[0].clone();
            let before = std::fs::metadata(&path).unwrap().len();
            disk_of(Some(before + 100_000 + 77 * round));
            let mut refused = 0;
            while refused < 5 {
                let n = fastrand::u8(..);
                // Small ones still fit when large ones do not.
                let size = if refused == 4 { 10_000_000 / 11 } else { 7_000 };
                match append(&opened.log, vec![n; size]).await {
                    Ok(offset) => {
                        assert_eq!(offset, expected.len() as u64);
                        expected.push(n);
                    }
                    Err(error) => {
                        assert_unavailable(&error, path.parent().unwrap());
                        refused += 1;
                    }
                }
                assert_eq!(all(&opened.log).await.len(), expected.len(), "it stays readable");
            }
            let grown = std::fs::metadata(&path).unwrap().len() - before;
            assert!(grown <= 100_000 + 77 * round, "nothing half-written is left");
            disk_of(None);
            for _ in 0..3 {
                let n = fastrand::u8(..);
                append(&opened.log, vec![n; 100]).await.expect("there is space again");
                expected.push(n);
            }
        }
        let check = |records: Vec<ringside_ports::log::Record>| {
            let found: Vec<u8> = records.iter().map(|record| record.payload[0]).collect();
            assert_eq!(found, expected);
        };
        check(all(&opened.log).await);
        drop(opened);
        check(all(&open(&folder).log).await);
    });
}

#[test]
fn a_process_that_is_killed_on_a_full_disk_leaves_nothing_of_the_failed_group() {
    let test = "a_process_that_is_killed_on_a_full_disk_leaves_nothing_of_the_failed_group";
    if let Some(folder) = folder_of_child() {
        return block_on(async {
            let opened = open(&folder);
            append(&opened.log, "whole").await.unwrap();
            disk_of(Some(20_000));
            let records = (0..10).map(|_| record(vec![1; 3_000])).collect();
            let error = opened.log.append(ROOMS, 0, records, Durability::Durable).await.unwrap_err();
            assert_eq!(error.kind, PortErrorKind::Unavailable, "{error}");
            std::process::abort();
        });
    }
    let folder = tempfile::tempdir().unwrap();
    let output = again(test, folder.path(), "trap '' XFSZ; ulimit -c 0;").wait_with_output().unwrap();
    assert!(!output.status.success(), "it aborts");
    block_on(async {
        let records = all(&open(folder.path()).log).await;
        assert_eq!(records.len(), 1, "the records of the group that fitted on the disk do not come back");
        assert_eq!(records[0].payload, "whole");
    });
}

#[test]
fn the_store_loses_nothing_that_it_took_in_before_its_disk_was_full() {
    let Some(folder) = elsewhere("the_store_loses_nothing_that_it_took_in_before_its_disk_was_full") else {
        return;
    };
    block_on(async {
        let opened = open(&folder);
        let store = opened.store_port();
        let mut next = 0u64;
        for round in 0..3 {
            let length = std::fs::metadata(opened.store.path()).unwrap().len();
            disk_of(Some(length + (1 << 20)));
            // As the writer does: on from where it stands, the same chunk again after a failure.
            let chunk = |next: u64| -> Vec<_> {
                let accepted = |n| event(n, EventKind::CommentAccepted(comment(n)));
                let taps = event(next, EventKind::EmojiCounted(vec![("tap".into(), 1)]));
                (next..next + 499).map(|n| (n, accepted(n))).chain([(next + 499, taps)]).collect()
            };
            let error = loop {
                match store.apply(0, &chunk(next), next + 500).await {
                    Ok(_) => next += 500,
                    Err(error) => break error,
                }
                assert!(next < 1_000_000, "the disk is full at some time");
            };
            assert_unavailable(&error, opened.store.path());
            for _ in 0..3 {
                assert!(store.apply(0, &chunk(next), next + 500).await.is_err(), "still full");
            }
            disk_of(None);
            let begun = std::time::Instant::now();
            while let Err(error) = store.apply(0, &chunk(next), next + 500).await {
                assert!(begun.elapsed() < Duration::from_secs(60), "{error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            next += 500;
            assert_eq!(store.checkpoint(0).await.unwrap(), next);
            let taps = store.emoji(&stream()).await.unwrap();
            assert_eq!(taps, [("tap".to_owned(), next / 500)], "round {round}: each chunk is there, once");
            for n in (0..next).filter(|n| n % 500 != 499).step_by(7) {
                let kept = store.comment(&stream(), support::comment_id(n)).await.unwrap();
                assert!(kept.is_some(), "round {round}: comment {n} of {next}");
            }
            let query = PageQuery {
                stream: stream(),
                of: PageOf::Stream,
                reader: Reader::Public,
                anchor: Anchor::Newest,
                size: 50,
            };
            assert_eq!(store.page(query).await.unwrap().items.len(), 50);
        }
    });
}
