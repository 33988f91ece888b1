//! The writer of a partition: a thread that takes what is queued, writes it as one group, syncs, shows, answers.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use ringside_ports::log::{NewRecord, Record};
use tokio::sync::{mpsc, oneshot};

use super::record;
use super::segment::Segment;
use super::shared::Shared;
use crate::EmbeddedOptions;

/// Bytes of one group: larger groups make everyone wait for the disk longer without saving syncs.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// When callers should try again after a failed write or a full queue.
pub(super) const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Records that were appended together.
pub(super) struct Append {
    records: Vec<NewRecord>,
    /// None where nobody waits.
    done: Option<oneshot::Sender<PortResult<u64>>>,
    /// What it takes on disk, and about what it takes in the queue.
    pub(super) bytes: usize,
}

impl Append {
    pub(super) fn new(records: Vec<NewRecord>, done: Option<oneshot::Sender<PortResult<u64>>>) -> Self {
        let bytes = records.iter().map(|record| record::HEAD + record.key.len() + record.payload.len()).sum();
        Self { records, done, bytes }
    }
}

/// Writes one partition.
pub(super) struct Writer {
    folder: PathBuf,
    shared: Arc<Shared>,
    /// Durable bytes of the last segment.
    length: u64,
    next: u64,
    /// A write failed and could not be taken back yet: bytes behind `length` may be there.
    broken: bool,
    /// The last group failed; said once, not with every group of a full disk.
    failing: bool,
    options: EmbeddedOptions,
}

impl Writer {
    pub(super) fn new(folder: PathBuf, shared: Arc<Shared>, options: EmbeddedOptions) -> Self {
        let (length, next) = {
            let state = shared.lock();
            (state.length, state.next)
        };
        Self { folder, shared, length, next, broken: false, failing: false, options }
    }

    /// Writes groups until the queue is closed and empty.
    pub(super) fn run(mut self, mut appends: mpsc::Receiver<Append>) {
        while let Some(first) = appends.blocking_recv() {
            let mut bytes = first.bytes;
            let mut group = vec![first];
            while bytes < GROUP_BYTES_MAX {
                let Ok(append) = appends.try_recv() else { break };
                bytes += append.bytes;
                group.push(append);
            }
            self.shared.release(bytes);
            self.write(group, bytes);
        }
    }

    fn write(&mut self, group: Vec<Append>, bytes: usize) {
        let mended = self.mend();
        if mended.is_ok() && self.length > self.options.segment_bytes {
            self.roll();
        }
        let mut buffer = Vec::with_capacity(bytes);
        let mut shown = Vec::new();
        let mut answers = Vec::with_capacity(group.len());
        let mut next = self.next;
        for append in group {
            answers.push((append.done, next));
            for new in append.records {
                record::write(&mut buffer, next, self.length, &new);
                shown.push(Record { offset: next, key: new.key, payload: new.payload });
                next += 1;
            }
        }
        match mended.and_then(|()| self.persist(&buffer)) {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    tracing::info!(folder = %self.folder.display(), "the log can be written again");
                }
                self.length += buffer.len() as u64;
                self.next = next;
                self.shared.show(shown, self.length);
                for (done, offset) in answers {
                    if let Some(done) = done {
                        // A caller that is gone does not take its records back.
                        let _ = done.send(Ok(offset));
                    }
                }
            }
            Err(error) => self.refuse(&error, answers.into_iter().filter_map(|(done, _)| done)),
        }
    }

    fn refuse(
        &mut self,
        error: &std::io::Error,
        waiting: impl Iterator<Item = oneshot::Sender<PortResult<u64>>>,
    ) {
        let folder = self.folder.display();
        if !std::mem::replace(&mut self.failing, true) {
            tracing::error!(%folder, %error, "the log cannot be written; it stays readable and goes on by itself");
        }
        for done in waiting {
            let detail = format!(
                "`{folder}` cannot be written: free space on its disk or mend it; appends go on by themselves then"
            );
            let cause = std::io::Error::new(error.kind(), error.to_string());
            let failure = PortError::new(PortErrorKind::Unavailable, "log.append", detail);
            let _ = done.send(Err(failure.because(cause).after(RETRY_AFTER)));
        }
    }

    fn file(&self) -> std::io::Result<Arc<File>> {
        let state = self.shared.lock();
        let last = state.segments.back().map(|segment| segment.file.clone());
        last.ok_or_else(|| std::io::Error::other("no segment"))
    }

    /// Takes back what a failed group left, if that failed too when it happened.
    fn mend(&mut self) -> std::io::Result<()> {
        if self.broken {
            let file = self.file()?;
            file.set_len(self.length)?;
            file.sync_all()?;
            self.broken = false;
        }
        Ok(())
    }

    /// Writes a group behind what is durable and syncs it; takes it back when either fails.
    fn persist(&mut self, buffer: &[u8]) -> std::io::Result<()> {
        let file = self.file()?;
        let written = file.write_all_at(buffer, self.length).and_then(|()| file.sync_data());
        if written.is_err() {
            // Nobody is told that this group exists, so it must not come back after a restart. The synced part of
            // the page that it shares with the group before was on disk already; the next group writes it again.
            self.broken = file.set_len(self.length).and_then(|()| file.sync_all()).is_err();
        }
        written
    }

    fn roll(&mut self) {
        let segment = match Segment::create(&self.folder, self.next) {
            Ok(segment) => segment,
            Err(error) => {
                // The old segment goes on; the next group tries again.
                tracing::warn!(folder = %self.folder.display(), %error, "no new segment could be begun");
                return;
            }
        };
        self.shared.roll(segment);
        self.length = 0;
        for segment in self.expired() {
            let path = segment.path.display();
            tracing::info!(segment = %path, "removed the oldest segment: it is past the time or the space of the log");
            if let Err(error) = std::fs::remove_file(&segment.path) {
                tracing::warn!(segment = %path, %error, "an expired segment could not be removed");
            }
        }
    }

    /// Takes the oldest segments out that are past their time or over the space; never the newest.
    fn expired(&self) -> Vec<Segment> {
        let segments: VecDeque<Segment> = self.shared.lock().segments.clone();
        let of = |segment: &Segment| segment.file.metadata().ok();
        let mut total: u64 = segments.iter().filter_map(of).map(|meta| meta.len()).sum();
        let oldest_kept = SystemTime::now().checked_sub(self.options.keep_for);
        let mut count = 0;
        for segment in segments.iter().take(segments.len().saturating_sub(1)) {
            let Some(meta) = of(segment) else { break };
            let modified = meta.modified().ok();
            let is_old = modified.zip(oldest_kept).is_some_and(|(modified, oldest)| modified < oldest);
            if !is_old && total <= self.options.keep_bytes {
                break;
            }
            total -= meta.len();
            count += 1;
        }
        self.shared.forget(count)
    }
}
