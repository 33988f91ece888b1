//! The schema and its versions.
//!
//! Each migration is a file of plain CQL whose statements may be run again. They run under a lock: a lightweight
//! transaction over all datacenters, whose row goes away by itself when its holder dies.

use std::time::{Duration, Instant};

use scylla::client::session::Session;
use scylla::statement::unprepared::Statement;
use scylla::value::{CqlValue, Row};

use crate::error::ConnectError;
use crate::options::CassandraOptions;
use crate::session::{self, SCHEMA_CHANGE_MAX};

/// Name and text of each version, from 1 on.
const MIGRATIONS: &[(&str, &str)] = &[("comments", include_str!("../migrations/001_comments.cql"))];

/// Tables whose rows go away after the retention; checkpoints stay.
const TABLES_WITH_RETENTION: [&str; 9] =
    ["comments", "buckets", "replies", "own", "reactions", "reactions_by_user", "popular", "emoji", "pins"];

/// Seconds that references are known: twice what the port asks for.
const SUBMISSIONS_S: i32 = 2 * 86_400;

/// The lock goes away after this time without a sign of its holder, who gives one before each statement.
const LOCK_S: u64 = 60;
/// Longest wait for the lock: all tables, each at its slowest.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(300);
/// Between two tries for the lock.
const LOCK_RETRY: Duration = Duration::from_millis(300);
/// How often a keyspace that was made is entered until that fails, and the time between: five seconds.
const ENTER_TRIES: u32 = 50;
const ENTER_EVERY: Duration = Duration::from_millis(100);

/// The version that this program needs.
#[must_use]
pub fn version() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// Makes the keyspace if it is missing, brings its tables to [`version`], and sets the retention. Safe to run twice,
/// and by several at once. The replication of a keyspace that is there is left as it is.
///
/// # Errors
/// [`ConnectError`], also for a newer schema.
pub async fn migrate(options: &CassandraOptions) -> Result<(), ConnectError> {
    let session = session::open_without_keyspace(options).await?;
    let schema = Schema { session, options };
    schema.make_keyspace().await?;
    schema.enter_keyspace().await?;
    // Anyone may make these two at any time: they never change.
    schema.change("CREATE TABLE IF NOT EXISTS schema_lock (name text PRIMARY KEY, holder text)").await?;
    schema
        .change("CREATE TABLE IF NOT EXISTS schema_version (name text, version int, title text, PRIMARY KEY (name, version))")
        .await?;
    let holder = format!("{:032x}", fastrand::u128(..));
    schema.lock(&holder).await?;
    let done = schema.migrate(&holder).await;
    // Left behind, it goes away by itself.
    let released =
        schema.run("DELETE FROM schema_lock WHERE name = 'migrate' IF holder = ?", &[holder.as_str()]).await;
    if let Err(error) = released {
        tracing::warn!(%error, "the lock of the schema stays for {LOCK_S} s");
    }
    done
}

/// The version that a keyspace has; 0 for none.
pub(crate) async fn found(session: &Session, options: &CassandraOptions) -> Result<i32, ConnectError> {
    let has_versions = session
        .get_cluster_state()
        .get_keyspace(&options.keyspace)
        .is_some_and(|keyspace| keyspace.tables.contains_key("schema_version"));
    if !has_versions {
        return Ok(0);
    }
    let what = "read the version of the schema";
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| ConnectError::Failed {
        addresses: options.addresses(),
        what: what.to_owned(),
        source,
    };
    let text = "SELECT version FROM schema_version WHERE name = 'ringside'";
    let rows = session.query_unpaged(text, &[]).await.map_err(|error| failed(error.into()))?;
    let rows = rows.into_rows_result().map_err(|error| failed(error.into()))?;
    let mut newest = 0;
    for row in rows.rows::<(i32,)>().map_err(|error| failed(error.into()))? {
        newest = newest.max(row.map_err(|error| failed(error.into()))?.0);
    }
    Ok(newest)
}

struct Schema<'a> {
    session: Session,
    options: &'a CassandraOptions,
}

