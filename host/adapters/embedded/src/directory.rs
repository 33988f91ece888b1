//! The directory within one process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ringside_core::{HostId, StreamId, UserId};
use ringside_ports::directory::{ONLINE_EXPIRY_MS, REPORT_EXPIRY_MS, Watching};
use ringside_ports::error::PortResult;

/// Signs of life remembered; past it those that expired go, then the directory of users begins anew: they are seen
/// again with their next sign.
const SEEN_MAX: usize = 1_000_000;

type Report = (u64, HashMap<StreamId, u64>);

/// Who was seen where, and when last.
#[derive(Default)]
struct Seen {
    by_stream: HashMap<StreamId, BTreeMap<UserId, u64>>,
    by_user: HashMap<UserId, BTreeMap<HostId, u64>>,
    /// Entries of both.
    entries: usize,
}

/// Hosts and users that this process knows of.
#[derive(Default)]
pub(crate) struct LocalDirectory {
    reports: Mutex<HashMap<HostId, Report>>,
    seen: Mutex<Seen>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_fresh(now_ms: u64, at_ms: u64, expiry_ms: u64) -> bool {
    now_ms.saturating_sub(at_ms) < expiry_ms
}

impl Seen {
    fn note(&mut self, now_ms: u64, host: &HostId, stream: &StreamId, user: &UserId) {
        // Looked up before it is cloned: a sign of life is usually not the first.
        let users = match self.by_stream.get_mut(stream) {
            Some(users) => users,
            None => self.by_stream.entry(stream.clone()).or_default(),
        };
        self.entries += usize::from(latest(users, user, now_ms));
        let hosts = match self.by_user.get_mut(user) {
            Some(hosts) => hosts,
            None => self.by_user.entry(user.clone()).or_default(),
        };
        self.entries += usize::from(latest(hosts, host, now_ms));
    }

    fn forget_expired(&mut self, now_ms: u64) {
        fn sweep<A, B>(all: &mut HashMap<A, BTreeMap<B, u64>>, now_ms: u64) -> usize
        where
            A: Eq + std::hash::Hash,
            B: Ord,
        {
            for of in all.values_mut() {
                of.retain(|_, at_ms| is_fresh(now_ms, *at_ms, ONLINE_EXPIRY_MS));
            }
            all.retain(|_, of| !of.is_empty());
            all.values().map(BTreeMap::len).sum()
        }
        self.entries = sweep(&mut self.by_stream, now_ms) + sweep(&mut self.by_user, now_ms);
    }
}

/// True when it was not there yet. An older sign that comes late does not set a newer one back.
fn latest<K: Ord + Clone>(of: &mut BTreeMap<K, u64>, key: &K, now_ms: u64) -> bool {
    match of.get_mut(key) {
        Some(at_ms) => {
            *at_ms = now_ms.max(*at_ms);
            false
        }
        None => of.insert(key.clone(), now_ms).is_none(),
    }
}

#[async_trait]
impl ringside_ports::Directory for LocalDirectory {
    async fn report(&self, now_ms: u64, host: &HostId, viewers: &[(StreamId, u64)]) -> PortResult<()> {
        let mut reports = lock(&self.reports);
        reports.retain(|_, (at_ms, _)| is_fresh(now_ms, *at_ms, REPORT_EXPIRY_MS));
        reports.insert(host.clone(), (now_ms, viewers.iter().cloned().collect()));
        Ok(())
    }

    async fn watching(&self, now_ms: u64, stream: &StreamId) -> PortResult<Watching> {
        let mut watching = Watching::default();
        for (host, (at_ms, viewers)) in lock(&self.reports).iter() {
            let count = viewers.get(stream).copied().unwrap_or(0);
            if count > 0 && is_fresh(now_ms, *at_ms, REPORT_EXPIRY_MS) {
                watching.viewers += count;
                watching.hosts.push(host.clone());
            }
        }
        watching.hosts.sort_unstable();
        Ok(watching)
    }

    async fn seen(&self, now_ms: u64, host: &HostId, users: &[(StreamId, UserId)]) -> PortResult<()> {
        let mut seen = lock(&self.seen);
        // A user takes at most one entry of each map.
        if seen.entries + 2 * users.len() > SEEN_MAX {
            seen.forget_expired(now_ms);
            if seen.entries + 2 * users.len() > SEEN_MAX {
                tracing::warn!(signs = SEEN_MAX, "too many users at once, who is online begins anew");
                *seen = Seen::default();
            }
        }
        for (stream, user) in users {
            seen.note(now_ms, host, stream, user);
        }
        Ok(())
    }

    async fn online(&self, now_ms: u64, stream: &StreamId, most: usize) -> PortResult<Vec<UserId>> {
        let seen = lock(&self.seen);
        let users = seen.by_stream.get(stream).into_iter().flatten();
        let fresh = users.filter(|(_, at_ms)| is_fresh(now_ms, **at_ms, ONLINE_EXPIRY_MS));
        Ok(fresh.map(|(user, _)| user.clone()).take(most).collect())
    }

    async fn hosts_of(&self, now_ms: u64, user: &UserId) -> PortResult<Vec<HostId>> {
        let seen = lock(&self.seen);
        let hosts = seen.by_user.get(user).into_iter().flatten();
        let fresh = hosts.filter(|(_, at_ms)| is_fresh(now_ms, **at_ms, ONLINE_EXPIRY_MS));
        Ok(fresh.map(|(host, _)| host.clone()).collect())
    }
}
