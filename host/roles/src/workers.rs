//! The workers of this process, for operators to see: what each does, how far it is behind, what went wrong last.
//!
//! A worker is one role at work on one partition. It is listed while the partition is this process's, also while it
//! fails: a partition that goes unread is what an operator looks for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringside_ports::Traces;
use serde::Serialize;

use crate::clock::Clock;
use crate::metrics::{RoleMetrics, WorkerLabel};

/// What a worker does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkerState {
    /// It was given its partition and finds its place.
    Starting,
    /// It reads and carries out what it reads.
    Running,
    /// Its last attempt failed; it tries again.
    Failing,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkerError {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// What, with its cause.
    pub error: String,
}

/// A worker as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkerReport {
    /// `coordinator`, `writer`, `judge`, `reconciler`.
    pub role: &'static str,
    /// Of the room events.
    pub partition: u32,
    /// What it does now.
    pub state: WorkerState,
    /// The next offset it will read.
    pub next: u64,
    /// Records between its place and the end of the log, when it read last.
    pub lag: u64,
    /// The last failure, kept after it is over.
    pub last_error: Option<WorkerError>,
}

type Known = BTreeMap<(&'static str, u32), WorkerReport>;

/// The workers of this process. Clones are the same list.
#[derive(Clone)]
pub struct Workers {
    known: Arc<Mutex<Known>>,
    clock: Clock,
    metrics: RoleMetrics,
    traces: Traces,
}

impl Workers {
    /// Nobody works yet.
    #[must_use]
    pub fn new(clock: Clock, metrics: RoleMetrics) -> Self {
        Self { known: Arc::default(), clock, metrics, traces: Traces::off() }
    }

    /// Whose work on traced events is recorded.
    #[must_use]
    pub fn traced(self, traces: Traces) -> Self {
        Self { traces, ..self }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them, by role and partition.
    #[must_use]
    pub fn list(&self) -> Vec<WorkerReport> {
        self.known().values().cloned().collect()
    }

    /// What all of them count.
    #[must_use]
    pub fn metrics(&self) -> &RoleMetrics {
        &self.metrics
    }

    /// The next offset that a role will read of a partition; none when that is not this process's.
    #[must_use]
    pub fn next_of(&self, role: &'static str, partition: u32) -> Option<u64> {
        self.known().get(&(role, partition)).map(|worker| worker.next)
    }

    /// Lists a worker until what is returned is dropped.
    #[must_use]
    pub fn enlist(&self, role: &'static str, partition: u32) -> Worker {
        let report =
            WorkerReport { role, partition, state: WorkerState::Starting, next: 0, lag: 0, last_error: None };
        self.known().insert((role, partition), report);
        Worker { workers: self.clone(), role, partition }
    }
}

/// One worker's entry in the list.
pub struct Worker {
    workers: Workers,
    role: &'static str,
    partition: u32,
}

impl Worker {
    /// The role.
    #[must_use]
    pub fn role(&self) -> &'static str {
        self.role
    }

    /// The partition.
    #[must_use]
    pub fn partition(&self) -> u32 {
        self.partition
    }

    /// What all workers count.
    #[must_use]
    pub fn metrics(&self) -> &RoleMetrics {
        &self.workers.metrics
    }

    /// Where work on traced events is recorded.
    #[must_use]
    pub fn traces(&self) -> &Traces {
        &self.workers.traces
    }

    fn change(&self, change: impl FnOnce(&mut WorkerReport)) {
        if let Some(report) = self.workers.known().get_mut(&(self.role, self.partition)) {
            change(report);
        }
    }

    fn label(&self) -> WorkerLabel {
        WorkerLabel { role: self.role, partition: self.partition }
    }

    /// It stands here, this far behind the end.
    pub fn at(&self, next: u64, lag: u64) {
        self.workers.metrics.lag.get_or_create(&self.label()).set(i64::try_from(lag).unwrap_or(i64::MAX));
        self.change(|report| {
            report.next = next;
            report.lag = lag;
        });
    }

    /// What it did last succeeded.
    pub fn succeeded(&self) {
        self.workers.metrics.failing.get_or_create(&self.label()).set(0);
        self.change(|report| report.state = WorkerState::Running);
    }

    /// What it did last failed.
    pub fn failed(&self, error: &dyn std::fmt::Display) {
        self.workers.metrics.failing.get_or_create(&self.label()).set(1);
        let error = WorkerError { at_ms: self.workers.clock.now_ms(), error: error.to_string() };
        self.change(|report| {
            report.state = WorkerState::Failing;
            report.last_error = Some(error);
        });
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.workers.known().remove(&(self.role, self.partition));
        // A partition that moved away must not be shown as lagging or failing here for ever.
        let (metrics, label) = (&self.workers.metrics, self.label());
        metrics.lag.remove(&label);
        metrics.failing.remove(&label);
        metrics.unjudged.remove(&label);
    }
}
