//! What is written. Whoever records holds the head's row until the end of the transaction.

use ringside_core::{Reference, StreamId, UserId};
use ringside_ports::audit::{AuditEntry, Deed, FORGET_MAX};
use ringside_ports::error::PortResult;
use sqlx::types::Json;
use sqlx::{Error, PgConnection, PgTransaction};

use super::read::uuid;
use crate::number::{kept, read};

/// The number of the next entry. From here on nobody else records.
pub(super) async fn next(database: &mut PgConnection) -> Result<u64, Error> {
    let last = sqlx::query_scalar!("SELECT last FROM audit_head FOR UPDATE").fetch_one(database).await?;
    Ok(read(last) + 1)
}

/// Ends a transaction; what was refused changes nothing.
pub(super) async fn end<T>(
    transaction: PgTransaction<'_>,
    done: PortResult<T>,
) -> Result<PortResult<T>, Error> {
    if done.is_ok() {
        transaction.commit().await?;
    } else {
        transaction.rollback().await?;
    }
    Ok(done)
}

/// Adds an entry to the log.
pub(super) async fn append(database: &mut PgConnection, entry: &AuditEntry) -> Result<(), Error> {
    let (by, deed) = (&entry.by, &entry.deed);
    sqlx::query!(
        "WITH head AS (UPDATE audit_head SET last = $1)
         INSERT INTO audit (number, at_ms, actor, role, reason, reference, deed, kind, stream, user_id, comment,
                            instead_of, undoes)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        kept(entry.number),
        kept(by.at_ms),
        by.actor.as_str(),
        by.role.as_str(),
        by.reason,
        by.reference.as_ref().map(Reference::as_str),
        Json(deed) as _,
        deed.kind(),
        deed.stream().map(StreamId::as_str),
        deed.user().map(UserId::as_str),
        deed.comment().map(uuid),
        entry.instead_of.map(kept),
        entry.undoes.map(kept),
    )
    .execute(database)
    .await
    .map(drop)
}

/// From now on this entry stands.
pub(super) async fn stand(database: &mut PgConnection, entry: &AuditEntry) -> Result<(), Error> {
    let number = kept(entry.number);
    let query = match &entry.deed {
        Deed::Approve { stream, comment } | Deed::Remove { stream, comment } => sqlx::query!(
            "INSERT INTO decisions (stream, comment, number) VALUES ($1, $2, $3)
             ON CONFLICT (stream, comment) DO UPDATE SET number = excluded.number",
            stream.as_str(),
            uuid(*comment),
            number,
        ),
        Deed::Restrict { user, kind, stream, until_ms } => sqlx::query!(
            "INSERT INTO restrictions (user_id, kind, stream, until_ms, number, version, lifted)
             VALUES ($1, $2, $3, $4, $5, $5, false)
             ON CONFLICT (user_id, kind, stream) DO UPDATE
             SET until_ms = excluded.until_ms, number = excluded.number, version = excluded.version, lifted = false",
            user.as_str(),
            kind.as_str(),
            stream.as_ref().map_or("", StreamId::as_str),
            until_ms.map(kept),
            number,
        ),
        Deed::Change { .. } => return Ok(()),
    };
    query.execute(database).await.map(drop)
}

/// What this entry undoes stands no more.
pub(super) async fn fall(database: &mut PgConnection, entry: &AuditEntry) -> Result<(), Error> {
    let undone = entry.undoes.map(kept);
    sqlx::query!("DELETE FROM decisions WHERE number = $1", undone).execute(&mut *database).await?;
    sqlx::query!(
        "UPDATE restrictions SET lifted = true, version = $2 WHERE number = $1",
        undone,
        kept(entry.number),
    )
    .execute(database)
    .await
    .map(drop)
}

/// Takes old entries out, but the newest of all, and those whose restriction holds or changed since: whoever follows
/// the changes must still hear of that.
pub(super) async fn forget(database: &mut PgConnection, before_ms: u64) -> Result<usize, Error> {
    next(database).await?;
    let gone = sqlx::query!(
        "WITH old AS (
             SELECT a.number FROM audit a
             WHERE a.at_ms < $1 AND a.number < (SELECT last FROM audit_head) AND NOT EXISTS (
                 SELECT FROM restrictions r JOIN audit change ON change.number = r.version
                 WHERE r.number = a.number
                   AND (change.at_ms >= $1 OR NOT r.lifted AND (r.until_ms IS NULL OR r.until_ms > $1)))
             ORDER BY a.number LIMIT $2
         ),
         restrictions_gone AS (DELETE FROM restrictions r USING old WHERE r.number = old.number),
         decisions_gone AS (DELETE FROM decisions d USING old WHERE d.number = old.number)
         DELETE FROM audit a USING old WHERE a.number = old.number",
        kept(before_ms),
        i64::try_from(FORGET_MAX).unwrap_or(i64::MAX),
    )
    .execute(database)
    .await?;
    Ok(usize::try_from(gone.rows_affected()).unwrap_or(usize::MAX))
}
