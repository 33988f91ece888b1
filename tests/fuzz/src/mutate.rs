//! Changing inputs: what goes wrong on the way, what a liar writes, and words of the format.

use fastrand::Rng;

/// Numbers at which code errs: around powers of two and signs.
const EDGES: [u64; 14] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0xffff_ffff,
    0x1_0000_0000,
    i64::MAX as u64,
    u64::MAX,
];
/// Most changes of one input: further ones leave nothing of it.
const CHANGES_MAX: usize = 8;
/// Longest piece that is moved, doubled or dropped, in bytes, unless it is all.
const PIECE_MAX: usize = 256;
/// Most times a piece is repeated: enough to run into every list's bound.
const REPEATS_MAX: usize = 300;

/// Changes `input` once to eight times. `other` is another input to take pieces from, `words` are the format's own.
pub fn mutate(input: &mut Vec<u8>, other: &[u8], words: &[&[u8]], random: &mut Rng, most: usize) {
    // One change is the likeliest, as most defects need but one.
    let changes = 1 + (0..CHANGES_MAX - 1).take_while(|_| random.bool()).count();
    for _ in 0..changes {
        change(input, other, words, random);
        input.truncate(most);
    }
}

fn change(input: &mut Vec<u8>, other: &[u8], words: &[&[u8]], random: &mut Rng) {
    if input.is_empty() {
        input.extend((0..random.usize(1..32)).map(|_| random.u8(..)));
        return;
    }
    let at = random.usize(..input.len());
    match random.u8(..16) {
        0 => input[at] ^= 1 << random.u8(..8),
        1 => input[at] = random.u8(..),
        2 => input[at] = input[at].wrapping_add(random.u8(..16)).wrapping_sub(8),
        3 => input[at] = EDGES[random.usize(..5)].to_le_bytes()[0],
        4 => number(input, at, random),
        5 => digits(input, at, random),
        6 => {
            let bytes: Vec<u8> = (0..random.usize(1..16)).map(|_| random.u8(..)).collect();
            insert(input, at, &bytes);
        }
        7 => drop(input.drain(piece(input.len(), at, random))),
        8 => {
            let copied = input[piece(input.len(), at, random)].to_vec();
            let to = random.usize(..=input.len());
            insert(input, to, &copied);
        }
        9 => {
            let copied = input[piece(input.len(), at, random)].to_vec();
            let times = random.usize(2..REPEATS_MAX);
            insert(input, at, &copied.repeat(times));
        }
        10 => input.truncate(at),
        11 | 12 if !words.is_empty() => {
            let word = words[random.usize(..words.len())];
            if random.bool() {
                insert(input, at, word);
            } else {
                overwrite(input, at, word);
            }
        }
        13 if !other.is_empty() => {
            let from = random.usize(..other.len());
            let taken = &other[piece(other.len(), from, random)];
            if random.bool() {
                insert(input, at, taken);
            } else {
                overwrite(input, at, taken);
            }
        }
        14 if !other.is_empty() => {
            // The beginning of one and the end of the other.
            input.truncate(at);
            input.extend_from_slice(&other[random.usize(..other.len())..]);
        }
        _ => {
            let with = random.usize(..input.len());
            input.swap(at, with);
        }
    }
}

/// A short range from `at` on.
fn piece(len: usize, at: usize, random: &mut Rng) -> std::ops::Range<usize> {
    at..(at + random.usize(1..=PIECE_MAX)).min(len)
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}

fn overwrite(input: &mut [u8], at: usize, bytes: &[u8]) {
    for (place, byte) in input[at..].iter_mut().zip(bytes) {
        *place = *byte;
    }
}

/// A lie about a length: a binary number of 2, 4 or 8 bytes, or one that is off by little.
fn number(input: &mut [u8], at: usize, random: &mut Rng) {
    let width = 1 << random.usize(1..4);
    let Some(place) = input.get_mut(at..at + width) else { return };
    let big = random.bool();
    if big {
        place.reverse();
    }
    let mut bytes = [0; 8];
    bytes[..width].copy_from_slice(place);
    let number = if random.bool() {
        EDGES[random.usize(..EDGES.len())]
    } else {
        u64::from_le_bytes(bytes).wrapping_add(random.u64(..16)).wrapping_sub(8)
    };
    place.copy_from_slice(&number.to_le_bytes()[..width]);
    if big {
        place.reverse();
    }
}

/// The same for a number in decimal: the digits at or behind `at` become another number.
fn digits(input: &mut Vec<u8>, at: usize, random: &mut Rng) {
    let Some(from) = (at..input.len()).find(|at| input[*at].is_ascii_digit()) else { return };
    let to = (from..input.len()).find(|at| !input[*at].is_ascii_digit()).unwrap_or(input.len());
    let number = EDGES[random.usize(..EDGES.len())];
    let text = if random.u8(..4) == 0 { format!("-{number}") } else { number.to_string() };
    input.splice(from..to, text.into_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_the_same_changes_and_the_bound_is_kept() {
        let changed = |seed| {
            let mut random = Rng::with_seed(seed);
            let mut input = b"{\"id\": 17, \"type\": \"leave\"}".to_vec();
            for _ in 0..200 {
                mutate(&mut input, b"another input", &[b"word"], &mut random, 100);
                assert!(input.len() <= 100);
            }
            input
        };
        assert_eq!(changed(1), changed(1));
        assert_ne!(changed(1), changed(2));
    }

    #[test]
    fn every_kind_of_change_is_met() {
        let base = b"count 12345, text".to_vec();
        let mut random = Rng::with_seed(7);
        let results: Vec<Vec<u8>> = (0..4_000)
            .map(|_| {
                let mut input = base.clone();
                mutate(&mut input, b"OTHER OTHER", &[b"<word>"], &mut random, 1_000);
                input
            })
            .collect();
        let holds = |part: &str| {
            results.iter().any(|r| r.windows(part.len()).any(|window| window == part.as_bytes()))
        };
        for part in ["<word>", "OTHER", "18446744073709551615", "-255", "count 12345, textcount 12345, text"]
        {
            assert!(holds(part), "{part}");
        }
        assert!(results.iter().any(Vec::is_empty) && results.iter().any(|r| r.len() == 1_000));
        assert!(results.iter().any(|r| r.len() == base.len() && *r != base));
    }
}
