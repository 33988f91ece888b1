//! Which partition a key has: murmur2 as Kafka's own producers hash it, so that every other tool that writes or looks
//! for a stream's records finds the same partition.

/// The partition of a key among so many.
pub(crate) fn of(key: &str, partitions: u32) -> u32 {
    // Kafka takes the sign bit off rather than the absolute value.
    (murmur2(key.as_bytes()) & 0x7fff_ffff) % partitions.max(1)
}

/// The 32-bit murmur2 of `org.apache.kafka.common.utils.Utils`.
fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    // Kafka hashes an int's worth of length; a key is far shorter.
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let words = data.chunks_exact(4);
    let rest = words.remainder();
    let mut hash = SEED ^ length;
    for word in words {
        let word = word.iter().rev().fold(0, |word, byte| (word << 8) | u32::from(*byte));
        let word = word.wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ (word ^ (word >> 24)).wrapping_mul(M);
    }
    if !rest.is_empty() {
        hash ^= rest.iter().rev().fold(0, |word, byte| (word << 8) | u32::from(*byte));
        hash = hash.wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of Kafka's own `UtilsTest`.
    #[test]
    fn keys_hash_as_in_kafkas_own_producer() {
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
        }
    }

    #[test]
    fn a_negative_hash_loses_its_sign_bit_before_it_is_divided() {
        // (-973932308 & 0x7fffffff) % 100
        assert_eq!(of("21", 100), 1_173_551_340 % 100);
        assert_eq!(of("abc", 100), 479_470_107 % 100);
    }
}
