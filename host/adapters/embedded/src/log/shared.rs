//! What the writer of a partition shows its readers: segments, the newest records, and how far it is durable.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringside_ports::log::{Extent, Record};
use tokio::sync::watch;

use super::header::{End, HEADER_END};
use super::recovery::Recovered;
use super::segment::{Index, Sealed, Segment};

/// Newest records kept in memory, in bytes of key and payload. Coordinator, writer, judge and rooms all read right
/// behind the end: 8 MiB are a second at 20,000 comments/s of 400 bytes, so only who fell behind reads the disk.
const TAIL_BYTES_MAX: usize = 8 << 20;

pub(super) struct State {
    /// Ascending; the last is written to.
    pub(super) segments: VecDeque<Segment>,
    /// Durable bytes of the last segment.
    pub(super) length: u64,
    pub(super) next: u64,
    /// Of the last segment.
    pub(super) index: Index,
    tail: VecDeque<Record>,
    tail_bytes: usize,
}

pub(super) struct Shared {
    state: Mutex<State>,
    /// Bytes of appends that wait for the writer.
    queued: AtomicUsize,
    next: watch::Sender<u64>,
}

/// A record costs this much beside its text.
fn weight(record: &Record) -> usize {
    record.key.len() + record.payload.len() + std::mem::size_of::<Record>()
}

impl Shared {
    pub(super) fn new(segments: VecDeque<Segment>, recovered: Recovered) -> Arc<Self> {
        let Recovered { end: End { length, next, .. }, index } = recovered;
        let state = State { segments, length, next, index, tail: VecDeque::new(), tail_bytes: 0 };
        Arc::new(Self {
            state: Mutex::new(state),
            queued: AtomicUsize::new(0),
            next: watch::Sender::new(next),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes room in the queue; false when there is not enough.
    pub(super) fn reserve(&self, bytes: usize, most: usize) -> bool {
        let room = |queued: usize| {
            let after = queued.saturating_add(bytes);
            (queued == 0 || after <= most).then_some(after)
        };
        self.queued.try_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok()
    }

    /// Gives room in the queue back.
    pub(super) fn release(&self, bytes: usize) {
        self.queued.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.next.subscribe()
    }

    pub(super) fn extent(&self) -> Extent {
        let state = self.lock();
        Extent { first: state.segments.front().map_or(state.next, |segment| segment.first), next: state.next }
    }

    /// Begins another segment; the last one is finished with what is durable of it.
    pub(super) fn roll(&self, segment: Segment) {
        let mut state = self.lock();
        let (length, next, index) = (state.length, state.next, std::mem::take(&mut state.index));
        if let Some(last) = state.segments.back() {
            let _ = last.sealed.set(Sealed { end: End { first: last.first, length, next }, index });
        }
        state.segments.push_back(segment);
        state.length = HEADER_END;
    }

    /// Takes the oldest segments out, and their records from memory: what is gone is gone for every reader.
    pub(super) fn forget(&self, count: usize) -> Vec<Segment> {
        let mut state = self.lock();
        let forgotten = state.segments.drain(..count).collect();
        let first = state.segments.front().map_or(state.next, |segment| segment.first);
        while let Some(oldest) = state.tail.pop_front_if(|oldest| oldest.offset < first) {
            state.tail_bytes -= weight(&oldest);
        }
        forgotten
    }

    /// Shows records that are durable now: they were written from the durable length on, which is `length` from now.
    pub(super) fn show(&self, records: Vec<Record>, length: u64) {
        let mut state = self.lock();
        let begin = state.length;
        if let Some(first) = records.first() {
            state.index.note(first.offset, begin);
        }
        state.length = length;
        for record in records {
            state.next = record.offset + 1;
            state.tail_bytes += weight(&record);
            state.tail.push_back(record);
        }
        while state.tail_bytes > TAIL_BYTES_MAX {
            let Some(oldest) = state.tail.pop_front() else { break };
            state.tail_bytes -= weight(&oldest);
        }
        let next = state.next;
        drop(state);
        self.next.send_replace(next);
    }

    /// Records from memory; none when they are not (all) there any more.
    pub(super) fn read_tail(&self, from: u64, max_records: usize, max_bytes: usize) -> Option<Vec<Record>> {
        let state = self.lock();
        if from >= state.next {
            return Some(Vec::new());
        }
        let first = state.tail.front()?.offset;
        let skip = usize::try_from(from.checked_sub(first)?).ok()?;
        let mut bytes = 0;
        let mut records = Vec::new();
        for record in state.tail.range(skip.min(state.tail.len())..).take(max_records.max(1)) {
            bytes += record.key.len() + record.payload.len();
            if bytes > max_bytes && !records.is_empty() {
                break;
            }
            records.push(record.clone());
        }
        Some(records)
    }
}
