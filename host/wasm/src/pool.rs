//! Threads that work off a queue: one pool for the chain, one for the codecs.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use prometheus_client::metrics::gauge::Gauge;
use ringside_ports::PortResult;
use ringside_ports::error::PortErrorKind;

use crate::generations::Generations;
use crate::limits;
use crate::metrics::Metrics;
use crate::queue::{Queue, Worker};

/// How the threads of a pool are made.
pub(crate) struct Design<J> {
    /// Name of the threads, before their number.
    pub(crate) name: &'static str,
    /// Threads.
    pub(crate) workers: usize,
    /// What may wait, in weights of jobs.
    pub(crate) capacity: usize,
    /// What waits.
    pub(crate) waiting: Gauge,
    /// Works until the queue ends; is given the thread's number.
    pub(crate) work: fn(usize, Worker<J>, &Generations, &Metrics),
}

/// A queue and its threads.
pub(crate) struct Pool<J> {
    queue: Queue<J>,
    metrics: Metrics,
    threads: Mutex<Vec<JoinHandle<()>>>,
    workers: usize,
}

impl<J: Send + 'static> Pool<J> {
    /// Starts the threads.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub(crate) fn start(
        design: Design<J>,
        generations: &Arc<Generations>,
        metrics: &Metrics,
    ) -> std::io::Result<Self> {
        let Design { name, workers, capacity, waiting, work } = design;
        let (queue, ends) = Queue::new(capacity, workers, waiting);
        let mut threads = Vec::with_capacity(workers);
        for (number, end) in ends.into_iter().enumerate() {
            let (generations, metrics) = (generations.clone(), metrics.clone());
            let thread = std::thread::Builder::new()
                .name(format!("{name}-{number}"))
                .stack_size(limits::WORKER_STACK_BYTES)
                .spawn(move || work(number, end, &generations, &metrics))?;
            threads.push(thread);
        }
        Ok(Self { queue, metrics: metrics.clone(), threads: Mutex::new(threads), workers })
    }

    /// Makes place for jobs of this weight, as [`Queue::reserve`] does.
    ///
    /// # Errors
    /// Those of [`Queue::reserve`]; the busy ones are counted.
    pub(crate) fn reserve(&self, operation: &'static str, weight: usize) -> PortResult<()> {
        self.queue.reserve(operation, weight).inspect_err(|error| {
            if error.kind == PortErrorKind::Busy {
                self.metrics.busy.inc();
            }
        })
    }

    /// Enters a job whose weight was reserved.
    pub(crate) fn enter(&self, job: J, weight: usize) {
        self.queue.enter(job, weight);
    }

    /// Lets the threads finish what waits, and ends them.
    pub(crate) fn stop(&self) {
        self.queue.close(self.workers);
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A thread that panicked has been reported where it did.
            let _ = thread.join();
        }
    }
}
