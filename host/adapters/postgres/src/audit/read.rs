//! What is read: entries, what stands, pages and restrictions.

use ringside_core::moderation::Restriction;
use ringside_core::{CommentId, StreamId, UserId};
use ringside_ports::audit::{AUDIT_PAGE_MAX, AuditEntry, AuditPage, AuditQuery, By, Deed, RestrictionChange};
use sqlx::types::{Json, Uuid};
use sqlx::{Error, PgConnection, PgPool};

use super::rows::{EntryRow, RestrictionRow};
use crate::number::{kept, read};

/// A comment's id as PostgreSQL knows such.
pub(super) fn uuid(id: CommentId) -> Uuid {
    let (high, low) = id.halves();
    Uuid::from_u64_pair(high, low)
}

fn rows(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

pub(super) async fn entry(database: &mut PgConnection, number: u64) -> Result<Option<AuditEntry>, Error> {
    let row = sqlx::query_as!(
        EntryRow,
        r#"SELECT a.number, a.at_ms, a.actor, a.role, a.reason, a.reference, a.deed AS "deed: Json<Deed>",
                  a.instead_of, a.undoes, u.number AS "undone_by?"
           FROM audit a LEFT JOIN audit u ON u.undoes = a.number
           WHERE a.number = $1"#,
        kept(number),
    )
    .fetch_optional(database)
    .await?;
    row.map(EntryRow::entry).transpose()
}

/// The entry that has this actor and reference.
pub(super) async fn by_reference(database: &mut PgConnection, by: &By) -> Result<Option<AuditEntry>, Error> {
    let Some(reference) = &by.reference else { return Ok(None) };
    let number = sqlx::query_scalar!(
        "SELECT number FROM audit WHERE actor = $1 AND reference = $2",
        by.actor.as_str(),
        reference.as_str(),
    )
    .fetch_optional(&mut *database)
    .await?;
    match number {
        Some(number) => entry(database, read(number)).await,
        None => Ok(None),
    }
}

/// What stands where this deed would.
pub(super) async fn standing(database: &mut PgConnection, deed: &Deed) -> Result<Option<AuditEntry>, Error> {
    let number = match deed {
        Deed::Approve { stream, comment } | Deed::Remove { stream, comment } => {
            sqlx::query_scalar!(
                "SELECT number FROM decisions WHERE stream = $1 AND comment = $2",
                stream.as_str(),
                uuid(*comment),
            )
            .fetch_optional(&mut *database)
            .await?
        }
        Deed::Restrict { user, kind, stream, .. } => sqlx::query_scalar!(
            "SELECT number FROM restrictions WHERE user_id = $1 AND kind = $2 AND stream = $3 AND NOT lifted",
            user.as_str(),
            kind.as_str(),
            stream.as_ref().map_or("", StreamId::as_str),
        )
        .fetch_optional(&mut *database)
        .await?,
        Deed::Change { .. } => None,
    };
    match number {
        Some(number) => entry(database, read(number)).await,
        None => Ok(None),
    }
}

/// A page, newest first.
pub(super) async fn page(pool: &PgPool, query: &AuditQuery) -> Result<AuditPage, Error> {
    let most = query.most.clamp(1, AUDIT_PAGE_MAX);
    let found = sqlx::query_as!(
        EntryRow,
        r#"SELECT a.number, a.at_ms, a.actor, a.role, a.reason, a.reference, a.deed AS "deed: Json<Deed>",
                  a.instead_of, a.undoes, u.number AS "undone_by?"
           FROM audit a LEFT JOIN audit u ON u.undoes = a.number
           WHERE a.number < $1
             AND ($2::text IS NULL OR a.stream = $2)
             AND ($3::text IS NULL OR a.user_id = $3)
             AND ($4::uuid IS NULL OR a.comment = $4)
             AND ($5::text IS NULL OR a.actor = $5)
             AND ($6::text IS NULL OR a.kind = $6)
             AND ($7::bigint IS NULL OR a.at_ms >= $7)
             AND ($8::bigint IS NULL OR a.at_ms < $8)
           ORDER BY a.number DESC LIMIT $9"#,
        query.before.map_or(i64::MAX, kept),
        query.stream.as_ref().map(StreamId::as_str),
        query.user.as_ref().map(UserId::as_str),
        query.comment.map(uuid),
        query.actor.as_ref().map(UserId::as_str),
        query.kind.as_deref(),
        query.since_ms.map(kept),
        query.until_ms.map(kept),
        rows(most + 1),
    )
    .fetch_all(pool)
    .await?;
    let is_last = found.len() <= most;
    let entries: Vec<AuditEntry> =
        found.into_iter().take(most).map(EntryRow::entry).collect::<Result<_, _>>()?;
    let next = entries.last().filter(|_| !is_last).map(|entry| entry.number);
    Ok(AuditPage { entries, next })
}

/// What a user may not do at `now_ms`.
pub(super) async fn restrictions(
    pool: &PgPool,
    now_ms: u64,
    user: &UserId,
) -> Result<Vec<Restriction>, Error> {
    let found = sqlx::query_as!(
        RestrictionRow,
        "SELECT r.user_id, r.kind, r.stream, r.until_ms, a.reason, a.actor, a.at_ms, r.number, r.version, r.lifted
         FROM restrictions r JOIN audit a ON a.number = r.number
         WHERE r.user_id = $1 AND NOT r.lifted AND (r.until_ms IS NULL OR r.until_ms > $2)
         ORDER BY r.stream <> '', r.number DESC LIMIT $3",
        user.as_str(),
        kept(now_ms),
        rows(AUDIT_PAGE_MAX),
    )
    .fetch_all(pool)
    .await?;
    found.into_iter().map(|row| Ok(row.change()?.restriction)).collect()
}

/// Restrictions that changed after an entry.
pub(super) async fn changes(
    pool: &PgPool,
    version: u64,
    most: usize,
) -> Result<Vec<RestrictionChange>, Error> {
    let found = sqlx::query_as!(
        RestrictionRow,
        "SELECT r.user_id, r.kind, r.stream, r.until_ms, a.reason, a.actor, a.at_ms, r.number, r.version, r.lifted
         FROM restrictions r JOIN audit a ON a.number = r.number
         WHERE r.version > $1 ORDER BY r.version LIMIT $2",
        kept(version),
        rows(most.min(AUDIT_PAGE_MAX)),
    )
    .fetch_all(pool)
    .await?;
    found.into_iter().map(RestrictionRow::change).collect()
}
