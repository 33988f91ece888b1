//! What stands behind targets: components from the bundle, and a PoP in this process.

pub(crate) mod components;
pub(crate) mod frames;
pub(crate) mod pop;
pub(crate) mod tokens;
pub(crate) mod wasm;

use std::path::Path;

/// A folder that is gone with its owner; in memory where the system has such a place, since no input needs a disk.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = tempfile::Builder::new().prefix("ringside-fuzz-").tempdir_in(memory);
    made.or_else(|_| tempfile::tempdir()).unwrap()
}

/// A runtime of two threads, as a small host has.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
