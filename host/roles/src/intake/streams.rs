//! Streams and their settings, kept near: read for every comment, changed rarely.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use ringside_core::error::Problem;
use ringside_core::{Failure, Settings, StreamId};
use ringside_ports::Catalog;
use ringside_ports::catalog::StreamEntry;
use ringside_ports::error::PortErrorKind;

use super::{lock, unavailable};
use crate::clock::Clock;

/// A stream is read again from the catalog after this long: another host's change holds within it.
const AGE_MS: u64 = 2_000;
/// Streams kept near; past it those not read for a minute are forgotten, then all.
const STREAMS_MAX: usize = 10_000;
/// Times a change is tried when someone else changed the stream in between.
const CHANGE_ATTEMPTS: usize = 8;

struct Known {
    entry: Arc<StreamEntry>,
    settings: Arc<Settings>,
    read_at_ms: u64,
}

/// Streams with their settings.
pub struct Streams {
    catalog: Arc<dyn Catalog>,
    clock: Clock,
    open: bool,
    known: Mutex<HashMap<StreamId, Known>>,
}

impl Streams {
    /// `open`: an unknown id registers a stream.
    #[must_use]
    pub fn new(catalog: Arc<dyn Catalog>, clock: Clock, open: bool) -> Self {
        Self { catalog, clock, open, known: Mutex::default() }
    }

    /// The stream of a text that a client sent.
    ///
    /// # Errors
    /// `InvalidField` when it is no id, else those of [`Streams::get`].
    pub async fn open(&self, id: &str) -> Result<Arc<StreamEntry>, Failure> {
        let id = StreamId::new(id).map_err(|error| Failure::new(Problem::InvalidField, error.to_string()))?;
        self.get(&id).await
    }

    /// A stream, at most two seconds old; older when the catalog is away.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    pub async fn get(&self, id: &StreamId) -> Result<Arc<StreamEntry>, Failure> {
        let now_ms = self.clock.now_ms();
        let stale = match lock(&self.known).get(id) {
            Some(known) if now_ms.saturating_sub(known.read_at_ms) < AGE_MS => {
                return Ok(known.entry.clone());
            }
            known => known.map(|known| known.entry.clone()),
        };
        match self.catalog.stream(id).await {
            Ok(Some(entry)) => Ok(self.keep(entry)),
            Ok(None) if self.open => self.register(id).await,
            Ok(None) => Err(not_found(id)),
            // Settings that were known go on while the catalog is away.
            Err(error) => stale.ok_or_else(|| unavailable(&error)),
        }
    }

    /// The settings of a stream, shared: a chain batch refers to them many times.
    ///
    /// # Errors
    /// Those of [`Streams::get`].
    pub async fn settings(&self, id: &StreamId) -> Result<Arc<Settings>, Failure> {
        let entry = self.get(id).await?;
        let known = lock(&self.known).get(id).map(|known| known.settings.clone());
        Ok(known.unwrap_or_else(|| Arc::new(entry.settings.clone())))
    }

    /// Changes a stream's settings, however many change it at once.
    ///
    /// # Errors
    /// Those of `change`, `NotFound`, `Conflict` after eight attempts, `Unavailable`.
    pub async fn change(
        &self,
        id: &StreamId,
        change: impl Fn(&Settings) -> Result<Settings, Failure>,
    ) -> Result<Settings, Failure> {
        for _ in 0..CHANGE_ATTEMPTS {
            let mut entry = match self.catalog.stream(id).await {
                Ok(Some(entry)) => entry,
                Ok(None) => return Err(not_found(id)),
                Err(error) => return Err(unavailable(&error)),
            };
            entry.settings = change(&entry.settings)?;
            match self.catalog.update(entry.clone()).await {
                Ok(version) => {
                    entry.version = version;
                    let settings = entry.settings.clone();
                    self.keep(entry);
                    return Ok(settings);
                }
                Err(error) if error.kind == PortErrorKind::Conflict => {}
                Err(error) => return Err(unavailable(&error)),
            }
        }
        Err(Failure::new(Problem::Conflict, format!("others keep changing stream `{id}`: try again")))
    }

    async fn register(&self, id: &StreamId) -> Result<Arc<StreamEntry>, Failure> {
        let entry = StreamEntry {
            id: id.clone(),
            title: id.to_string(),
            settings: Settings::default(),
            version: 1,
            created_at_ms: self.clock.now_ms(),
        };
        match self.catalog.create(entry.clone()).await {
            Ok(()) => Ok(self.keep(entry)),
            Err(error) if error.kind == PortErrorKind::Conflict => match self.catalog.stream(id).await {
                Ok(Some(entry)) => Ok(self.keep(entry)),
                Ok(None) => Err(not_found(id)),
                Err(error) => Err(unavailable(&error)),
            },
            Err(error) => Err(unavailable(&error)),
        }
    }

    fn keep(&self, entry: StreamEntry) -> Arc<StreamEntry> {
        let now_ms = self.clock.now_ms();
        let mut known = lock(&self.known);
        if known.len() >= STREAMS_MAX && !known.contains_key(&entry.id) {
            known.retain(|_, known| now_ms.saturating_sub(known.read_at_ms) < 60_000);
            if known.len() >= STREAMS_MAX {
                known.clear();
            }
        }
        let entry = Arc::new(entry);
        let settings = Arc::new(entry.settings.clone());
        known.insert(entry.id.clone(), Known { entry: entry.clone(), settings, read_at_ms: now_ms });
        entry
    }
}

fn not_found(id: &StreamId) -> Failure {
    Failure::new(
        Problem::NotFound,
        format!("there is no stream `{id}`: register it with POST /v1/streams on the operators' address"),
    )
}
