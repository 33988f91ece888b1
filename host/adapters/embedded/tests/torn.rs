//! What recovery keeps, what it cuts, and what reads say of damage.
//!
//! A killed process leaves the note of what was acknowledged exact; a power cut may leave an older one or none. Each
//! test says which it plays.
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

use ringside_embedded::{Embedded, EmbeddedOptions};
use ringside_ports::Log;
use ringside_ports::error::PortErrorKind;
use ringside_ports::log::{Durability, Record};
use support::{ROOMS, all, append, block_on, mark, open, record, segments};

/// Bytes of a segment's header.
const HEADER: usize = 72;
/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A segment of groups of records, where each record ends and its group begins, and the note of what was acknowledged
/// after each group.
struct Written {
    bytes: Vec<u8>,
    records: Vec<Record>,
    ends: Vec<usize>,
    groups: Vec<usize>,
    marks: Vec<Vec<u8>>,
}

impl Written {
    fn last_group(&self) -> usize {
        self.groups[self.groups.len() - 1]
    }

    /// Where the record begins that holds this byte, and its number.
    fn record_at(&self, byte: usize) -> (usize, usize) {
        let number = self.ends.partition_point(|end| *end <= byte);
        (number.checked_sub(1).map_or(HEADER, |before| self.ends[before]), number)
    }
}

/// Writes groups of these payload sizes.
fn write(folder: &Path, groups: &[&[usize]]) -> Written {
    block_on(async {
        let opened = open(folder);
        let path = segments(folder)[0].clone();
        let length = || usize::try_from(std::fs::metadata(&path).unwrap().len()).unwrap();
        let (mut ends, mut begins, mut marks, mut n) = (Vec::new(), Vec::new(), Vec::new(), 0u8);
        for group in groups {
            let mut end = length();
            begins.push(end);
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
            marks.push(std::fs::read(mark(folder)).unwrap());
        }
        let records = all(&opened.log).await;
        drop(opened);
        Written { bytes: std::fs::read(&path).unwrap(), records, ends, groups: begins, marks }
    })
}

const GROUPS: &[&[usize]] = &[&[40], &[5, 0, 90], &[1], &[30, 70, 3, 50]];
/// The last group lies over several sectors.
const LARGE: &[&[usize]] = &[&[40], &[5, 1_100, 90], &[300], &[700, 70, 1_300, 600, 50]];

/// Makes the folder hold these bytes as its only segment, and this note of what was acknowledged.
fn put(folder: &Path, bytes: &[u8], noted: Option<&[u8]>) {
    for other in &segments(folder)[1..] {
        std::fs::remove_file(other).unwrap();
    }
    std::fs::write(&segments(folder)[0], bytes).unwrap();
    std::fs::write(mark(folder), noted.unwrap_or_default()).unwrap();
}

/// All that can be read, and the place of each error: what it says, and where it says to go on.
async fn read_through(log: &Arc<dyn Log>) -> (Vec<Record>, Vec<(u64, u64, String)>) {
    let (mut next, mut found, mut errors) = (0, Vec::<Record>::new(), Vec::new());
    let end = log.extent(ROOMS, 0).await.unwrap().next;
    while next < end {
        match log.read(ROOMS, 0, next, 3, 1 << 20).await {
            Ok(records) => {
                let Some(last) = records.last() else { break };
                next = last.offset + 1;
                found.extend(records);
            }
            Err(error) => {
                assert_eq!(error.kind, PortErrorKind::Corrupt, "{error}");
                let resume = error.resume_at.expect("there is more behind it");
                assert!(resume > next, "{error}");
                errors.push((next, resume, error.to_string()));
                next = resume;
            }
        }
    }
    (found, errors)
}

/// Opens the folder with a segment that was torn; says what it holds. Nothing of it may be called damaged.
fn reopen_torn(folder: &Path, bytes: &[u8], noted: Option<&[u8]>) -> Vec<Record> {
    put(folder, bytes, noted);
    block_on(async {
        let opened = open(folder);
        let before = all(&opened.log).await;
        let offset = append(&opened.log, "next").await.unwrap();
        assert_eq!(offset, before.len() as u64, "the log goes on where it was cut");
        let after = all(&opened.log).await;
        assert_eq!(after[..before.len()], before);
        drop(opened);
        assert_eq!(segments(folder).len(), 1, "it goes on in the same segment");
        assert_eq!(all(&open(folder).log).await, after);
        before
    })
}

