//! A partition as its callers see it: the bounded queue of appends, and reads.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use ringside_ports::log::{Durability, Extent, NewRecord, Record, Topic};
use tokio::sync::oneshot;

use super::damage::Damage;
use super::header::{End, Owner};
use super::mark::Mark;
use super::recovery::Task;
use super::segment::{Failure, Segment};
use super::shared::Shared;
use super::writer::{Append, RETRY_AFTER, Writer};
use crate::{EmbeddedOptions, OpenError, files};

/// Appends that wait for the writer. Each is a batch of its caller; when the disk stands still, callers are told
/// to try again rather than memory to grow.
const QUEUE_CAPACITY: usize = 4_096;
/// Bytes that wait for the writer: a second of a fast disk. One append of any size is taken while nothing waits.
const QUEUE_BYTES_MAX: usize = 64 << 20;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// How long records are kept at least, whatever else is.
fn kept_at_least(topic: Topic) -> Duration {
    match topic {
        Topic::RoomEvents => Duration::ZERO,
        // R40.
        Topic::ModerationEvents => 7 * DAY,
        // They wait for a person, who may be away for a week.
        Topic::DeadLetters => 8 * DAY,
    }
}

/// One partition of one topic.
pub(super) struct Partition {
    shared: Arc<Shared>,
    queue: Option<mpsc::SyncSender<Append>>,
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
        owner: Owner,
        least: u64,
        options: &EmbeddedOptions,
    ) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Folder { path: folder.into(), source };
        files::make_folder(folder).map_err(unusable)?;
        let (mark, said) = Mark::open(folder).map_err(unusable)?;
        // A segment that was moved away has given out its offsets all the same.
        let least = least.max(said.map_or(0, |end| end.next));
        let task = Task { folder, owner, least, mark: said, now_ms: options.clock.now_ms() };
        let (segments, recovered) = task.recover()?;
        let shared = Shared::new(segments, recovered);
        let (queue, appends) = mpsc::sync_channel(QUEUE_CAPACITY);
        let mut options = options.clone();
        options.keep_for = options.keep_for.max(kept_at_least(owner.topic));
        let writer = Writer::new(folder.into(), owner, shared.clone(), mark, options);
        let writer = std::thread::Builder::new()
            .name(format!("log-{}", owner.topic.name()))
            .spawn(move || writer.run(&appends))
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
                mpsc::TrySendError::Full(_) => busy(),
                mpsc::TrySendError::Disconnected(_) => closed(),
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
    let (segments, last_start, last_length, last_next) = {
        let state = shared.lock();
        let begin = state.segments.partition_point(|segment| segment.first <= from).saturating_sub(1);
        let segments: Vec<_> = state.segments.range(begin..).cloned().collect();
        (segments, state.index.before(from), state.length, state.next)
    };
    let mut records: Vec<Record> = Vec::new();
    let mut bytes = 0;
    let mut full = false;
    for (index, segment) in segments.iter().enumerate() {
        let place = match segments.get(index + 1) {
            Some(behind) => {
                segment.sealed(behind.first).map(|sealed| (sealed.index.before(from), sealed.end))
            }
            None => Ok((last_start, End { first: segment.first, length: last_length, next: last_next })),
        };
        let read = place.and_then(|(start, end)| {
            segment.read(from, start, end, |record| {
                bytes += record.key.len() + record.payload.len();
                full = records.len() >= max_records.max(1) || (bytes > max_bytes && !records.is_empty());
                if !full {
                    records.push(record);
                }
                !full
            })?;
            Ok(end)
        });
        match read {
            Ok(_) if full => break,
            Ok(_) => {}
            // What was read before the damage is good; the next call begins at the damage and is told.
            Err(_) if !records.is_empty() => break,
            Err(Failure::Damaged(damage)) => return Err(damaged(segment, segments.get(index + 1), damage)),
            Err(Failure::Io(error)) => {
                let detail = format!("reading from offset {from} in `{}`", segment.path.display());
                return Err(PortError::new(PortErrorKind::Unavailable, "log.read", detail).because(error));
            }
        }
    }
    Ok(records)
}

fn damaged(segment: &Segment, behind: Option<&Segment>, damage: Damage) -> PortError {
    let resume = damage.resume.map(|(_, offset)| offset).or(behind.map(|segment| segment.first));
    let until = resume.map_or_else(|| "the end".into(), |resume| format!("offset {resume}"));
    let detail = format!(
        "`{}` is damaged at byte {}: the records from offset {} up to {until} cannot be read; restore the file from a \
         copy, or go on behind them",
        segment.path.display(),
        damage.position,
        damage.offset,
    );
    let error = PortError::new(PortErrorKind::Corrupt, "log.read", detail);
    match resume {
        Some(resume) => error.resuming_at(resume),
        None => error,
    }
}
