//! Free ports on loopback.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Mutex;

use crate::error::OnFile;
use crate::{Error, Result};

/// Below what Linux gives to outgoing connections (from 32768), so that nobody gets a service's port while it is
/// down; and by 10,000 and some below that, since a Redis cluster's bus listens at its port + 10,000.
const FIRST: u16 = 11_000;
const LAST: u16 = 21_000;
const BUS: u16 = 10_000;
/// Tries before giving up: with half of all ports taken, the chance to need more is 1 in 10^15.
const TRIES_MAX: u32 = 50;

/// What this process was given already, whether it listens there yet or not.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// The port of the process in `folder`: chosen at its first start and the same ever after, since clients and data
/// remember it.
pub(crate) fn kept(folder: &Path, hosts: &[Ipv4Addr]) -> Result<u16> {
    let path = folder.join("port");
    if let Some(port) = std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()) {
        return Ok(port);
    }
    let port = free_pair(hosts)?;
    std::fs::write(&path, format!("{port}\n")).on_file("write", &path)?;
    Ok(port)
}

/// A port that is free together with the next one, on each of `hosts`.
fn free_pair(hosts: &[Ipv4Addr]) -> Result<u16> {
    let free = |host: Ipv4Addr, port: u16| TcpListener::bind((host, port)).is_ok();
    let mut given = GIVEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut chance = seed();
    for _ in 0..TRIES_MAX {
        // A linear congruential generator (Knuth's MMIX): ports of programs that start at once shall differ.
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let step = u16::try_from((chance >> 33) % u64::from((LAST - FIRST) / 2)).unwrap_or(0);
        let port = FIRST + step * 2;
        let all = hosts.iter().all(|host| [port, port + 1, port + BUS].iter().all(|port| free(*host, *port)));
        if all && given.insert(port) {
            return Ok(port);
        }
    }
    Err(Error::Usage(format!("no free port between {FIRST} and {LAST} after {TRIES_MAX} tries")))
}

fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice_and_none_that_somebody_listens_at() {
        let ports: Vec<u16> = (0..50).map(|_| free_pair(&[Ipv4Addr::LOCALHOST]).unwrap()).collect();
        let different: BTreeSet<u16> = ports.iter().copied().collect();
        assert_eq!(different.len(), ports.len());
        assert!(ports.iter().all(|port| (FIRST..=LAST).contains(port) && port % 2 == 0));
    }
}
