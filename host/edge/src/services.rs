//! What an edge works with: the ports it asks, and the runtime on which what is not a socket's runs.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ringside_core::{HostId, RegionId};
use ringside_ports::{Audit, Codecs, Comments, Directory, Log, Relay, Store, Traces};
use tokio::runtime::Handle;

use crate::auth::Verifier;

/// Ports and identities, shared by all shards and rooms.
#[derive(Clone)]
pub struct Services {
    /// Frames to commands, messages to frames.
    pub codecs: Arc<dyn Codecs>,
    /// Commands and reads.
    pub comments: Arc<dyn Comments>,
    /// Read where the relay left a gap, and to resume.
    pub log: Arc<dyn Log>,
    /// What rooms receive.
    pub relay: Arc<dyn Relay>,
    /// History.
    pub store: Arc<dyn Store>,
    /// Bans.
    pub audit: Arc<dyn Audit>,
    /// Viewers over all hosts.
    pub directory: Arc<dyn Directory>,
    /// Tokens.
    pub verifier: Arc<Verifier>,
    /// This host's region.
    pub region: RegionId,
    /// This host.
    pub host: HostId,
    /// Which comments are traced.
    pub traces: Traces,
    /// A runtime of several threads: rooms and commands run there, never on a shard.
    pub runtime: Handle,
}

/// Milliseconds since 1970.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
