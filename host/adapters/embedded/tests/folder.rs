//! Who may use a folder, what is refused, what is removed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic fails the test"
)]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use ringside_core::EventKind;
use ringside_embedded::{Clock, Embedded, EmbeddedOptions, OpenError};
use ringside_ports::log::{Durability, NewRecord, Topic};
use support::{
    ROOMS, again, all, append, block_on, comment, event, folder_of_child, mark, open, open_with, segments,
};

fn error_now(folder: &Path) -> OpenError {
    match Embedded::open(folder, &EmbeddedOptions::default()) {
        Ok(_) => panic!("`{}` is opened", folder.display()),
        Err(error) => error,
    }
}

/// Why a folder that nobody holds cannot be opened. Waits for locks as `open_with` does.
fn error_of(folder: &Path) -> OpenError {
    let begun = Instant::now();
    loop {
        match error_now(folder) {
            OpenError::Locked(_) if begun.elapsed() < Duration::from_secs(60) => {
                std::thread::sleep(Duration::from_millis(5));
            }
            error => return error,
        }
    }
}

#[test]
fn a_second_process_is_refused_by_the_name_of_the_folder() {
    if let Some(folder) = folder_of_child() {
        let error = error_now(&folder);
        assert!(matches!(&error, OpenError::Locked(named) if *named == folder), "{error}");
        assert!(error.to_string().contains(folder.to_str().unwrap()), "{error}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let opened = open(folder.path());
    let test = "a_second_process_is_refused_by_the_name_of_the_folder";
    let output = again(test, folder.path(), "").wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    drop(opened);
    let output = again(test, folder.path(), "").wait_with_output().unwrap();
    assert!(!output.status.success(), "it opens a folder that is free, which its assertion does not expect");
}

#[test]
fn a_folder_is_held_until_its_last_port_is_dropped() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        for hold in 0..4 {
            let opened = open(folder.path());
            let held: Box<dyn std::any::Any> = match hold {
                0 => Box::new(opened.log.clone()),
                1 => Box::new(opened.store.clone()),
                2 => Box::new(opened.catalog.clone()),
                _ => Box::new(opened.releases.clone()),
            };
            drop(opened);
            assert!(matches!(error_now(folder.path()), OpenError::Locked(_)), "port {hold} writes to it");
            drop(held);
            drop(open(folder.path()));
        }
    });
}

#[test]
fn another_format_is_refused_by_number() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path()));
        let path = folder.path().join("log/manifest.json");
        let kept = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, kept.replace("\"version\":2", "\"version\":7")).unwrap();
        let error = error_of(folder.path());
        assert!(
            matches!(&error, OpenError::Version { path: p, found: 7, expected: 2 } if *p == path),
            "{error}"
        );
        std::fs::write(&path, "{").unwrap();
        let error = error_of(folder.path());
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        std::fs::write(&path, kept).unwrap();
        drop(open(folder.path()));
    });
}

#[test]
fn a_store_of_an_earlier_format_is_refused_by_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    drop(open(folder.path()));
    let database = redb::Database::open(&path).unwrap();
    let write = database.begin_write().unwrap();
    let format = redb::TableDefinition::<&str, u64>::new("format");
    write.open_table(format).unwrap().insert("version", 1).unwrap();
    write.commit().unwrap();
    drop(database);
    let error = error_of(folder.path());
    assert!(matches!(&error, OpenError::Version { path: p, found: 1, expected: 2 } if *p == path), "{error}");
    assert!(error.to_string().contains("another data folder"), "{error}");
}

#[test]
fn records_whose_manifest_is_gone_are_refused() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        append(&open(folder.path()).log, "x").await.unwrap();
        std::fs::remove_file(folder.path().join("log/manifest.json")).unwrap();
        let error = error_of(folder.path());
        assert!(error.to_string().contains("manifest.json"), "{error}");
    });
}

#[test]
fn a_file_in_place_of_the_folder_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data");
    std::fs::write(&file, "x").unwrap();
    let error = error_of(&file);
    assert!(
        matches!(error, OpenError::Folder { .. }) && error.to_string().contains(file.to_str().unwrap()),
        "{error}"
    );
}

#[test]
fn the_number_of_partitions_stays_as_it_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let options = |partitions| EmbeddedOptions { partitions, ..EmbeddedOptions::default() };
    drop(open_with(folder.path(), &options(3)));
    let opened = open_with(folder.path(), &options(5));
    assert_eq!(opened.log.partitions(Topic::RoomEvents), 3);
}

#[test]
fn a_segment_that_was_begun_and_got_nothing_is_not_the_end_of_the_log() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let opened = open(folder.path());
        for n in 0..5u64 {
            assert_eq!(append(&opened.log, "x").await.unwrap(), n);
        }
        drop(opened);
        // A crash after a segment was begun; one whose beginning failed, and the old one went on.
        for first in [5, 2] {
            let path = folder.path().join(format!("log/room-events/0/{first:020}.segment"));
            std::fs::write(path, "").unwrap();
            let opened = open(folder.path());
            assert_eq!(all(&opened.log).await.len(), 5, "begun at {first}");
        }
        assert_eq!(append(&open(folder.path()).log, "x").await.unwrap(), 5);
    });
}

