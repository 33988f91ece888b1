//! A data folder whose files are not as they were written: segments of the log, manifests, places, releases.
//!
//! The first byte names the file, the rest is its content.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use fastrand::Rng;
use ringside_embedded::{Embedded, EmbeddedOptions, OpenError};
use ringside_ports::error::PortErrorKind;
use ringside_ports::log::{Durability, NewRecord, Record, Topic};
use ringside_ports::releases::{ComponentEntry, Digest, OnFailure, Release, Slot, World};
use ringside_ports::{Log, PortError};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::stage::{folder, runtime};
use crate::{Shape, Target};

const ROOMS: Topic = Topic::RoomEvents;
/// Bytes of a segment before its records; the checksum stands behind the twelfth and covers all others
/// (the log's `header.rs`).
const HEADER: usize = 72;
/// Bytes of a record before its key, of which the first four count what follows the eighth, and the next four are the
/// checksum of that (the log's `record.rs`).
const HEAD: usize = 26;
const PREFIX: usize = 8;
/// Small segments, so that a few records fill several.
const SEGMENT_BYTES: u64 = 600;
const RECORDS: u8 = 24;

pub(super) struct Folder {
    runtime: Runtime,
    folder: TempDir,
    /// The files that inputs replace, with what was written, relative to the folder.
    files: Vec<(PathBuf, Vec<u8>)>,
    written: BTreeMap<u64, Record>,
}

fn options() -> EmbeddedOptions {
    EmbeddedOptions { segment_bytes: SEGMENT_BYTES, ..EmbeddedOptions::default() }
}

fn record(payload: Vec<u8>) -> NewRecord {
    NewRecord { key: "stream".into(), payload: payload.into() }
}

impl Folder {
    pub(super) fn start() -> Self {
        let (runtime, folder) = (runtime(), folder());
        runtime.block_on(write(folder.path()));
        let written = runtime.block_on(async {
            let opened = Embedded::open(folder.path(), &options()).unwrap();
            read_all(&opened.log, folder.path()).await.0
        });
        assert_eq!(written.len(), usize::from(RECORDS));
        let mut files = Vec::new();
        for part in ["log/room-events/0", "log", "releases", "components"] {
            let mut found: Vec<PathBuf> = std::fs::read_dir(folder.path().join(part))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.is_file())
                .collect();
            found.sort();
            files.extend(found.into_iter().map(|path| {
                let content = std::fs::read(&path).unwrap();
                (path.strip_prefix(folder.path()).unwrap().to_owned(), content)
            }));
        }
        let written = written.into_iter().map(|record| (record.offset, record)).collect();
        Self { runtime, folder, files, written }
    }

    /// The folder as it was written, but for one file.
    fn lay(&self, changed: usize, content: &[u8]) {
        for part in ["log", "releases", "components"] {
            std::fs::remove_dir_all(self.folder.path().join(part)).unwrap();
        }
        for (number, (path, written)) in self.files.iter().enumerate() {
            let content = if number == changed { content } else { written };
            let path = self.folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
    }

    /// True where the file is the segment of an offset.
    fn holds(&self, file: usize, offset: u64) -> bool {
        let first = |(path, _): &(PathBuf, Vec<u8>)| -> Option<u64> {
            path.file_stem().filter(|_| is_segment(path))?.to_str()?.parse().ok()
        };
        let next = self.files.get(file + 1).and_then(first).unwrap_or(u64::MAX);
        first(&self.files[file]).is_some_and(|first| (first..next).contains(&offset))
    }

    fn segments(&self) -> usize {
        self.files.iter().filter(|(path, _)| is_segment(path)).count()
    }
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "segment")
}

/// True for consumers' places: they say what was read, not what is there.
fn is_place(path: &Path) -> bool {
    path.ends_with("commits.json")
}

/// The checksum that fits a header.
fn header_sum(content: &[u8]) -> Option<u32> {
    let header = content.get(..HEADER)?;
    Some(crc32fast::hash(&[&header[..12], &header[16..]].concat()))
}

/// True where a header is as it was written, or damaged so that anyone can tell.
fn header_is_honest(content: &[u8], written: &[u8]) -> bool {
    content.get(..HEADER) == written.get(..HEADER)
        || header_sum(content).is_none_or(|sum| content[12..16] != sum.to_le_bytes())
}

