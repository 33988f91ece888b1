//! The records of one append on their way to the cluster.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::error::KafkaError;
use tokio::sync::oneshot;
use tracing::warn;

/// Room for what is on its way.
#[derive(Debug)]
pub(crate) struct InFlight {
    records: AtomicUsize,
    bytes: AtomicUsize,
    records_max: usize,
    bytes_max: usize,
    /// Records that nobody waited for and that did not get into the log.
    lost: AtomicU64,
}

impl InFlight {
    pub(super) fn new(records_max: usize, bytes_max: usize) -> Self {
        Self {
            records: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            records_max,
            bytes_max,
            lost: AtomicU64::new(0),
        }
    }

    /// Takes room, until what is given is dropped. One call always has room, however large it is.
    pub(super) fn take(self: &Arc<Self>, records: usize, bytes: usize) -> Option<Room> {
        let room = |taken: usize, more: usize, most: usize| {
            let after = taken.saturating_add(more);
            (taken == 0 || after <= most).then_some(after)
        };
        let relaxed = Ordering::Relaxed;
        self.records.try_update(relaxed, relaxed, |taken| room(taken, records, self.records_max)).ok()?;
        // From here on what was taken is given back.
        let mut taken = Room { of: self.clone(), records, bytes: 0 };
        self.bytes.try_update(relaxed, relaxed, |taken| room(taken, bytes, self.bytes_max)).ok()?;
        taken.bytes = bytes;
        Some(taken)
    }

    pub(crate) fn records(&self) -> usize {
        self.records.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// Room that is taken.
#[derive(Debug)]
pub(super) struct Room {
    of: Arc<InFlight>,
    records: usize,
    bytes: usize,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.of.records.fetch_sub(self.records, Ordering::Relaxed);
        self.of.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Who waits for an append: the first record's offset, or why not all are acknowledged.
type Done = oneshot::Sender<Result<u64, KafkaError>>;

/// What is still to come of one append. Each of its records holds it.
pub(crate) struct Group {
    left: AtomicUsize,
    first: AtomicU64,
    /// Of the partition.
    next: Arc<AtomicU64>,
    state: Mutex<State>,
}

struct State {
    failure: Option<KafkaError>,
    failed: usize,
    room: Option<Room>,
    done: Option<Done>,
}

impl Group {
    /// So many records; `done` is told when none is left. Without it, failures are counted.
    pub(super) fn new(records: usize, next: Arc<AtomicU64>, room: Room, done: Option<Done>) -> Arc<Self> {
        let state = Mutex::new(State { failure: None, failed: 0, room: Some(room), done });
        Arc::new(Self { left: AtomicUsize::new(records), first: AtomicU64::new(u64::MAX), next, state })
    }

    /// A record is in the log.
    pub(super) fn acknowledged(&self, offset: i64) {
        // The broker gives no negative offsets to who asks for acknowledgements.
        let offset = u64::try_from(offset).unwrap_or(0);
        self.first.fetch_min(offset, Ordering::Relaxed);
        self.next.fetch_max(offset + 1, Ordering::AcqRel);
        self.end(1);
    }

    /// So many records are not acknowledged.
    pub(super) fn fail(&self, count: usize, error: KafkaError) {
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.failed += count;
            state.failure.get_or_insert(error);
        }
        self.end(count);
    }

    fn end(&self, count: usize) {
        if self.left.fetch_sub(count, Ordering::AcqRel) != count {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let room = state.room.take();
        let done = state.done.take();
        let failure = state.failure.take();
        if let (Some(room), Some(error), None) = (&room, &failure, &done) {
            room.of.lost.fetch_add(u64::try_from(state.failed).unwrap_or(u64::MAX), Ordering::Relaxed);
            warn!(records = state.failed, %error, "records that nobody waited for are not in the log");
        }
        // Before the answer: who hears it finds the room free.
        drop(room);
        if let Some(done) = done {
            // Who asked may have given up.
            let _ = done.send(failure.map_or_else(|| Ok(self.first.load(Ordering::Relaxed)), Err));
        }
    }
}
