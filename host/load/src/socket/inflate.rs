//! permessage-deflate without context takeover (RFC 7692): each message is inflated by itself.

use std::cell::RefCell;

use flate2::{Decompress, FlushDecompress, Status};

/// What a compressor leaves out at the end of each message (RFC 7692, 7.2.2).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// Longest inflated message: far more than a host sends, and not enough to fill the memory.
const INFLATED_BYTES_MAX: usize = 4 << 20;

thread_local! {
    /// One inflater and one buffer for all connections of a thread: a window takes 32 KiB.
    static INFLATER: RefCell<(Decompress, Vec<u8>)> = RefCell::new((Decompress::new(false), Vec::new()));
}

/// Inflates a message and hands it over.
///
/// # Errors
/// When it does not inflate, or becomes longer than 4 MiB.
pub(crate) fn inflate<R>(payload: &[u8], then: impl FnOnce(&[u8]) -> R) -> Result<R, String> {
    INFLATER.with_borrow_mut(|(inflater, plain)| {
        inflater.reset(false);
        plain.clear();
        for part in [payload, &TAIL] {
            let mut rest = part;
            loop {
                if plain.len() >= INFLATED_BYTES_MAX {
                    return Err(format!("a message inflates to more than {INFLATED_BYTES_MAX} bytes"));
                }
                plain.reserve(payload.len().saturating_mul(4).clamp(1_024, 1 << 16));
                let (read, written) = (inflater.total_in(), inflater.total_out());
                let status = inflater
                    .decompress_vec(rest, plain, FlushDecompress::Sync)
                    .map_err(|error| format!("a message does not inflate: {error}"))?;
                let used = usize::try_from(inflater.total_in() - read).unwrap_or(usize::MAX);
                rest = rest.get(used..).unwrap_or_default();
                let idle = used == 0 && inflater.total_out() == written;
                // Room that is left over says that nothing more is to come of these bytes.
                if status == Status::StreamEnd || idle || rest.is_empty() && plain.len() < plain.capacity() {
                    break;
                }
            }
            if !rest.is_empty() {
                return Err("bytes follow the end of a compressed message".into());
            }
        }
        Ok(then(plain))
    })
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};
    use proptest::prelude::*;

    use super::*;

    /// As a host compresses: a block that is flushed, without its tail.
    fn deflate(text: &[u8]) -> Vec<u8> {
        let mut compress = Compress::new(Compression::fast(), false);
        let mut out = Vec::with_capacity(text.len() * 2 + 64);
        compress.compress_vec(text, &mut out, FlushCompress::Sync).unwrap();
        out.truncate(out.len() - TAIL.len());
        out
    }

    proptest! {
        #[test]
        fn what_was_deflated_comes_back(text in prop::collection::vec(any::<u8>(), 0..5_000), times in 1..20_usize) {
            let text = text.repeat(times);
            prop_assert_eq!(inflate(&deflate(&text), <[u8]>::to_vec), Ok(text));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = inflate(&bytes, <[u8]>::len);
        }
    }

    #[test]
    fn a_bomb_is_not_inflated() {
        let mut compress = Compress::new(Compression::best(), false);
        let mut bomb = Vec::with_capacity(1 << 20);
        compress.compress_vec(&vec![0; INFLATED_BYTES_MAX * 2], &mut bomb, FlushCompress::Sync).unwrap();
        assert!(bomb.len() < 100_000);
        assert!(inflate(&bomb, <[u8]>::len).unwrap_err().contains("more than"));
    }
}
