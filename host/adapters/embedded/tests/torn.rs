//! What recovery keeps, cuts and refuses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic fails the test"
)]

mod support;

use std::path::Path;

use ringside_embedded::{Embedded, EmbeddedOptions, OpenError};
use ringside_ports::error::PortErrorKind;
use ringside_ports::log::{Durability, Record};
use support::{ROOMS, all, append, block_on, open, record, segments};

/// A segment of groups of records, and where each record ends and its group begins.
struct Written {
    bytes: Vec<u8>,
    records: Vec<Record>,
    ends: Vec<usize>,
    last_group: usize,
}

/// Writes groups of these payload sizes.
fn write(folder: &Path, groups: &[&[usize]]) -> Written {
    block_on(async {
        let opened = open(folder);
        let path = segments(folder)[0].clone();
        let length = || usize::try_from(std::fs::metadata(&path).unwrap().len()).unwrap();
        let (mut ends, mut last_group, mut n) = (Vec::new(), 0, 0u8);
        for group in groups {
            last_group = length();
            let mut end = last_group;
            let mut records = Vec::new();
            for size in *group {
                n += 1;
                records.push(record(vec![n; *size]));
                // 26 bytes of head and the key `stream`.
                end += 26 + 6 + size;
                ends.push(end);
            }
            opened.log.append(ROOMS, 0, records, Durability::Durable).await.unwrap();
            assert_eq!(length(), end, "the form of a record is as this test has it");
        }
        let records = all(&opened.log).await;
        drop(opened);
        Written { bytes: std::fs::read(&path).unwrap(), records, ends, last_group }
    })
}

const GROUPS: &[&[usize]] = &[&[40], &[5, 0, 90], &[1], &[30, 70, 3, 50]];

/// Opens the folder with these bytes as its segment, and says what it holds.
fn reopen(folder: &Path, bytes: &[u8]) -> Result<Vec<Record>, OpenError> {
    std::fs::write(&segments(folder)[0], bytes).unwrap();
    block_on(async {
        let opened = Embedded::open(folder, &EmbeddedOptions::default())?;
        let before = all(&opened.log).await;
        let offset = append(&opened.log, "next").await.unwrap();
        assert_eq!(offset, before.len() as u64, "the log goes on where it was cut");
        let after = all(&opened.log).await;
        assert_eq!(after[..before.len()], before);
        Ok(before)
    })
}

#[test]
fn a_torn_tail_is_cut_and_every_whole_record_before_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let written = write(folder.path(), GROUPS);
    for cut in written.ends[0]..=written.bytes.len() {
        let found = reopen(folder.path(), &written.bytes[..cut]).expect("opened");
        let whole = written.ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(found, written.records[..whole], "cut at byte {cut}");
    }
}

#[test]
fn what_a_crash_leaves_behind_the_end_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let written = write(folder.path(), GROUPS);
    let noise: Vec<u8> = (0..9_000).map(|_| fastrand::u8(..)).collect();
    for tail in [vec![0; 1], vec![0; 70_000], vec![0xff; 5_000], noise, written.bytes.clone()] {
        let found = reopen(folder.path(), &[written.bytes.as_slice(), &tail].concat()).expect("opened");
        assert_eq!(found, written.records, "{} bytes behind the end", tail.len());
    }
    // A power cut may lose any block of the last group and keep the ones behind it.
    for lost in written.last_group..written.bytes.len() - 1 {
        let mut bytes = written.bytes.clone();
        let end = (lost + 20).min(bytes.len());
        bytes[lost..end].fill(0);
        if bytes == written.bytes {
            continue;
        }
        let found = reopen(folder.path(), &bytes).expect("opened");
        let damaged = (lost..end).find(|at| bytes[*at] != written.bytes[*at]).unwrap();
        let whole = written.ends.iter().filter(|end| **end <= damaged).count();
        assert_eq!(found, written.records[..whole], "lost from byte {lost}");
    }
}

#[test]
fn a_payload_that_holds_a_whole_segment_is_cut_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let inner = write(folder.path(), GROUPS);
    let outer = tempfile::tempdir().unwrap();
    block_on(async {
        let opened = open(outer.path());
        for _ in 0..2 {
            append(&opened.log, inner.bytes.clone()).await.unwrap();
        }
    });
    let bytes = std::fs::read(&segments(outer.path())[0]).unwrap();
    let found = reopen(outer.path(), &bytes[..bytes.len() - 1]).expect("opened");
    assert_eq!(found.len(), 1);
}

#[test]
fn a_changed_bit_in_a_record_of_an_earlier_group_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let written = write(folder.path(), GROUPS);
    for at in 0..written.last_group {
        let mut bytes = written.bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        let path = segments(folder.path())[0].clone();
        match reopen(folder.path(), &bytes) {
            Err(OpenError::Damaged { path: named, position }) => {
                let begin = written.ends.iter().rfind(|end| **end <= at).copied().unwrap_or(0);
                assert_eq!((named, position), (path, begin as u64), "byte {at}");
            }
            other => panic!("byte {at}: {:?}", other.map(|records| records.len())),
        }
        assert_eq!(
            std::fs::read(&segments(folder.path())[0]).unwrap(),
            bytes,
            "what is refused is not touched"
        );
    }
}

#[test]
fn a_changed_bit_in_the_last_group_cuts_it_there() {
    let folder = tempfile::tempdir().unwrap();
    let written = write(folder.path(), GROUPS);
    for at in written.last_group..written.bytes.len() {
        let mut bytes = written.bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        let found = reopen(folder.path(), &bytes).expect("opened");
        let whole = written.ends.iter().filter(|end| **end <= at).count();
        assert_eq!(found, written.records[..whole], "byte {at}");
    }
}

#[test]
fn damage_in_a_finished_segment_is_named_by_reads_and_costs_no_other_record() {
    let folder = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions { segment_bytes: 2_000, ..EmbeddedOptions::default() };
    block_on(async {
        let opened = Embedded::open(folder.path(), &options).unwrap();
        for n in 0..100u8 {
            append(&opened.log, vec![n; 200]).await.unwrap();
        }
    });
    let damaged = segments(folder.path())[2].clone();
    let mut bytes = std::fs::read(&damaged).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&damaged, &bytes).unwrap();
    block_on(async {
        let opened = Embedded::open(folder.path(), &options).unwrap();
        let (mut next, mut found, mut errors) = (0, Vec::new(), Vec::new());
        while next < 100 {
            match opened.log.read(ROOMS, 0, next, 7, 1 << 20).await {
                Ok(records) => {
                    next = records.last().expect("there are more").offset + 1;
                    found.extend(records.iter().map(|record| record.offset));
                }
                Err(error) => {
                    assert_eq!(error.kind, PortErrorKind::Corrupt, "{error}");
                    assert!(error.to_string().contains(damaged.to_str().unwrap()), "{error}");
                    errors.push(next);
                    next += 1;
                }
            }
        }
        let first = errors[0];
        let end = segments(folder.path())[3].file_stem().unwrap().to_str().unwrap().parse().unwrap();
        assert_eq!(errors, (first..end).collect::<Vec<u64>>(), "from the damage to the end of its segment");
        assert_eq!(found, (0..first).chain(end..100).collect::<Vec<_>>());
    });
}
