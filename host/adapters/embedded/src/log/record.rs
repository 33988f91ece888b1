//! The form of a record on disk.
//!
//! `length u32 | crc32 u32 | offset u64 | group u64 | key length u16 | key | payload`, little endian. `length` counts
//! what follows the checksum, which covers it. `group` is the position in the segment at which the record's group
//! began: all before it was durable when the group was written. That is how recovery tells a torn tail (nobody was
//! told of it) from damage to an acknowledged record (kept, and told by reads).

use bytes::Bytes;
use ringside_ports::log::{KEY_BYTES_MAX, NewRecord, RECORD_BYTES_MAX, Record};

/// Bytes before the key.
pub(super) const HEAD: usize = 26;
/// Bytes that `length` does not count.
const PREFIX: usize = 8;
/// Longest record.
pub(super) const BYTES_MAX: usize = HEAD + KEY_BYTES_MAX + RECORD_BYTES_MAX;

/// A record as it was read from a segment.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) record: Record,
    pub(super) group: u64,
    /// Bytes it takes in the segment.
    pub(super) size: usize,
}

/// What a record says of itself before its checksum was looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) offset: u64,
    pub(super) group: u64,
    /// Bytes it takes in the segment.
    pub(super) size: usize,
}

/// The head of what may be a record at `at`; its body need not be there.
pub(super) fn head(bytes: &[u8], at: usize) -> Option<Head> {
    let u64_at = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let length = u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
    let length = usize::try_from(length).ok()?;
    if !(HEAD - PREFIX..=BYTES_MAX - PREFIX).contains(&length) {
        return None;
    }
    Some(Head { offset: u64_at(at + 8)?, group: u64_at(at + 16)?, size: PREFIX + length })
}

/// Adds a record to a buffer.
pub(super) fn write(buffer: &mut Vec<u8>, offset: u64, group: u64, record: &NewRecord) {
    let start = buffer.len();
    let length = HEAD - PREFIX + record.key.len() + record.payload.len();
    buffer.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&offset.to_le_bytes());
    buffer.extend_from_slice(&group.to_le_bytes());
    buffer.extend_from_slice(&u16::try_from(record.key.len()).unwrap_or(u16::MAX).to_le_bytes());
    buffer.extend_from_slice(record.key.as_bytes());
    buffer.extend_from_slice(&record.payload);
    let crc = crc32fast::hash(buffer.get(start + PREFIX..).unwrap_or_default());
    if let Some(place) = buffer.get_mut(start + 4..start + PREFIX) {
        place.copy_from_slice(&crc.to_le_bytes());
    }
}

/// Reads the record that begins at `at`; none where there is no whole, undamaged one.
pub(super) fn read(bytes: &Bytes, at: usize) -> Option<Read> {
    let Head { offset, group, size } = head(bytes, at)?;
    let end = at.checked_add(size)?;
    let crc = u32::from_le_bytes(bytes.get(at + 4..at + PREFIX)?.try_into().ok()?);
    if crc32fast::hash(bytes.get(at + PREFIX..end)?) != crc {
        return None;
    }
    let key_length = usize::from(u16::from_le_bytes(bytes.get(at + 24..at + HEAD)?.try_into().ok()?));
    let key_end = (at + HEAD).checked_add(key_length).filter(|key_end| *key_end <= end)?;
    let key = std::str::from_utf8(bytes.get(at + HEAD..key_end)?).ok()?.to_owned();
    Some(Read { record: Record { offset, key, payload: bytes.slice(key_end..end) }, group, size })
}
