//! A redb file that goes on by itself after its disk failed.
//!
//! redb refuses every call after a failed write until the file is opened again. So a failed call is answered with its
//! error, and the file is opened again, at most once in [`REOPEN_EVERY`], until it works.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use ringside_ports::error::{PortError, PortErrorKind, PortResult};

use crate::OpenError;

/// A disk that fails is not tried more often: opening after a failure may go through the whole file.
const REOPEN_EVERY: Duration = Duration::from_secs(1);
/// When callers should try again while the database is away.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

type Result<T> = std::result::Result<T, redb::Error>;
type Prepare = Box<dyn Fn(&redb::Database) -> Result<()> + Send + Sync>;

struct State {
    open: Option<redb::Database>,
    /// Grows with each opening: of two that saw one failure, one opens the file again.
    opened: u64,
    tried: Instant,
}

/// One redb file.
pub(crate) struct Database {
    path: PathBuf,
    cache_bytes: usize,
    state: RwLock<State>,
    prepare: Prepare,
    /// Dropped last: the folder is free when the file is closed.
    _lock: Arc<File>,
}

impl Database {
    /// Opens or makes a file. `prepare` is called each time it was opened, before anyone else sees it: it makes
    /// tables, and brings back what a failure of the disk set back.
    ///
    /// # Errors
    /// [`OpenError::Database`].
    pub(crate) fn open(
        path: &Path,
        cache_bytes: usize,
        lock: Arc<File>,
        prepare: Prepare,
    ) -> std::result::Result<Self, OpenError> {
        let database = open(path, cache_bytes, &prepare)
            .map_err(|error| OpenError::Database { path: path.into(), detail: error.to_string() })?;
        let state = State { open: Some(database), opened: 1, tried: Instant::now() };
        Ok(Self { path: path.into(), cache_bytes, state: RwLock::new(state), prepare, _lock: lock })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs a call. Blocks on the disk.
    pub(crate) fn run<T>(&self, work: impl FnOnce(&redb::Database) -> Result<T>) -> Result<T> {
        let state = self.state();
        let state = if state.open.is_some() {
            state
        } else {
            let opened = state.opened;
            drop(state);
            self.reopen(opened);
            self.state()
        };
        let opened = state.opened;
        let result = state.open.as_ref().map_or(Err(redb::Error::PreviousIo), work);
        drop(state);
        if matches!(result, Err(redb::Error::Io(_) | redb::Error::PreviousIo)) {
            self.reopen(opened);
        }
        result
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn reopen(&self, failed: u64) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.opened != failed || (state.open.is_none() && state.tried.elapsed() < REOPEN_EVERY) {
            return;
        }
        // Closed first: it is locked while it is open.
        state.open = None;
        state.tried = Instant::now();
        match open(&self.path, self.cache_bytes, &self.prepare) {
            Ok(database) => {
                tracing::info!(file = %self.path.display(), "opened again after a failure of the disk");
                state.open = Some(database);
                state.opened += 1;
            }
            Err(error) => {
                tracing::error!(file = %self.path.display(), %error, "cannot be opened after a failure of the disk, trying again");
            }
        }
    }
}

fn open(path: &Path, cache_bytes: usize, prepare: &Prepare) -> Result<redb::Database> {
    let database = redb::Database::builder().set_cache_size(cache_bytes).create(path)?;
    prepare(&database)?;
    Ok(database)
}

/// A failure of the database, as a port's error.
pub(crate) fn failed(operation: &'static str, path: &Path, error: redb::Error) -> PortError {
    let shown = path.display();
    match error {
        redb::Error::Corrupted(_) => {
            let detail = format!("`{shown}` is damaged: restore it from a copy");
            PortError::new(PortErrorKind::Corrupt, operation, detail).because(error)
        }
        error => {
            let detail = format!(
                "`{shown}` cannot be used: free space on its disk or mend it; it goes on by itself then"
            );
            PortError::new(PortErrorKind::Unavailable, operation, detail).because(error).after(RETRY_AFTER)
        }
    }
}

/// Runs work that waits for the disk on a thread that may wait.
pub(crate) async fn blocking<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> PortResult<T> + Send + 'static,
) -> PortResult<T> {
    let joined = tokio::task::spawn_blocking(work).await;
    joined.map_err(|error| PortError::new(PortErrorKind::Unavailable, operation, error.to_string()))?
}
