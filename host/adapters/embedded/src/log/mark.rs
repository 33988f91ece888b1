//! How far the last segment of a partition was acknowledged: a few bytes beside it.
//!
//! Written over in place after the sync of each group and before its answers, never synced on the way: that costs one
//! small write to memory. A process that is killed leaves it exact. A machine that loses power may leave an older
//! one, by at most [`super::writer::IDLE`] of a log that rests, so it proves what was acknowledged and never what was
//! not.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::header::End;

/// Its name in the partition's folder.
const NAME: &str = "acknowledged";
const BYTES: usize = 28;

/// The file.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
    /// Written since it was last synced.
    dirty: bool,
    /// It cannot be written; said once.
    failing: bool,
}

impl Mark {
    /// Opens or makes the file, and reads what it says; none where it says nothing that can be relied on.
    pub(super) fn open(folder: &Path) -> io::Result<(Self, Option<End>)> {
        let path = folder.join(NAME);
        let file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
        let mut bytes = [0; BYTES];
        let end = file.read_exact_at(&mut bytes, 0).ok().and_then(|()| decode(&bytes));
        Ok((Self { file, dirty: false, failing: false }, end))
    }

    /// Remembers that all before `end` is acknowledged now.
    pub(super) fn set(&mut self, end: End) {
        self.dirty = true;
        let written = self.file.write_all_at(&encode(end), 0);
        match written {
            Ok(()) => self.failing = false,
            Err(error) if !std::mem::replace(&mut self.failing, true) => {
                tracing::warn!(%error, "cannot note how far the log was acknowledged: damage to its last group could pass for a torn write");
            }
            Err(_) => {}
        }
    }

    /// Makes it durable, if it is not.
    pub(super) fn sync(&mut self) {
        if std::mem::take(&mut self.dirty)
            && let Err(error) = self.file.sync_data()
        {
            tracing::warn!(%error, "the note of how far the log was acknowledged could not be synced");
        }
    }
}

fn encode(end: End) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    let values = [end.first.to_le_bytes(), end.length.to_le_bytes(), end.next.to_le_bytes()];
    for (place, byte) in bytes.iter_mut().zip(values.concat()) {
        *place = byte;
    }
    let crc = crc32fast::hash(bytes.get(..24).unwrap_or_default());
    for (place, byte) in bytes.iter_mut().skip(24).zip(crc.to_le_bytes()) {
        *place = byte;
    }
    bytes
}

fn decode(bytes: &[u8; BYTES]) -> Option<End> {
    let u64_at = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let crc = u32::from_le_bytes(bytes.get(24..)?.try_into().ok()?);
    (crc32fast::hash(bytes.get(..24)?) == crc).then_some(())?;
    Some(End { first: u64_at(0)?, length: u64_at(8)?, next: u64_at(16)? })
}
