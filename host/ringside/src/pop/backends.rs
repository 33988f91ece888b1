//! What the roles and the edge stand on.

use std::sync::Arc;
use std::time::Duration;

use ringside_core::HostId;
use ringside_embedded::{Embedded, EmbeddedOptions, OpenError, RedbStore};
use ringside_ports::{Audit, Catalog, Counters, Directory, Log, Recent, Relay, Releases, Store};
use ringside_roles::limits::FallbackCounters;
use tracing::warn;

use crate::config::Config;
use crate::exit::Exit;
use crate::region::Region;

/// Every port, connected.
pub struct Backends {
    /// What is shown comes from here.
    pub log: Arc<dyn Log>,
    /// Comments, for pages.
    pub store: Arc<dyn Store>,
    /// From the coordinator to hosts.
    pub relay: Arc<dyn Relay>,
    /// Where hosts share their newest comments.
    pub recent: Option<Arc<dyn Recent>>,
    /// For limits.
    pub counters: Arc<dyn Counters>,
    /// Who watches where.
    pub directory: Arc<dyn Directory>,
    /// Streams and their settings.
    pub catalog: Arc<dyn Catalog>,
    /// What moderators decided.
    pub audit: Arc<dyn Audit>,
    /// Components and their releases.
    pub releases: Arc<dyn Releases>,
    /// The store that has to be told to forget; none where the backend does so by itself.
    pub(crate) forgets: Option<Arc<RedbStore>>,
}

impl Backends {
    /// Opens the embedded backends in the data folder.
    pub(crate) fn embedded(config: &Config) -> Result<Self, Exit> {
        let options = EmbeddedOptions {
            keep_for: Duration::from_secs(config.log.keep_hours * 3_600),
            keep_bytes: config.log.keep_mb << 20,
            ..EmbeddedOptions::default()
        };
        let embedded = Embedded::open(&config.data, &options).map_err(|error| unusable(&error))?;
        Ok(Self {
            store: embedded.store_port(),
            forgets: Some(embedded.store),
            log: embedded.log,
            relay: embedded.relay,
            recent: None,
            counters: embedded.counters,
            directory: embedded.directory,
            catalog: embedded.catalog,
            audit: embedded.audit,
            releases: embedded.releases,
        })
    }

    /// Connects to a region's services; components stay in the data folder.
    pub(crate) async fn of_region(config: &Config, region: &Region, host: &HostId) -> Result<Self, Exit> {
        let usage = |error: crate::config::InvalidConfig| Exit::Usage(error.to_string());
        let releases = Embedded::open_releases(&config.data).map_err(|error| unusable(&error))?;
        let (kafka, cassandra) = (region.kafka(host).map_err(usage)?, region.cassandra().map_err(usage)?);
        let (redis, postgres) = (region.redis().map_err(usage)?, region.postgres().map_err(usage)?);
        let log = async {
            let connected = ringside_kafka::KafkaLog::connect(&kafka).await;
            connected.map_err(|error| Exit::of_connection(error.is_transient(), &error))
        };
        let store = async {
            let connected = ringside_cassandra::connect(&cassandra).await;
            connected.map_err(|error| Exit::of_connection(error.is_transient(), &error))
        };
        let catalog = async {
            let connected = ringside_postgres::Postgres::connect(&postgres).await;
            connected.map_err(|error| Exit::of_connection(error.is_transient(), &error))
        };
        let cache = async {
            let opened =
                ringside_redis::Redis::open(redis).map_err(|error| Exit::of_connection(false, &error))?;
            match opened.check().await {
                // Viewers are served without it; the breaker knows.
                Err(error) if error.is_transient() => warn!(%error, "going on without it"),
                checked => checked.map_err(|error| Exit::of_connection(false, &error))?,
            }
            Ok(opened)
        };
        let (log, store, catalog, cache) = tokio::try_join!(log, store, catalog, cache)?;
        Ok(Self {
            log: Arc::new(log),
            store: Arc::new(store),
            relay: cache.relay,
            recent: Some(cache.recent),
            counters: Arc::new(FallbackCounters::new(cache.counters, ringside_embedded::local_counters())),
            directory: cache.directory,
            catalog: catalog.catalog,
            audit: catalog.audit,
            releases,
            forgets: None,
        })
    }
}

fn unusable(error: &OpenError) -> Exit {
    match error {
        OpenError::Locked(_) | OpenError::Folder { .. } => {
            Exit::Usage(format!("configuration at `data`: {error}"))
        }
        _ => Exit::Failed(error.to_string()),
    }
}
