//! Like and dislike: a conflict-free set, last writer wins for each user and comment (R5).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{RegionId, UserId};

/// What a user thinks of a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reaction {
    /// Taken back.
    None,
    /// Liked.
    Like,
    /// Disliked.
    Dislike,
}

/// When and where a reaction was set. Ordered by time, then region, so that two regions that heard of the same
/// two writes in another order agree on the later one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// Milliseconds since 1970 by the clock of the host that took it.
    pub at_ms: u64,
    /// Where it was taken.
    pub region: RegionId,
}

/// The reactions to one comment. `merge` is commutative, associative and idempotent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReactionSet {
    by_user: BTreeMap<UserId, (Stamp, Reaction)>,
}

impl ReactionSet {
    /// Takes a user's reaction in, unless a later one is known. True when the set changed.
    pub fn set(&mut self, user: UserId, stamp: Stamp, reaction: Reaction) -> bool {
        // The reaction is part of the order: two writes with one stamp must not depend on which came first.
        let new = (stamp, reaction);
        match self.by_user.get(&user) {
            Some(known) if *known >= new => false,
            _ => {
                self.by_user.insert(user, new);
                true
            }
        }
    }

    /// Takes in all that another replica knows.
    pub fn merge(&mut self, other: &Self) {
        for (user, (stamp, reaction)) in &other.by_user {
            self.set(user.clone(), stamp.clone(), *reaction);
        }
    }

    /// What a user thinks.
    #[must_use]
    pub fn of(&self, user: &UserId) -> Reaction {
        self.by_user.get(user).map_or(Reaction::None, |(_, reaction)| *reaction)
    }

    /// Likes and dislikes.
    #[must_use]
    pub fn totals(&self) -> (u32, u32) {
        let count = |wanted| self.by_user.values().filter(|(_, reaction)| *reaction == wanted).count();
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (clamp(count(Reaction::Like)), clamp(count(Reaction::Dislike)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn write() -> impl Strategy<Value = (UserId, Stamp, Reaction)> {
        (0..4u8, 0..5u64, 0..2u8, 0..3u8).prop_map(|(user, at_ms, region, reaction)| {
            (
                UserId::new(&format!("u{user}")).unwrap(),
                Stamp { at_ms, region: RegionId::new(&format!("r{region}")).unwrap() },
                [Reaction::None, Reaction::Like, Reaction::Dislike][usize::from(reaction)],
            )
        })
    }

    fn replica() -> impl Strategy<Value = ReactionSet> {
        prop::collection::vec(write(), 0..12).prop_map(|writes| {
            let mut set = ReactionSet::default();
            for (user, stamp, reaction) in writes {
                set.set(user, stamp, reaction);
            }
            set
        })
    }

    fn merged(a: &ReactionSet, b: &ReactionSet) -> ReactionSet {
        let mut result = a.clone();
        result.merge(b);
        result
    }

    proptest! {
        #[test]
        fn merge_is_commutative(a in replica(), b in replica()) {
            prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        }

        #[test]
        fn merge_is_associative(a in replica(), b in replica(), c in replica()) {
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        }

        #[test]
        fn merge_is_idempotent(a in replica(), b in replica()) {
            let once = merged(&a, &b);
            prop_assert_eq!(merged(&once, &b), once.clone());
            prop_assert_eq!(merged(&once, &once), once);
        }

        #[test]
        fn writes_in_any_order_give_one_set(mut writes in prop::collection::vec(write(), 0..20), seed: u64) {
            let build = |writes: &[(UserId, Stamp, Reaction)]| {
                let mut set = ReactionSet::default();
                for (user, stamp, reaction) in writes.iter().cloned() {
                    set.set(user, stamp, reaction);
                }
                set
            };
            let first = build(&writes);
            let len = writes.len().max(1);
            writes.rotate_left(usize::try_from(seed % len as u64).unwrap());
            writes.reverse();
            prop_assert_eq!(build(&writes), first);
        }
    }

    #[test]
    fn a_user_counts_once_and_may_change_their_mind() {
        let region = RegionId::new("local").unwrap();
        let ann = UserId::new("ann").unwrap();
        let stamp = |at_ms| Stamp { at_ms, region: region.clone() };
        let mut set = ReactionSet::default();
        assert!(set.set(ann.clone(), stamp(1), Reaction::Like));
        assert!(!set.set(ann.clone(), stamp(1), Reaction::Like));
        assert!(set.set(ann.clone(), stamp(2), Reaction::Dislike));
        assert_eq!(set.totals(), (0, 1));
        assert!(!set.set(ann.clone(), stamp(1), Reaction::None));
        assert!(set.set(ann.clone(), stamp(3), Reaction::None));
        assert_eq!((set.totals(), set.of(&ann)), ((0, 0), Reaction::None));
    }
}
