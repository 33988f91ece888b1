//! A partition: the queue, the thread that writes groups, and reads.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use ringside_ports::log::{Durability, Extent, NewRecord, Record, Topic};
use tokio::sync::{mpsc, oneshot};

use super::record;
use super::segment::Segment;
use super::shared::Shared;
use crate::{EmbeddedOptions, OpenError};

/// Appends that wait for the writer. Each is a batch of its caller; when the disk stands still, callers are told
/// to try again rather than memory to grow.
const QUEUE_CAPACITY: usize = 4_096;
/// Bytes of one group: larger groups make everyone wait for the disk longer without saving syncs.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// When callers should try again after a failed write.
const RETRY_AFTER: Duration = Duration::from_millis(500);

struct Append {
    records: Vec<NewRecord>,
    done: Option<oneshot::Sender<PortResult<u64>>>,
}

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
    pub(super) fn open(folder: &Path, topic: Topic, options: &EmbeddedOptions) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Folder { path: folder.into(), source };
        std::fs::create_dir_all(folder).map_err(unusable)?;
        let mut segments = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unusable)? {
            segments.extend(Segment::open(&entry.map_err(unusable)?.path()).map_err(unusable)?);
        }
        segments.sort_by_key(|segment| segment.first);
        if segments.is_empty() {
            segments.push(Segment::create(folder, 0).map_err(unusable)?);
        }
        let mut segments = VecDeque::from(segments);
        let Some(last) = segments.back().cloned() else {
            return Err(unusable(std::io::Error::other("no segment")));
        };
        let recovered = last.recover()?;
        // A segment that was begun and lost its only group is begun again under the same name.
        if recovered.length == 0 {
            segments.pop_back();
            segments.push_back(Segment::create(folder, last.first).map_err(unusable)?);
        }
        let shared = Shared::new(segments, recovered.length, recovered.next);
        let (queue, appends) = mpsc::channel(QUEUE_CAPACITY);
        let writer = Writer {
            folder: folder.into(),
            shared: shared.clone(),
            length: recovered.length,
            next: recovered.next,
            broken: false,
            options: options.clone(),
        };
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
        queue.try_send(Append { records, done }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                PortError::new(PortErrorKind::Busy, "log.append", "the queue of appends is full")
                    .after(RETRY_AFTER)
            }
            mpsc::error::TrySendError::Closed(_) => closed(),
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

fn closed() -> PortError {
    PortError::new(PortErrorKind::Unavailable, "log", "the log is closed")
}

fn read_disk(shared: &Shared, from: u64, max_records: usize, max_bytes: usize) -> PortResult<Vec<Record>> {
    let (segments, last_length) = {
        let state = shared.lock();
        let begin = state.segments.partition_point(|segment| segment.first <= from).saturating_sub(1);
        (state.segments.range(begin..).cloned().collect::<Vec<_>>(), state.length)
    };
    let mut records: Vec<Record> = Vec::new();
    let mut bytes = 0;
    let count = segments.len();
    for (index, segment) in segments.into_iter().enumerate() {
        let is_last = index + 1 == count;
        let length = if is_last { Ok(last_length) } else { segment.file.metadata().map(|meta| meta.len()) };
        // The last segment grows: it has no index, and who reads it from disk fell out of the tail just now.
        let hint = is_last.then_some(0);
        let mut full = false;
        let read = length.and_then(|length| {
            segment.read(from, length, hint, |record| {
                bytes += record.key.len() + record.payload.len();
                full = records.len() >= max_records.max(1) || (bytes > max_bytes && !records.is_empty());
                if !full {
                    records.push(record);
                }
                !full
            })
        });
        if let Err(error) = read {
            // What was read before the damage is good; the next call begins at the damage and is told.
            if records.is_empty() {
                let kind = match error.kind() {
                    std::io::ErrorKind::InvalidData => PortErrorKind::Corrupt,
                    _ => PortErrorKind::Unavailable,
                };
                let detail = format!("reading from offset {from} in `{}`", segment.path.display());
                return Err(PortError::new(kind, "log.read", detail).because(error));
            }
            full = true;
        }
        if full {
            break;
        }
    }
    Ok(records)
}

struct Writer {
    folder: PathBuf,
    shared: Arc<Shared>,
    length: u64,
    next: u64,
    /// A write failed and could not be taken back yet: bytes behind `length` may be there.
    broken: bool,
    options: EmbeddedOptions,
}

