//! A region's real services for benchmarks: `cargo xtask bench` starts them and says where they are.

use std::sync::Arc;

use ringside_cassandra::CassandraOptions;
use ringside_core::RegionId;
use ringside_kafka::{KafkaLog, KafkaOptions, Topics};
use ringside_ports::log::Topic;
use ringside_postgres::{Postgres, PostgresOptions};
use ringside_redis::{Redis, RedisOptions};
use ringside_roles::Clock;
use ringside_roles::restrictions::{BANS_CAPACITY, FollowedAudit};
use ringside_testkit::region::{MODERATION_PARTITIONS, PARTITIONS, Region, Services};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::figure::BenchError;
use crate::pop::Backends;

/// The datacenter of the benchmark's Cassandra.
const DATACENTER: &str = "us-east";

/// A region's backends, connected as a host connects them.
pub(crate) struct Connected {
    pub(crate) backends: Backends,
    pub(crate) kafka: KafkaOptions,
    /// Its files, which go with it.
    _region: Region,
}

impl Connected {
    /// Makes a region of its own on the services and connects to it.
    pub(crate) async fn new() -> Result<Self, BenchError> {
        let services = Services::shared();
        // It runs the program and waits for it.
        let (of, services) = tokio::task::spawn_blocking(|| (Region::on(&services), services)).await?;
        let name = of.name();
        let mut topics = Topics::of_one_broker(PARTITIONS);
        if let Some(moderation) = topics.get_mut(Topic::ModerationEvents) {
            moderation.partitions = MODERATION_PARTITIONS;
        }
        let kafka = KafkaOptions { prefix: format!("{name}."), topics, ..KafkaOptions::at(&services.kafka) };
        let cassandra = CassandraOptions {
            prefix: format!("{name}/"),
            ..cassandra(&services.cassandra, "ringside_tests")?
        };
        let redis = RedisOptions {
            addresses: vec![services.redis.clone()],
            cluster: false,
            user: None,
            password: None,
            prefix: name.to_owned(),
        };
        let database = services.postgres.rsplit_once('/').map_or("", |(server, _)| server);
        let postgres = Postgres::connect(&PostgresOptions::new(format!("{database}/{name}"))).await?;
        let (bans, _) = mpsc::channel(BANS_CAPACITY);
        let backends = Backends {
            log: Arc::new(KafkaLog::connect(&kafka).await?),
            store: Arc::new(ringside_cassandra::connect(&cassandra).await?),
            counters: Redis::connect(redis).await?.counters,
            catalog: postgres.catalog,
            audit: FollowedAudit::start(postgres.audit, Clock::system(), bans, CancellationToken::new()),
        };
        Ok(Self { backends, kafka, _region: of })
    }
}

/// One node's keyspace.
pub(crate) fn cassandra(address: &str, keyspace: &str) -> Result<CassandraOptions, BenchError> {
    Ok(CassandraOptions {
        keyspace: keyspace.to_owned(),
        replication: [(DATACENTER.to_owned(), 1)].into(),
        ..CassandraOptions::new(vec![address.to_owned()], DATACENTER, RegionId::new(DATACENTER)?)
    })
}
