//! What a segment begins with: whose it is, and where the segment before it ended.
//!
//! `magic | version u32 | crc32 u32 | epoch u64 | partition u32 | topic u32 | first u64 | begun u64 | before: first u64,
//! length u64, next u64`, little endian. The checksum covers what follows it and the version. A file of another
//! program, of a later version, of another log or partition is refused by name rather than read as damage.

use std::path::Path;

use ringside_ports::log::Topic;

use crate::OpenError;

/// Bytes of a header; the first record begins behind it.
pub(super) const HEADER: usize = 72;
/// The same, as a position.
pub(super) const HEADER_END: u64 = HEADER as u64;
/// What every segment begins with, in every version.
const MAGIC: &[u8; 8] = b"RNGSIDE\n";
/// Form of segments and records.
pub(super) const VERSION: u32 = 1;

/// The log and partition that a segment is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) epoch: u64,
    pub(super) topic: Topic,
    pub(super) partition: u32,
}

/// Where a segment ended when nothing more was to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct End {
    /// First offset of the segment.
    pub(super) first: u64,
    /// Bytes of it that are durable; anything behind them is no record.
    pub(super) length: u64,
    /// The offset behind its last record.
    pub(super) next: u64,
}

/// A header as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) owner: Owner,
    /// Offset of its first record.
    pub(super) first: u64,
    /// When it was begun, in milliseconds since 1970: what stands in the segment before it is at least as old.
    pub(super) begun_ms: u64,
    /// The segment before it.
    pub(super) before: End,
}

/// Why bytes are no header of this log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// A crash came before it was written: too short, or nothing but zeros.
    Unwritten,
    /// It begins as a segment does, with another version.
    Version(u32),
    /// It is something else, or damaged.
    Unknown,
}

fn number(topic: Topic) -> u32 {
    match topic {
        Topic::RoomEvents => 0,
        Topic::DeadLetters => 1,
        Topic::ModerationEvents => 2,
    }
}

impl Header {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.owner.epoch.to_le_bytes());
        bytes.extend_from_slice(&self.owner.partition.to_le_bytes());
        bytes.extend_from_slice(&number(self.owner.topic).to_le_bytes());
        for value in [self.first, self.begun_ms, self.before.first, self.before.length, self.before.next] {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        let crc = checksum(&bytes);
        if let Some(place) = bytes.get_mut(12..16) {
            place.copy_from_slice(&crc.to_le_bytes());
        }
        bytes
    }

    /// Reads the header at the beginning of a segment of `topic`; who owns it is for [`Header::check`].
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let Some(head) = bytes.get(..HEADER) else {
            let is_begun = bytes.iter().zip(MAGIC).all(|(byte, magic)| byte == magic);
            let is_ours = is_begun || bytes.iter().all(|byte| *byte == 0);
            return Err(if is_ours { Unreadable::Unwritten } else { Unreadable::Unknown });
        };
        if head.iter().all(|byte| *byte == 0) {
            return Err(Unreadable::Unwritten);
        }
        let u32_at = |at: usize| {
            let bytes: Option<[u8; 4]> = head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            u32::from_le_bytes(bytes.unwrap_or_default())
        };
        let u64_at = |at: usize| {
            let bytes: Option<[u8; 8]> = head.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
            u64::from_le_bytes(bytes.unwrap_or_default())
        };
        if !head.starts_with(MAGIC) {
            return Err(Unreadable::Unknown);
        }
        if u32_at(8) != VERSION {
            return Err(Unreadable::Version(u32_at(8)));
        }
        let topic = Topic::ALL.into_iter().find(|topic| number(*topic) == u32_at(28));
        let (Some(topic), true) = (topic, checksum(head) == u32_at(12)) else {
            return Err(Unreadable::Unknown);
        };
        Ok(Self {
            owner: Owner { epoch: u64_at(16), topic, partition: u32_at(24) },
            first: u64_at(32),
            begun_ms: u64_at(40),
            before: End { first: u64_at(48), length: u64_at(56), next: u64_at(64) },
        })
    }

    /// Refuses the segment of another log or partition, or one under another's name.
    pub(super) fn check(&self, path: &Path, owner: Owner, first: u64) -> Result<(), OpenError> {
        let foreign = |detail: String| OpenError::Foreign { path: path.into(), detail };
        let Owner { topic, partition, .. } = self.owner;
        if self.owner.epoch != owner.epoch {
            return Err(foreign("it is of another log".into()));
        }
        if self.owner != owner {
            return Err(foreign(format!("it is of partition {partition} of {}", topic.name())));
        }
        if self.first != first {
            return Err(foreign(format!("it begins at offset {}, not where its name says", self.first)));
        }
        Ok(())
    }
}

fn checksum(head: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(head.get(..12).unwrap_or_default());
    hasher.update(head.get(16..HEADER).unwrap_or_default());
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_and_no_changed_bit_passes() {
        let owner = Owner { epoch: 7, topic: Topic::DeadLetters, partition: 3 };
        let before = End { first: 5, length: 900, next: 44 };
        let header = Header { owner, first: 44, begun_ms: 1_700_000_000_000, before };
        let bytes = header.bytes();
        assert_eq!(bytes.len(), HEADER);
        assert_eq!(Header::read(&bytes), Ok(header));
        for bit in 0..HEADER * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::read(&changed).is_err(), "bit {bit}");
        }
        for cut in 0..HEADER {
            assert!(Header::read(&bytes[..cut]).is_err(), "{cut} bytes");
        }
    }
}
