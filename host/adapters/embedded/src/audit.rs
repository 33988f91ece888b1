//! The audit log on redb, in the catalog's file: an entry, its places in the indexes and what stands by it are written
//! in one transaction, of which redb runs one at a time.

mod bans;
mod read;
mod tables;

use std::sync::Arc;

use async_trait::async_trait;
use redb::ReadableDatabase as _;
use ringside_core::UserId;
use ringside_core::moderation::Restriction;
use ringside_ports::audit::{AuditEntry, AuditPage, AuditQuery, By, Deed, RestrictionChange};
use ringside_ports::error::{PortError, PortErrorKind, PortResult};

use crate::catalog::{CatalogFile, Changed};
use read::Reading;
use tables::Writing;

pub(crate) use bans::prepare;

/// The audit log and the restrictions that hold.
pub(crate) struct RedbAudit(pub(crate) Arc<CatalogFile>);

/// Goes on in a change where a rule allows it.
macro_rules! allowed {
    ($rule:expr) => {
        if let Err(refused) = $rule {
            return Ok(Err(refused));
        }
    };
}

fn record(tables: &mut Writing<'_>, by: By, deed: Deed, instead_of: Option<u64>) -> Changed<AuditEntry> {
    if let Some(earlier) = tables.by_reference(&by)? {
        return Ok(earlier.repeats(&by, Some(&deed), None).map(|()| earlier));
    }
    let standing = tables.standing(&deed)?;
    allowed!(deed.may_be_recorded(&by, standing.as_ref(), instead_of));
    let entry = AuditEntry { number: tables.next()?, by, deed, instead_of, undoes: None, undone_by: None };
    tables.append(&entry)?;
    tables.stand(&entry)?;
    Ok(Ok(entry))
}

fn undo(tables: &mut Writing<'_>, by: By, number: u64) -> Changed<AuditEntry> {
    if let Some(earlier) = tables.by_reference(&by)? {
        return Ok(earlier.repeats(&by, None, Some(number)).map(|()| earlier));
    }
    let Some(undone) = tables.entry(number)? else {
        let detail = format!("the audit log has no entry {number}");
        return Ok(Err(PortError::new(PortErrorKind::NotFound, "audit.undo", detail)));
    };
    let before = undone.undone_by.map(|by| tables.entry(by)).transpose()?.flatten();
    let standing = tables.standing(&undone.deed)?;
    allowed!(undone.may_be_undone(&by, before.as_ref(), standing.as_ref()));
    let deed = undone.deed;
    let entry = AuditEntry {
        number: tables.next()?,
        by,
        deed,
        instead_of: None,
        undoes: Some(number),
        undone_by: None,
    };
    tables.append(&entry)?;
    tables.fall(&entry, number)?;
    Ok(Ok(entry))
}

#[async_trait]
impl ringside_ports::Audit for RedbAudit {
    async fn record(&self, by: By, deed: Deed, instead_of: Option<u64>) -> PortResult<AuditEntry> {
        let change =
            move |write: &redb::WriteTransaction| record(&mut Writing::open(write)?, by, deed, instead_of);
        self.0.change("audit.record", change).await
    }

    async fn undo(&self, by: By, number: u64) -> PortResult<AuditEntry> {
        let change = move |write: &redb::WriteTransaction| undo(&mut Writing::open(write)?, by, number);
        self.0.change("audit.undo", change).await
    }

    async fn page(&self, query: AuditQuery) -> PortResult<AuditPage> {
        self.0.run("audit.page", move |database| Reading(&database.begin_read()?).page(&query)).await
    }

    async fn restrictions(&self, now_ms: u64, user: &UserId) -> PortResult<Vec<Restriction>> {
        let user = user.clone();
        let read =
            move |database: &redb::Database| Reading(&database.begin_read()?).restrictions(now_ms, &user);
        self.0.run("audit.restrictions", read).await
    }

    async fn restrictions_since(&self, version: u64, most: usize) -> PortResult<Vec<RestrictionChange>> {
        let read = move |database: &redb::Database| Reading(&database.begin_read()?).changes(version, most);
        self.0.run("audit.restrictions_since", read).await
    }

    async fn forget(&self, before_ms: u64) -> PortResult<usize> {
        let change = move |write: &redb::WriteTransaction| Writing::open(write)?.forget(before_ms).map(Ok);
        self.0.change("audit.forget", change).await
    }
}
