//! The one error of all ports: kind, operation, when to try again, cause.

use std::fmt;
use std::time::Duration;

/// What kind of failure it is; callers decide on this alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PortErrorKind {
    /// The backend does not answer or its disk is full: the same call may succeed later.
    Unavailable,
    /// A queue is at its capacity: the same call will succeed once it drains.
    Busy,
    /// What was asked for is not there.
    NotFound,
    /// Someone else changed it first.
    Conflict,
    /// The call itself is wrong and stays so.
    Invalid,
    /// What is stored cannot be read.
    Corrupt,
}

/// A failed call of a port.
#[derive(Debug)]
pub struct PortError {
    /// What kind.
    pub kind: PortErrorKind,
    /// `port.operation`, such as `log.append`.
    pub operation: &'static str,
    /// Names the value and the remedy.
    pub detail: String,
    /// When to try again, where the backend knows.
    pub retry_after: Option<Duration>,
    /// With [`PortErrorKind::Corrupt`] from a log: the next offset that can be read. Everything from the one that was
    /// asked for up to it is lost to whoever goes on there.
    pub resume_at: Option<u64>,
    /// The cause.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Result of a port's call.
pub type PortResult<T> = Result<T, PortError>;

impl PortError {
    /// An error without a cause.
    #[must_use]
    pub fn new(kind: PortErrorKind, operation: &'static str, detail: impl Into<String>) -> Self {
        Self { kind, operation, detail: detail.into(), retry_after: None, resume_at: None, source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds when to try again.
    #[must_use]
    pub fn after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// Adds where a reader of a damaged log can go on.
    #[must_use]
    pub fn resuming_at(mut self, offset: u64) -> Self {
        self.resume_at = Some(offset);
        self
    }

    /// True when the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, PortErrorKind::Unavailable | PortErrorKind::Busy)
    }
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.detail)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PortError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}
