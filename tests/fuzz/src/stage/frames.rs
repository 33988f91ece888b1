//! Clients' frames, well made, to begin from.

use flate2::{Compress, Compression, FlushCompress};

/// Fin.
pub(crate) const FIN: u8 = 0x80;
/// RSV1: compressed.
pub(crate) const COMPRESSED: u8 = 0x40;

/// A client's frame; `first` is the whole first byte.
pub(crate) fn frame(first: u8, mask: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..126 => bytes.push(0x80 | u8::try_from(len).unwrap()),
        len @ 126..65_536 => {
            bytes.push(0xfe);
            bytes.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
        len => {
            bytes.push(0xff);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// As permessage-deflate wants it: one flushed block without its end.
pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1_000);
    Compress::new(Compression::default(), false).compress_vec(bytes, &mut out, FlushCompress::Sync).unwrap();
    out.truncate(out.len() - 4);
    out
}

/// The frames that bytes hold, as far as they can be read: first byte and payload without its mask.
pub(crate) fn parse(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while let [first, second, rest @ ..] = bytes {
        let (wide, len) = match second & 0x7f {
            126 => (2, rest.get(..2).map(|l| usize::from(u16::from_be_bytes([l[0], l[1]])))),
            127 => (8, rest.first_chunk::<8>().map(|l| usize::try_from(u64::from_be_bytes(*l)).unwrap())),
            len => (0, Some(usize::from(len))),
        };
        let masked = second & 0x80 != 0;
        let Some((len, rest)) = len.zip(rest.get(wide..)) else { break };
        let (mask, rest) = match (masked, rest.split_first_chunk::<4>()) {
            (false, _) => ([0; 4], rest),
            (true, Some((mask, rest))) => (*mask, rest),
            (true, None) => break,
        };
        // A length that lies takes what there is.
        let (payload, rest) = rest.split_at(len.min(rest.len()));
        found.push((*first, payload.iter().zip(mask.iter().cycle()).map(|(b, k)| b ^ k).collect()));
        bytes = rest;
    }
    found
}

/// Takes bytes apart into frames, changes one of them, and writes them well-formed, so that what is behind masks and
/// lengths is reached.
pub(crate) fn reframe(bytes: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut frames = parse(bytes);
    if frames.is_empty() {
        frames.push((FIN | 1, bytes.to_vec()));
    }
    let at = random.usize(..frames.len());
    let (first, payload) = frames[at].clone();
    match random.u8(..8) {
        // Cut into two fragments, perhaps within a character.
        0 => {
            let (head, tail) = payload.split_at(random.usize(..=payload.len()));
            frames[at] = (first & !FIN, head.to_vec());
            frames.insert(at + 1, (FIN, tail.to_vec()));
        }
        // A control frame before or between.
        1 => {
            let opcode = [8, 9, 10][random.usize(..3)];
            let length = random.usize(..130);
            let control = match opcode {
                8 => random.u16(990..5_010).to_be_bytes().to_vec(),
                _ => vec![b'p'; length],
            };
            frames.insert(at, (FIN | opcode, control));
        }
        2 => frames[at] = (FIN | COMPRESSED | (first & 0x0f), deflate(&payload)),
        // A message that inflates past the bound, or to it.
        3 => {
            let long = payload.repeat(4_097usize.div_ceil(payload.len().max(1)));
            frames[at] = (FIN | COMPRESSED | (first & 0x0f), deflate(&long[..long.len().min(4_097)]));
        }
        4 => frames.swap(0, at),
        5 => frames[at].0 = random.u8(..),
        _ => {}
    }
    frames.iter().flat_map(|(first, payload)| frame(*first, random.u32(..).to_le_bytes(), payload)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_back_as_they_were_written() {
        for len in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; len];
            let bytes = [frame(0x81, [1, 2, 3, 4], &payload), frame(0x89, [0; 4], b"ping")].concat();
            assert_eq!(parse(&bytes), [(0x81, payload), (0x89, b"ping".to_vec())]);
        }
    }
}
