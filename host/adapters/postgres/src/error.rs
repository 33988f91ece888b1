//! What the server or the way to it says, as a port's error. No address is shown with its password.

use std::fmt;
use std::time::Duration;

use ringside_ports::error::{PortError, PortErrorKind};
use sqlx::Error;
use sqlx::postgres::PgConnectOptions;

/// When callers should try again while the server is away.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A database as it may be shown.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    shown: String,
    user: String,
    database: String,
}

impl Address {
    pub(crate) fn of(options: &PgConnectOptions) -> Self {
        let (user, host, port) = (options.get_username(), options.get_host(), options.get_port());
        let database = options.get_database().unwrap_or(user);
        let place = match options.get_socket() {
            Some(folder) => format!("{}:{port}", folder.display()),
            None => format!("{host}:{port}"),
        };
        Self {
            shown: format!("postgres://{user}@{place}/{database}"),
            user: user.to_owned(),
            database: database.to_owned(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

fn code(error: &Error) -> Option<String> {
    error.as_database_error()?.code().map(Into::into)
}

fn away(operation: &'static str, detail: String) -> PortError {
    PortError::new(PortErrorKind::Unavailable, operation, detail).after(RETRY_AFTER)
}

/// What a row holds is not what this program keeps.
pub(crate) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Decode(error.into())
}

/// It did not answer in time.
pub(crate) fn silent(operation: &'static str, address: &Address, waited: Duration) -> PortError {
    let seconds = waited.as_secs();
    away(
        operation,
        format!("{address} did not answer within {seconds} s: start it, or wait until it has caught up"),
    )
}

/// A first connection failed: what an operator may have to mend is told from what only takes time.
pub(crate) fn refused(operation: &'static str, address: &Address, error: Error) -> PortError {
    let (kind, detail) = match code(&error).as_deref() {
        Some("28P01" | "28000") => (
            PortErrorKind::Invalid,
            format!(
                "{address} refuses user `{}`: check the password, and the server's pg_hba.conf",
                address.user
            ),
        ),
        Some("3D000") => (
            PortErrorKind::NotFound,
            format!("{address} has no database `{0}`: make it with `createdb {0}`", address.database),
        ),
        _ => return failed(operation, address, error),
    };
    PortError::new(kind, operation, detail).because(error)
}

/// A call failed.
pub(crate) fn failed(operation: &'static str, address: &Address, error: Error) -> PortError {
    let told = |kind, detail: String| PortError::new(kind, operation, detail);
    match &error {
        Error::Database(_) => match code(&error).as_deref().and_then(|code| code.get(..2)) {
            Some("22" | "23") => told(PortErrorKind::Invalid, format!("{address} does not take this value")),
            Some("42") => told(
                PortErrorKind::Invalid,
                format!("{address} has another schema than this program: run `ringside region migrate`"),
            ),
            _ => away(operation, format!("{address} could not do it now")),
        },
        Error::ColumnDecode { .. }
        | Error::Decode(_)
        | Error::ColumnNotFound(_)
        | Error::TypeNotFound { .. } => {
            told(PortErrorKind::Corrupt, format!("{address} holds what this program cannot read"))
        }
        Error::Tls(_) => away(operation, format!("{address} cannot be reached over TLS: check `sslmode`")),
        _ => away(operation, format!("{address} cannot be reached: start it, or correct the address")),
    }
    .because(error)
}