/// Opens the folder with a segment that is damaged from `byte` on: reads name that record's place, everything else is
/// there, the file stays as it is, the log goes on, and so it is after a restart.
fn reopen_damaged(folder: &Path, written: &Written, bytes: &[u8], noted: Option<&[u8]>, what: &str) {
    // Each start costs syncs: three for some places, one for the others.
    let restarts = if what.bytes().map(u32::from).sum::<u32>() % 10 == 0 { 3 } else { 1 };
    put(folder, bytes, noted);
    let path = segments(folder)[0].clone();
    block_on(async {
        let mut appended = Vec::new();
        for restart in 0..restarts {
            let opened = open(folder);
            let first = opened.log.extent(ROOMS, 0).await.unwrap().next;
            assert!(first >= written.records.len() as u64, "{what}: no offset is given out twice");
            let (found, errors) = read_through(&opened.log).await;
            assert_eq!(errors.len(), 1, "{what}, restart {restart}: {errors:?}");
            let (from, to, said) = &errors[0];
            let begin = from.checked_sub(1).map_or(HEADER, |before| written.ends[before as usize]);
            assert!(
                said.contains(path.to_str().unwrap()) && said.contains(&format!("at byte {begin}")),
                "{said}"
            );
            assert!(said.contains(&format!("from offset {from} ")), "{said}");
            let whole = written.records.iter().filter(|record| !(*from..*to).contains(&record.offset));
            let expected: Vec<Record> = whole.cloned().chain(appended.iter().cloned()).collect();
            assert_eq!(found, expected, "{what}, restart {restart}");
            for at in *from..*to {
                let error = opened.log.read(ROOMS, 0, at, 1, 1).await.unwrap_err();
                assert_eq!(
                    (error.kind, error.resume_at),
                    (PortErrorKind::Corrupt, Some(*to)),
                    "{what}: {error}"
                );
                if at - from > 5 {
                    break;
                }
            }
            let offset = append(&opened.log, "next").await.unwrap();
            assert_eq!(offset, first, "{what}");
            appended.extend(opened.log.read(ROOMS, 0, offset, 1, 1).await.unwrap());
            assert_eq!(std::fs::read(&path).unwrap(), bytes, "{what}: what is damaged is kept as it is");
        }
    });
}

#[test]
fn a_torn_tail_is_cut_and_every_whole_record_before_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    for groups in [GROUPS, LARGE] {
        let folder = folder.path().join(groups[1].len().to_string() + &groups[3].len().to_string());
        let written = write(&folder, groups);
        // The note that a killed process leaves: the last group was not acknowledged yet. A power cut may leave none.
        let notes = [Some(&*written.marks[2]), Some(&*written.marks[0]), None];
        let step = if groups == GROUPS { 1 } else { 37 };
        for cut in (written.last_group()..=written.bytes.len()).step_by(step) {
            let found = reopen_torn(&folder, &written.bytes[..cut], notes[cut % 3]);
            let whole = written.ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(found, written.records[..whole], "cut at byte {cut}");
        }
    }
}

#[test]
fn sectors_that_never_reached_the_disk_are_cut_with_what_follows_them() {
    let folder = tempfile::tempdir().unwrap();
    let written = write(folder.path(), LARGE);
    let begin = written.last_group();
    for lost in (begin / SECTOR)..=(written.bytes.len() / SECTOR) {
        let (from, to) = ((lost * SECTOR).max(begin), ((lost + 1) * SECTOR).min(written.bytes.len()));
        for cut in [written.bytes.len(), to] {
            let mut bytes = written.bytes[..cut].to_vec();
            bytes[from..to].fill(0);
            let found = reopen_torn(folder.path(), &bytes, Some(&written.marks[2]));
            let damaged = (from..to).find(|at| bytes[*at] != written.bytes[*at]).unwrap();
            let whole = written.ends.iter().filter(|end| **end <= damaged).count();
            assert_eq!(found, written.records[..whole], "lost {from}..{to} of {cut}");
        }
    }
    for zeros in [1, 25, 300, 70_000] {
        let bytes = [written.bytes.as_slice(), &vec![0; zeros]].concat();
        let found = reopen_torn(folder.path(), &bytes, Some(&written.marks[3]));
        assert_eq!(found, written.records, "{zeros} zeros behind the end");
    }
}

