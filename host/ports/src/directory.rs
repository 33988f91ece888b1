//! The directory: which hosts there are, how many watch through each, and where a user is connected.

use async_trait::async_trait;
use ringside_core::{HostId, StreamId, UserId};

use crate::error::PortResult;

/// A host's report is forgotten after this long without a new one, in milliseconds.
pub const REPORT_EXPIRY_MS: u64 = 15_000;
/// A user is online for this long after the last sign of life, in milliseconds (R7: 5 min).
pub const ONLINE_EXPIRY_MS: u64 = 300_000;

/// Who watches a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Watching {
    /// How many, over all hosts that reported within [`REPORT_EXPIRY_MS`].
    pub viewers: u64,
    /// Those hosts, as far as they have viewers of it, by id.
    pub hosts: Vec<HostId>,
}

/// Hosts, viewers and users.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Replaces what is known of a host: how many watch each stream through it. Streams left out have none.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn report(&self, now_ms: u64, host: &HostId, viewers: &[(StreamId, u64)]) -> PortResult<()>;

    /// Who watches a stream.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn watching(&self, now_ms: u64, stream: &StreamId) -> PortResult<Watching>;

    /// How many watch a stream.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn viewers(&self, now_ms: u64, stream: &StreamId) -> PortResult<u64> {
        Ok(self.watching(now_ms, stream).await?.viewers)
    }

    /// Signs of life: these users watch these streams through this host.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn seen(&self, now_ms: u64, host: &HostId, users: &[(StreamId, UserId)]) -> PortResult<()>;

    /// Users of a stream seen within [`ONLINE_EXPIRY_MS`], at most `most`, by id.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn online(&self, now_ms: u64, stream: &StreamId, most: usize) -> PortResult<Vec<UserId>>;

    /// The hosts a user was seen on within [`ONLINE_EXPIRY_MS`].
    ///
    /// # Errors
    /// `Unavailable`.
    async fn hosts_of(&self, now_ms: u64, user: &UserId) -> PortResult<Vec<HostId>>;
}
