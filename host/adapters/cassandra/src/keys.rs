//! Where rows are: buckets, classes, levels and shards.

use ringside_core::{Action, Comment, CommentId, Reference, UserId, Visibility};

/// Milliseconds of a stream's comments in one partition. At 10,000 comments/s that is 80,000 rows of 300 to 500 bytes:
/// 24 to 40 MB, and 80 MB at twice the rate. If all of them are removed at once, a page reads over 80,000
/// tombstones, still below the 100,000 at which Cassandra gives up a read.
pub(crate) const BUCKET_MS: u64 = 8_000;
/// Partitions of one comment's reactions: with a row of 80 bytes, five million users are 25 MB in each.
pub(crate) const REACTION_SHARDS: i16 = 16;
/// Partitions of a stream's references: with a row of 70 bytes, a stream at 10,000 comments/s has 100 MB in each
/// after five hours, and a writer's chunk of 2,000 still gives batches of 16 rows.
pub(crate) const SUBMISSION_SHARDS: i16 = 128;
/// Comments with more likes are popular (R9).
pub(crate) const POPULAR_LIKES: u32 = 10;
/// Likes below which each number is a level of its own.
const EXACT_LEVELS: u32 = 64;

/// Who sees a comment, and whether it waits for review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    /// Everyone.
    Shown = 0,
    /// Everyone, and it waits for review.
    Flagged = 1,
    /// Its author and moderators; it waits for review.
    Held = 2,
    /// Its author and moderators.
    Shadow = 3,
    /// Nobody.
    Removed = 4,
}

impl Class {
    pub(crate) const ALL: [Self; 5] = [Self::Shown, Self::Flagged, Self::Held, Self::Shadow, Self::Removed];

    pub(crate) fn of(comment: &Comment) -> Self {
        match comment.visibility {
            Visibility::Shown if comment.judgement.action == Action::Flag => Self::Flagged,
            Visibility::Shown => Self::Shown,
            Visibility::Held => Self::Held,
            Visibility::Shadow => Self::Shadow,
            Visibility::Removed => Self::Removed,
        }
    }

    /// As it is written.
    pub(crate) fn number(self) -> i8 {
        self as i8
    }

    pub(crate) fn from_number(number: i8) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.number() == number)
    }

    /// True when everyone sees it.
    pub(crate) fn is_shown(self) -> bool {
        self <= Self::Flagged
    }

    /// True when its author sees it and others do not.
    pub(crate) fn is_own(self) -> bool {
        matches!(self, Self::Held | Self::Shadow)
    }
}

/// The bucket of a comment.
pub(crate) fn bucket(id: CommentId) -> i64 {
    // 48 bits of milliseconds: it always fits.
    i64::try_from(id.at_ms() / BUCKET_MS).unwrap_or(i64::MAX)
}

/// The partition of a user's reaction.
pub(crate) fn reaction_shard(user: &UserId) -> i16 {
    shard(user.as_str().as_bytes(), REACTION_SHARDS)
}

/// The partition of a user's submission.
pub(crate) fn submission_shard(user: &UserId, reference: &Reference) -> i16 {
    shard([user.as_str(), "\0", reference.as_str()].concat().as_bytes(), SUBMISSION_SHARDS)
}

fn shard(of: &[u8], shards: i16) -> i16 {
    // A checksum, because it is the same in every version of this program.
    i16::try_from(crc32fast::hash(of) % u32::from(shards.unsigned_abs())).unwrap_or(0)
}

/// The level of a popular comment; none for what is not popular. Of two comments the one with more likes is never on
/// the lower level, and on its way to a million likes a comment changes its level 109 times.
pub(crate) fn level(likes: u32) -> Option<i16> {
    if likes <= POPULAR_LIKES {
        return None;
    }
    let level = if likes < EXACT_LEVELS {
        likes
    } else {
        let power = likes.ilog2();
        EXACT_LEVELS + 4 * (power - EXACT_LEVELS.ilog2()) + ((likes >> (power - 2)) & 3)
    };
    i16::try_from(level).ok()
}

/// Ids between two bounds, neither of them included.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) above: Vec<u8>,
    pub(crate) below: Vec<u8>,
}

impl Span {
    /// All ids.
    pub(crate) fn all() -> Self {
        Self { above: Vec::new(), below: vec![u8::MAX; 17] }
    }

    pub(crate) fn before(id: CommentId) -> Self {
        Self { below: id.as_bytes().to_vec(), ..Self::all() }
    }

    pub(crate) fn after(id: CommentId) -> Self {
        Self { above: id.as_bytes().to_vec(), ..Self::all() }
    }

    /// This id and newer ones.
    pub(crate) fn from(id: CommentId) -> Self {
        let previous = u128::from_be_bytes(*id.as_bytes()).checked_sub(1);
        Self { above: previous.map_or(Vec::new(), |id| id.to_be_bytes().to_vec()), ..Self::all() }
    }

    /// This id and older ones.
    pub(crate) fn up_to(id: CommentId) -> Self {
        let mut below = id.as_bytes().to_vec();
        below.push(0);
        Self { below, ..Self::all() }
    }

    /// The first and the last bucket that can hold such ids.
    pub(crate) fn buckets(&self) -> (i64, i64) {
        let at = |bytes: &[u8], otherwise: i64| {
            bytes
                .get(..16)
                .and_then(|id| id.try_into().ok())
                .map_or(otherwise, |id| bucket(CommentId::from_bytes(id)))
        };
        (at(&self.above, 0), at(&self.below, i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_likes_are_never_on_a_lower_level() {
        assert_eq!(level(10), None);
        assert_eq!(
            (level(11), level(63), level(64), level(79), level(80)),
            (Some(11), Some(63), Some(64), Some(64), Some(65))
        );
        let mut last = 0;
        for likes in (11..2_000_000).chain([u32::MAX]) {
            let level = level(likes).unwrap();
            assert!(level >= last, "{likes}");
            last = level;
        }
        assert_eq!(level(1_000_000).unwrap() - 11 + 1, 109, "as said above");
    }

    #[test]
    fn spans_hold_the_buckets_of_their_ids() {
        let id = CommentId::from_halves((1_700_000_000_123 << 16) | 0x7000, 1 << 63);
        let of = bucket(id);
        assert_eq!(of, 212_500_000);
        assert_eq!(Span::all().buckets().0, 0);
        assert_eq!(Span::before(id).buckets(), (0, of));
        assert_eq!(Span::up_to(id).buckets(), (0, of));
        assert_eq!(Span::after(id).buckets().0, of);
        assert_eq!(Span::from(id).buckets().0, of);
        assert!(
            Span::from(id).above < id.as_bytes().to_vec() && id.as_bytes().to_vec() < Span::up_to(id).below
        );
    }
}
