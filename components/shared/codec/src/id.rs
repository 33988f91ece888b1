//! A comment's id as text: the canonical, hyphenated, lower-case form of a UUID.

use crate::wire::CommentId;

/// Bytes of the text form.
pub const TEXT_LEN: usize = 36;

/// Where the text form has hyphens.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// The text form.
#[must_use]
pub fn to_text(id: CommentId) -> [u8; TEXT_LEN] {
    let mut digits = (0..32u32).map(|place| {
        let half = if place < 16 { id.high } else { id.low };
        let nibble = (half >> (60 - 4 * (place % 16))) & 0xf;
        char::from_digit(u32::try_from(nibble).unwrap_or_default(), 16).unwrap_or('0') as u8
    });
    std::array::from_fn(|place| if HYPHENS.contains(&place) { b'-' } else { digits.next().unwrap_or(b'0') })
}

/// Reads the text form; upper-case digits are taken too.
#[must_use]
pub fn from_text(text: &[u8]) -> Option<CommentId> {
    if text.len() != TEXT_LEN {
        return None;
    }
    let mut both = 0u128;
    for (place, &byte) in text.iter().enumerate() {
        if HYPHENS.contains(&place) {
            if byte != b'-' {
                return None;
            }
        } else {
            both = both << 4 | u128::from(char::from(byte).to_digit(16)?);
        }
    }
    Some(from_u128(both))
}

/// Reads the 16 bytes of a UUID.
#[must_use]
pub fn from_bytes(bytes: &[u8]) -> Option<CommentId> {
    Some(from_u128(u128::from_be_bytes(bytes.try_into().ok()?)))
}

/// The 16 bytes of a UUID.
#[must_use]
pub fn to_bytes(id: CommentId) -> [u8; 16] {
    (u128::from(id.high) << 64 | u128::from(id.low)).to_be_bytes()
}

fn from_u128(both: u128) -> CommentId {
    let [high, low] = [both >> 64, both & u128::from(u64::MAX)];
    CommentId { high: high.try_into().unwrap_or_default(), low: low.try_into().unwrap_or_default() }
}
