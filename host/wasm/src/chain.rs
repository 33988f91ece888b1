//! The chain: comments in batches through throttle and moderators, on threads of its own.
//!
//! Guests are called on dedicated threads, so that none ever stalls a shard of sockets. A batch is of one generation
//! from its first call to its last.

mod admission;
mod judging;
mod worker;

use async_trait::async_trait;
use ringside_core::Generation as Number;
use ringside_core::sampling::Plan;
use ringside_ports::error::PortErrorKind;
use ringside_ports::policy::{Admission, Admitted, Decision, StreamLoad, Submission};
use ringside_ports::{Policy, PortError, PortResult};
use std::sync::Arc;
use tokio::sync::oneshot;

use crate::generations::Generations;
use crate::limits;
use crate::metrics::Metrics;
use crate::pool::{Design, Pool};
use crate::queue::ended;

/// What the chain is asked. Lists have at most [`limits::BATCH_COMMENTS_MAX`] items.
enum Job {
    Judge { submissions: Vec<Submission>, reply: Reply<Submission, Decision> },
    Admit { admissions: Vec<Admission>, reply: Reply<Admission, Admitted> },
    Plan { load: StreamLoad, reply: oneshot::Sender<Plan> },
}

/// Where a job's answers go, and with them what was asked: the caller allocated it and frees it best. Freed by a
/// worker it would cost each comment some eight calls that lock the caller's heap.
type Reply<I, A> = oneshot::Sender<(Vec<A>, Vec<I>)>;

/// The chain of one host.
pub(crate) struct Chain {
    pool: Pool<Job>,
    generations: Arc<Generations>,
}

impl Chain {
    /// Starts the worker threads.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub(crate) fn start(
        workers: usize,
        generations: &Arc<Generations>,
        metrics: &Metrics,
    ) -> std::io::Result<Self> {
        let design = Design {
            name: "chain",
            workers,
            capacity: limits::CHAIN_QUEUE_MAX,
            waiting: metrics.chain_waiting.clone(),
            work: worker::run,
        };
        let pool = Pool::start(design, generations, metrics)?;
        Ok(Self { pool, generations: generations.clone() })
    }

    /// Lets the workers finish what waits, and ends them.
    pub(crate) fn stop(&self) {
        self.pool.stop();
    }

    fn reserve(&self, operation: &'static str, weight: usize) -> PortResult<()> {
        if self.generations.current().is_none() {
            let detail = "no release is published on this host yet";
            return Err(
                PortError::new(PortErrorKind::Unavailable, operation, detail).after(limits::BUSY_RETRY)
            );
        }
        self.pool.reserve(operation, weight)
    }

    /// Enters items in jobs of a batch's size each, and puts the answers together again.
    async fn ask<I, A>(
        &self,
        operation: &'static str,
        items: Vec<I>,
        job: impl Fn(Vec<I>, Reply<I, A>) -> Job,
    ) -> PortResult<Vec<A>> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        self.reserve(operation, items.len())?;
        let enter = |part: Vec<I>| {
            let weight = part.len();
            let (reply, answers) = oneshot::channel();
            self.pool.enter(job(part, reply), weight);
            answers
        };
        if items.len() <= limits::BATCH_COMMENTS_MAX {
            let answers = enter(items);
            return answers.await.map(|(answers, _)| answers).map_err(|_| ended(operation));
        }
        let mut all = Vec::with_capacity(items.len());
        let mut waiting = Vec::with_capacity(items.len().div_ceil(limits::BATCH_COMMENTS_MAX));
        let mut items = items.into_iter();
        loop {
            let part: Vec<I> = items.by_ref().take(limits::BATCH_COMMENTS_MAX).collect();
            if part.is_empty() {
                break;
            }
            waiting.push(enter(part));
        }
        for answers in waiting {
            all.extend(answers.await.map_err(|_| ended(operation))?.0);
        }
        Ok(all)
    }
}

#[async_trait]
impl Policy for Chain {
    async fn judge(&self, submissions: Vec<Submission>) -> PortResult<Vec<Decision>> {
        self.ask("policy.judge", submissions, |submissions, reply| Job::Judge { submissions, reply }).await
    }

    async fn admit(&self, admissions: Vec<Admission>) -> PortResult<Vec<Admitted>> {
        self.ask("policy.admit", admissions, |admissions, reply| Job::Admit { admissions, reply }).await
    }

    async fn plan(&self, load: StreamLoad) -> PortResult<Plan> {
        self.reserve("policy.plan", 1)?;
        let (reply, plan) = oneshot::channel();
        self.pool.enter(Job::Plan { load, reply }, 1);
        plan.await.map_err(|_| ended("policy.plan"))
    }

    fn generation(&self) -> Number {
        self.generations.current().map_or(Number(0), |generation| generation.number)
    }
}
