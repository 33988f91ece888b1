//! Digests of component files: their names in releases, caches and messages.

use ringside_ports::releases::Digest;
use sha2::{Digest as _, Sha256};

/// SHA-256 of a component's file.
#[must_use]
pub fn digest_of(file: &[u8]) -> Digest {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(file) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Digest(text)
}

/// True for 64 lower-case hexadecimal digits: only then it may become part of a path.
#[must_use]
pub fn is_digest(digest: &Digest) -> bool {
    digest.0.len() == 64 && digest.0.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The first 12 digits, for people.
#[must_use]
pub fn short(digest: &Digest) -> &str {
    digest.0.get(..12).unwrap_or(&digest.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_sha_256_in_lower_case() {
        let digest = digest_of(b"");
        assert_eq!(digest.0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert!(is_digest(&digest));
        for bad in ["", "../../etc/passwd", &"E".repeat(64), &"e".repeat(63)] {
            assert!(!is_digest(&Digest(bad.into())), "{bad}");
        }
    }
}
