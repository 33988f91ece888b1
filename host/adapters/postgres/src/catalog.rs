//! Streams.

use std::sync::Arc;

use async_trait::async_trait;
use ringside_core::{Settings, StreamId};
use ringside_ports::catalog::StreamEntry;
use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use sqlx::types::Json;

use crate::database::Database;
use crate::error::unreadable;
use crate::number::{kept, read};

/// Streams in a table.
pub(crate) struct PostgresCatalog(pub(crate) Arc<Database>);

struct StreamRow {
    id: String,
    title: String,
    settings: Json<Settings>,
    version: i64,
    created_at_ms: i64,
}

impl StreamRow {
    fn entry(self) -> Result<StreamEntry, sqlx::Error> {
        Ok(StreamEntry {
            id: StreamId::new(&self.id).map_err(unreadable)?,
            title: self.title,
            settings: self.settings.0,
            version: read(self.version),
            created_at_ms: read(self.created_at_ms),
        })
    }
}

#[async_trait]
impl ringside_ports::Catalog for PostgresCatalog {
    async fn stream(&self, id: &StreamId) -> PortResult<Option<StreamEntry>> {
        self.0
            .call("catalog.stream", async {
                let row = sqlx::query_as!(
                    StreamRow,
                    r#"SELECT id, title, settings AS "settings: Json<Settings>", version, created_at_ms
                       FROM streams WHERE id = $1"#,
                    id.as_str(),
                )
                .fetch_optional(&self.0.pool)
                .await?;
                row.map(StreamRow::entry).transpose()
            })
            .await
    }

    async fn create(&self, entry: StreamEntry) -> PortResult<()> {
        let made = self.0.call("catalog.create", async {
            let done = sqlx::query!(
                "INSERT INTO streams (id, title, settings, version, created_at_ms)
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING",
                entry.id.as_str(),
                entry.title,
                Json(&entry.settings) as _,
                kept(entry.version),
                kept(entry.created_at_ms),
            )
            .execute(&self.0.pool)
            .await?;
            Ok(done.rows_affected() == 1)
        });
        if made.await? {
            return Ok(());
        }
        let detail = format!("stream `{}` is registered already", entry.id);
        Err(PortError::new(PortErrorKind::Conflict, "catalog.create", detail))
    }

    async fn update(&self, entry: StreamEntry) -> PortResult<u64> {
        // What was there before the update tells why nothing was updated.
        let found = self.0.call("catalog.update", async {
            sqlx::query!(
                r#"WITH updated AS (
                       UPDATE streams SET title = $2, settings = $3, version = version + 1
                       WHERE id = $1 AND version = $4 RETURNING version
                   )
                   SELECT version AS "before!", (SELECT version FROM updated) AS after FROM streams WHERE id = $1"#,
                entry.id.as_str(),
                entry.title,
                Json(&entry.settings) as _,
                kept(entry.version),
            )
            .fetch_optional(&self.0.pool)
            .await
        });
        let refused = |kind, detail| Err(PortError::new(kind, "catalog.update", detail));
        match found.await? {
            None => {
                let detail = format!("there is no stream `{}`: create it first", entry.id);
                refused(PortErrorKind::NotFound, detail)
            }
            Some(row) => match row.after {
                Some(version) => Ok(read(version)),
                None => {
                    let detail = format!(
                        "stream `{}` is not at version {} any more: read it again",
                        entry.id, entry.version
                    );
                    refused(PortErrorKind::Conflict, detail)
                }
            },
        }
    }

    async fn streams(&self, after: Option<&StreamId>, most: usize) -> PortResult<Vec<StreamEntry>> {
        self.0
            .call("catalog.streams", async {
                let rows = sqlx::query_as!(
                    StreamRow,
                    r#"SELECT id, title, settings AS "settings: Json<Settings>", version, created_at_ms
                       FROM streams WHERE id > $1 ORDER BY id LIMIT $2"#,
                    // No id is empty: all are behind it.
                    after.map_or("", StreamId::as_str),
                    i64::try_from(most).unwrap_or(i64::MAX),
                )
                .fetch_all(&self.0.pool)
                .await?;
                rows.into_iter().map(StreamRow::entry).collect()
            })
            .await
    }
}
