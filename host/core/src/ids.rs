//! Identities: one newtype for each, checked where text comes in.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not an identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not a {what}: use 1 to {max} of the letters a-z A-Z 0-9 and `{extra}`")]
pub struct InvalidId {
    what: &'static str,
    value: String,
    max: usize,
    extra: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $extra:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Longest accepted text in bytes.
            pub const MAX_BYTES: usize = $max;

            /// Checks and takes over a text.
            ///
            /// # Errors
            /// [`InvalidId`] when it is empty, too long or has another character.
            pub fn new(value: &str) -> Result<Self, InvalidId> {
                let fits = !value.is_empty()
                    && value.len() <= $max
                    && value.bytes().all(|b| b.is_ascii_alphanumeric() || $extra.as_bytes().contains(&b));
                if fits {
                    Ok(Self(Arc::from(value)))
                } else {
                    Err(InvalidId {
                        what: $what,
                        value: value.chars().take(80).collect(),
                        max: $max,
                        extra: $extra,
                    })
                }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(value: String) -> Result<Self, InvalidId> {
                Self::new(&value)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(value: &str) -> Result<Self, InvalidId> {
                Self::new(value)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

text_id!(
    /// One live video with its comments.
    StreamId, "stream id", 64, "-_."
);
text_id!(
    /// A signed-in user; the token's `sub`.
    UserId, "user id", 64, "-_.:@|"
);
text_id!(
    /// A region, such as `eu-west`; `local` where nothing is configured.
    RegionId, "region", 32, "-"
);
text_id!(
    /// One running host process.
    HostId, "host id", 64, "-_."
);
text_id!(
    /// The client's own name for a submission: the same user's retry with the same reference gives the same comment.
    Reference, "reference", 64, "-_.:"
);

/// Number of an immutable chain of components; grows with each release on a host's region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A comment's identity: a UUIDv7, so that ids sort by time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommentId(Uuid);

impl CommentId {
    /// From the 16 bytes of a UUID.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The 16 bytes, most significant first; their order is the order of ids.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The two halves, most significant first.
    #[must_use]
    pub fn halves(&self) -> (u64, u64) {
        self.0.as_u64_pair()
    }

    /// From the two halves, most significant first.
    #[must_use]
    pub fn from_halves(high: u64, low: u64) -> Self {
        Self(Uuid::from_u64_pair(high, low))
    }

    /// Milliseconds since 1970 at which the id was made.
    #[must_use]
    pub fn at_ms(&self) -> u64 {
        self.0.as_u64_pair().0 >> 16
    }
}

impl fmt::Display for CommentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.hyphenated())
    }
}

impl fmt::Debug for CommentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for CommentId {
    type Err = InvalidCommentId;
    fn from_str(value: &str) -> Result<Self, InvalidCommentId> {
        Uuid::try_parse(value)
            .map(Self)
            .map_err(|_| InvalidCommentId { value: value.chars().take(80).collect() })
    }
}

/// A text that is not a comment's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not a comment id: expected a UUID such as 0198f0c2-7d3a-7000-8000-1f2e3d4c5b6a")]
pub struct InvalidCommentId {
    value: String,
}

/// Makes comment ids that only grow.
///
/// Layout within UUIDv7 (RFC 9562): 48 bits of milliseconds, 12 bits of counter (method 1: a dedicated
/// counter), 62 bits that are drawn once for a process. The constant tail tells processes apart and costs a
/// batch only once after compression, where fresh random bits would cost 8 bytes a comment.
#[derive(Debug)]
pub struct CommentIds {
    tail: u64,
    last: u64,
}

impl CommentIds {
    /// `process` is a random number drawn by the caller; 62 bits of it are used.
    #[must_use]
    pub fn new(process: u64) -> Self {
        Self { tail: (process & ((1 << 62) - 1)) | (1 << 63), last: 0 }
    }

    /// The next id: later than every one before, also when the clock steps back or 4,096 fall into a millisecond.
    pub fn next(&mut self, now_ms: u64) -> CommentId {
        // Milliseconds and counter are one number of 60 bits: an overflowing counter borrows the next millisecond.
        let ticks = (now_ms << 12).max(self.last + 1);
        self.last = ticks;
        let high = ((ticks >> 12) << 16) | 0x7000 | (ticks & 0xfff);
        CommentId::from_halves(high, self.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_only_grow_even_when_the_clock_steps_back() {
        let mut ids = CommentIds::new(u64::MAX);
        let mut last = ids.next(1_000);
        for now in (0..10_000u64).map(|i| 1_000 - i.min(500)) {
            let id = ids.next(now);
            assert!(id > last, "{id} after {last}");
            last = id;
        }
        let text = last.to_string();
        assert_eq!(text.parse::<CommentId>().unwrap(), last);
        assert_eq!(text.as_bytes()[14], b'7', "version 7 in {text}");
        assert!(matches!(text.as_bytes()[19], b'8'..=b'b'), "variant in {text}");
    }

    #[test]
    fn texts_that_are_not_ids_are_refused_by_name() {
        for bad in ["", "a b", "ä", &"x".repeat(65)] {
            let error = StreamId::new(bad).unwrap_err().to_string();
            assert!(error.contains("is not a stream id"), "{error}");
        }
        assert!(StreamId::new("launch-2026.final_1").is_ok());
    }
}
