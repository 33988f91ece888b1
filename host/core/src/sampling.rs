//! Which comments are shown when a chat moves too fast (R10): a declared rule, the same on every host.

use serde::{Deserialize, Serialize};

use crate::comment::Comment;
use crate::ids::CommentId;

/// What viewers of a stream are shown, as the throttle component planned it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Share of comments that are shown, 1 to 100.
    pub shown_percent: u8,
    /// Most comments one viewer is shown in a second; 0 is no cap. One that leaves nothing out at the stream's pace
    /// may stand here too.
    pub cap_per_second: u32,
    /// Shortest time between two sends to one viewer, 0 to [`crate::limits::TICK_MS_MAX`].
    pub tick_ms: u32,
    /// Shown above the chat while comments are left out; none while the throttle expects none to be.
    pub banner: Option<String>,
}

impl Default for Plan {
    /// All is shown, at once.
    fn default() -> Self {
        Self { shown_percent: 100, cap_per_second: 0, tick_ms: 0, banner: None }
    }
}

impl Plan {
    /// True where comments are left out: by the share, or by a cap that the stream's pace is over. The throttle knows
    /// that pace, and has a banner then.
    #[must_use]
    pub fn samples(&self) -> bool {
        self.shown_percent < 100 || (self.cap_per_second > 0 && self.banner.is_some())
    }

    /// True when viewers are shown this comment. Moderators' comments always are; who wrote it, is answered or
    /// is mentioned by it is shown it besides, whatever this says.
    #[must_use]
    pub fn shows(&self, comment: &Comment) -> bool {
        comment.author.role.moderates() || rank(comment.id) < self.shown_percent
    }
}

/// A comment's rank, 0 to 99: those below the share are shown. It depends on the id alone, so hosts agree and
/// a smaller share shows a part of what a larger one does.
#[must_use]
pub fn rank(id: CommentId) -> u8 {
    let (high, low) = id.halves();
    // SplitMix64's finaliser: ids differ in few bits, ranks must not.
    let mut x = high ^ low.rotate_left(32);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^= x >> 31;
    u8::try_from(x % 100).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::CommentIds;

    #[test]
    fn a_plan_samples_by_its_share_or_by_a_cap_that_is_reached() {
        let plan = |shown_percent, cap_per_second, banner: Option<&str>| Plan {
            shown_percent,
            cap_per_second,
            tick_ms: 0,
            banner: banner.map(str::to_owned),
        };
        assert!(!Plan::default().samples());
        assert!(plan(99, 0, None).samples());
        assert!(plan(100, 50, Some("at most 50 a second")).samples());
        assert!(!plan(100, 50, None).samples(), "the cap is far away");
        assert!(!plan(100, 0, Some("a word of the operator")).samples(), "a banner leaves nothing out");
    }

    #[test]
    fn ranks_of_consecutive_ids_are_spread_evenly() {
        let mut ids = CommentIds::new(42);
        let mut buckets = [0u32; 100];
        for i in 0..100_000u64 {
            buckets[usize::from(rank(ids.next(1_700_000_000_000 + i / 50)))] += 1;
        }
        for (rank, count) in buckets.iter().enumerate() {
            assert!((800..1_200).contains(count), "rank {rank} came {count} times of 1,000");
        }
    }
}
