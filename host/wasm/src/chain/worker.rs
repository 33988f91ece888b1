//! A worker of the chain: takes a batch, asks the generation of the moment, answers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bumpalo::Bump;
use ringside_ports::policy::{Admission, Submission};

use super::Job;
use super::admission::admit;
use super::judging::judge;
use crate::fallback;
use crate::generations::Generations;
use crate::limits;
use crate::metrics::Metrics;
use crate::queue;
use crate::round::Round;
use crate::world::throttle;

/// Works until the queue ends.
pub(super) fn run(
    number: usize,
    mut queue: queue::Worker<Job>,
    generations: &Generations,
    metrics: &Metrics,
) {
    wasmtime::Engine::tls_eager_initialize();
    let mut jobs = Vec::new();
    let mut arena = Bump::new();
    while queue.take(limits::BATCH_COMMENTS_MAX, &mut jobs) {
        // Read here and nowhere else: the whole batch is of this generation.
        let Some(generation) = generations.current() else {
            // Dropping the jobs tells their callers.
            jobs.clear();
            continue;
        };
        let batch = std::mem::take(&mut jobs);
        let round = Round { worker: number, generation: &generation, generations, metrics, arena: &arena };
        // A panic is a bug of the host's; it costs this batch (whose callers see it fail), not the worker.
        if catch_unwind(AssertUnwindSafe(|| work(&round, batch))).is_err() {
            tracing::error!(worker = number, "a batch was lost to a bug in the component host");
        }
        arena.reset();
    }
}

fn work(round: &Round<'_>, jobs: Vec<Job>) {
    let mut submissions: Vec<&Submission> = Vec::with_capacity(limits::BATCH_COMMENTS_MAX);
    let mut admissions: Vec<&Admission> = Vec::new();
    for job in &jobs {
        match job {
            Job::Judge { submissions: new, .. } => submissions.extend(new),
            Job::Admit { admissions: new, .. } => admissions.extend(new),
            Job::Plan { .. } => {}
        }
    }
    let mut decisions = judge(round, &submissions).into_iter();
    let mut admitted = admit(round, &admissions).into_iter();
    for job in jobs {
        // A caller that went away needs no answer.
        match job {
            Job::Judge { submissions, reply } => {
                let answers = decisions.by_ref().take(submissions.len()).collect();
                let _ = reply.send((answers, submissions));
            }
            Job::Admit { admissions, reply } => {
                let answers = admitted.by_ref().take(admissions.len()).collect();
                let _ = reply.send((answers, admissions));
            }
            Job::Plan { load, reply } => {
                let slot = &round.generation.slots.throttle;
                let question = [throttle::load(&load)];
                let plan = round
                    .ask(slot, &question, |guest, loads| loads.iter().map(|load| guest.plan(load)).collect())
                    .pop()
                    .flatten();
                let _ = reply.send(plan.unwrap_or_else(|| fallback::plan(&load)));
            }
        }
    }
}
