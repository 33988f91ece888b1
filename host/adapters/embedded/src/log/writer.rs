//! The writer of a partition: a thread that takes what is queued, writes it as one group, syncs, shows, answers.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use ringside_ports::log::{NewRecord, Record};
use tokio::sync::oneshot;

use super::header::{End, HEADER_END, Header, Owner};
use super::mark::Mark;
use super::segment::Segment;
use super::shared::Shared;
use super::{record, retention};
use crate::EmbeddedOptions;

/// Bytes of one group: larger groups make everyone wait for the disk longer without saving syncs.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// When callers should try again after a failed write or a full queue.
pub(super) const RETRY_AFTER: Duration = Duration::from_millis(500);

/// A log that got nothing for so long makes its mark durable, and how often what is too old is looked for.
pub(super) const IDLE: Duration = Duration::from_secs(1);

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
    owner: Owner,
    shared: Arc<Shared>,
    mark: Mark,
    /// The last segment: its first offset, its durable bytes, and the offset behind them.
    end: End,
    /// A write failed and could not be taken back yet: bytes behind `length` may be there.
    broken: bool,
    /// The last group failed; said once, not with every group of a full disk.
    failing: bool,
    /// No segment could be begun; said once.
    stuck: bool,
    /// When what is too old was looked for.
    tidied: Instant,
    options: EmbeddedOptions,
}

impl Writer {
    pub(super) fn new(
        folder: PathBuf,
        owner: Owner,
        shared: Arc<Shared>,
        mark: Mark,
        options: EmbeddedOptions,
    ) -> Self {
        let end = {
            let state = shared.lock();
            let first = state.segments.back().map_or(state.next, |segment| segment.first);
            End { first, length: state.length, next: state.next }
        };
        let (broken, failing, stuck) = (false, false, false);
        Self { folder, owner, shared, mark, end, broken, failing, stuck, tidied: Instant::now(), options }
    }

    /// Writes groups until the queue is closed and empty.
    pub(super) fn run(mut self, appends: &mpsc::Receiver<Append>) {
        self.tidy();
        loop {
            match appends.recv_timeout(IDLE) {
                Ok(first) => {
                    let mut bytes = first.bytes;
                    let mut group = vec![first];
                    while bytes < GROUP_BYTES_MAX {
                        let Ok(append) = appends.try_recv() else { break };
                        bytes += append.bytes;
                        group.push(append);
                    }
                    self.shared.release(bytes);
                    self.write(group, bytes);
                    if self.tidied.elapsed() >= IDLE {
                        self.tidy();
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    self.mark.sync();
                    self.tidy();
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return self.mark.sync(),
            }
        }
    }

    fn write(&mut self, group: Vec<Append>, bytes: usize) {
        let mended = self.mend();
        if mended.is_ok() && self.end.length > self.options.segment_bytes {
            self.roll();
            self.expire();
        }
        let mut buffer = Vec::with_capacity(bytes);
        let mut shown = Vec::new();
        let mut answers = Vec::with_capacity(group.len());
        let mut next = self.end.next;
        for append in group {
            answers.push((append.done, next));
            for new in append.records {
                record::write(&mut buffer, next, self.end.length, &new);
                shown.push(Record { offset: next, key: new.key, payload: new.payload });
                next += 1;
            }
        }
        match mended.and_then(|()| self.persist(&buffer)) {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    tracing::info!(folder = %self.folder.display(), "the log can be written again");
                }
                self.end.length += buffer.len() as u64;
                self.end.next = next;
                self.mark.set(self.end);
                self.shared.show(shown, self.end.length);
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
            file.set_len(self.end.length)?;
            file.sync_all()?;
            self.broken = false;
        }
        Ok(())
    }

    /// Writes a group behind what is durable and syncs it; takes it back when either fails.
    fn persist(&mut self, buffer: &[u8]) -> std::io::Result<()> {
        let file = self.file()?;
        let written = file.write_all_at(buffer, self.end.length).and_then(|()| file.sync_data());
        if written.is_err() {
            // Nobody is told that this group exists, so it must not come back after a restart. The synced part of
            // the page that it shares with the group before was on disk already; the next group writes it again.
            self.broken = file.set_len(self.end.length).and_then(|()| file.sync_all()).is_err();
        }
        written
    }

    /// Begins the next segment.
    fn roll(&mut self) {
        let begun_ms = self.options.clock.now_ms();
        let header = Header { owner: self.owner, first: self.end.next, begun_ms, before: self.end };
        match Segment::create(&self.folder, header) {
            Ok(segment) => {
                self.stuck = false;
                self.shared.roll(segment);
                self.end = End { first: self.end.next, length: HEADER_END, next: self.end.next };
            }
            // The old segment goes on; the next group tries again.
            Err(error) => {
                if !std::mem::replace(&mut self.stuck, true) {
                    tracing::warn!(folder = %self.folder.display(), %error, "no new segment could be begun, the last one goes on");
                }
            }
        }
    }

    /// Finishes the last segment if it has had its time, and removes what is too old: a log that is quiet gets no
    /// group that would do it.
    fn tidy(&mut self) {
        self.tidied = Instant::now();
        let is_finished = {
            let state = self.shared.lock();
            let now_ms = self.options.clock.now_ms();
            state.segments.back().is_some_and(|last| retention::is_finished(last, now_ms, &self.options))
        };
        if is_finished && self.end.length > HEADER_END && self.mend().is_ok() {
            self.roll();
        }
        self.expire();
    }

    fn expire(&self) {
        let now_ms = self.options.clock.now_ms();
        let segments = self.shared.lock().segments.clone();
        let count = retention::expired(segments.iter(), now_ms, &self.options);
        for segment in self.shared.forget(count) {
            let path = segment.path.display();
            tracing::info!(segment = %path, "removed the oldest segment: it is past the time or the space of the log");
            if let Err(error) = std::fs::remove_file(&segment.path) {
                tracing::warn!(segment = %path, %error, "an expired segment could not be removed");
            }
        }
    }
}
