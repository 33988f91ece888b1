//! What the writer of a partition shows its readers: segments, the newest records, and how far it is durable.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringside_ports::log::{Extent, Record};
use tokio::sync::watch;

use super::segment::Segment;

/// Newest records kept in memory, in bytes of key and payload. Coordinator, writer, judge and rooms all read right
/// behind the end: 8 MiB are a second at 20,000 comments/s of 400 bytes, so only who fell behind reads the disk.
const TAIL_BYTES_MAX: usize = 8 << 20;

pub(super) struct State {
    /// Ascending; the last is written to.
    pub(super) segments: VecDeque<Segment>,
    /// Durable bytes of the last segment.
    pub(super) length: u64,
    pub(super) next: u64,
    tail: VecDeque<Record>,
    tail_bytes: usize,
}

pub(super) struct Shared {
    state: Mutex<State>,
    next: watch::Sender<u64>,
}

/// A record costs this much beside its text.
fn weight(record: &Record) -> usize {
    record.key.len() + record.payload.len() + std::mem::size_of::<Record>()
}

impl Shared {
    pub(super) fn new(segments: VecDeque<Segment>, length: u64, next: u64) -> Arc<Self> {
        let state = State { segments, length, next, tail: VecDeque::new(), tail_bytes: 0 };
        Arc::new(Self { state: Mutex::new(state), next: watch::Sender::new(next) })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.next.subscribe()
    }

    pub(super) fn extent(&self) -> Extent {
        let state = self.lock();
        Extent { first: state.segments.front().map_or(state.next, |segment| segment.first), next: state.next }
    }

    /// Shows records that are durable now.
    pub(super) fn show(&self, records: Vec<Record>, length: u64) {
        let mut state = self.lock();
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
