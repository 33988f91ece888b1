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
use std::time::{Duration, Instant, SystemTime};

use ringside_core::EventKind;
use ringside_embedded::{Embedded, EmbeddedOptions, OpenError};
use ringside_ports::log::{Durability, Topic};
use support::{
    ROOMS, again, all, append, block_on, comment, event, folder_of_child, open, open_with, record, segments,
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
        std::fs::write(&path, kept.replace("\"version\":1", "\"version\":7")).unwrap();
        let error = error_of(folder.path());
        assert!(
            matches!(&error, OpenError::Version { path: p, found: 7, expected: 1 } if *p == path),
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
    // What the message about a damaged segment advises when there is no copy, and what a disk does that lied.
    let gone = |path: &Path| std::fs::remove_file(path).unwrap();
    let shorter = |path: &Path| {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
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
                lose(&segments(folder.path())[0]);
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
        assert_eq!(all(&open_with(folder.path(), &options).log).await, kept);
        let none = EmbeddedOptions { segment_bytes: 10_000, keep_bytes: 0, ..EmbeddedOptions::default() };
        let opened = open_with(folder.path(), &none);
        for _ in 0..30 {
            let offset = append(&opened.log, vec![0; 1_000]).await.unwrap();
            let found = opened.log.read(ROOMS, 0, offset, 1, 1).await.unwrap();
            assert_eq!(found[0].offset, offset, "what was just acknowledged can be read");
        }
    });
}

#[test]
fn segments_go_when_they_are_older_than_they_are_kept() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let hour = Duration::from_secs(3_600);
        let options = EmbeddedOptions { segment_bytes: 5_000, keep_for: hour, ..EmbeddedOptions::default() };
        let opened = open_with(folder.path(), &options);
        for _ in 0..30 {
            append(&opened.log, vec![0; 1_000]).await.unwrap();
        }
        let paths = segments(folder.path());
        assert!(paths.len() >= 5);
        for path in &paths[..2] {
            let file = std::fs::File::options().write(true).open(path).unwrap();
            file.set_modified(SystemTime::now() - 2 * hour).unwrap();
        }
        let records = (0..6).map(|_| record(vec![0; 1_000])).collect();
        opened.log.append(ROOMS, 0, records, Durability::Durable).await.unwrap();
        append(&opened.log, "x").await.unwrap();
        let left = segments(folder.path());
        assert_eq!(left[0], paths[2], "the two old ones are gone, the others stay");
    });
}
