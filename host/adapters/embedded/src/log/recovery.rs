//! After a crash: what of the last segment is kept, what is cut, and what is refused.
//!
//! A process that is killed leaves the beginning of its last group, a machine that loses power any blocks of it.
//! Nobody was told of that group, so it is cut from its first torn record on. Groups are written in order, each only
//! after the one before it is durable, and every record says where its group began: a later record whose group began
//! behind the damage proves that what stood there was durable. Then the folder is refused rather than cut.
//! Damage to the very last group cannot be told from a torn one and is cut too.

use std::collections::VecDeque;
use std::path::Path;

use bytes::Bytes;

use super::record;
use super::segment::{Index, Segment};
use crate::{OpenError, files};

/// What the last segment holds after recovery.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) length: u64,
    pub(super) next: u64,
    pub(super) index: Index,
}

/// The segments of a folder, whole again, with what the last one holds; there is at least one.
///
/// # Errors
/// [`OpenError::Damaged`] when a record that was durable is damaged.
pub(super) fn recover(folder: &Path, least: u64) -> Result<(VecDeque<Segment>, Recovered), OpenError> {
    let unusable = |source| OpenError::Folder { path: folder.into(), source };
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unusable)? {
        segments.extend(Segment::open(&entry.map_err(unusable)?.path()).map_err(unusable)?);
    }
    segments.sort_by_key(|segment| segment.first);
    let recovered = loop {
        let Some(last) = segments.last() else {
            segments.push(Segment::create(folder, least).map_err(unusable)?);
            break Recovered { length: 0, next: least, index: Index::default() };
        };
        let recovered = cut(last)?;
        // A segment that was begun and got nothing says nothing about where the log ends: the one before it does.
        if recovered.length == 0 && (segments.len() > 1 || recovered.next < least) {
            std::fs::remove_file(&last.path).map_err(unusable)?;
            files::sync_folder(folder).map_err(unusable)?;
            segments.pop();
            continue;
        }
        if recovered.next >= least {
            break recovered;
        }
        // Consumers have been further than what is left (a segment was moved away, or the disk lost what it had
        // promised). Offsets must not be given out twice: they would skip the new records as known ones.
        tracing::warn!(
            folder = %folder.display(), from = recovered.next, to = least,
            "records that were read before are gone from the log, going on behind them"
        );
        segments.push(Segment::create(folder, least).map_err(unusable)?);
        break Recovered { length: 0, next: least, index: Index::default() };
    };
    Ok((segments.into(), recovered))
}

/// Cuts a torn tail off a segment.
fn cut(segment: &Segment) -> Result<Recovered, OpenError> {
    let unusable = |source| OpenError::Folder { path: segment.path.clone(), source };
    let bytes = Bytes::from(std::fs::read(&segment.path).map_err(unusable)?);
    let (mut at, mut next, mut index) = (0, segment.first, Index::default());
    while let Some(read) = record::read(&bytes, at).filter(|read| read.record.offset == next) {
        index.note(next, at as u64);
        at += read.size;
        next += 1;
    }
    let length = at as u64;
    if at < bytes.len() {
        if is_durable_behind(&bytes, at, next) {
            return Err(OpenError::Damaged { path: segment.path.clone(), position: length });
        }
        tracing::warn!(segment = %segment.path.display(), position = length, bytes = bytes.len() - at, "cut a torn tail");
        segment.file.set_len(length).and_then(|()| segment.file.sync_all()).map_err(unusable)?;
    }
    Ok(Recovered { length, next, index })
}

/// True when a whole record behind `at` belongs to a group that began behind it.
fn is_durable_behind(bytes: &Bytes, at: usize, next: u64) -> bool {
    (at + 1..bytes.len()).filter_map(|later| Some((later, record::read(bytes, later)?))).any(
        |(later, read)| {
            // What a payload only looks like has neither an offset that fits in between nor a group in the file.
            let most = ((later - at) / record::HEAD) as u64;
            let fits = (next..=next.saturating_add(most)).contains(&read.record.offset);
            fits && read.group > at as u64 && read.group <= later as u64
        },
    )
}
