//! permessage-deflate (RFC 7692) without context takeover in either direction: each message stands alone, so
//! one compressed form serves every viewer of a room, and no connection holds a window.

use bytes::Bytes;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::Violation;

/// What ends every flushed block; left out on the wire (RFC 7692, 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// An empty last block (RFC 1951, 3.2.6): put behind a message, it ends the stream where the message ended a block, and
/// nowhere else.
const LAST: [u8; 2] = [0x03, 0x00];
/// Payloads below this many bytes are sent as they are: deflate makes most of them longer.
pub const COMPRESS_FROM_BYTES: usize = 64;

/// Compresses messages; one is kept and reset, as its tables take 300 KB.
#[derive(Debug)]
pub struct Deflater(Compress);

impl Default for Deflater {
    fn default() -> Self {
        Self(Compress::new(Compression::default(), false))
    }
}

impl Deflater {
    /// The compressed payload; none where the plain one is as short.
    pub fn deflate(&mut self, payload: &[u8]) -> Option<Bytes> {
        if payload.len() < COMPRESS_FROM_BYTES {
            return None;
        }
        self.0.reset();
        let mut out = Vec::with_capacity(payload.len() / 2 + 64);
        loop {
            let read = usize::try_from(self.0.total_in()).ok()?;
            let rest = payload.get(read..)?;
            self.0.compress_vec(rest, &mut out, FlushCompress::Sync).ok()?;
            let done = self.0.total_in() == payload.len() as u64 && out.len() < out.capacity();
            if done {
                break;
            }
            out.reserve(out.capacity().max(64));
        }
        let body = out.strip_suffix(&TAIL)?;
        (body.len() < payload.len()).then(|| Bytes::copy_from_slice(body))
    }
}

/// Inflates clients' messages, never past a bound.
#[derive(Debug)]
pub struct Inflater(Decompress);

impl Default for Inflater {
    fn default() -> Self {
        Self(Decompress::new(false))
    }
}

impl Inflater {
    /// The message, at most `most` bytes.
    ///
    /// # Errors
    /// [`Violation::TooBig`] as soon as it would be longer, [`Violation::Payload`] for what is not deflate or is cut.
    pub fn inflate(&mut self, compressed: &[u8], most: usize) -> Result<Vec<u8>, Violation> {
        const DAMAGED: Violation = Violation::Payload("the compressed message does not inflate");
        let input = [compressed, &TAIL, &LAST].concat();
        let mut rest = input.as_slice();
        // One byte more than allowed shows that there is more.
        let mut out = Vec::with_capacity((compressed.len() * 4).max(64).min(most + 1));
        self.0.reset(false);
        loop {
            let (read, written) = (self.0.total_in(), out.len());
            let status = self.0.decompress_vec(rest, &mut out, FlushDecompress::Sync).map_err(|_| DAMAGED)?;
            if out.len() > most {
                return Err(Violation::TooBig);
            }
            let taken = usize::try_from(self.0.total_in() - read).map_err(|_| DAMAGED)?;
            rest = rest.get(taken..).ok_or(DAMAGED)?;
            let full = out.len() == out.capacity();
            match status {
                // A client may set a block's final bit and go on behind it (RFC 7692, 7.2.3.4).
                Status::StreamEnd if rest.is_empty() || rest.strip_prefix(&TAIL) == Some(&LAST) => {
                    return Ok(out);
                }
                Status::StreamEnd => self.0.reset(false),
                _ if full => out.reserve_exact(out.capacity().min(most + 1 - out.len()).max(1)),
                _ if taken == 0 && out.len() == written => return Err(DAMAGED),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_deflated_inflates_to_itself(text in "[a-d ]{64,3000}") {
            let compressed = Deflater::default().deflate(text.as_bytes()).unwrap();
            prop_assert!(compressed.len() < text.len());
            prop_assert_eq!(Inflater::default().inflate(&compressed, 4_096).unwrap(), text.as_bytes());
        }

        #[test]
        fn any_bytes_inflate_within_the_bound_or_fail(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(message) = Inflater::default().inflate(&bytes, 100) {
                prop_assert!(message.len() <= 100);
            }
        }
    }

    #[test]
    fn one_deflater_gives_each_message_a_stream_of_its_own() {
        let mut deflater = Deflater::default();
        let text = "the same words again and again, the same words again and again, and again".repeat(3);
        let first = deflater.deflate(text.as_bytes()).unwrap();
        let second = deflater.deflate(text.as_bytes()).unwrap();
        assert_eq!(first, second);
        let mut inflater = Inflater::default();
        assert!(inflater.inflate(&[0xff; 40], 4_096).is_err());
        assert_eq!(inflater.inflate(&second, 4_096).unwrap(), text.as_bytes());
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = Deflater::default().deflate(&vec![b'a'; 4_000_000]).unwrap();
        assert!(bomb.len() < 5_000);
        assert_eq!(Inflater::default().inflate(&bomb, 4_096), Err(Violation::TooBig));
        let fits = Deflater::default().deflate(&vec![b'a'; 4_096]).unwrap();
        assert_eq!(Inflater::default().inflate(&fits, 4_096).map(|m| m.len()), Ok(4_096));
        let over = Deflater::default().deflate(&vec![b'a'; 4_097]).unwrap();
        assert_eq!(Inflater::default().inflate(&over, 4_096), Err(Violation::TooBig));
    }

    #[test]
    fn an_empty_message_is_one_byte_and_short_ones_are_left_alone() {
        // RFC 7692, 7.2.3.6: an empty message is the single byte 0x00.
        assert_eq!(Inflater::default().inflate(&[0], 10), Ok(Vec::new()));
        assert_eq!(Deflater::default().deflate(b"short"), None);
        // RFC 7692, 7.2.3.1: "Hello".
        let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        assert_eq!(Inflater::default().inflate(&hello, 10).unwrap(), b"Hello");
        // RFC 7692, 7.2.3.4: the final bit set.
        let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        assert_eq!(Inflater::default().inflate(&last, 10).unwrap(), b"Hello");
    }

    #[test]
    fn a_message_that_is_cut_is_damaged_even_where_its_words_are_whole() {
        let damaged = |bytes: &[u8]| {
            let inflated = Inflater::default().inflate(bytes, 4_096);
            assert!(matches!(inflated, Err(Violation::Payload(_))), "{bytes:02x?}: {inflated:?}");
        };
        let text = "the same words again and again, the same words again and again, and again".repeat(3);
        let whole = Deflater::default().deflate(text.as_bytes()).unwrap();
        for cut in 0..whole.len() {
            damaged(&whole[..cut]);
        }
        // A block of six bytes that has five.
        damaged(&[0, 6, 0, !6, 0xff, b'H', b'e', b'l', b'l', b'o']);
    }
}