#[test]
fn a_payload_that_holds_a_whole_segment_is_cut_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let inner = write(folder.path(), GROUPS);
    let outer = tempfile::tempdir().unwrap();
    let noted = block_on(async {
        let opened = open(outer.path());
        append(&opened.log, inner.bytes.clone()).await.unwrap();
        let noted = std::fs::read(mark(outer.path())).unwrap();
        append(&opened.log, inner.bytes.clone()).await.unwrap();
        noted
    });
    let bytes = std::fs::read(&segments(outer.path())[0]).unwrap();
    for cut in [1, 30, 200] {
        let found = reopen_torn(outer.path(), &bytes[..bytes.len() - cut], Some(&noted));
        assert_eq!(found.len(), 1);
    }
}

#[test]
fn a_changed_bit_anywhere_is_told_by_reads_and_nothing_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let written = write(folder.path(), GROUPS);
    for at in HEADER..written.bytes.len() {
        let mut bytes = written.bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        reopen_damaged(folder.path(), &written, &bytes, Some(&written.marks[3]), &format!("byte {at}"));
    }
}

#[test]
fn a_changed_bit_is_no_torn_write_though_the_note_of_what_was_acknowledged_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let written = write(folder.path(), LARGE);
    for at in (HEADER..written.bytes.len()).step_by(13) {
        // A length that points past the end looks like a missing end, if nothing whole stands behind it.
        let (begin, number) = written.record_at(at);
        let is_last = number == written.records.len() - 1;
        if is_last && at < begin + 4 {
            continue;
        }
        let mut bytes = written.bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        reopen_damaged(folder.path(), &written, &bytes, None, &format!("byte {at}"));
    }
}

#[test]
fn acknowledged_records_that_are_missing_at_the_end_are_told_by_reads() {
    let folder = tempfile::tempdir().unwrap();
    let written = write(folder.path(), GROUPS);
    for cut in 0..written.bytes.len() {
        let bytes = &written.bytes[..cut];
        reopen_damaged(
            folder.path(),
            &written,
            bytes,
            Some(&written.marks[3]),
            &format!("cut at byte {cut}"),
        );
    }
    let zeroed = |from: usize| {
        let mut bytes = written.bytes.clone();
        bytes[from..].fill(0);
        bytes
    };
    for from in [HEADER, written.groups[1], written.last_group(), written.bytes.len() - 50] {
        let what = format!("zero from byte {from}");
        reopen_damaged(folder.path(), &written, &zeroed(from), Some(&written.marks[3]), &what);
    }
}

#[test]
fn what_was_never_written_by_the_log_is_kept_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let written = write(folder.path(), GROUPS);
    let noise: Vec<u8> = (0..9_000).map(|_| fastrand::u8(1..)).collect();
    for tail in [vec![0xff; 5_000], noise, written.bytes.clone()] {
        let bytes = [written.bytes.as_slice(), &tail].concat();
        let what = format!("{} bytes behind the end", tail.len());
        reopen_damaged(folder.path(), &written, &bytes, Some(&written.marks[3]), &what);
    }
}

#[test]
fn a_torn_tail_behind_damage_is_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let written = write(folder.path(), GROUPS);
    let mut bytes = written.bytes[..written.bytes.len() - 10].to_vec();
    bytes[written.groups[1] + 30] ^= 4;
    put(folder.path(), &bytes, Some(&written.marks[2]));
    block_on(async {
        for restart in 0..3 {
            let opened = open(folder.path());
            let (found, errors) = read_through(&opened.log).await;
            let offsets: Vec<u64> = found.iter().map(|record| record.offset).collect();
            assert_eq!(offsets, [0, 2, 3, 4, 5, 6, 7].into_iter().chain(8..8 + restart).collect::<Vec<_>>());
            assert_eq!((errors[0].0, errors[0].1, errors.len()), (1, 2, 1), "{errors:?}");
            assert_eq!(append(&opened.log, "next").await.unwrap(), 8 + restart);
        }
    });
}

