//! The directory within one process.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ringside_core::{HostId, StreamId, UserId};
use ringside_ports::directory::{ONLINE_EXPIRY_MS, REPORT_EXPIRY_MS};
use ringside_ports::error::PortResult;

/// Signs of life remembered; past it those that expired go, then the directory of users begins anew: they are seen
/// again with their next sign.
const SEEN_MAX: usize = 1_000_000;

#[derive(Default)]
struct State {
    reports: HashMap<HostId, (u64, HashMap<StreamId, u64>)>,
    seen: HashMap<(StreamId, UserId), (u64, HostId)>,
}

/// Hosts and users that this process knows of.
#[derive(Default)]
pub(crate) struct LocalDirectory(Mutex<State>);

impl LocalDirectory {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_fresh(now_ms: u64, at_ms: u64, expiry_ms: u64) -> bool {
    now_ms.saturating_sub(at_ms) < expiry_ms
}

#[async_trait]
impl ringside_ports::Directory for LocalDirectory {
    async fn report(&self, now_ms: u64, host: &HostId, viewers: &[(StreamId, u64)]) -> PortResult<()> {
        let mut state = self.lock();
        state.reports.retain(|_, (at_ms, _)| is_fresh(now_ms, *at_ms, REPORT_EXPIRY_MS));
        state.reports.insert(host.clone(), (now_ms, viewers.iter().cloned().collect()));
        Ok(())
    }

    async fn viewers(&self, now_ms: u64, stream: &StreamId) -> PortResult<u64> {
        let state = self.lock();
        let fresh = state.reports.values().filter(|(at_ms, _)| is_fresh(now_ms, *at_ms, REPORT_EXPIRY_MS));
        Ok(fresh.filter_map(|(_, viewers)| viewers.get(stream)).sum())
    }

    async fn seen(&self, now_ms: u64, host: &HostId, users: &[(StreamId, UserId)]) -> PortResult<()> {
        let mut state = self.lock();
        if state.seen.len() + users.len() > SEEN_MAX {
            state.seen.retain(|_, (at_ms, _)| is_fresh(now_ms, *at_ms, ONLINE_EXPIRY_MS));
            if state.seen.len() + users.len() > SEEN_MAX {
                state.seen.clear();
            }
        }
        for one in users {
            state.seen.insert(one.clone(), (now_ms, host.clone()));
        }
        Ok(())
    }

    async fn online(&self, now_ms: u64, stream: &StreamId, most: usize) -> PortResult<Vec<UserId>> {
        let state = self.lock();
        let users: BTreeSet<UserId> = state
            .seen
            .iter()
            .filter(|((of, _), (at_ms, _))| of == stream && is_fresh(now_ms, *at_ms, ONLINE_EXPIRY_MS))
            .map(|((_, user), _)| user.clone())
            .collect();
        Ok(users.into_iter().take(most).collect())
    }

    async fn hosts_of(&self, now_ms: u64, user: &UserId) -> PortResult<Vec<HostId>> {
        let state = self.lock();
        let hosts: BTreeSet<HostId> = state
            .seen
            .iter()
            .filter(|((_, of), (at_ms, _))| of == user && is_fresh(now_ms, *at_ms, ONLINE_EXPIRY_MS))
            .map(|(_, (_, host))| host.clone())
            .collect();
        Ok(hosts.into_iter().collect())
    }
}
