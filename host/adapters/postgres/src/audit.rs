//! The audit log: an entry and what stands by it are written in one transaction, one after the other.

mod read;
mod rows;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use ringside_core::UserId;
use ringside_core::moderation::Restriction;
use ringside_ports::audit::{AuditEntry, AuditPage, AuditQuery, By, Deed, RestrictionChange};
use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use sqlx::PgConnection;

use crate::database::Database;

/// The audit log and the restrictions that hold.
pub(crate) struct PostgresAudit(pub(crate) Arc<Database>);

/// What a change gives, or why it is refused; the outer error is the database's.
type Changed = Result<PortResult<AuditEntry>, sqlx::Error>;

/// Goes on in a change where a rule allows it.
macro_rules! allowed {
    ($rule:expr) => {
        if let Err(refused) = $rule {
            return Ok(Err(refused));
        }
    };
}

async fn record(database: &mut PgConnection, by: By, deed: Deed, instead_of: Option<u64>) -> Changed {
    let number = write::next(database).await?;
    if let Some(earlier) = read::by_reference(database, &by).await? {
        return Ok(earlier.repeats(&by, Some(&deed), None).map(|()| earlier));
    }
    let standing = read::standing(database, &deed).await?;
    allowed!(deed.may_be_recorded(&by, standing.as_ref(), instead_of));
    let entry = AuditEntry { number, by, deed, instead_of, undoes: None, undone_by: None };
    write::append(database, &entry).await?;
    write::stand(database, &entry).await?;
    Ok(Ok(entry))
}

async fn undo(database: &mut PgConnection, by: By, undoes: u64) -> Changed {
    let number = write::next(database).await?;
    if let Some(earlier) = read::by_reference(database, &by).await? {
        return Ok(earlier.repeats(&by, None, Some(undoes)).map(|()| earlier));
    }
    let Some(undone) = read::entry(database, undoes).await? else {
        let detail = format!("the audit log has no entry {undoes}");
        return Ok(Err(PortError::new(PortErrorKind::NotFound, "audit.undo", detail)));
    };
    let before = match undone.undone_by {
        Some(by) => read::entry(database, by).await?,
        None => None,
    };
    let standing = read::standing(database, &undone.deed).await?;
    allowed!(undone.may_be_undone(&by, before.as_ref(), standing.as_ref()));
    let deed = undone.deed;
    let entry = AuditEntry { number, by, deed, instead_of: None, undoes: Some(undoes), undone_by: None };
    write::append(database, &entry).await?;
    write::fall(database, &entry).await?;
    Ok(Ok(entry))
}

#[async_trait]
impl ringside_ports::Audit for PostgresAudit {
    async fn record(&self, by: By, deed: Deed, instead_of: Option<u64>) -> PortResult<AuditEntry> {
        let change = async {
            let mut transaction = self.0.pool.begin().await?;
            let recorded = record(&mut transaction, by, deed, instead_of).await?;
            write::end(transaction, recorded).await
        };
        self.0.call("audit.record", change).await?
    }

    async fn undo(&self, by: By, number: u64) -> PortResult<AuditEntry> {
        let change = async {
            let mut transaction = self.0.pool.begin().await?;
            let undone = undo(&mut transaction, by, number).await?;
            write::end(transaction, undone).await
        };
        self.0.call("audit.undo", change).await?
    }

    async fn page(&self, query: AuditQuery) -> PortResult<AuditPage> {
        self.0.call("audit.page", read::page(&self.0.pool, &query)).await
    }

    async fn restrictions(&self, now_ms: u64, user: &UserId) -> PortResult<Vec<Restriction>> {
        self.0.call("audit.restrictions", read::restrictions(&self.0.pool, now_ms, user)).await
    }

    async fn restrictions_since(&self, version: u64, most: usize) -> PortResult<Vec<RestrictionChange>> {
        self.0.call("audit.restrictions_since", read::changes(&self.0.pool, version, most)).await
    }

    async fn forget(&self, before_ms: u64) -> PortResult<usize> {
        let change = async {
            let mut transaction = self.0.pool.begin().await?;
            let gone = write::forget(&mut transaction, before_ms).await?;
            transaction.commit().await?;
            Ok(gone)
        };
        self.0.call("audit.forget", change).await
    }
}
