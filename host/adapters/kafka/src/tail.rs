//! The end of one partition in memory, shared by all who read there: coordinator, writer, judge and rooms.
//!
//! It holds every record of `start..end`, without a hole: after one (a damaged batch, or what compaction or a
//! transaction left) it begins anew behind it. What is older than `start` is read from the cluster, which tells damage
//! from an ordinary hole.

mod follower;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use ringside_ports::log::Record;
use tokio::sync::watch;

pub(crate) use follower::{Follower, Partition, Used, offset, record};

/// What a reader finds in memory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// At least one.
    Records(Vec<Record>),
    /// It has not come yet.
    End,
    /// It is older than what is kept here.
    Older,
}

/// The end of a partition.
#[derive(Debug)]
pub(crate) struct Tail {
    state: Mutex<State>,
    /// The offset after the newest record.
    end: watch::Sender<u64>,
    bytes: AtomicUsize,
    /// Calls that read or wait here now.
    users: AtomicUsize,
}

#[derive(Debug)]
struct State {
    start: u64,
    records: VecDeque<Record>,
    used_at: Instant,
}

/// A record costs this much beside its text.
fn weight(record: &Record) -> usize {
    record.key.len() + record.payload.len() + std::mem::size_of::<Record>()
}

impl Tail {
    /// Begins at `end`: the next record that comes has this offset or a later one.
    fn new(end: u64) -> Self {
        Self {
            state: Mutex::new(State { start: end, records: VecDeque::new(), used_at: Instant::now() }),
            end: watch::Sender::new(end),
            bytes: AtomicUsize::new(0),
            users: AtomicUsize::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The offset after the newest record.
    pub(crate) fn end(&self) -> u64 {
        *self.end.borrow()
    }

    fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Takes in what came, ascending.
    fn push(&self, records: Vec<Record>) {
        let mut state = self.lock();
        let mut end = self.end();
        let (mut added, mut gone) = (0, 0);
        for record in records {
            if record.offset < end {
                // It came again after a broken connection.
                continue;
            }
            if record.offset > end {
                gone += state.records.drain(..).map(|old| weight(&old)).sum::<usize>();
                state.start = record.offset;
            }
            end = record.offset + 1;
            added += weight(&record);
            state.records.push_back(record);
        }
        self.bytes.fetch_add(added, Ordering::Relaxed);
        self.bytes.fetch_sub(gone, Ordering::Relaxed);
        self.end.send_replace(end);
    }

    /// Lets go of about this many bytes of the oldest records.
    fn forget(&self, bytes: usize) {
        let mut state = self.lock();
        let mut gone = 0;
        while gone < bytes {
            let Some(oldest) = state.records.pop_front() else { break };
            gone += weight(&oldest);
            state.start = oldest.offset + 1;
        }
        self.bytes.fetch_sub(gone, Ordering::Relaxed);
    }

    /// Learns that the cluster has no record from `from` up to what is here: who waits there waits for the next one.
    pub(crate) fn cover(&self, from: u64) {
        let mut state = self.lock();
        if from >= state.start {
            return;
        }
        state.start = from;
        if state.records.is_empty() {
            self.end.send_replace(from);
        }
    }

    /// Records from `from` on.
    pub(crate) fn read(&self, from: u64, max_records: usize, max_bytes: usize) -> Found {
        let state = self.lock();
        if from < state.start {
            return Found::Older;
        }
        let skip = state.records.partition_point(|record| record.offset < from);
        let mut bytes = 0;
        let mut records = Vec::new();
        for record in state.records.range(skip..).take(max_records.max(1)) {
            bytes += record.key.len() + record.payload.len();
            if bytes > max_bytes && !records.is_empty() {
                break;
            }
            records.push(record.clone());
        }
        if records.is_empty() { Found::End } else { Found::Records(records) }
    }

    /// Returns when there is something at `offset` or later. Cancel-safe.
    pub(crate) async fn wait(&self, offset: u64) {
        let mut end = self.end.subscribe();
        if offset < self.lock().start {
            return;
        }
        // The sender lives in `self`.
        let _ = end.wait_for(|end| *end > offset).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(offset: u64) -> Record {
        Record { offset, key: "k".into(), payload: vec![0; 100].into() }
    }

    fn offsets(tail: &Tail, from: u64) -> Option<Vec<u64>> {
        match tail.read(from, 100, usize::MAX) {
            Found::Records(records) => Some(records.iter().map(|record| record.offset).collect()),
            Found::End => Some(vec![]),
            Found::Older => None,
        }
    }

    #[test]
    fn what_is_older_than_its_beginning_is_not_answered_for() {
        let tail = Tail::new(5);
        assert_eq!(offsets(&tail, 4), None);
        assert_eq!(offsets(&tail, 5), Some(vec![]));
        tail.push(vec![record(5), record(6)]);
        assert_eq!(offsets(&tail, 6), Some(vec![6]));
        assert_eq!(offsets(&tail, 7), Some(vec![]));
    }

    #[test]
    fn a_record_that_comes_twice_is_kept_once() {
        let tail = Tail::new(0);
        tail.push(vec![record(0), record(1)]);
        tail.push(vec![record(0), record(1), record(2)]);
        assert_eq!(offsets(&tail, 0), Some(vec![0, 1, 2]));
    }

    #[test]
    fn after_a_hole_it_begins_anew_so_that_readers_ask_the_cluster_about_it() {
        let tail = Tail::new(0);
        tail.push(vec![record(0), record(1), record(5), record(6)]);
        assert_eq!(offsets(&tail, 1), None);
        assert_eq!(offsets(&tail, 3), None);
        assert_eq!(offsets(&tail, 5), Some(vec![5, 6]));
        assert_eq!(tail.bytes(), weight(&record(5)) * 2);
    }

    #[test]
    fn forgetting_takes_the_oldest_and_says_so() {
        let tail = Tail::new(0);
        tail.push((0..10).map(record).collect());
        tail.forget(weight(&record(0)) * 4);
        assert_eq!(offsets(&tail, 3), None);
        assert_eq!(offsets(&tail, 4), Some((4..10).collect()));
        assert_eq!(tail.bytes(), weight(&record(0)) * 6);
        tail.forget(usize::MAX);
        assert_eq!((offsets(&tail, 10), tail.bytes()), (Some(vec![]), 0));
    }

    #[tokio::test]
    async fn nobody_spins_on_a_place_that_the_cluster_has_no_records_for() {
        let tail = Tail::new(10);
        tail.wait(3).await;
        tail.cover(3);
        assert_eq!(offsets(&tail, 3), Some(vec![]));
        let waits = tokio::time::timeout(std::time::Duration::from_millis(20), tail.wait(3)).await;
        assert!(waits.is_err(), "it must wait for the next record");
        tail.push(vec![record(10)]);
        tail.wait(3).await;
        assert_eq!(offsets(&tail, 10), Some(vec![10]));
    }
}
