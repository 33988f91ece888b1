//! How far consumer groups have read: in memory, written to a small file once a second.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use ringside_ports::log::Topic;

use crate::files;

/// A crash sets a group back by at most this much; effects bear repetition. Each write is a sync on the disk that
/// the log's groups wait for, so once a second and not more often.
const WRITE_EVERY: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Places {
    of: BTreeMap<String, u64>,
    dirty: bool,
}

struct Kept {
    path: PathBuf,
    places: Mutex<Places>,
}

/// The places, and the thread that keeps them.
pub(super) struct Commits {
    kept: Arc<Kept>,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

fn key(group: &str, topic: Topic, partition: u32) -> String {
    format!("{group}/{}/{partition}", topic.name())
}

impl Commits {
    /// Reads the file and starts the thread that keeps it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let of = match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let remedy = "remove the file to have every consumer begin at the oldest record";
                io::Error::new(io::ErrorKind::InvalidData, format!("{error}: {remedy}"))
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        let kept = Arc::new(Kept { path: path.into(), places: Mutex::new(Places { of, dirty: false }) });
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = std::thread::Builder::new().name("log-commits".into()).spawn({
            let kept = kept.clone();
            move || {
                while stopped.recv_timeout(WRITE_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
                    kept.write();
                }
                kept.write();
            }
        })?;
        Ok(Self { kept, stop: Some(stop), thread: Some(thread) })
    }

    pub(super) fn set(&self, group: &str, topic: Topic, partition: u32, next: u64) {
        let mut places = self.kept.lock();
        places.of.insert(key(group, topic, partition), next);
        places.dirty = true;
    }

    pub(super) fn get(&self, group: &str, topic: Topic, partition: u32) -> Option<u64> {
        self.kept.lock().of.get(&key(group, topic, partition)).copied()
    }

    /// The furthest place of any group.
    pub(super) fn furthest(&self, topic: Topic, partition: u32) -> u64 {
        let suffix = key("", topic, partition);
        let places = self.kept.lock();
        places.of.iter().filter(|(key, _)| key.ends_with(&suffix)).map(|(_, next)| *next).max().unwrap_or(0)
    }
}

impl Kept {
    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) {
        let bytes = {
            let mut places = self.lock();
            if !std::mem::take(&mut places.dirty) {
                return;
            }
            serde_json::to_vec(&places.of)
        };
        let written = bytes.map_err(io::Error::other).and_then(|bytes| files::replace(&self.path, &bytes));
        if let Err(error) = written {
            tracing::warn!(file = %self.path.display(), %error, "consumers' places could not be kept, trying again");
            self.lock().dirty = true;
        }
    }
}

impl Drop for Commits {
    /// Waits for the last write: whoever opens the folder next must not be overtaken by it.
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
