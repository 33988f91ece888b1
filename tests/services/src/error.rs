//! Why a service cannot be had.

use std::path::{Path, PathBuf};

/// A failure, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The machine lacks something; the message says how to get it.
    #[error("{0}")]
    Missing(String),
    /// A file or folder.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A program that does not start, or a process that cannot be signalled.
    #[error("cannot {action} {name}: {source}")]
    Process {
        /// What was tried.
        action: &'static str,
        /// The program or service.
        name: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A service that ended or did not answer in time, or a program that failed.
    #[error("{name}: {why}\n{tail}\nthe whole log: {log}", log = log.display())]
    Service {
        /// The service or program.
        name: String,
        /// What is wrong.
        why: String,
        /// The last lines of its log.
        tail: String,
        /// Its log.
        log: PathBuf,
    },
    /// What was asked for makes no sense together; the message says what would.
    #[error("{0}")]
    Usage(String),
}

/// Names the file and the action in an I/O error.
pub(crate) trait OnFile<T> {
    fn on_file(self, action: &'static str, path: &Path) -> crate::Result<T>;
}

impl<T> OnFile<T> for std::io::Result<T> {
    fn on_file(self, action: &'static str, path: &Path) -> crate::Result<T> {
        self.map_err(|source| Error::File { action, path: path.to_owned(), source })
    }
}
