//! Why a run could not be done, in three kinds that become exit codes.

/// Why there is no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The arguments, a file or the token are wrong: nothing changes until they do. Exit code 64.
    #[error("{0}")]
    Usage(String),
    /// No host answers there, or it takes nobody now. Exit code 69.
    #[error("{0}")]
    Unavailable(String),
    /// It was begun and could not go on. Exit code 1.
    #[error("{0}")]
    Failed(String),
}

impl Error {
    /// Exit code of a process that ends with this error.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 64,
            Self::Unavailable(_) => 69,
        }
    }
}
