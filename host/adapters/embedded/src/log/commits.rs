//! How far consumer groups have read: in memory, written to a small file at most ten times a second.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ringside_ports::log::Topic;

use crate::files;

/// A crash sets a group back by at most this much; effects bear repetition.
const WRITE_EVERY: Duration = Duration::from_millis(100);

#[derive(Default)]
struct Inner {
    places: BTreeMap<String, u64>,
    dirty: bool,
}

pub(super) struct Commits {
    path: PathBuf,
    inner: Mutex<Inner>,
}

fn key(group: &str, topic: Topic, partition: u32) -> String {
    format!("{group}/{}/{partition}", topic.name())
}

impl Commits {
    /// Reads the file and starts the thread that keeps it; the thread ends when this is dropped.
    pub(super) fn open(path: &Path) -> io::Result<Arc<Self>> {
        let places = match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        let commits = Arc::new(Self { path: path.into(), inner: Mutex::new(Inner { places, dirty: false }) });
        let weak = Arc::downgrade(&commits);
        std::thread::Builder::new().name("log-commits".into()).spawn(move || {
            loop {
                std::thread::sleep(WRITE_EVERY);
                let Some(commits) = weak.upgrade() else { return };
                commits.write();
            }
        })?;
        Ok(commits)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, group: &str, topic: Topic, partition: u32, next: u64) {
        let mut inner = self.lock();
        inner.places.insert(key(group, topic, partition), next);
        inner.dirty = true;
    }

    pub(super) fn get(&self, group: &str, topic: Topic, partition: u32) -> Option<u64> {
        self.lock().places.get(&key(group, topic, partition)).copied()
    }

    fn write(&self) {
        let bytes = {
            let mut inner = self.lock();
            if !std::mem::take(&mut inner.dirty) {
                return;
            }
            serde_json::to_vec(&inner.places)
        };
        let written =
            bytes.map_err(io::Error::other).and_then(|bytes| files::replace(&self.path, &bytes, false));
        if let Err(error) = written {
            tracing::warn!(file = %self.path.display(), %error, "consumers' places could not be kept, trying again");
            self.lock().dirty = true;
        }
    }
}

impl Drop for Commits {
    fn drop(&mut self) {
        self.write();
    }
}