impl Writer {
    fn run(mut self, mut appends: mpsc::Receiver<Append>) {
        while let Some(first) = appends.blocking_recv() {
            let mut bytes = size(&first);
            let mut group = vec![first];
            while bytes < GROUP_BYTES_MAX {
                let Ok(append) = appends.try_recv() else { break };
                bytes += size(&append);
                group.push(append);
            }
            self.write(group, bytes);
        }
    }

    fn write(&mut self, group: Vec<Append>, bytes: usize) {
        let mut buffer = Vec::with_capacity(bytes);
        let mut shown = Vec::new();
        let mut answers = Vec::with_capacity(group.len());
        if self.length > self.options.segment_bytes
            && let Err(error) = self.roll()
        {
            // The old segment goes on; the next group tries again.
            tracing::warn!(folder = %self.folder.display(), %error, "no new segment could be begun");
        }
        let mut next = self.next;
        for append in group {
            answers.push((append.done, next));
            for new in append.records {
                record::write(&mut buffer, next, self.length, &new);
                shown.push(Record { offset: next, key: new.key, payload: new.payload });
                next += 1;
            }
        }
        match self.persist(&buffer) {
            Ok(()) => {
                self.length += buffer.len() as u64;
                self.next = next;
                self.shared.show(shown, self.length);
                for (done, offset) in answers {
                    if let Some(done) = done {
                        let _ = done.send(Ok(offset));
                    }
                }
            }
            Err(error) => {
                tracing::error!(folder = %self.folder.display(), %error, "the log cannot be written");
                for done in answers.into_iter().filter_map(|(done, _)| done) {
                    let detail = format!(
                        "`{}` cannot be written: free space on its disk or mend it; appends go on by themselves then",
                        self.folder.display()
                    );
                    let cause = std::io::Error::new(error.kind(), error.to_string());
                    let failure = PortError::new(PortErrorKind::Unavailable, "log.append", detail);
                    let _ = done.send(Err(failure.because(cause).after(RETRY_AFTER)));
                }
            }
        }
    }

    fn file(&self) -> std::io::Result<Arc<File>> {
        let state = self.shared.lock();
        state
            .segments
            .back()
            .map(|segment| segment.file.clone())
            .ok_or_else(|| std::io::Error::other("no segment"))
    }

    /// Writes a group behind what is durable and syncs it; takes it back when either fails.
    fn persist(&mut self, buffer: &[u8]) -> std::io::Result<()> {
        let file = self.file()?;
        if self.broken {
            file.set_len(self.length)?;
            file.sync_all()?;
            self.broken = false;
        }
        let written = file.write_all_at(buffer, self.length).and_then(|()| file.sync_data());
        if written.is_err() {
            // Nobody is told that this group exists, so it must not come back after a restart.
            self.broken = file.set_len(self.length).and_then(|()| file.sync_all()).is_err();
        }
        written
    }

    fn roll(&mut self) -> std::io::Result<()> {
        let segment = Segment::create(&self.folder, self.next)?;
        let mut state = self.shared.lock();
        state.segments.push_back(segment);
        state.length = 0;
        self.length = 0;
        let expired = expired(&state.segments, &self.options);
        let dropped: Vec<Segment> = state.segments.drain(..expired).collect();
        drop(state);
        for segment in dropped {
            if let Err(error) = std::fs::remove_file(&segment.path) {
                tracing::warn!(segment = %segment.path.display(), %error, "an expired segment could not be removed");
            }
        }
        Ok(())
    }
}

fn size(append: &Append) -> usize {
    append.records.iter().map(|record| record::HEAD + record.key.len() + record.payload.len()).sum()
}

/// How many of the oldest segments are past their time or over the space; never the newest.
fn expired(segments: &VecDeque<Segment>, options: &EmbeddedOptions) -> usize {
    let of = |segment: &Segment| segment.file.metadata().ok();
    let mut total: u64 = segments.iter().filter_map(of).map(|meta| meta.len()).sum();
    let oldest_kept = SystemTime::now().checked_sub(options.keep_for);
    let mut count = 0;
    for segment in segments.iter().take(segments.len().saturating_sub(1)) {
        let Some(meta) = of(segment) else { break };
        let is_old =
            meta.modified().ok().zip(oldest_kept).is_some_and(|(modified, oldest)| modified < oldest);
        if !is_old && total <= options.keep_bytes {
            break;
        }
        total -= meta.len();
        count += 1;
    }
    count
}
