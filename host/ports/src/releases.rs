//! Releases: components by digest, and which of them make up the chain; an append-only history.

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::PortResult;

/// SHA-256 of a component's file, as 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub String);

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What happens to the one comment that breaks a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// It waits for a moderator.
    #[default]
    Hold,
    /// It is not taken.
    Reject,
    /// It is shown, marked as unjudged, and judged later.
    AllowUnjudged,
}

/// What a slot's component does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// Admission and sampling; exactly one in a release.
    Throttle,
    /// Rules, in order.
    Moderator,
    /// A wire format.
    Codec,
}

/// One place in a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Its name, unique in the release, such as `words`.
    pub name: String,
    /// What stands there.
    pub world: World,
    /// Which component.
    pub component: Digest,
    /// JSON given to `configure`; empty means the component's defaults.
    #[serde(default)]
    pub config: String,
    /// For moderators; codecs and throttles have policies of their own.
    #[serde(default)]
    pub on_failure: OnFailure,
}

/// What runs, from the moment it was published until the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The generation's number: grows by one with each release.
    pub number: u64,
    /// Slots; moderators run in this order.
    pub slots: Vec<Slot>,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Who published it.
    pub by: String,
    /// What changed, such as `push words 1.2.0` or `rollback to 3`.
    pub note: String,
}

/// A stored component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentEntry {
    /// Digest of the file.
    pub digest: Digest,
    /// What it says of itself.
    pub name: String,
    /// What it says of itself.
    pub version: String,
    /// What it implements.
    pub world: World,
    /// The minisign signature, as text.
    pub signature: String,
    /// Who stored it.
    pub by: String,
    /// Milliseconds since 1970.
    pub at_ms: u64,
}

/// Components and releases of a region.
#[async_trait]
pub trait Releases: Send + Sync {
    /// Keeps a component's file. Storing the same digest again changes nothing.
    ///
    /// # Errors
    /// `Invalid` when the bytes do not have the entry's digest, `Unavailable`.
    async fn store(&self, entry: ComponentEntry, file: Bytes) -> PortResult<()>;

    /// A component's file, checked against its digest.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` when it no longer has its digest, `Unavailable`.
    async fn component(&self, digest: &Digest) -> PortResult<(ComponentEntry, Bytes)>;

    /// All components, newest first.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn components(&self) -> PortResult<Vec<ComponentEntry>>;

    /// Publishes a release. Its number must be the latest's plus one: of two at once, one is told `Conflict`.
    /// All its components must be stored.
    ///
    /// # Errors
    /// `Conflict`, `NotFound` for a component that is not stored, `Unavailable`.
    async fn publish(&self, release: Release) -> PortResult<()>;

    /// Releases, newest first, at most `most`.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn history(&self, most: usize) -> PortResult<Vec<Release>>;

    /// Returns when a release after number `after` was published, with the newest. Cancel-safe.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn wait_after(&self, after: u64) -> PortResult<Release>;
}
