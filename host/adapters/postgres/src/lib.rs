//! What must be strongly consistent, in PostgreSQL: streams, and what people decided.
//!
//! [`migrate`] brings a database to this program's schema, [`Postgres::connect`] refuses any other. A server that is
//! away, hangs or was restarted costs the calls of that time, each an `Unavailable` within [`CALL_MAX`]; then the
//! adapter goes on by itself.
//!
//! Queries are checked when they are compiled, against descriptions in `.sqlx`, so that building needs no database.
//! After a change of a query or of the schema describe them anew, by a server of your own, and commit the folder:
//!
//! ```sh
//! cd host/adapters/postgres && createdb describe && cat migrations/*.sql | psql --quiet --dbname describe
//! rm --force .sqlx/*.json
//! RINGSIDE_DESCRIBE_QUERIES=postgres:///describe cargo check
//! ```

mod audit;
mod catalog;
mod database;
mod error;
mod number;
mod schema;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ringside_ports::error::PortResult;
use ringside_ports::{Audit, Catalog};

pub use schema::{Migrated, migrate};

/// Longest time that a call takes, waiting for a connection included.
pub const CALL_MAX: Duration = Duration::from_secs(5);

/// Where the database is.
#[derive(Clone)]
pub struct PostgresOptions {
    /// Such as `postgres://user:password@host:5432/database`, with `?sslmode=verify-full&sslrootcert=FILE` where the
    /// way there is not trusted. Shown nowhere with its password.
    pub url: String,
    /// The password, where it is not in the address.
    pub password: Option<String>,
    /// Most connections this process has, at least 1. Settings are cached by whoever asks, so eight carry a host; a
    /// server has a hundred unless told otherwise, and a region has many hosts.
    pub connections: u32,
}

impl PostgresOptions {
    /// A database, with the default number of connections.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), password: None, connections: 8 }
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions").field("connections", &self.connections).finish_non_exhaustive()
    }
}

/// The ports that are kept in PostgreSQL. They share the connections.
pub struct Postgres {
    /// Streams.
    pub catalog: Arc<dyn Catalog>,
    /// What people decided.
    pub audit: Arc<dyn Audit>,
}

impl Postgres {
    /// Connects to a database that has this program's schema.
    ///
    /// # Errors
    /// `Unavailable` when the server does not answer: the same call may succeed later. `Invalid` for an address that
    /// is none, a user or password that the server refuses, and a schema of another version, older or newer;
    /// `NotFound` when there is no such database. No error shows the password.
    pub async fn connect(options: &PostgresOptions) -> PortResult<Self> {
        let database = Arc::new(database::Database::connect(options).await?);
        let audit = Arc::new(audit::PostgresAudit(database.clone()));
        Ok(Self { catalog: Arc::new(catalog::PostgresCatalog(database)), audit })
    }
}
