//! One file of a partition: a header, then its records from a first offset on.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use ringside_ports::log::Record;

use super::damage::{self, Damage, Expected};
use super::header::{End, HEADER_END, Header};
use super::record;
use crate::files;

/// Distance of index entries, in bytes: a read scans at most this much before its first record.
const INDEX_STEP: u64 = 64 << 10;
/// Bytes read from disk at once, at least.
const READ_STEP: u64 = 256 << 10;

/// Offset and position of some records, ascending.
#[derive(Debug, Clone, Default)]
pub(super) struct Index(Vec<(u64, u64)>);

impl Index {
    /// Remembers where a record begins, if the last one remembered is far enough away.
    pub(super) fn note(&mut self, offset: u64, position: u64) {
        if self.0.last().is_none_or(|(_, last)| position >= last + INDEX_STEP) {
            self.0.push((offset, position));
        }
    }

    /// Offset and position of a record at or before this offset; none where the first one is the nearest.
    pub(super) fn before(&self, offset: u64) -> Option<(u64, u64)> {
        let after = self.0.partition_point(|(indexed, _)| *indexed <= offset);
        after.checked_sub(1).and_then(|last| self.0.get(last)).copied()
    }
}

/// A segment that is no longer written to.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) end: End,
    pub(super) index: Index,
}

/// Why records could not be read.
#[derive(Debug)]
pub(super) enum Failure {
    /// The disk.
    Io(io::Error),
    /// What stands there is no whole record, though one was acknowledged.
    Damaged(Damage),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A segment that can be read. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) first: u64,
    /// When it was begun, in milliseconds since 1970.
    pub(super) begun_ms: u64,
    /// The end of the segment before it, as it was when this one was begun; none where the header is damaged.
    pub(super) before: Option<End>,
    pub(super) file: Arc<File>,
    /// Where it ended, as the one behind it says; none for the last one, or where that one is gone.
    pub(super) end: Option<End>,
    /// Filled by the writer when it begins the next segment, or, for one of an earlier run, when it is first read.
    pub(super) sealed: Arc<OnceLock<Sealed>>,
}

impl Segment {
    /// The file name of a segment sorts by its first offset.
    pub(super) fn path(folder: &Path, first: u64) -> PathBuf {
        folder.join(format!("{first:020}.segment"))
    }

    /// The first offset of the segment with this name; none where the file is something else.
    pub(super) fn first_of(path: &Path) -> Option<u64> {
        let is_segment = path.extension().is_some_and(|extension| extension == "segment");
        is_segment.then(|| path.file_stem()?.to_str()?.parse().ok()).flatten()
    }

    /// Begins a segment, durably. Nothing is left of it when it fails.
    pub(super) fn create(folder: &Path, header: Header) -> io::Result<Self> {
        let path = Self::path(folder, header.first);
        let file = File::options().create(true).truncate(true).read(true).write(true).open(&path)?;
        let written = file.write_all_at(&header.bytes(), 0).and_then(|()| file.sync_all());
        written.and_then(|()| files::sync_folder(folder)).inspect_err(|_| files::discard(&path))?;
        Ok(Self::new(path, file, header.first, header.begun_ms, Some(header.before)))
    }

    pub(super) fn new(path: PathBuf, file: File, first: u64, begun_ms: u64, before: Option<End>) -> Self {
        Self { path, first, begun_ms, before, file: Arc::new(file), end: None, sealed: Arc::default() }
    }

    /// All its bytes from a position on, or as many as there are up to another.
    pub(super) fn bytes(&self, from: u64, to: u64) -> io::Result<Bytes> {
        let to = self.file.metadata()?.len().min(to);
        let mut bytes = vec![0; usize::try_from(to.saturating_sub(from)).unwrap_or_default()];
        self.file.read_exact_at(&mut bytes, from)?;
        Ok(bytes.into())
    }

    /// End and index of a finished segment; goes through one of an earlier run once. `follows` is the offset with
    /// which the segment behind it begins.
    pub(super) fn sealed(&self, follows: u64) -> Result<&Sealed, Failure> {
        if let Some(sealed) = self.sealed.get() {
            return Ok(sealed);
        }
        let length = self.file.metadata()?.len();
        let most = self.end.unwrap_or(End { first: self.first, length, next: follows });
        let (mut index, mut whole, mut next) = (Index::default(), HEADER_END, self.first);
        self.walk(u64::MAX, None, most, |read, position| {
            index.note(read.record.offset, position);
            (whole, next) = (position + read.size as u64, read.record.offset + 1);
            true
        })?;
        // Where nobody says how it ended, what cannot be read at its end may have been any record.
        let is_whole = self.end.is_none() && whole == length;
        let end = if is_whole { End { next, ..most } } else { most };
        Ok(self.sealed.get_or_init(|| Sealed { end, index }))
    }

    /// Records from `from` on, until `take` says no. `start` is what the index has at or before the first.
    pub(super) fn read(
        &self,
        from: u64,
        start: Option<(u64, u64)>,
        end: End,
        mut take: impl FnMut(Record) -> bool,
    ) -> Result<(), Failure> {
        self.walk(from, start, end, |read, _| read.record.offset < from || take(read.record))
    }

    /// Goes through whole records up to the end, until `visit` says no, and past damage that lies before `from`.
    fn walk(
        &self,
        from: u64,
        start: Option<(u64, u64)>,
        end: End,
        mut visit: impl FnMut(record::Read, u64) -> bool,
    ) -> Result<(), Failure> {
        let (mut offset, mut position) = start.unwrap_or((self.first, HEADER_END));
        let mut group = (position == HEADER_END).then_some(HEADER_END);
        let mut step = READ_STEP;
        let length = end.length.min(self.file.metadata()?.len());
        while position < length {
            let bytes = self.bytes(position, length.min(position.saturating_add(step)))?;
            let mut at = 0;
            while let Some(read) = record::read(&bytes, at).filter(|read| read.record.offset == offset) {
                let place = position + at as u64;
                at += read.size;
                offset += 1;
                group = Some(read.group);
                if !visit(read, place) {
                    return Ok(());
                }
            }
            if at > 0 {
                position += at as u64;
                step = READ_STEP;
                continue;
            }
            // A record longer than what was read, or a damaged one: no record is longer than the longest.
            if position + (bytes.len() as u64) < length && bytes.len() < record::BYTES_MAX {
                step = step.saturating_mul(8);
                continue;
            }
            let rest = self.bytes(position, length)?;
            let damage = damage::behind(&rest, Expected { position, offset, group });
            match damage.resume {
                Some((behind, later)) if later <= from => (position, offset) = (behind, later),
                Some(_) => return Err(Failure::Damaged(damage)),
                None => break,
            }
        }
        // Records were there up to the end: those that are missed now were acknowledged.
        if offset < end.next && from < end.next {
            return Err(Failure::Damaged(Damage { position, offset, resume: None }));
        }
        Ok(())
    }
}