/// A folder with a log of several segments, consumers' places, a component and a release.
async fn write(folder: &Path) {
    let opened = Embedded::open(folder, &options()).unwrap();
    for n in 0..RECORDS {
        // Groups of one record and of several, payloads of every size from nothing on.
        let group = (0..=n % 3).map(|i| record(vec![n; usize::from(n) * 3 + usize::from(i)]));
        let group: Vec<_> = if n % 3 == 2 { group.collect() } else { group.take(1).collect() };
        if opened.log.extent(ROOMS, 0).await.unwrap().next < u64::from(RECORDS) {
            let left = usize::from(RECORDS)
                - usize::try_from(opened.log.extent(ROOMS, 0).await.unwrap().next).unwrap();
            let group = group.into_iter().take(left).collect();
            opened.log.append(ROOMS, 0, group, Durability::Durable).await.unwrap();
        }
    }
    opened.log.commit("writer", ROOMS, 0, 5).await.unwrap();
    let file = Bytes::from_static(b"a component");
    let digest = ringside_wasm::digest_of(&file);
    let entry = ComponentEntry {
        digest: digest.clone(),
        name: "words".into(),
        version: "1".into(),
        world: World::Moderator,
        signature: "signature".into(),
        by: "op".into(),
        at_ms: 1,
    };
    opened.releases.store(entry, file).await.unwrap();
    let slot = Slot {
        name: "words".into(),
        world: World::Moderator,
        component: digest,
        config: "{}".into(),
        on_failure: OnFailure::Hold,
    };
    let release = Release { number: 1, slots: vec![slot], at_ms: 1, by: "op".into(), note: "first".into() };
    opened.releases.publish(release).await.unwrap();
}

/// All records that can be read, and how many offsets are said to be damaged, each with its file.
async fn read_all(log: &Arc<dyn Log>, folder: &Path) -> (Vec<Record>, usize) {
    let (mut found, mut damaged, mut next): (Vec<Record>, _, _) = (Vec::new(), 0, 0);
    let extent = log.extent(ROOMS, 0).await.unwrap();
    while next < extent.next && damaged <= usize::from(RECORDS) {
        match log.read(ROOMS, 0, next, 7, 1 << 20).await {
            Ok(records) => {
                let Some(last) = records.last() else { break };
                assert!(records[0].offset >= next, "asked for {next} on, got {}", records[0].offset);
                next = last.offset.checked_add(1).expect("an offset with one behind it");
                found.extend(records);
            }
            Err(error) => {
                assert_eq!(error.kind, PortErrorKind::Corrupt, "{error}");
                assert!(error.to_string().contains(folder.to_str().unwrap()), "names no file: {error}");
                damaged += 1;
                next += 1;
            }
        }
    }
    (found, damaged)
}

/// What a port says of a file it cannot use.
fn told<T>(result: Result<T, PortError>, folder: &Path) -> Result<T, String> {
    result.map_err(|error| {
        assert!(matches!(error.kind, PortErrorKind::Corrupt | PortErrorKind::NotFound), "{error}");
        let text = error.to_string();
        assert!(
            text.contains(folder.to_str().unwrap()) || text.contains("no component has digest"),
            "{text}"
        );
        text
    })
}

impl Target for Folder {
    fn seeds(&self) -> Vec<Vec<u8>> {
        self.files
            .iter()
            .enumerate()
            .map(|(n, (_, content))| [&[u8::try_from(n).unwrap()], content.as_slice()].concat())
            .collect()
    }