#[test]
fn offsets_that_consumers_have_seen_are_not_given_out_again() {
    // What an operator does who has no copy of a damaged segment, and what a disk does that lied: it lost even what
    // the log noted about it.
    let gone = |folder: &Path| std::fs::remove_file(&segments(folder)[0]).unwrap();
    let shorter = |folder: &Path| {
        let file = std::fs::File::options().write(true).open(&segments(folder)[0]).unwrap();
        file.set_len(72 + (file.metadata().unwrap().len() - 72) / 2).unwrap();
        std::fs::remove_file(mark(folder)).unwrap();
    };
    for (lose, kept) in [(&gone as &dyn Fn(&Path), 0), (&shorter, 5)] {
        for is_store in [true, false] {
            block_on(async {
                let folder = tempfile::tempdir().unwrap();
                let opened = open(folder.path());
                for n in 0..10u64 {
                    let offset = append(&opened.log, "x").await.unwrap();
                    if is_store {
                        let events = [(offset, event(n, EventKind::CommentAccepted(comment(n))))];
                        opened.store_port().apply(0, &events, offset + 1).await.unwrap();
                    } else {
                        opened.log.commit("judge", ROOMS, 0, offset + 1).await.unwrap();
                    }
                }
                drop(opened);
                lose(folder.path());
                for round in 0..3 {
                    let opened = open(folder.path());
                    let extent = opened.log.extent(ROOMS, 0).await.unwrap();
                    assert_eq!((extent.first, extent.next), (if kept == 0 { 10 } else { 0 }, 10 + round));
                    assert_eq!(append(&opened.log, "x").await.unwrap(), 10 + round);
                    let offsets: Vec<u64> =
                        all(&opened.log).await.iter().map(|record| record.offset).collect();
                    assert_eq!(
                        offsets,
                        (0..kept).chain(10..=10 + round).collect::<Vec<_>>(),
                        "a gap to be seen"
                    );
                }
            });
        }
    }
}

#[test]
fn the_oldest_segments_go_when_they_take_too_much_space_and_the_newest_stays() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let options =
            EmbeddedOptions { segment_bytes: 10_000, keep_bytes: 50_000, ..EmbeddedOptions::default() };
        let opened = open_with(folder.path(), &options);
        let mut firsts = Vec::new();
        for n in 0..200u64 {
            assert_eq!(append(&opened.log, vec![n as u8; 1_000]).await.unwrap(), n);
            let extent = opened.log.extent(ROOMS, 0).await.unwrap();
            assert_eq!(extent.next, n + 1);
            firsts.push(extent.first);
            let found = opened.log.read(ROOMS, 0, 0, 1, 1).await.unwrap();
            assert_eq!(found[0].offset, extent.first, "a read of what is gone begins at the oldest kept");
        }
        assert!(firsts.is_sorted() && firsts[20] == 0 && firsts[199] > 100, "{firsts:?}");
        let bytes: u64 =
            segments(folder.path()).iter().map(|path| std::fs::metadata(path).unwrap().len()).sum();
        assert!((40_000..70_000).contains(&bytes), "{bytes}");
        let kept = all(&opened.log).await;
        drop(opened);
        let again = all(&open_with(folder.path(), &options).log).await;
        assert!(!again.is_empty() && kept.ends_with(&again), "what is left is the newest part");
        let none = EmbeddedOptions { segment_bytes: 10_000, keep_bytes: 0, ..EmbeddedOptions::default() };
        let opened = open_with(folder.path(), &none);
        for _ in 0..30 {
            let offset = append(&opened.log, vec![0; 1_000]).await.unwrap();
            let found = opened.log.read(ROOMS, 0, offset, 1, 1).await.unwrap();
            assert_eq!(found[0].offset, offset, "what was just acknowledged can be read");
        }
    });
}

/// A clock that a test sets on: milliseconds beside the system's.
fn clock(ahead_s: &Arc<AtomicU64>) -> Clock {
    let ahead_s = ahead_s.clone();
    Clock::new(move || SystemTime::now() + Duration::from_secs(ahead_s.load(Ordering::Relaxed)))
}

