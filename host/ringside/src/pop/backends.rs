//! What the roles and the edge stand on.

use std::sync::Arc;
use std::time::Duration;

use ringside_embedded::{Embedded, EmbeddedOptions, OpenError, RedbStore};
use ringside_ports::{Catalog, Counters, Directory, Log, Relay, Releases, Store};

use crate::config::Config;
use crate::exit::Exit;

/// Every port, connected.
pub(crate) struct Backends {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) relay: Arc<dyn Relay>,
    pub(crate) counters: Arc<dyn Counters>,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) releases: Arc<dyn Releases>,
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
        let embedded = Embedded::open(&config.data, &options).map_err(|error| match error {
            OpenError::Locked(_) | OpenError::Folder { .. } => {
                Exit::Usage(format!("configuration at `data`: {error}"))
            }
            _ => Exit::Failed(error.to_string()),
        })?;
        Ok(Self {
            store: embedded.store_port(),
            forgets: Some(embedded.store),
            log: embedded.log,
            relay: embedded.relay,
            counters: embedded.counters,
            directory: embedded.directory,
            catalog: embedded.catalog,
            releases: embedded.releases,
        })
    }
}
