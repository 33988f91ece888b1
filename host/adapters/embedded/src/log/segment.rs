//! One file of a partition: its records from a first offset on.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use ringside_ports::log::Record;

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

    /// A position at or before the record with this offset.
    pub(super) fn before(&self, offset: u64) -> u64 {
        let after = self.0.partition_point(|(indexed, _)| *indexed <= offset);
        after.checked_sub(1).and_then(|last| self.0.get(last)).map_or(0, |(_, position)| *position)
    }
}

/// A segment that is no longer written to.
#[derive(Debug, Default)]
pub(super) struct Sealed {
    /// Bytes that are durable; anything behind them is no record.
    pub(super) length: u64,
    pub(super) index: Index,
}

/// A segment that can be read. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) first: u64,
    pub(super) file: Arc<File>,
    /// Filled by the writer when it begins the next segment, or, for one of an earlier run, when it is first read.
    pub(super) sealed: Arc<OnceLock<Sealed>>,
}

impl Segment {
    /// The file name of a segment sorts by its first offset.
    pub(super) fn path(folder: &Path, first: u64) -> PathBuf {
        folder.join(format!("{first:020}.segment"))
    }

    /// Begins a segment. Nothing is left of it when it fails, or a later start would take the empty file for the
    /// end of the log.
    pub(super) fn create(folder: &Path, first: u64) -> io::Result<Self> {
        let path = Self::path(folder, first);
        let file = File::options().create(true).truncate(true).read(true).write(true).open(&path)?;
        files::sync_folder(folder).inspect_err(|_| files::discard(&path))?;
        Ok(Self { path, first, file: Arc::new(file), sealed: Arc::default() })
    }

    /// Opens a segment; none where the file is something else.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        let first = path
            .extension()
            .filter(|extension| *extension == "segment")
            .and_then(|_| path.file_stem()?.to_str()?.parse().ok());
        let Some(first) = first else { return Ok(None) };
        let file = File::options().read(true).write(true).open(path)?;
        Ok(Some(Self { path: path.into(), first, file: Arc::new(file), sealed: Arc::default() }))
    }

    /// Length and index of a finished segment; goes through one of an earlier run once.
    pub(super) fn sealed(&self) -> io::Result<&Sealed> {
        if let Some(sealed) = self.sealed.get() {
            return Ok(sealed);
        }
        let mut index = Index::default();
        let length = self.file.metadata()?.len();
        let scanned = self.scan(0, length, |read, position| {
            index.note(read.record.offset, position);
            true
        });
        match scanned {
            // What stands before the damage is good; who reads further is told by the read.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
            other => other?,
        }
        Ok(self.sealed.get_or_init(|| Sealed { length, index }))
    }

    /// Goes through whole records from a position that begins one up to the durable length, until `visit` says no.
    pub(super) fn scan(
        &self,
        start: u64,
        length: u64,
        mut visit: impl FnMut(record::Read, u64) -> bool,
    ) -> io::Result<()> {
        let mut position = start;
        let mut step = READ_STEP;
        while position < length {
            let size = usize::try_from((length - position).min(step)).unwrap_or(usize::MAX);
            let mut buffer = vec![0; size];
            self.file.read_exact_at(&mut buffer, position)?;
            let bytes = Bytes::from(buffer);
            let mut at = 0;
            while let Some(read) = record::read(&bytes, at) {
                let size = read.size;
                if !visit(read, position + at as u64) {
                    return Ok(());
                }
                at += size;
            }
            if at == 0 {
                // A record longer than what was read, or a damaged one: no record is longer than this.
                if position + size as u64 >= length || size >= record::BYTES_MAX {
                    let detail = format!("`{}` is damaged at byte {position}", self.path.display());
                    return Err(io::Error::new(io::ErrorKind::InvalidData, detail));
                }
                step = step.saturating_mul(8);
            } else {
                step = READ_STEP;
            }
            position += at as u64;
        }
        Ok(())
    }

    /// Records from `from` on, until `take` says no, up to `length`; `start` is a position at or before the first.
    pub(super) fn read(
        &self,
        from: u64,
        start: u64,
        length: u64,
        mut take: impl FnMut(Record) -> bool,
    ) -> io::Result<()> {
        self.scan(start, length, |read, _| read.record.offset < from || take(read.record))
    }
}