impl Schema<'_> {
    /// Another process may have made it just now, and a node takes a moment until it lets anyone use what it says is
    /// there.
    async fn enter_keyspace(&self) -> Result<(), ConnectError> {
        for _ in 1..ENTER_TRIES {
            if session::use_keyspace(&self.session, self.options).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(ENTER_EVERY).await;
        }
        session::use_keyspace(&self.session, self.options).await
    }

    async fn make_keyspace(&self) -> Result<(), ConnectError> {
        if self.session.get_cluster_state().get_keyspace(&self.options.keyspace).is_some() {
            return Ok(());
        }
        let copies: Vec<String> =
            self.options.replication.iter().map(|(name, copies)| format!("'{name}': {copies}")).collect();
        self.change(&format!(
            "CREATE KEYSPACE IF NOT EXISTS {} WITH replication = {{'class': 'NetworkTopologyStrategy', {}}}",
            self.options.keyspace,
            copies.join(", ")
        ))
        .await
    }

    async fn lock(&self, holder: &str) -> Result<(), ConnectError> {
        let begun = Instant::now();
        let text = format!(
            "INSERT INTO schema_lock (name, holder) VALUES ('migrate', ?) IF NOT EXISTS USING TTL {LOCK_S}"
        );
        while begun.elapsed() < LOCK_WAIT_MAX {
            // A transaction that timed out may have been done: then the next try finds our own name.
            match self.run(&text, &[holder]).await {
                Ok(answer) if answer.is_applied || answer.text("holder") == Some(holder) => return Ok(()),
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "no answer about the lock of the schema, asking again"),
            }
            tokio::time::sleep(LOCK_RETRY).await;
        }
        let (keyspace, waited_s) = (self.options.keyspace.clone(), LOCK_WAIT_MAX.as_secs());
        Err(ConnectError::Locked { keyspace, waited_s })
    }

    async fn migrate(&self, holder: &str) -> Result<(), ConnectError> {
        let _ = self.session.refresh_metadata().await;
        let found = found(&self.session, self.options).await?;
        if found > version() {
            return Err(newer(self.options, found));
        }
        for (number, (title, text)) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > found) {
            for statement in statements(text) {
                self.keep(holder).await?;
                self.change(&statement).await?;
            }
            self.change(&format!(
                "INSERT INTO schema_version (name, version, title) VALUES ('ringside', {number}, '{title}')"
            ))
            .await?;
            tracing::info!(keyspace = %self.options.keyspace, number, title, "migrated the schema");
        }
        self.set_retention(holder).await
    }

    /// Alters tables whose rows are kept for another time than the options say.
    async fn set_retention(&self, holder: &str) -> Result<(), ConnectError> {
        let retention = i32::try_from(self.options.retention.as_secs()).unwrap_or(i32::MAX);
        let tables = TABLES_WITH_RETENTION.map(|table| (table, retention));
        for (table, wanted) in tables.into_iter().chain([("submissions", SUBMISSIONS_S)]) {
            let answer = self
                .run(
                    "SELECT default_time_to_live FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?",
                    &[self.options.keyspace.as_str(), table],
                )
                .await?;
            if answer.number("default_time_to_live") != Some(wanted) {
                self.keep(holder).await?;
                self.change(&format!("ALTER TABLE {table} WITH default_time_to_live = {wanted}")).await?;
            }
        }
        Ok(())
    }

    /// Shows that the holder of the lock lives.
    async fn keep(&self, holder: &str) -> Result<(), ConnectError> {
        let text = format!(
            "UPDATE schema_lock USING TTL {LOCK_S} SET holder = ? WHERE name = 'migrate' IF holder = ?"
        );
        // A failure is told by the change that follows.
        if let Ok(answer) = self.run(&text, &[holder, holder]).await
            && !answer.is_applied
        {
            let (keyspace, waited_s) = (self.options.keyspace.clone(), LOCK_S);
            return Err(ConnectError::Locked { keyspace, waited_s });
        }
        Ok(())
    }

    /// Changes the schema, and waits until all nodes know it.
    async fn change(&self, text: &str) -> Result<(), ConnectError> {
        self.run(text, &[]).await.map(drop)
    }

    async fn run(&self, text: &str, values: &[&str]) -> Result<Answer, ConnectError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| ConnectError::Failed {
            addresses: self.options.addresses(),
            what: format!("run `{}`", text.split_whitespace().take(8).collect::<Vec<_>>().join(" ")),
            source,
        };
        let mut statement = Statement::new(text);
        statement.set_request_timeout(Some(SCHEMA_CHANGE_MAX));
        let result =
            self.session.query_unpaged(statement, values).await.map_err(|error| failed(error.into()))?;
        if !result.is_rows() {
            return Ok(Answer { is_applied: false, columns: Vec::new() });
        }
        let rows = result.into_rows_result().map_err(|error| failed(error.into()))?;
        let names: Vec<String> = rows.column_specs().iter().map(|column| column.name().to_owned()).collect();
        let row = rows.maybe_first_row::<Row>().map_err(|error| failed(error.into()))?;
        let columns: Vec<(String, CqlValue)> = names
            .into_iter()
            .zip(row.map_or(Vec::new(), |row| row.columns))
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        let is_applied =
            columns.iter().any(|(name, value)| name == "[applied]" && value.as_boolean() == Some(true));
        Ok(Answer { is_applied, columns })
    }
}

/// The first row of an answer.
struct Answer {
    is_applied: bool,
    columns: Vec<(String, CqlValue)>,
}

impl Answer {
    fn column(&self, name: &str) -> Option<&CqlValue> {
        self.columns.iter().find(|(column, _)| column == name).map(|(_, value)| value)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.column(name).and_then(CqlValue::as_text).map(String::as_str)
    }

    fn number(&self, name: &str) -> Option<i32> {
        self.column(name).and_then(CqlValue::as_int)
    }
}

pub(crate) fn newer(options: &CassandraOptions, found: i32) -> ConnectError {
    ConnectError::Newer { keyspace: options.keyspace.clone(), found, known: version() }
}

/// The statements of a file, without its comments.
fn statements(text: &str) -> Vec<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .flat_map(|line| [line, "\n"])
        .collect();
    code.split(';').map(str::trim).filter(|statement| !statement.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_of_a_migration_may_be_run_again() {
        for (title, text) in MIGRATIONS {
            let statements = statements(text);
            assert!(!statements.is_empty(), "{title}");
            for statement in statements {
                assert!(statement.starts_with("CREATE TABLE IF NOT EXISTS"), "{title}: {statement}");
            }
        }
    }

    #[test]
    fn the_retention_is_set_on_every_table_but_the_checkpoints() {
        let text: String = MIGRATIONS.iter().map(|(_, text)| *text).collect();
        let mut tables: Vec<String> = statements(&text)
            .iter()
            .filter_map(|statement| statement.strip_prefix("CREATE TABLE IF NOT EXISTS "))
            .filter_map(|rest| rest.split_whitespace().next().map(str::to_owned))
            .filter(|table| table != "checkpoints")
            .collect();
        let mut listed = TABLES_WITH_RETENTION.map(str::to_owned).to_vec();
        listed.push("submissions".to_owned());
        tables.sort();
        listed.sort();
        assert_eq!(tables, listed);
    }
}
