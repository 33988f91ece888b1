//! Bounded queues in front of the workers: what does not fit is refused at once, with a wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crossbeam_channel::{Receiver, Sender};
use prometheus_client::metrics::gauge::Gauge;
use ringside_ports::error::PortErrorKind;
use ringside_ports::{PortError, PortResult};

use crate::limits;

/// What waits, with its weight in comments, frames or messages.
pub(crate) enum Entry<J> {
    /// With its weight.
    Job(J, usize),
    /// The worker that takes it ends.
    Stop,
}

/// A bounded queue of jobs. Its bound is the sum of weights, not the number of jobs.
pub(crate) struct Queue<J> {
    jobs: Sender<Entry<J>>,
    waiting: Arc<AtomicUsize>,
    /// What was reserved and has not been entered yet.
    entering: AtomicUsize,
    closed: AtomicBool,
    capacity: usize,
    gauge: Gauge,
}

/// A worker's end of a queue.
pub(crate) struct Worker<J> {
    jobs: Receiver<Entry<J>>,
    waiting: Arc<AtomicUsize>,
    gauge: Gauge,
    /// Taken, but too heavy for the batch before; with its weight.
    carried: Option<(J, usize)>,
    stopped: bool,
}

impl<J> Queue<J> {
    /// A queue of a capacity, and the ends of its workers.
    pub(crate) fn new(capacity: usize, workers: usize, gauge: Gauge) -> (Self, Vec<Worker<J>>) {
        // Each job weighs at least 1 and is entered under the capacity, so the channel is as bounded as the sum.
        let (jobs, receiver) = crossbeam_channel::unbounded();
        let waiting = Arc::new(AtomicUsize::new(0));
        let ends = (0..workers)
            .map(|_| Worker {
                jobs: receiver.clone(),
                waiting: waiting.clone(),
                gauge: gauge.clone(),
                carried: None,
                stopped: false,
            })
            .collect();
        let queue = Self {
            jobs,
            waiting,
            entering: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            capacity,
            gauge,
        };
        (queue, ends)
    }

    /// Makes place for jobs of this weight, all or none. Whoever reserved enters jobs of that weight at once, without
    /// waiting for anything in between: [`Queue::close`] waits for it.
    ///
    /// # Errors
    /// `Busy` with a wait when they do not fit now, `Invalid` when they never will, `Unavailable` after the end.
    pub(crate) fn reserve(&self, operation: &'static str, weight: usize) -> PortResult<()> {
        if weight > self.capacity {
            let detail = format!("{weight} at once: give at most {}", self.capacity);
            return Err(PortError::new(PortErrorKind::Invalid, operation, detail));
        }
        // Said before looking at `closed`, as `close` looks at it after setting that: one of the two sees the other.
        self.entering.fetch_add(weight, Ordering::SeqCst);
        let reserved = self.make_place(operation, weight);
        if reserved.is_err() {
            self.entering.fetch_sub(weight, Ordering::SeqCst);
        }
        reserved
    }

    fn make_place(&self, operation: &'static str, weight: usize) -> PortResult<()> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(ended(operation));
        }
        let reserved = self.waiting.try_update(Ordering::AcqRel, Ordering::Acquire, |waiting| {
            waiting.checked_add(weight).filter(|sum| *sum <= self.capacity)
        });
        match reserved {
            Ok(before) => {
                self.gauge.set(i64::try_from(before + weight).unwrap_or(i64::MAX));
                Ok(())
            }
            Err(waiting) => {
                let detail = format!("{waiting} of {} wait already: try again later", self.capacity);
                Err(PortError::new(PortErrorKind::Busy, operation, detail).after(limits::BUSY_RETRY))
            }
        }
    }

    /// Enters a job whose weight was reserved.
    pub(crate) fn enter(&self, job: J, weight: usize) {
        // Fails only when all workers ended; then the job's caller sees its answer's sender dropped.
        let _ = self.jobs.send(Entry::Job(job, weight));
        self.entering.fetch_sub(weight, Ordering::SeqCst);
    }

    /// Refuses new jobs; the workers end after those that were reserved before.
    pub(crate) fn close(&self, workers: usize) {
        if !self.closed.swap(true, Ordering::SeqCst) {
            // A stop that overtook a reserved job would leave it unanswered.
            while self.entering.load(Ordering::SeqCst) > 0 {
                std::thread::yield_now();
            }
            for _ in 0..workers {
                let _ = self.jobs.send(Entry::Stop);
            }
        }
    }
}

