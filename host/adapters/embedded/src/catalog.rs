//! Streams and bans on redb; each change is synced before it is answered.

use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use ringside_core::{StreamId, UserId};
use ringside_ports::catalog::{Ban, StreamEntry};
use ringside_ports::error::{PortError, PortErrorKind, PortResult};

use crate::OpenError;

const STREAMS: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("streams");
const BANS: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("bans");

/// Streams and bans in one file.
pub(crate) struct RedbCatalog {
    database: Arc<Database>,
}

fn failed(error: impl Into<redb::Error>) -> PortError {
    PortError::new(PortErrorKind::Unavailable, "catalog", "the embedded catalog failed").because(error.into())
}

fn unreadable(error: serde_json::Error) -> PortError {
    PortError::new(PortErrorKind::Corrupt, "catalog", "an entry cannot be read").because(error)
}

impl RedbCatalog {
    /// Opens or makes the file.
    ///
    /// # Errors
    /// [`OpenError::Database`].
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let failed =
            |error: redb::Error| OpenError::Database { path: path.into(), detail: error.to_string() };
        let database = Database::create(path).map_err(|error| failed(error.into()))?;
        let make = || -> Result<(), redb::Error> {
            let write = database.begin_write()?;
            write.open_table(STREAMS)?;
            write.open_table(BANS)?;
            write.commit()?;
            Ok(())
        };
        make().map_err(failed)?;
        Ok(Self { database: Arc::new(database) })
    }

    /// Runs a change in a transaction of its own, on a thread that may wait for the disk.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&redb::WriteTransaction) -> PortResult<T> + Send + 'static,
    ) -> PortResult<T> {
        let database = self.database.clone();
        let work = move || {
            let write = database.begin_write().map_err(failed)?;
            let result = change(&write)?;
            write.commit().map_err(failed)?;
            Ok(result)
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| PortError::new(PortErrorKind::Unavailable, "catalog", error.to_string()))?
    }
}

#[async_trait]
impl ringside_ports::Catalog for RedbCatalog {
    async fn stream(&self, id: &StreamId) -> PortResult<Option<StreamEntry>> {
        let read = self.database.begin_read().map_err(failed)?;
        let table = read.open_table(STREAMS).map_err(failed)?;
        let value = table.get(id.as_str()).map_err(failed)?;
        value.map(|value| serde_json::from_slice(value.value()).map_err(unreadable)).transpose()
    }

    async fn create(&self, entry: StreamEntry) -> PortResult<()> {
        self.change(move |write| {
            let mut table = write.open_table(STREAMS).map_err(failed)?;
            if table.get(entry.id.as_str()).map_err(failed)?.is_some() {
                let detail = format!("stream `{}` is registered already", entry.id);
                return Err(PortError::new(PortErrorKind::Conflict, "catalog.create", detail));
            }
            let bytes = serde_json::to_vec(&entry).map_err(unreadable)?;
            table.insert(entry.id.as_str(), bytes.as_slice()).map_err(failed)?;
            Ok(())
        })
        .await
    }

    async fn update(&self, mut entry: StreamEntry) -> PortResult<u64> {
        self.change(move |write| {
            let mut table = write.open_table(STREAMS).map_err(failed)?;
            let kept: StreamEntry = {
                let value = table.get(entry.id.as_str()).map_err(failed)?.ok_or_else(|| {
                    let detail = format!("there is no stream `{}`", entry.id);
                    PortError::new(PortErrorKind::NotFound, "catalog.update", detail)
                })?;
                serde_json::from_slice(value.value()).map_err(unreadable)?
            };
            if kept.version != entry.version {
                let detail =
                    format!("stream `{}` is at version {}, not {}", entry.id, kept.version, entry.version);
                return Err(PortError::new(PortErrorKind::Conflict, "catalog.update", detail));
            }
            entry.version += 1;
            let bytes = serde_json::to_vec(&entry).map_err(unreadable)?;
            table.insert(entry.id.as_str(), bytes.as_slice()).map_err(failed)?;
            Ok(entry.version)
        })
        .await
    }

    async fn streams(&self, after: Option<&StreamId>, most: usize) -> PortResult<Vec<StreamEntry>> {
        let read = self.database.begin_read().map_err(failed)?;
        let table = read.open_table(STREAMS).map_err(failed)?;
        let from = after.map_or(Bound::Unbounded, |after| Bound::Excluded(after.as_str()));
        let mut entries = Vec::new();
        for entry in table.range::<&str>((from, Bound::Unbounded)).map_err(failed)?.take(most) {
            let (_, value) = entry.map_err(failed)?;
            entries.push(serde_json::from_slice(value.value()).map_err(unreadable)?);
        }
        Ok(entries)
    }

    async fn ban(&self, ban: Ban) -> PortResult<()> {
        self.change(move |write| {
            let bytes = serde_json::to_vec(&ban).map_err(unreadable)?;
            let mut table = write.open_table(BANS).map_err(failed)?;
            table.insert(ban.user.as_str(), bytes.as_slice()).map_err(failed)?;
            Ok(())
        })
        .await
    }

    async fn unban(&self, user: &UserId) -> PortResult<bool> {
        let user = user.clone();
        self.change(move |write| {
            let mut table = write.open_table(BANS).map_err(failed)?;
            let removed = table.remove(user.as_str()).map_err(failed)?;
            Ok(removed.is_some())
        })
        .await
    }

    async fn banned(&self, now_ms: u64, user: &UserId) -> PortResult<Option<Ban>> {
        let read = self.database.begin_read().map_err(failed)?;
        let table = read.open_table(BANS).map_err(failed)?;
        let Some(value) = table.get(user.as_str()).map_err(failed)? else { return Ok(None) };
        let ban: Ban = serde_json::from_slice(value.value()).map_err(unreadable)?;
        Ok(Some(ban).filter(|ban| ban.until_ms.is_none_or(|until_ms| until_ms > now_ms)))
    }
}