#[test]
fn a_damaged_header_costs_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let written = write(folder.path(), GROUPS);
    for at in 0..HEADER {
        let mut bytes = written.bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        let found = reopen_torn(folder.path(), &bytes, Some(&written.marks[3]));
        assert_eq!(found, written.records, "byte {at}");
    }
}

#[test]
fn damage_in_finished_segments_costs_no_other_record() {
    let folder = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions { segment_bytes: 2_000, ..EmbeddedOptions::default() };
    block_on(async {
        let opened = Embedded::open(folder.path(), &options).unwrap();
        for n in 0..100u8 {
            append(&opened.log, vec![n; 200]).await.unwrap();
        }
    });
    let paths = segments(folder.path());
    let first_of = |path: &Path| -> u64 { path.file_stem().unwrap().to_str().unwrap().parse().unwrap() };
    let each = 26 + 6 + 200;
    let change = |path: &Path, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = std::fs::read(path).unwrap();
        change(&mut bytes);
        std::fs::write(path, &bytes).unwrap();
    };
    // A bit of the third record; the length of the last one; the end with two and a half records; all of it.
    change(&paths[1], &|bytes| bytes[HEADER + 2 * each + 100] ^= 1);
    change(&paths[2], &|bytes| {
        let last = bytes.len() - each;
        bytes[last + 1] ^= 1;
    });
    change(&paths[4], &|bytes| bytes.truncate(bytes.len() - 2 * each - 100));
    change(&paths[6], &|bytes| bytes.clear());
    let begins: Vec<u64> = paths.iter().map(|path| first_of(path)).collect();
    let lost = [
        begins[1] + 2..begins[1] + 3,
        begins[3] - 1..begins[3],
        begins[5] - 3..begins[5],
        begins[6]..begins[7],
    ];
    block_on(async {
        for restart in 0..2 {
            let opened = Embedded::open(folder.path(), &options).unwrap();
            let (found, errors) = read_through(&opened.log).await;
            let told: Vec<_> = errors.iter().map(|(from, to, _)| *from..*to).collect();
            assert_eq!(told, lost, "restart {restart}: {errors:?}");
            let expected = (0..100).filter(|offset| !lost.iter().any(|lost| lost.contains(offset)));
            assert_eq!(
                found.iter().map(|record| record.offset).collect::<Vec<_>>(),
                expected.collect::<Vec<_>>()
            );
            assert_eq!(opened.log.extent(ROOMS, 0).await.unwrap().next, 100);
        }
    });
    // The remedy where there is no copy: without the file its records are a gap like any other.
    std::fs::remove_file(&paths[6]).unwrap();
    block_on(async {
        let opened = Embedded::open(folder.path(), &options).unwrap();
        let found = opened.log.read(ROOMS, 0, begins[6], 1, 1).await.unwrap();
        assert_eq!(found[0].offset, begins[7]);
        let (_, errors) = read_through(&opened.log).await;
        assert_eq!(errors.len(), 3, "{errors:?}");
    });
}

#[test]
fn a_last_segment_that_is_damaged_does_not_keep_other_partitions_from_going_on() {
    let folder = tempfile::tempdir().unwrap();
    let written = write(folder.path(), GROUPS);
    let mut bytes = written.bytes.clone();
    bytes[written.last_group() + 40] ^= 1;
    put(folder.path(), &bytes, Some(&written.marks[3]));
    block_on(async {
        let opened = open(folder.path());
        let letter = vec![record("letter")];
        let topic = ringside_ports::log::Topic::DeadLetters;
        assert_eq!(opened.log.append(topic, 0, letter, Durability::Durable).await.unwrap(), 0);
    });
}
