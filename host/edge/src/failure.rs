//! Errors of ports, as a client is told them.

use std::time::Duration;

use ringside_core::Failure;
use ringside_core::error::Problem;
use ringside_ports::PortError;

/// Wait told to a client where a backend does not know better.
const WAIT: Duration = Duration::from_secs(1);

/// A backend that does not answer: the client comes back. The cause is for the host's own log.
pub(crate) fn unavailable(what: &str, error: &PortError) -> Failure {
    tracing::warn!(%error, "{what}");
    Failure::retry(Problem::Unavailable, format!("{what}: try again"), error.retry_after.unwrap_or(WAIT))
}
