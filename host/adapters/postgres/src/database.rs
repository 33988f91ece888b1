//! Connections to the server, and a bound on every call of it.

use std::time::Duration;

use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use crate::error::{Address, failed, refused, silent};
use crate::{CALL_MAX, PostgresOptions, schema};

/// Longest wait for a connection, a new one included; leaves time for the statement.
const ACQUIRE_MAX: Duration = Duration::from_secs(2);
/// Longest time that a connection which comes back is waited for: one that hangs is closed, and its place is free.
const RETURN_MAX: Duration = Duration::from_secs(2);
/// What the server itself ends. A statement takes milliseconds here: one that does not waits for a lock, or walks
/// through a table that it should not. A transaction whose client hangs must not keep others from its rows.
const SERVER_BOUNDS: [(&str, &str); 3] =
    [("statement_timeout", "3s"), ("lock_timeout", "2s"), ("idle_in_transaction_session_timeout", "4s")];

/// A database that this process may use.
pub(crate) struct Database {
    pub(crate) pool: PgPool,
    address: Address,
}

/// Reads the address.
///
/// # Errors
/// `Invalid`.
pub(crate) fn parse(
    options: &PostgresOptions,
    operation: &'static str,
) -> PortResult<(PgConnectOptions, Address)> {
    let parsed: PgConnectOptions = options.url.parse().map_err(|error: sqlx::Error| {
        let detail = "the address is none: give it as `postgres://user:password@host:5432/database`";
        PortError::new(PortErrorKind::Invalid, operation, detail).because(error)
    })?;
    let parsed = parsed.application_name("ringside");
    let parsed = match &options.password {
        Some(password) => parsed.password(password),
        None => parsed,
    };
    let address = Address::of(&parsed);
    Ok((parsed, address))
}

/// Opens one connection.
///
/// # Errors
/// As [`crate::Postgres::connect`].
pub(crate) async fn open(
    options: &PgConnectOptions,
    address: &Address,
    operation: &'static str,
) -> PortResult<PgConnection> {
    match tokio::time::timeout(CALL_MAX, options.connect()).await {
        Ok(connected) => connected.map_err(|error| refused(operation, address, error)),
        Err(_) => Err(silent(operation, address, CALL_MAX)),
    }
}

impl Database {
    pub(crate) async fn connect(options: &PostgresOptions) -> PortResult<Self> {
        const OPERATION: &str = "postgres.connect";
        let (parsed, address) = parse(options, OPERATION)?;
        // Values are looked at each time a statement is planned: a filter that is not given costs nothing then.
        let parsed = parsed.options(SERVER_BOUNDS).options([("plan_cache_mode", "force_custom_plan")]);
        let mut connection = open(&parsed, &address, OPERATION).await?;
        schema::check(&mut connection, &address).await?;
        // Nothing is lost with a connection that does not close in order.
        let _ = tokio::time::timeout(RETURN_MAX, connection.close()).await;
        let pool = PgPoolOptions::new()
            .max_connections(options.connections.max(1))
            .acquire_timeout(ACQUIRE_MAX)
            .after_release(|connection, _| {
                Box::pin(async {
                    let back = tokio::time::timeout(RETURN_MAX, connection.ping()).await;
                    Ok(matches!(back, Ok(Ok(()))))
                })
            })
            .connect_lazy_with(parsed);
        Ok(Self { pool, address })
    }

    /// Runs statements, in [`CALL_MAX`] at most.
    ///
    /// # Errors
    /// As [`bounded`].
    pub(crate) async fn call<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> PortResult<T> {
        bounded(operation, &self.address, work).await
    }
}

/// The outcome of statements, in [`CALL_MAX`] at most.
///
/// # Errors
/// `Unavailable`, `Invalid` for values that no table takes, `Corrupt` for what cannot be read.
pub(crate) async fn bounded<T>(
    operation: &'static str,
    address: &Address,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> PortResult<T> {
    match tokio::time::timeout(CALL_MAX, work).await {
        Ok(done) => done.map_err(|error| failed(operation, address, error)),
        Err(_) => Err(silent(operation, address, CALL_MAX)),
    }
}
