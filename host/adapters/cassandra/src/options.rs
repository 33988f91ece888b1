//! What the store is told about its cluster.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use ringside_core::RegionId;

use crate::error::ConnectError;

/// Where the cluster is, and what this region calls itself in it.
#[derive(Clone)]
pub struct CassandraOptions {
    /// `host:port` of some nodes, better of more than one datacenter: a session whose only contact point is down
    /// cannot begin.
    pub contact_points: Vec<String>,
    /// The datacenter of this region; only its nodes are asked.
    pub datacenter: String,
    /// 1 to 48 of a-z, 0-9 and `_`, beginning with a letter.
    pub keyspace: String,
    /// Copies by datacenter, for a keyspace that is not there yet.
    pub replication: BTreeMap<String, u32>,
    /// None where the cluster asks for no password.
    pub credentials: Option<Credentials>,
    /// The region whose writers use this store: checkpoints and counts are kept apart by it.
    pub region: RegionId,
    /// How long comments are kept: whole seconds, at most 20 years, which is Cassandra's own limit.
    pub retention: Duration,
    /// Written in front of stream ids and region names, so that deployments may share a keyspace; empty where there
    /// is one. `/` is a good end: no id has one.
    pub prefix: String,
}

/// A user of the cluster.
#[derive(Clone)]
pub struct Credentials {
    /// Name.
    pub user: String,
    /// Never in a message or a log.
    pub password: String,
}

impl CassandraOptions {
    /// Thirty days of comments in keyspace `ringside`, three copies in one datacenter.
    #[must_use]
    pub fn new(contact_points: Vec<String>, datacenter: &str, region: RegionId) -> Self {
        Self {
            contact_points,
            datacenter: datacenter.to_owned(),
            keyspace: "ringside".to_owned(),
            replication: BTreeMap::from([(datacenter.to_owned(), 3)]),
            credentials: None,
            region,
            retention: Duration::from_secs(30 * 86_400),
            prefix: String::new(),
        }
    }

    /// The addresses, for messages.
    pub(crate) fn addresses(&self) -> String {
        self.contact_points.join(", ")
    }

    pub(crate) fn check(&self) -> Result<(), ConnectError> {
        let invalid = |detail: String| Err(ConnectError::Invalid(detail));
        let is_name = |name: &str| {
            (1..=48).contains(&name.len())
                && name.starts_with(|first: char| first.is_ascii_lowercase())
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        if self.contact_points.is_empty() {
            return invalid("no contact point: name at least one node as `host:port`".into());
        }
        if !is_name(&self.keyspace) {
            return invalid(format!(
                "`{}` is not a keyspace: use 1 to 48 of a-z, 0-9 and `_`, beginning with a letter",
                self.keyspace
            ));
        }
        let is_datacenter =
            |name: &str| !name.is_empty() && !name.contains(|c: char| c == '\'' || c.is_control());
        if let Some(name) =
            self.replication.keys().chain([&self.datacenter]).find(|name| !is_datacenter(name))
        {
            return invalid(format!("`{name}` is not the name of a datacenter"));
        }
        if self.retention.as_secs() == 0 || self.retention.as_secs() > RETENTION_S_MAX {
            return invalid(format!(
                "comments cannot be kept for {} s: use 1 s to {RETENTION_S_MAX} s",
                self.retention.as_secs()
            ));
        }
        Ok(())
    }
}

/// Cassandra's own limit of a time to live: 20 years.
const RETENTION_S_MAX: u64 = 630_720_000;

impl fmt::Debug for CassandraOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CassandraOptions")
            .field("contact_points", &self.contact_points)
            .field("datacenter", &self.datacenter)
            .field("keyspace", &self.keyspace)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}
