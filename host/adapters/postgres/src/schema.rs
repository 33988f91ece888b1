//! The schema: brought to this program's version by [`migrate`], and checked before it is used.

use std::time::Duration;

use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use sqlx::PgConnection;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgPoolOptions;

use crate::PostgresOptions;
use crate::database::{self, bounded};
use crate::error::{Address, failed, silent};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Longest time for all migrations, waiting for another process that migrates included: an index over a table of
/// millions of rows takes minutes.
const MIGRATE_MAX: Duration = Duration::from_secs(1_800);

/// What a migration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// Version of the schema before; 0 where there was none.
    pub before: i64,
    /// Version now.
    pub after: i64,
}

fn newest() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

fn newer(operation: &'static str, address: &Address, found: i64) -> PortError {
    let detail = format!(
        "the schema of {address} has version {found}, this program knows up to {}: use a newer program",
        newest()
    );
    PortError::new(PortErrorKind::Invalid, operation, detail)
}

/// Brings a database to this program's schema. Doing it again changes nothing; of two at once, one waits for the other.
/// The database must be there.
///
/// # Errors
/// As [`crate::Postgres::connect`], but for an older schema, which is what it is for.
pub async fn migrate(options: &PostgresOptions) -> PortResult<Migrated> {
    const OPERATION: &str = "postgres.migrate";
    let (parsed, address) = database::parse(options, OPERATION)?;
    let mut connection = database::open(&parsed, &address, OPERATION).await?;
    let before = bounded(OPERATION, &address, version(&mut connection)).await?;
    if before > newest() {
        return Err(newer(OPERATION, &address, before));
    }
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(parsed);
    match tokio::time::timeout(MIGRATE_MAX, MIGRATIONS.run(&pool)).await {
        Ok(done) => done.map_err(|error| unmigrated(OPERATION, &address, error))?,
        Err(_) => return Err(silent(OPERATION, &address, MIGRATE_MAX)),
    }
    let after = bounded(OPERATION, &address, version(&mut connection)).await?;
    Ok(Migrated { before, after })
}

fn unmigrated(operation: &'static str, address: &Address, error: MigrateError) -> PortError {
    match error {
        MigrateError::Execute(error) => failed(operation, address, error),
        MigrateError::VersionMissing(version) => newer(operation, address, version),
        error => {
            let detail = format!("{address} cannot be migrated: mend what is said here and migrate again");
            PortError::new(PortErrorKind::Invalid, operation, detail).because(error)
        }
    }
}

/// Refuses a schema that is not this program's.
pub(crate) async fn check(connection: &mut PgConnection, address: &Address) -> PortResult<()> {
    const OPERATION: &str = "postgres.connect";
    let found = bounded(OPERATION, address, version(connection)).await?;
    let needed = newest();
    if found > needed {
        return Err(newer(OPERATION, address, found));
    }
    if found < needed {
        let detail = format!(
            "the schema of {address} has version {found}, this program needs {needed}: run `ringside region migrate`"
        );
        return Err(PortError::new(PortErrorKind::Invalid, OPERATION, detail));
    }
    Ok(())
}

/// The newest migration that a database has seen; 0 where none was.
async fn version(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let there: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !there {
        return Ok(0);
    }
    let version: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
        .fetch_one(connection)
        .await?;
    Ok(version.unwrap_or(0))
}
