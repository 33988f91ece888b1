//! Finding the way on behind a record that cannot be read.

use bytes::Bytes;

use super::record::{self, HEAD};

/// Smallest unit that a disk writes whole or not at all.
const SECTOR: u64 = 512;

/// A place at which no whole record stands though one must.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damage {
    /// Where in the segment.
    pub(super) position: u64,
    /// The offset that is missed.
    pub(super) offset: u64,
    /// Position and offset of the next whole record.
    pub(super) resume: Option<(u64, u64)>,
}

/// What is known of the record that should stand where the damage is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    pub(super) position: u64,
    pub(super) offset: u64,
    /// The group of the record before it; none where that one was not read.
    pub(super) group: Option<u64>,
}

/// Looks for the next whole record in `bytes`, which begin where the damage is.
///
/// A payload may look like a record. What is taken for one must have an offset that fits in between, and a group that
/// the damaged record's group leaves possible: the same as before, one that began at the damage, or a later one.
pub(super) fn behind(bytes: &Bytes, expected: Expected) -> Damage {
    let Expected { position, offset, group } = expected;
    let fits = |at: usize| {
        let head = record::head(bytes, at)?;
        let place = position + at as u64;
        let most = offset.saturating_add((at / HEAD) as u64);
        let is_later = head.offset > offset && head.offset <= most && head.group <= place;
        let is_possible = head.group >= position || group.is_none_or(|group| group == head.group);
        (is_later && is_possible && record::read(bytes, at).is_some()).then_some((place, head.offset))
    };
    // Where its length is whole, the next one stands right behind it: that spares a search through its payload.
    let next = record::head(bytes, 0).and_then(|head| fits(head.size));
    let resume = next.or_else(|| (HEAD..bytes.len()).find_map(fits));
    Damage { position, offset, resume }
}

/// True when damage has the form that a crash gives to a write that was not finished: the end of the file is
/// missing, or whole sectors of it never reached the disk. `bytes` begin where the damage is and go to the end of the
/// file.
pub(super) fn is_torn(bytes: &Bytes, damage: Damage) -> bool {
    let length = bytes.len() as u64;
    if damage.resume.is_none() {
        let is_short = record::head(bytes, 0).map_or(bytes.len() < HEAD, |head| head.size > bytes.len());
        if is_short {
            return true;
        }
    }
    let end = damage.resume.map_or(length, |(position, _)| position - damage.position);
    let mut from = 0;
    while from < end {
        let to = (from + SECTOR - (damage.position + from) % SECTOR).min(end);
        let of_sector = usize::try_from(from).ok().zip(usize::try_from(to).ok());
        let part = of_sector.and_then(|(from, to)| bytes.get(from..to)).unwrap_or_default();
        if part.iter().all(|byte| *byte == 0) {
            return true;
        }
        from = to;
    }
    false
}
