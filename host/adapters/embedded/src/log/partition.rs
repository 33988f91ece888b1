//! A partition as its callers see it: the bounded queue of appends, and reads.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use ringside_ports::log::{Durability, Extent, NewRecord, Record, Topic};
use tokio::sync::{mpsc, oneshot};

use super::recovery;
use super::shared::Shared;
use super::writer::{Append, RETRY_AFTER, Writer};
use crate::{EmbeddedOptions, OpenError, files};

/// Appends that wait for the writer. Each is a batch of its caller; when the disk stands still, callers are told
/// to try again rather than memory to grow.
const QUEUE_CAPACITY: usize = 4_096;
/// Bytes that wait for the writer: a second of a fast disk. One append of any size is taken while nothing waits.
const QUEUE_BYTES_MAX: usize = 64 << 20;

/// One partition of one topic.
pub(super) struct Partition {
    shared: Arc<Shared>,
    queue: Option<mpsc::Sender<Append>>,
    writer: Option<JoinHandle<()>>,
}

impl Drop for Partition {
    /// Waits for what is queued to be written, so that the folder can be opened again right after.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl Partition {
    /// Opens or makes a partition whose next offset is not below `least`.
    pub(super) fn open(
        folder: &Path,
        topic: Topic,
        least: u64,
        options: &EmbeddedOptions,
    ) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Folder { path: folder.into(), source };
        files::make_folder(folder).map_err(unusable)?;
        let (segments, recovered) = recovery::recover(folder, least)?;
        let shared = Shared::new(segments, recovered);
        let (queue, appends) = mpsc::channel(QUEUE_CAPACITY);
        let writer = Writer::new(folder.into(), shared.clone(), options.clone());
        let writer = std::thread::Builder::new()
            .name(format!("log-{}", topic.name()))
            .spawn(move || writer.run(appends))
            .map_err(unusable)?;
        Ok(Self { shared, queue: Some(queue), writer: Some(writer) })
    }

    pub(super) async fn append(&self, records: Vec<NewRecord>, durability: Durability) -> PortResult<u64> {
        let (done, answer) = match durability {
            Durability::Durable => {
                let (done, answer) = oneshot::channel();
                (Some(done), Some(answer))
            }
            Durability::Queued => (None, None),
        };
        let queue = self.queue.as_ref().ok_or_else(closed)?;
        let append = Append::new(records, done);
        let bytes = append.bytes;
        if !self.shared.reserve(bytes, QUEUE_BYTES_MAX) {
            return Err(busy());
        }
        queue.try_send(append).map_err(|error| {
            self.shared.release(bytes);
            match error {
                mpsc::error::TrySendError::Full(_) => busy(),
                mpsc::error::TrySendError::Closed(_) => closed(),
            }
        })?;
        match answer {
            None => Ok(self.shared.extent().next),
            Some(answer) => answer.await.unwrap_or_else(|_| Err(closed())),
        }
    }

    pub(super) fn extent(&self) -> Extent {
        self.shared.extent()
    }

    pub(super) async fn wait_for(&self, offset: u64) -> PortResult<()> {
        self.shared.subscribe().wait_for(|next| *next > offset).await.map(drop).map_err(|_| closed())
    }

    pub(super) async fn read(
        &self,
        from: u64,
        max_records: usize,
        max_bytes: usize,
    ) -> PortResult<Vec<Record>> {
        if let Some(records) = self.shared.read_tail(from, max_records, max_bytes) {
            return Ok(records);
        }
        let shared = self.shared.clone();
        tokio::task::spawn_blocking(move || read_disk(&shared, from, max_records, max_bytes))
            .await
            .map_err(|error| PortError::new(PortErrorKind::Unavailable, "log.read", error.to_string()))?
    }
}

fn busy() -> PortError {
    PortError::new(PortErrorKind::Busy, "log.append", "the queue of appends is full: try again")
        .after(RETRY_AFTER)
}

fn closed() -> PortError {
    PortError::new(PortErrorKind::Unavailable, "log", "the log is closed: this host is stopping")
}

fn read_disk(shared: &Shared, from: u64, max_records: usize, max_bytes: usize) -> PortResult<Vec<Record>> {
    let (segments, last_start, last_length) = {
        let state = shared.lock();
        let begin = state.segments.partition_point(|segment| segment.first <= from).saturating_sub(1);
        let segments: Vec<_> = state.segments.range(begin..).cloned().collect();
        (segments, state.index.before(from), state.length)
    };
    let mut records: Vec<Record> = Vec::new();
    let mut bytes = 0;
    let mut full = false;
    let count = segments.len();
    for (index, segment) in segments.into_iter().enumerate() {
        let place = if index + 1 == count {
            Ok((last_start, last_length))
        } else {
            segment.sealed().map(|sealed| (sealed.index.before(from), sealed.length))
        };
        let read = place.and_then(|(start, length)| {
            segment.read(from, start, length, |record| {
                bytes += record.key.len() + record.payload.len();
                full = records.len() >= max_records.max(1) || (bytes > max_bytes && !records.is_empty());
                if !full {
                    records.push(record);
                }
                !full
            })
        });
        match read {
            Ok(()) if full => break,
            Ok(()) => {}
            // What was read before the damage is good; the next call begins at the damage and is told.
            Err(_) if !records.is_empty() => break,
            Err(error) => {
                let kind = match error.kind() {
                    std::io::ErrorKind::InvalidData => PortErrorKind::Corrupt,
                    _ => PortErrorKind::Unavailable,
                };
                let detail = format!("reading from offset {from} in `{}`", segment.path.display());
                return Err(PortError::new(kind, "log.read", detail).because(error));
            }
        }
    }
    Ok(records)
}
