//! What the adapters are told, from the region's file.

use std::time::Duration;

use ringside_cassandra::{CassandraOptions, Credentials};
use ringside_core::HostId;
use ringside_kafka::KafkaOptions;
use ringside_ports::log::Topic;
use ringside_postgres::PostgresOptions;
use ringside_redis::RedisOptions;

use super::{Region, password};
use crate::config::InvalidConfig;

impl Region {
    /// For the log.
    pub(crate) fn kafka(&self, host: &HostId) -> Result<KafkaOptions, InvalidConfig> {
        let kafka = &self.kafka;
        let mut options = KafkaOptions {
            prefix: kafka.prefix.clone(),
            user: kafka.user.clone(),
            password: password("kafka", kafka.password_env.as_deref())?,
            client_id: format!("ringside-{host}"),
            ..KafkaOptions::at(kafka.servers.join(","))
        };
        for topic in Topic::ALL {
            let (Some(keep), Some(spec)) = (kafka.topics.get(topic.name()), options.topics.get_mut(topic))
            else {
                continue;
            };
            spec.partitions = keep.partitions.unwrap_or(spec.partitions);
            spec.replication = keep.replication.unwrap_or(spec.replication);
            // A topic of one copy cannot have two in sync.
            spec.in_sync = keep.in_sync.unwrap_or(spec.in_sync.min(spec.replication));
            if let Some(hours) = keep.keep_hours {
                spec.keep_for = Duration::from_secs(hours.saturating_mul(3_600));
            }
        }
        Ok(options)
    }

    /// For relay, counters and directory.
    pub(crate) fn redis(&self) -> Result<RedisOptions, InvalidConfig> {
        let redis = &self.redis;
        Ok(RedisOptions {
            addresses: redis.servers.clone(),
            cluster: redis.cluster,
            user: redis.user.clone(),
            password: password("redis", redis.password_env.as_deref())?,
            prefix: redis.prefix.clone().unwrap_or_else(|| format!("ringside:{}", self.region)),
        })
    }

    /// For the store.
    pub(crate) fn cassandra(&self) -> Result<CassandraOptions, InvalidConfig> {
        let cassandra = &self.cassandra;
        let password = password("cassandra", cassandra.password_env.as_deref())?;
        let credentials =
            cassandra.user.clone().map(|user| Credentials { user, password: password.unwrap_or_default() });
        Ok(CassandraOptions {
            keyspace: cassandra.keyspace.clone(),
            replication: cassandra.replication.clone(),
            credentials,
            prefix: cassandra.prefix.clone(),
            retention: Duration::from_secs(u64::from(cassandra.keep_days) * 86_400),
            ..CassandraOptions::new(cassandra.servers.clone(), &cassandra.datacenter, self.region.clone())
        })
    }

    /// For the catalog.
    pub(crate) fn postgres(&self) -> Result<PostgresOptions, InvalidConfig> {
        let postgres = &self.postgres;
        Ok(PostgresOptions {
            password: password("postgres", postgres.password_env.as_deref())?,
            ..PostgresOptions::new(postgres.url.clone())
        })
    }
}
