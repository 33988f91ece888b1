//! One file of a partition: its records from a first offset on.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use ringside_ports::log::Record;

use super::record;
use crate::OpenError;

/// Distance of index entries, in bytes: a read scans at most this much before its first record.
const INDEX_STEP: u64 = 64 << 10;
/// Bytes read from disk at once, at least.
const READ_STEP: u64 = 256 << 10;

/// Offset and position of some records, ascending.
pub(super) type Index = Vec<(u64, u64)>;

/// A segment that can be read. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) first: u64,
    pub(super) file: Arc<File>,
    /// Filled when a segment of an earlier run is read for the first time, or by the writer.
    index: Arc<OnceLock<Index>>,
}

/// What the last segment holds after recovery.
pub(super) struct Recovered {
    pub(super) length: u64,
    pub(super) next: u64,
}

impl Segment {
    /// The file name of a segment sorts by its first offset.
    pub(super) fn path(folder: &Path, first: u64) -> PathBuf {
        folder.join(format!("{first:020}.segment"))
    }

    pub(super) fn create(folder: &Path, first: u64) -> io::Result<Self> {
        let path = Self::path(folder, first);
        let file = File::options().create(true).truncate(true).read(true).write(true).open(&path)?;
        crate::files::sync_folder(folder)?;
        Ok(Self { path, first, file: Arc::new(file), index: Arc::default() })
    }

    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        let first = path
            .extension()
            .filter(|extension| *extension == "segment")
            .and_then(|_| path.file_stem()?.to_str()?.parse().ok());
        let Some(first) = first else { return Ok(None) };
        let file = File::options().read(true).write(true).open(path)?;
        Ok(Some(Self { path: path.into(), first, file: Arc::new(file), index: Arc::default() }))
    }

    /// Cuts a torn tail off the last segment.
    ///
    /// # Errors
    /// [`OpenError::Damaged`] when a record that was durable is damaged.
    pub(super) fn recover(&self) -> Result<Recovered, OpenError> {
        let unusable = |source| OpenError::Folder { path: self.path.clone(), source };
        let bytes = Bytes::from(std::fs::read(&self.path).map_err(unusable)?);
        let (mut at, mut next) = (0, self.first);
        while let Some(read) = record::read(&bytes, at).filter(|read| read.record.offset == next) {
            at += read.size;
            next += 1;
        }
        let position = at as u64;
        if at < bytes.len() {
            // Groups are written in order and each only after the one before it is durable: a later record whose
            // group began behind this place proves that what stood here was durable.
            let durable = (at + 1..bytes.len())
                .filter_map(|later| record::read(&bytes, later))
                .any(|read| read.record.offset >= next && read.group > position);
            if durable {
                return Err(OpenError::Damaged { path: self.path.clone(), position });
            }
            tracing::warn!(segment = %self.path.display(), position, bytes = bytes.len() - at, "cut a torn tail");
            self.file.set_len(position).and_then(|()| self.file.sync_all()).map_err(unusable)?;
        }
        Ok(Recovered { length: position, next })
    }

    fn index(&self, length: u64) -> io::Result<&Index> {
        if let Some(index) = self.index.get() {
            return Ok(index);
        }
        let mut index = Index::new();
        let (mut position, mut indexed) = (0, None);
        self.scan(0, length, |read, at| {
            if indexed.is_none_or(|indexed| at >= indexed + INDEX_STEP) {
                index.push((read.record.offset, at));
                indexed = Some(at);
            }
            position = at;
            true
        })?;
        Ok(self.index.get_or_init(|| index))
    }

    /// Records from `from` on, until `take` says no. `length` is the durable length. `hint` is a position at or
    /// before `from`, where the caller knows one.
    pub(super) fn read(
        &self,
        from: u64,
        length: u64,
        hint: Option<u64>,
        mut take: impl FnMut(Record) -> bool,
    ) -> io::Result<()> {
        let start = match hint {
            Some(hint) => hint,
            None => {
                let index = self.index(length)?;
                let after = index.partition_point(|(offset, _)| *offset <= from);
                after.checked_sub(1).and_then(|last| index.get(last)).map_or(0, |(_, position)| *position)
            }
        };
        self.scan(start, length, |read, _| read.record.offset < from || take(read.record))
    }

    /// Goes through records from a position that begins one.
    fn scan(
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
                if position + size as u64 >= length {
                    let detail = format!("`{}` is damaged at byte {position}", self.path.display());
                    return Err(io::Error::new(io::ErrorKind::InvalidData, detail));
                }
                // A record longer than what was read, or a damaged one: with more bytes we know.
                step = step.saturating_mul(8);
            } else {
                step = READ_STEP;
            }
            position += at as u64;
        }
        Ok(())
    }
}
