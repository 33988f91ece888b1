//! A region's file: the only place where a region is described. Hosts, migrations and whoever renders infrastructure
//! read it.
//!
//! Passwords are not in it: it names the environment variable that holds each.

mod options;

use std::collections::BTreeMap;
use std::path::Path;

use ringside_core::RegionId;
use serde::Deserialize;

use crate::config::InvalidConfig;

/// A region.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Region {
    /// Its name.
    pub(crate) region: RegionId,
    /// The log.
    pub(crate) kafka: Kafka,
    /// Relay, counters, directory.
    pub(crate) redis: Redis,
    /// Comments.
    pub(crate) cassandra: Cassandra,
    /// Streams, users, decisions.
    pub(crate) postgres: Postgres,
}

/// `kafka:`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kafka {
    /// `host:port` of brokers.
    pub(crate) servers: Vec<String>,
    /// Before every topic's and group's name.
    #[serde(default)]
    pub(crate) prefix: String,
    /// Who logs in; none where the service asks for nobody.
    pub(crate) user: Option<String>,
    /// Environment variable that holds the password.
    pub(crate) password_env: Option<String>,
    /// What differs from the topics' defaults, by name.
    #[serde(default)]
    pub(crate) topics: BTreeMap<String, TopicKeep>,
}

/// A topic, as far as it differs from the default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopicKeep {
    pub(crate) partitions: Option<u32>,
    pub(crate) replication: Option<u16>,
    pub(crate) in_sync: Option<u16>,
    pub(crate) keep_hours: Option<u64>,
}

/// `redis:`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redis {
    /// `host:port`: one server, or nodes of a cluster.
    pub(crate) servers: Vec<String>,
    /// A Redis Cluster.
    #[serde(default)]
    pub(crate) cluster: bool,
    /// Before every key; `ringside:REGION` where it is missing.
    pub(crate) prefix: Option<String>,
    /// Who logs in; none where the service asks for nobody.
    pub(crate) user: Option<String>,
    /// Environment variable that holds the password.
    pub(crate) password_env: Option<String>,
}

/// `cassandra:`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cassandra {
    /// `host:port` of nodes, also of other datacenters.
    pub(crate) servers: Vec<String>,
    /// This region's datacenter.
    pub(crate) datacenter: String,
    #[serde(default = "default_keyspace")]
    pub(crate) keyspace: String,
    /// Copies in each datacenter, for the keyspace that `ringside region migrate` makes.
    pub(crate) replication: BTreeMap<String, u32>,
    /// Before every stream's and region's name, for deployments that share a keyspace.
    #[serde(default)]
    pub(crate) prefix: String,
    /// Days that comments are kept.
    #[serde(default = "default_keep_days")]
    pub(crate) keep_days: u32,
    /// Who logs in; none where the service asks for nobody.
    pub(crate) user: Option<String>,
    /// Environment variable that holds the password.
    pub(crate) password_env: Option<String>,
}

/// `postgres:`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Postgres {
    /// `postgres://user@host:port/database`, without the password.
    pub(crate) url: String,
    /// Environment variable that holds the password.
    pub(crate) password_env: Option<String>,
}

fn default_keyspace() -> String {
    "ringside".into()
}

/// R50.
fn default_keep_days() -> u32 {
    30
}