    fn words(&self) -> &'static [&'static [u8]] {
        &[
            b"\0\0\0\0\0\0\0\0",
            b"\xff\xff\xff\xff",
            b"\x12\0\0\0",
            b"18446744073709551615",
            b"18446744073709551616",
            b"-1",
            b"null",
            b"{}",
            b"[]",
            b"\"version\":",
            b"\"epoch\":",
            b"\"partitions\":",
            b"../",
            b"\"writer/room-events/0\":",
            b"\"number\":",
            b"\"slots\":",
            b"\"component\":",
            b"\xef\xbb\xbf",
        ]
    }

    fn bytes_max(&self) -> usize {
        4 * usize::try_from(SEGMENT_BYTES).unwrap()
    }

    /// Gives every record of a segment the checksum that fits it, and often the length; and the same to its header.
    fn mend(&mut self, input: &mut Vec<u8>, random: &mut Rng) {
        let Some((file, content)) = input.split_first_mut() else { return };
        let path = &self.files[usize::from(*file) % self.files.len()].0;
        if !is_segment(path) {
            // The note of how far the log was acknowledged ends with its checksum (the log's `mark.rs`).
            if path.ends_with("acknowledged")
                && let Some((note, sum)) = content.split_last_chunk_mut::<4>()
            {
                *sum = crc32fast::hash(note).to_le_bytes();
            }
            return;
        }
        if random.bool()
            && let Some(sum) = header_sum(content)
        {
            content[12..16].copy_from_slice(&sum.to_le_bytes());
        }
        let mut at = HEADER;
        while at + HEAD <= content.len() {
            let length = u32::from_le_bytes(content[at..at + 4].try_into().unwrap());
            let left = content.len() - at - PREFIX;
            let length = usize::try_from(length).unwrap();
            let length = if (HEAD - PREFIX..=left).contains(&length) {
                length
            } else {
                random.usize(HEAD - PREFIX..=left)
            };
            content[at..at + 4].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
            let end = at + PREFIX + length;
            let sum = crc32fast::hash(&content[at + PREFIX..end]);
            content[at + 4..at + PREFIX].copy_from_slice(&sum.to_le_bytes());
            at = end;
        }
    }

    fn take(&mut self, input: &[u8]) -> Shape {
        let Some((file, content)) = input.split_first() else { return Shape::default() };
        let file = usize::from(*file) % self.files.len();
        self.lay(file, content);
        let (path, written) = &self.files[file];
        let shape = Shape::default().with(file.min(self.segments()));
        let folder = self.folder.path();
        let opened = match Embedded::open(folder, &options()) {
            Ok(opened) => opened,
            Err(error) => {
                let text = error.to_string();
                assert!(!matches!(error, OpenError::Locked(_)), "{text}");
                assert!(text.contains(folder.to_str().unwrap()), "names no file: {text}");
                assert!(content != written, "refuses what was written: {text}");
                return shape.with_message(&text);
            }
        };
        self.runtime.block_on(async {
            let (found, damaged) = read_all(&opened.log, folder).await;
            let honest = if is_segment(path) { records(content) } else { Vec::new() };
            for pair in found.windows(2) {
                assert!(pair[0].offset < pair[1].offset, "{} comes after {}", pair[1].offset, pair[0].offset);
            }
            for record in &found {
                // What bears a good checksum counts as written: it is no seal against forgers.
                let known = self.written.get(&record.offset) == Some(record) || honest.contains(record);
                assert!(known, "a record that was never written: {record:?}");
            }
            // Damage costs no record of another file, unless it is none: a header that is whole is believed.
            if is_segment(path) && header_is_honest(content, written) || is_place(path) {
                for (offset, record) in self.written.iter().filter(|(offset, _)| !self.holds(file, **offset))
                {
                    assert!(found.contains(record), "record {offset} of another file is gone");
                }
            }
            if content == written {
                assert_eq!((found.len(), damaged), (self.written.len(), 0), "what was written is all there");
            }
            go_on(&opened.log, &found).await;
            let releases = &opened.releases;
            let history = told(releases.history(9).await, folder);
            let components = told(releases.components().await, folder);
            let digest: Option<Digest> = history
                .as_ref()
                .ok()
                .and_then(|h| h.first()?.slots.first().map(|slot| slot.component.clone()));
            if let Some(digest) = digest.filter(ringside_wasm::is_digest)
                && let Ok((_, file)) = told(releases.component(&digest).await, folder)
            {
                assert_eq!(ringside_wasm::digest_of(&file), digest, "another component than was asked for");
            }
            let shape = shape.with_count(damaged).with_count(found.len());
            let shape = shape.with_message(&history.err().unwrap_or_default());
            shape.with_message(&components.err().unwrap_or_default())
        })
    }
}

/// The log goes on behind what it has.
async fn go_on(log: &Arc<dyn Log>, found: &[Record]) {
    let partition = log.partition_of(ROOMS, "stream");
    let offset =
        log.append(ROOMS, partition, vec![record(b"next".to_vec())], Durability::Durable).await.unwrap();
    let last = found.last().filter(|_| partition == 0).map(|record| record.offset);
    assert!(last.is_none_or(|last| offset > last), "{offset} was given out before");
    let read = log.read(ROOMS, partition, offset, 9, 1 << 20).await.unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!((read[0].offset, &read[0].payload[..]), (offset, &b"next"[..]));
}

/// Every record with a good checksum anywhere in a segment's bytes, found without the log's code.
fn records(bytes: &[u8]) -> Vec<Record> {
    let read = |at: usize| {
        let length = usize::try_from(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?)).ok()?;
        let body = bytes.get(at + PREFIX..at + PREFIX + length)?;
        let sum = u32::from_le_bytes(bytes.get(at + 4..at + PREFIX)?.try_into().ok()?);
        let (offset, rest) = body.split_first_chunk::<8>()?;
        let (length, rest) = rest.get(8..)?.split_first_chunk::<2>()?;
        let (key, payload) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        let key = String::from_utf8(key.to_vec()).ok()?;
        let record =
            Record { offset: u64::from_le_bytes(*offset), key, payload: Bytes::copy_from_slice(payload) };
        (crc32fast::hash(body) == sum).then_some(record)
    };
    (0..bytes.len()).filter_map(read).collect()
}
