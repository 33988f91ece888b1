//! A comment's id as text: the canonical, hyphenated, lower-case form of a UUID.

use crate::wire::CommentId;

/// Bytes of the text form.
pub const TEXT_LEN: usize = 36;

/// Where the text form has hyphens.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// The text form.
#[must_use]
pub fn to_text(id: CommentId) -> [u8; TEXT_LEN] {
    let mut text = [b'-'; TEXT_LEN];
    let mut places = text.iter_mut();
    for (at, byte) in to_bytes(id).into_iter().enumerate() {
        // Hyphens are before these bytes, and there already.
        if matches!(at, 4 | 6 | 8 | 10) {
            places.next();
        }
        for nibble in [byte >> 4, byte & 0xf] {
            if let Some(place) = places.next() {
                *place = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
            }
        }
    }
    text
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

/// Milliseconds since 1970 at which the id was made: its first 48 bits, as UUIDv7 has it (RFC 9562, 5.7).
#[must_use]
pub fn at_ms(id: CommentId) -> u64 {
    id.high >> 16
}

fn from_u128(both: u128) -> CommentId {
    let [high, low] = [both >> 64, both & u128::from(u64::MAX)];
    CommentId { high: high.try_into().unwrap_or_default(), low: low.try_into().unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_same_in_every_form() {
        for (id, text) in [
            (CommentId { high: 0, low: 0 }, "00000000-0000-0000-0000-000000000000"),
            (CommentId { high: u64::MAX, low: u64::MAX }, "ffffffff-ffff-ffff-ffff-ffffffffffff"),
            (
                CommentId { high: 0x0123_4567_89ab_cdef, low: 0xfedc_ba98_7654_3210 },
                "01234567-89ab-cdef-fedc-ba9876543210",
            ),
        ] {
            assert_eq!(to_text(id), text.as_bytes());
            assert_eq!(from_text(text.as_bytes()), Some(id));
            assert_eq!(from_text(text.to_uppercase().as_bytes()), Some(id));
            assert_eq!(from_bytes(&to_bytes(id)), Some(id));
        }
    }

    #[test]
    fn the_time_is_the_first_twelve_hex_digits() {
        for text in ["0197e0f5-7f3a-7c31-b3ad-1c6a4f1f9d20", "00000000-0001-7fff-8fff-ffffffffffff"] {
            let digits = text[..13].replace('-', "");
            let id = from_text(text.as_bytes()).unwrap();
            assert_eq!(at_ms(id), u64::from_str_radix(&digits, 16).unwrap(), "{text}");
        }
    }

    #[test]
    fn what_is_no_id_is_none() {
        for text in [
            "",
            "0123456789abcdeffedcba9876543210",
            "01234567-89ab-cdef-fedc-ba987654321",
            "01234567-89ab-cdef-fedc-ba98765432100",
            "01234567089ab-cdef-fedc-ba9876543210",
            "g1234567-89ab-cdef-fedc-ba9876543210",
            "+1234567-89ab-cdef-fedc-ba9876543210",
            "{1234567-89ab-cdef-fedc-ba987654321}",
        ] {
            assert_eq!(from_text(text.as_bytes()), None, "{text}");
        }
        assert_eq!(from_bytes(&[0; 15]), None);
        assert_eq!(from_bytes(&[0; 17]), None);
    }
}