/// The error of calls after the end.
pub(crate) fn ended(operation: &'static str) -> PortError {
    PortError::new(PortErrorKind::Unavailable, operation, "the component host is shutting down")
}

impl<J> Worker<J> {
    /// Waits for a job and takes what waits behind it, up to `weight_max` in all (a single job may be heavier).
    /// False at the end.
    ///
    /// It never waits for more to come: under load jobs gather while the batch before is at work, and a lone
    /// comment goes at once.
    pub(crate) fn take(&mut self, weight_max: usize, batch: &mut Vec<J>) -> bool {
        let (first, mut weight) = match self.carried.take() {
            Some(carried) => carried,
            None if self.stopped => return false,
            None => match self.jobs.recv() {
                Ok(Entry::Job(job, weight)) => (job, weight),
                Ok(Entry::Stop) | Err(_) => return false,
            },
        };
        batch.push(first);
        while weight < weight_max && !self.stopped {
            match self.jobs.try_recv() {
                Ok(Entry::Job(job, more)) => {
                    if weight + more > weight_max {
                        self.carried = Some((job, more));
                        break;
                    }
                    weight += more;
                    batch.push(job);
                }
                Ok(Entry::Stop) => self.stopped = true,
                Err(_) => break,
            }
        }
        let before = self.waiting.fetch_sub(weight, Ordering::AcqRel);
        self.gauge.set(i64::try_from(before.saturating_sub(weight)).unwrap_or(i64::MAX));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(workers: usize) -> (Queue<usize>, Vec<Worker<usize>>) {
        Queue::new(100, workers, Gauge::default())
    }

    #[test]
    fn the_weight_that_waits_is_bounded_and_what_does_not_fit_is_told_when_to_come_again() {
        let (queue, mut workers) = queue(1);
        queue.reserve("chain.judge", 60).unwrap();
        queue.enter(60, 60);
        let busy = queue.reserve("chain.judge", 41).unwrap_err();
        assert_eq!((busy.kind, busy.retry_after), (PortErrorKind::Busy, Some(limits::BUSY_RETRY)));
        assert_eq!(queue.reserve("chain.judge", 101).unwrap_err().kind, PortErrorKind::Invalid);
        queue.reserve("chain.judge", 40).unwrap();
        queue.enter(40, 40);
        let mut batch = Vec::new();
        assert!(workers[0].take(64, &mut batch));
        assert_eq!(batch, [60], "40 more do not fit into one batch");
        queue.reserve("chain.judge", 60).unwrap();
        batch.clear();
        assert!(workers[0].take(64, &mut batch));
        assert_eq!(batch, [40], "what was carried comes first");
    }

    #[test]
    fn jobs_that_wait_are_taken_together() {
        let (queue, mut workers) = queue(1);
        for weight in [8, 8, 8, 64, 1] {
            queue.reserve("chain.judge", weight).unwrap();
            queue.enter(weight, weight);
        }
        let mut taken = Vec::new();
        for _ in 0..3 {
            let mut batch = Vec::new();
            assert!(workers[0].take(64, &mut batch));
            taken.push(batch);
        }
        assert_eq!(taken, [vec![8, 8, 8], vec![64], vec![1]]);
    }

    #[test]
    fn closing_waits_for_what_was_reserved() {
        let (queue, mut workers) = queue(1);
        queue.reserve("chain.judge", 5).unwrap();
        std::thread::scope(|scope| {
            let closing = scope.spawn(|| queue.close(1));
            while !queue.closed.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            assert!(!closing.is_finished());
            queue.enter(5, 5);
        });
        let mut batch = Vec::new();
        assert!(workers[0].take(64, &mut batch));
        assert_eq!(batch, [5]);
        assert!(!workers[0].take(64, &mut batch));
    }

    #[test]
    fn closing_lets_what_waits_be_worked_off_and_refuses_the_rest() {
        let (queue, mut workers) = queue(2);
        queue.reserve("chain.judge", 5).unwrap();
        queue.enter(5, 5);
        queue.close(2);
        queue.close(2);
        assert_eq!(queue.reserve("chain.judge", 1).unwrap_err().kind, PortErrorKind::Unavailable);
        let mut batch = Vec::new();
        assert!(workers[0].take(64, &mut batch));
        assert_eq!(batch, [5]);
        assert!(!workers[0].take(64, &mut batch));
        assert!(!workers[1].take(64, &mut batch));
    }
}
