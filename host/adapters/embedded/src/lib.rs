//! Every port, embedded and crash-safe: the default, not a mock.
//!
//! One folder holds all of it: `log/` (segments), `store.redb` (comments), `catalog.redb` (streams and the audit log),
//! `components/` and `releases/`. Counters, relay and directory live in memory: they concern what happens now.
//! [`Embedded::open`] gives each port; a second process on the same folder is refused.

mod audit;
mod catalog;
mod clock;
mod counters;
mod database;
mod directory;
mod files;
mod log;
mod relay;
mod releases;
mod store;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ringside_ports::{Audit, Catalog, Counters, Directory, Log, Relay, Releases, Store};

pub use clock::Clock;
pub use log::SegmentedLog;
pub use store::RedbStore;

/// How much is kept.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// Partitions of the room events; fixed when the log is made. One is one group commit: more only help where
    /// one disk queue is not enough.
    pub partitions: u32,
    /// How long records of the log are kept at least (R40: 24 h); they go a quarter of it later at the most.
    pub keep_for: Duration,
    /// How many bytes a partition may take; the oldest segment goes first, the newest never.
    pub keep_bytes: u64,
    /// Bytes of a segment; the next record begins another.
    pub segment_bytes: u64,
    /// What tells how old records are.
    pub clock: Clock,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            partitions: 1,
            keep_for: Duration::from_secs(24 * 3_600),
            keep_bytes: 4 << 30,
            segment_bytes: 64 << 20,
            clock: Clock::default(),
        }
    }
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process uses it.
    #[error("`{0}` is in use by another process: stop it, or give another data folder")]
    Locked(PathBuf),
    /// It cannot be made, read or written.
    #[error("`{path}` cannot be used: {source}; give a folder that this user can write")]
    Folder {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Written by a later version, or by something else.
    #[error(
        "`{path}` has format version {found}, this program reads {expected}: use the program that wrote it, or give another data folder"
    )]
    Version {
        /// The manifest, database or segment.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// What this program reads.
        expected: u64,
    },
    /// Not a segment of this log, though it is named like one and lies among them.
    #[error("`{path}` is no segment of this log: {detail}; restore it from a copy, or move it away")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is, or seems to be.
        detail: String,
    },
    /// The database does not open.
    #[error("database `{path}`: {detail}")]
    Database {
        /// The file.
        path: PathBuf,
        /// What it says.
        detail: String,
    },
}

/// All ports on one folder. Dropping it releases the folder once every port is dropped too.
pub struct Embedded {
    /// The log.
    pub log: Arc<dyn Log>,
    /// Comments.
    pub store: Arc<RedbStore>,
    /// From the coordinator to rooms.
    pub relay: Arc<dyn Relay>,
    /// Limits.
    pub counters: Arc<dyn Counters>,
    /// Viewers.
    pub directory: Arc<dyn Directory>,
    /// Streams.
    pub catalog: Arc<dyn Catalog>,
    /// What people decided.
    pub audit: Arc<dyn Audit>,
    /// Components and releases.
    pub releases: Arc<dyn Releases>,
}

impl Embedded {
    /// Opens the folder, making it where it is not there, and brings it back to a whole state after a crash.
    /// Blocks on the disk: call it before the runtime serves, or on a blocking thread.
    ///
    /// # Errors
    /// [`OpenError`] names the file and the remedy.
    pub fn open(folder: &Path, options: &EmbeddedOptions) -> Result<Self, OpenError> {
        files::make_folder(folder).map_err(|source| OpenError::Folder { path: folder.into(), source })?;
        let lock = Arc::new(lock(folder)?);
        let store: Arc<RedbStore> = Arc::new(RedbStore::open(&folder.join("store.redb"), lock.clone())?);
        let least = |partition| store.checkpoint_at_start(partition);
        let catalog = Arc::new(catalog::CatalogFile::open(&folder.join("catalog.redb"), lock.clone())?);
        Ok(Self {
            log: Arc::new(SegmentedLog::open(&folder.join("log"), options, lock.clone(), least)?),
            relay: local_relay(),
            counters: local_counters(),
            directory: Arc::new(directory::LocalDirectory::default()),
            audit: Arc::new(audit::RedbAudit(catalog.clone())),
            catalog: Arc::new(catalog::RedbCatalog(catalog)),
            releases: Arc::new(releases::FileReleases::open(folder, lock)?),
            store,
        })
    }

    /// Opens only the components and releases of a folder, for a host whose other backends are elsewhere.
    ///
    /// # Errors
    /// Those of [`Embedded::open`].
    pub fn open_releases(folder: &Path) -> Result<Arc<dyn Releases>, OpenError> {
        files::make_folder(folder).map_err(|source| OpenError::Folder { path: folder.into(), source })?;
        let lock = Arc::new(lock(folder)?);
        Ok(Arc::new(releases::FileReleases::open(folder, lock)?))
    }

    /// The store as its port.
    #[must_use]
    pub fn store_port(&self) -> Arc<dyn Store> {
        self.store.clone()
    }
}

/// Counters within this process.
#[must_use]
pub fn local_counters() -> Arc<dyn Counters> {
    Arc::new(counters::LocalCounters::default())
}

/// A relay within this process.
#[must_use]
pub fn local_relay() -> Arc<dyn Relay> {
    Arc::new(relay::LocalRelay::default())
}

fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|source| OpenError::Folder { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(folder.into())),
        Err(TryLockError::Error(source)) => Err(OpenError::Folder { path, source }),
    }
}
