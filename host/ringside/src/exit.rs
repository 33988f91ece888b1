//! How a command ends: 0 done, 1 failed, 64 bad usage or configuration, 69 a service is unavailable.

use std::fmt;
use std::process::ExitCode;

/// Why a command ended without being done.
#[derive(Debug)]
pub(crate) enum Exit {
    /// It was understood and failed.
    Failed(String),
    /// Its arguments or configuration are wrong.
    Usage(String),
    /// What it needs does not answer.
    Unavailable(String),
}

impl Exit {
    /// Why a service could not be connected to: what does not answer may answer later, everything else is wrong until
    /// someone corrects it.
    pub(crate) fn of_connection(is_transient: bool, error: &dyn fmt::Display) -> Self {
        if is_transient { Self::Unavailable(error.to_string()) } else { Self::Usage(error.to_string()) }
    }

    /// The process's exit code.
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 64,
            Self::Unavailable(_) => 69,
        })
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(message) | Self::Usage(message) | Self::Unavailable(message) => f.write_str(message),
        }
    }
}

/// What a command returns.
pub(crate) type Outcome = Result<(), Exit>;
