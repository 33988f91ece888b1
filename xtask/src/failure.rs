//! Why a verb ended early, and the exit code that tells a script so.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Bad usage or configuration (`EX_USAGE`).
pub(crate) const EXIT_USAGE: u8 = 64;
/// Something that this machine must offer is not there (`EX_UNAVAILABLE`).
const EXIT_UNAVAILABLE: u8 = 69;
const EXIT_FAILED: u8 = 1;

pub(crate) type Result<T> = std::result::Result<T, Failure>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Missing(String),
    /// What was wrong has been printed already; this is its one-line end.
    #[error("{0}")]
    Checked(String),
    /// A command ended badly. `tail` is the end of what it printed.
    #[error("`{command}` {ended}\n{tail}\nthe whole output: {log}", log = log.display())]
    Command { command: String, ended: String, tail: String, log: PathBuf },
    #[error("cannot start `{command}`: {source}")]
    Start { command: String, source: std::io::Error },
    #[error("cannot {action} {path}: {source}", path = path.display())]
    File { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("the development key in {path}: {source}", path = path.display())]
    Key { path: PathBuf, source: minisign::PError },
    #[error(transparent)]
    Services(ringside_services::Error),
    #[error("cannot read what cargo metadata printed: {0}")]
    Metadata(#[from] serde_json::Error),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) => EXIT_USAGE,
            Self::Missing(_) => EXIT_UNAVAILABLE,
            _ => EXIT_FAILED,
        })
    }
}

impl From<ringside_services::Error> for Failure {
    fn from(error: ringside_services::Error) -> Self {
        match error {
            ringside_services::Error::Missing(what) => Self::Missing(format!("this machine lacks {what}")),
            ringside_services::Error::Usage(what) => Self::Usage(what),
            other => Self::Services(other),
        }
    }
}

/// Names the file and the action in an I/O error.
pub(crate) trait OnFile<T> {
    fn on_file(self, action: &'static str, path: &Path) -> Result<T>;
}

impl<T> OnFile<T> for std::io::Result<T> {
    fn on_file(self, action: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Failure::File { action, path: path.to_owned(), source })
    }
}
