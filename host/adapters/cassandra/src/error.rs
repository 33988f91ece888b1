//! Why a store cannot be used at all, and what a failed call says.

use std::error::Error as StdError;
use std::time::Duration;

use ringside_ports::error::{PortError, PortErrorKind};

/// When to try a failed call again: a node that was restarted is back in a few seconds.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why [`crate::connect`] or [`crate::migrate`] failed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The options are wrong and stay so.
    #[error("{0}")]
    Invalid(String),
    /// No node answers.
    #[error(
        "no cassandra node answers at {addresses}: check the addresses and that one of them is up: {source}"
    )]
    Unreachable {
        /// The contact points.
        addresses: String,
        /// What the driver says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The cluster refuses the user.
    #[error("cassandra at {addresses} refuses user `{user}`: check user and password: {source}")]
    Refused {
        /// The contact points.
        addresses: String,
        /// The user; empty where none was given.
        user: String,
        /// What the driver says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The cluster has no such datacenter.
    #[error(
        "cassandra at {addresses} has no datacenter `{datacenter}`, it has {known}: correct the region's datacenter"
    )]
    Datacenter {
        /// The contact points.
        addresses: String,
        /// As in the options.
        datacenter: String,
        /// Those that there are.
        known: String,
    },
    /// The keyspace is missing.
    #[error("cassandra at {addresses} has no keyspace `{keyspace}`: make it with `ringside region migrate`")]
    Keyspace {
        /// The contact points.
        addresses: String,
        /// As in the options.
        keyspace: String,
    },
    /// The keyspace has no copy in our datacenter.
    #[error("keyspace `{keyspace}` has no copy in datacenter `{datacenter}`: alter its replication")]
    Replication {
        /// As in the options.
        keyspace: String,
        /// As in the options.
        datacenter: String,
    },
    /// The schema is older than this program.
    #[error(
        "keyspace `{keyspace}` has schema {found}, this program needs {needed}: run `ringside region migrate`"
    )]
    Older {
        /// As in the options.
        keyspace: String,
        /// What is there; 0 for none.
        found: i32,
        /// What is needed.
        needed: i32,
    },
    /// The schema is newer than this program.
    #[error("keyspace `{keyspace}` has schema {found}, this program knows {known}: start the newer program")]
    Newer {
        /// As in the options.
        keyspace: String,
        /// What is there.
        found: i32,
        /// What is known.
        known: i32,
    },
    /// Someone else changes the schema, for longer than it should take.
    #[error(
        "another `ringside region migrate` on keyspace `{keyspace}` has not ended for {waited_s} s: try again when it has"
    )]
    Locked {
        /// As in the options.
        keyspace: String,
        /// How long this one waited.
        waited_s: u64,
    },
    /// A statement failed.
    #[error("cassandra at {addresses} failed to {what}: {source}")]
    Failed {
        /// The contact points.
        addresses: String,
        /// What was tried.
        what: String,
        /// What the driver says.
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl ConnectError {
    /// True when the same call may succeed later (exit code 69), false when someone must change something (64).
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Failed { .. } | Self::Locked { .. })
    }
}

/// A call that may succeed later.
pub(crate) fn unavailable(
    operation: &'static str,
    addresses: &str,
    source: impl Into<Box<dyn StdError + Send + Sync>>,
) -> PortError {
    let detail = format!("cassandra at {addresses} does not do it now; it goes on by itself when it is back");
    PortError::new(PortErrorKind::Unavailable, operation, detail).after(RETRY_AFTER).because(source)
}

/// A row that this program did not write so.
pub(crate) fn corrupt(
    operation: &'static str,
    what: &str,
    source: impl Into<Box<dyn StdError + Send + Sync>>,
) -> PortError {
    PortError::new(PortErrorKind::Corrupt, operation, format!("{what} cannot be read")).because(source)
}
