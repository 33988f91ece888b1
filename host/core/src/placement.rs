//! Which host is responsible for something: the same answer on every host, from nothing but the list of hosts.
//!
//! Rendezvous hashing: each host draws a number for a key, the highest is the primary, the next the backup. A host that
//! comes or goes moves only the keys that it gains or had, and no table has to be kept anywhere.

use crate::ids::HostId;

/// The two hosts that look after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement<'a> {
    /// Looks after it.
    pub primary: &'a HostId,
    /// Looks after it when the primary is gone; none where there is only one host.
    pub backup: Option<&'a HostId>,
}

/// The hosts that look after a key, such as a stream's or a user's id; none where there are no hosts. The order of
/// `hosts` does not matter, and one that is named twice counts once.
#[must_use]
pub fn place<'a>(key: &str, hosts: impl IntoIterator<Item = &'a HostId>) -> Option<Placement<'a>> {
    let mut best: Option<(u64, &HostId)> = None;
    let mut next: Option<(u64, &HostId)> = None;
    for host in hosts {
        let drawn = (draw(host.as_str(), key), host);
        if best.is_none_or(|best| drawn > best) {
            next = best;
            best = Some(drawn);
        } else if best != Some(drawn) && next.is_none_or(|next| drawn > next) {
            next = Some(drawn);
        }
    }
    best.map(|(_, primary)| Placement { primary, backup: next.map(|(_, host)| host) })
}

/// FNV-1a over both, then mixed: its high bits alone depend too little on the last bytes.
fn draw(host: &str, key: &str) -> u64 {
    let bytes = host.bytes().chain([0]).chain(key.bytes());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // The finisher of SplitMix64.
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use proptest::prelude::*;

    use super::*;

    fn hosts(names: &BTreeSet<u16>) -> Vec<HostId> {
        names.iter().map(|name| HostId::new(&format!("host-{name}")).unwrap()).collect()
    }

    proptest! {
        #[test]
        fn a_host_that_goes_moves_its_own_keys_to_their_backups_and_no_other(
            names in proptest::collection::btree_set(any::<u16>(), 2..12),
            gone in any::<proptest::sample::Index>(),
            keys in proptest::collection::vec("[a-z0-9-]{1,20}", 1..200),
        ) {
            let all = hosts(&names);
            let gone = gone.get(&all).clone();
            let left: Vec<&HostId> = all.iter().filter(|host| **host != gone).collect();
            for key in &keys {
                let before = place(key, &all).unwrap();
                let after = place(key, left.iter().copied()).unwrap();
                prop_assert_ne!(Some(before.primary), before.backup);
                if *before.primary == gone {
                    prop_assert_eq!(Some(after.primary), before.backup);
                } else {
                    prop_assert_eq!(after.primary, before.primary);
                    if before.backup != Some(&gone) {
                        prop_assert_eq!(after.backup, before.backup);
                    }
                }
            }
        }

        #[test]
        fn the_order_of_hosts_and_naming_one_twice_change_nothing(
            names in proptest::collection::btree_set(any::<u16>(), 1..8),
            key in ".{0,40}",
        ) {
            let all = hosts(&names);
            let twice: Vec<&HostId> = all.iter().rev().chain(&all).collect();
            prop_assert_eq!(place(&key, &all), place(&key, twice));
        }
    }

    #[test]
    fn keys_are_spread_evenly() {
        let all = hosts(&(0..10).collect());
        let mut share: HashMap<&HostId, usize> = HashMap::new();
        for n in 0..10_000 {
            *share.entry(place(&format!("stream-{n}"), &all).unwrap().primary).or_default() += 1;
        }
        // 1,000 each: five standard deviations to either side.
        assert!(share.len() == 10 && share.values().all(|n| (850..=1_150).contains(n)), "{share:?}");
    }

    #[test]
    fn without_hosts_there_is_no_place_and_one_host_has_no_backup() {
        assert_eq!(place("stream", []), None);
        let one = HostId::new("a").unwrap();
        assert_eq!(place("stream", [&one, &one]), Some(Placement { primary: &one, backup: None }));
    }
}