/// Waits for the log to have done what it does once in a second.
async fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it did not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn a_quiet_log_forgets_what_is_older_than_it_is_kept() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let ahead_s = Arc::new(AtomicU64::new(0));
        let keep_for = Duration::from_secs(24 * 3_600);
        let options = || EmbeddedOptions { keep_for, clock: clock(&ahead_s), ..EmbeddedOptions::default() };
        let hour = |hours: u64| ahead_s.store(hours * 3_600, Ordering::Relaxed);
        let opened = open_with(folder.path(), &options());
        append(&opened.log, "old").await.unwrap();
        let first = segments(folder.path())[0].clone();
        // A quarter of the time later its segment is finished, though nothing comes.
        hour(7);
        until(|| segments(folder.path()).len() == 2).await;
        assert_eq!(append(&opened.log, "later").await.unwrap(), 1);
        assert_eq!(all(&opened.log).await.len(), 2);
        hour(30);
        append(&opened.log, "much later").await.unwrap();
        assert_eq!(all(&opened.log).await[0].offset, 0, "the oldest is kept for a day after it was finished");
        hour(32);
        until(|| !first.exists()).await;
        let left = all(&opened.log).await;
        assert_eq!(left.iter().map(|record| record.offset).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(opened.log.extent(ROOMS, 0).await.unwrap().first, 1);
        // A host that is started after days forgets at the start; offsets go on.
        drop(opened);
        hour(500);
        let opened = open_with(folder.path(), &options());
        until(|| segments(folder.path()).len() == 1 || segments(folder.path()).len() == 2).await;
        hour(600);
        until(|| segments(folder.path()).len() == 1).await;
        assert_eq!(all(&opened.log).await, []);
        let extent = opened.log.extent(ROOMS, 0).await.unwrap();
        assert_eq!((extent.first, extent.next), (3, 3));
        assert_eq!(append(&opened.log, "x").await.unwrap(), 3);
        drop(opened);
        assert_eq!(all(&open_with(folder.path(), &options()).log).await.len(), 1);
    });
}

#[test]
fn a_restart_makes_no_record_younger() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let ahead_s = Arc::new(AtomicU64::new(0));
        let keep_for = Duration::from_secs(24 * 3_600);
        let options = || EmbeddedOptions { keep_for, clock: clock(&ahead_s), ..EmbeddedOptions::default() };
        append(&open_with(folder.path(), &options()).log, "old").await.unwrap();
        let first = segments(folder.path())[0].clone();
        for hours in [7u64, 14, 21, 28, 32] {
            ahead_s.store(hours * 3_600, Ordering::Relaxed);
            let opened = open_with(folder.path(), &options());
            until(|| segments(folder.path()).len() == if hours < 32 { 2 } else { 1 }).await;
            assert_eq!(first.exists(), hours < 32, "after {hours} hours");
            drop(opened);
        }
    });
}

#[test]
fn a_busy_log_forgets_by_age_too() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let ahead_s = Arc::new(AtomicU64::new(0));
        let keep_for = Duration::from_secs(3_600);
        let options = EmbeddedOptions {
            keep_for,
            segment_bytes: 5_000,
            clock: clock(&ahead_s),
            ..EmbeddedOptions::default()
        };
        let opened = open_with(folder.path(), &options);
        for n in 0..30u64 {
            append(&opened.log, vec![0; 1_000]).await.unwrap();
            ahead_s.store(n * 300, Ordering::Relaxed);
        }
        append(&opened.log, vec![0; 1_000]).await.unwrap();
        let first = opened.log.extent(ROOMS, 0).await.unwrap().first;
        assert!((12..=18).contains(&first), "an hour and the rest of a segment is kept, from {first} on");
    });
}

#[test]
fn a_file_that_is_no_segment_of_this_partition_is_refused_by_name() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let options = EmbeddedOptions { partitions: 2, ..EmbeddedOptions::default() };
        for place in [&folder, &other] {
            let opened = open_with(place.path(), &options);
            for partition in 0..2 {
                let keys = (0..).map(|n| format!("stream-{n}"));
                let key = keys.clone().find(|key| opened.log.partition_of(ROOMS, key) == partition);
                let records = vec![NewRecord { key: key.unwrap(), payload: "x".into() }];
                opened.log.append(ROOMS, partition, records, Durability::Durable).await.unwrap();
            }
        }
        let path = segments(folder.path())[0].clone();
        let kept = std::fs::read(&path).unwrap();
        let of_other = std::fs::read(&segments(other.path())[0]).unwrap();
        let neighbour = folder.path().join("log/room-events/1").join(path.file_name().unwrap());
        let of_neighbour = std::fs::read(neighbour).unwrap();
        let newer = {
            let mut newer = kept.clone();
            newer[8] = 9;
            // What a later version writes behind its version this one cannot read.
            newer[16..].fill(0x5a);
            newer
        };
        // Version 0 had no header.
        let headless = kept[72..].to_vec();
        let text =
            b"#!/bin/sh\necho this is something else altogether, and longer than any header is\n".to_vec();
        for (bytes, says) in [
            (of_other, "another log"),
            (of_neighbour, "partition 1 of room-events"),
            (newer, "format version 9, this program reads 1"),
            (headless, "does not begin as a segment does"),
            (text, "does not begin as a segment does"),
        ] {
            std::fs::write(&path, &bytes).unwrap();
            let error = error_of(folder.path());
            assert!(matches!(error, OpenError::Foreign { .. } | OpenError::Version { .. }), "{error}");
            let error = error.to_string();
            assert!(error.contains(says) && error.contains(path.to_str().unwrap()), "{error}");
            assert_eq!(std::fs::read(&path).unwrap(), bytes, "what is refused is not touched");
        }
        std::fs::write(path.with_file_name("00000000000000000007.segment"), &kept).unwrap();
        std::fs::write(&path, kept).unwrap();
        let error = error_of(folder.path()).to_string();
        assert!(error.contains("begins at offset 0"), "{error}");
    });
}
