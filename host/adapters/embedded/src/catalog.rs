//! Streams on redb, in the file that the audit log is in too; each change is synced before it is answered.

use std::fs::File;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use redb::{ReadableDatabase as _, ReadableTable as _, TableDefinition};
use ringside_core::StreamId;
use ringside_ports::catalog::StreamEntry;
use ringside_ports::error::{PortError, PortErrorKind, PortResult};

use crate::database::{Database, blocking, failed};
use crate::{OpenError, audit};

const STREAMS: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("streams");

/// Memory for pages of the database: it holds thousands of streams, and hosts keep the settings they use.
const CACHE_BYTES: usize = 8 << 20;

/// Streams.
pub(crate) struct RedbCatalog(pub(crate) Arc<CatalogFile>);

/// The file of what people set up and decide.
pub(crate) struct CatalogFile(Arc<Database>);

pub(crate) fn unreadable(error: &serde_json::Error) -> redb::Error {
    redb::Error::Corrupted(error.to_string())
}

pub(crate) fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, redb::Error> {
    serde_json::from_slice(bytes).map_err(|error| unreadable(&error))
}

impl CatalogFile {
    /// Opens or makes the file, in a folder that `lock` holds.
    ///
    /// # Errors
    /// [`OpenError::Database`].
    pub(crate) fn open(path: &Path, lock: Arc<File>) -> Result<Self, OpenError> {
        let prepare = Box::new(|database: &redb::Database| {
            let write = database.begin_write()?;
            write.open_table(STREAMS)?;
            audit::prepare(&write)?;
            write.commit()?;
            Ok(())
        });
        Ok(Self(Arc::new(Database::open(path, CACHE_BYTES, lock, prepare)?)))
    }

    /// Runs work on a thread that may wait for the disk.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&redb::Database) -> Result<T, redb::Error> + Send + 'static,
    ) -> PortResult<T> {
        let database = self.0.clone();
        blocking(operation, move || {
            database.run(work).map_err(|error| failed(operation, database.path(), error))
        })
        .await
    }

    /// Runs a change in a synced transaction of its own; one that is refused changes nothing.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        operation: &'static str,
        change: impl FnOnce(&redb::WriteTransaction) -> Changed<T> + Send + 'static,
    ) -> PortResult<T> {
        self.run(operation, move |database| {
            let write = database.begin_write()?;
            let changed = change(&write)?;
            if changed.is_ok() {
                write.commit()?;
            } else {
                write.abort()?;
            }
            Ok(changed)
        })
        .await?
    }
}

/// What a change gives, or why it is refused; the outer error is the database's.
pub(crate) type Changed<T> = Result<PortResult<T>, redb::Error>;

#[async_trait]
impl ringside_ports::Catalog for RedbCatalog {
    async fn stream(&self, id: &StreamId) -> PortResult<Option<StreamEntry>> {
        let id = id.clone();
        self.0
            .run("catalog.stream", move |database| {
                let table = database.begin_read()?.open_table(STREAMS)?;
                table.get(id.as_str())?.map(|value| decode(value.value())).transpose()
            })
            .await
    }

    async fn create(&self, entry: StreamEntry) -> PortResult<()> {
        self.0
            .change("catalog.create", move |write| {
                let mut table = write.open_table(STREAMS)?;
                if table.get(entry.id.as_str())?.is_some() {
                    let detail = format!("stream `{}` is registered already", entry.id);
                    return Ok(Err(PortError::new(PortErrorKind::Conflict, "catalog.create", detail)));
                }
                let bytes = serde_json::to_vec(&entry).map_err(|error| unreadable(&error))?;
                table.insert(entry.id.as_str(), bytes.as_slice())?;
                Ok(Ok(()))
            })
            .await
    }

    async fn update(&self, entry: StreamEntry) -> PortResult<u64> {
        self.0
            .change("catalog.update", move |write| {
                let mut table = write.open_table(STREAMS)?;
                let kept = table.get(entry.id.as_str())?.map(|value| decode(value.value())).transpose()?;
                let Some(kept): Option<StreamEntry> = kept else {
                    let detail = format!("there is no stream `{}`: create it first", entry.id);
                    return Ok(Err(PortError::new(PortErrorKind::NotFound, "catalog.update", detail)));
                };
                if kept.version != entry.version {
                    let detail = format!(
                        "stream `{}` is at version {}, not {}: read it again",
                        entry.id, kept.version, entry.version
                    );
                    return Ok(Err(PortError::new(PortErrorKind::Conflict, "catalog.update", detail)));
                }
                let version = kept.version + 1;
                let after = StreamEntry { title: entry.title, settings: entry.settings, version, ..kept };
                let bytes = serde_json::to_vec(&after).map_err(|error| unreadable(&error))?;
                table.insert(after.id.as_str(), bytes.as_slice())?;
                Ok(Ok(version))
            })
            .await
    }

    async fn streams(&self, after: Option<&StreamId>, most: usize) -> PortResult<Vec<StreamEntry>> {
        let after = after.cloned();
        self.0
            .run("catalog.streams", move |database| {
                let table = database.begin_read()?.open_table(STREAMS)?;
                let from = after.as_ref().map_or(Bound::Unbounded, |after| Bound::Excluded(after.as_str()));
                let mut entries = Vec::new();
                for entry in table.range::<&str>((from, Bound::Unbounded))?.take(most) {
                    entries.push(decode(entry?.1.value())?);
                }
                Ok(entries)
            })
            .await
    }
}