impl Region {
    /// Reads and checks a region's file.
    ///
    /// # Errors
    /// Names the file, the place in it, the value and the remedy.
    pub(crate) fn load(path: &Path) -> Result<Self, InvalidConfig> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            InvalidConfig(format!("region file `{}` cannot be read: {error}", path.display()))
        })?;
        Self::parse(&text)
            .map_err(|error| InvalidConfig(format!("region file `{}`: {error}", path.display())))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let region: Self =
            serde_saphyr::from_str(text).map_err(|error| error.to_string().trim().to_owned())?;
        let servers = [
            ("kafka.servers", &region.kafka.servers),
            ("redis.servers", &region.redis.servers),
            ("cassandra.servers", &region.cassandra.servers),
        ];
        for (key, servers) in servers {
            if servers.is_empty() {
                return Err(format!("`{key}` is empty: give at least one `host:port`"));
            }
            if let Some(wrong) = servers.iter().find(|server| !is_address(server)) {
                return Err(format!("`{key}`: `{wrong}` is no address, write it as `host:port`"));
            }
        }
        if region.postgres.url.split_once("://").is_some_and(|(_, rest)| has_password(rest)) {
            return Err(
                "`postgres.url` has a password in it: name the environment variable that holds it as \
                        `postgres.password_env`"
                    .into(),
            );
        }
        let known = ringside_ports::log::Topic::ALL.map(ringside_ports::log::Topic::name);
        if let Some(unknown) = region.kafka.topics.keys().find(|topic| !known.contains(&topic.as_str())) {
            return Err(format!("`kafka.topics`: there is no topic `{unknown}`, only {}", known.join(", ")));
        }
        Ok(region)
    }
}

fn is_address(text: &str) -> bool {
    text.rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn has_password(authority: &str) -> bool {
    authority
        .split('/')
        .next()
        .and_then(|authority| authority.split_once('@'))
        .is_some_and(|(user, _)| user.contains(':'))
}

/// A password that the environment holds.
///
/// # Errors
/// Names the variable when it is not set.
pub(crate) fn password(of: &str, variable: Option<&str>) -> Result<Option<String>, InvalidConfig> {
    let Some(variable) = variable else { return Ok(None) };
    std::env::var(variable).map(Some).map_err(|_| {
        InvalidConfig(format!("`{of}.password_env`: the environment variable `{variable}` is not set"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "
region: us-east
kafka:
  servers: ['127.0.0.1:9092']
  topics:
    room-events: { partitions: 4, replication: 1, in_sync: 1 }
redis:
  servers: ['127.0.0.1:6379']
  user: ringside
  password_env: REDIS_PASSWORD
cassandra:
  servers: ['127.0.0.1:9042']
  datacenter: us-east
  replication: { us-east: 3, eu-west: 3 }
postgres:
  url: postgres://ringside@127.0.0.1:5432/ringside
";

    #[test]
    fn a_region_is_read_with_its_defaults() {
        let region = Region::parse(WHOLE).unwrap();
        assert_eq!(region.region.as_str(), "us-east");
        assert_eq!(region.kafka.topics["room-events"].partitions, Some(4));
        assert_eq!((region.cassandra.keyspace.as_str(), region.cassandra.keep_days), ("ringside", 30));
        assert_eq!(region.redis.password_env.as_deref(), Some("REDIS_PASSWORD"));
        assert_eq!(region.cassandra.replication["eu-west"], 3);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_or_remedy() {
        let cases = [
            ("region: us-east", "region: us east", "us east"),
            ("  datacenter: us-east\n", "", "datacenter"),
            ("kafka:\n  servers: ['127.0.0.1:9092']", "kafka:\n  servers: []", "`kafka.servers` is empty"),
            ("'127.0.0.1:6379'", "'localhost'", "`redis.servers`: `localhost` is no address"),
            ("'127.0.0.1:9042'", "'localhost:0'", "`localhost:0` is no address"),
            ("ringside@127.0.0.1:5432", "ringside:hush@127.0.0.1:5432", "postgres.password_env"),
            ("room-events:", "room-event:", "there is no topic `room-event`, only room-events"),
            ("{ partitions: 4,", "{ partition: 4,", "partition"),
            ("partitions: 4", "partitions: many", "many"),
            ("redis:", "valkey:", "valkey"),
            ("  user: ringside", " user: ringside", "line"),
        ];
        for (from, to, expected) in cases {
            assert!(WHOLE.contains(from), "{from}");
            let error = Region::parse(&WHOLE.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(expected), "{to}: {error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn a_password_whose_variable_is_missing_is_named() {
        assert_eq!(password("redis", None).unwrap(), None);
        let error = password("redis", Some("RINGSIDE_NO_SUCH_VARIABLE")).unwrap_err().to_string();
        assert!(
            error.contains("`redis.password_env`") && error.contains("RINGSIDE_NO_SUCH_VARIABLE"),
            "{error}"
        );
    }
}
