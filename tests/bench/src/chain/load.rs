//! Load on the chain: as much as it takes, or at a pace that leaves it room.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use ringside_core::Action;
use ringside_ports::policy::{Decision, Submission};

use super::{Stage, tag};

/// Comments in one call of the port, as intake gathers them under load.
const GATHERED: usize = 64;
/// Calls in flight: enough that no worker waits for the load generator.
const IN_FLIGHT: usize = 16;
/// Paced calls a second, in ticks of a millisecond.
const PACED_PER_MS: usize = 4;
/// Comments in a paced call: 4 calls of 8 each millisecond are 32,000 comments a second.
const PACED_GATHERED: usize = 8;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What was done, and what it took.
#[derive(Debug, Clone, Default)]
pub(super) struct Load {
    pub(super) comments: u64,
    /// By the clock.
    pub(super) elapsed: Duration,
    /// On processors.
    pub(super) cpu: Duration,
    /// Calls that failed or answered too few, in comments.
    pub(super) failed: u64,
    /// Comments whose verdict is not of the generation that it names.
    pub(super) wrong: u64,
    pub(super) swaps: u64,
}

impl Load {
    pub(super) fn add(&mut self, other: &Self) {
        self.comments += other.comments;
        self.elapsed += other.elapsed;
        self.cpu += other.cpu;
        self.failed += other.failed;
        self.wrong += other.wrong;
        self.swaps += other.swaps;
    }

    pub(super) fn per_second(&self) -> f64 {
        self.comments as f64 / self.elapsed.as_secs_f64()
    }

    pub(super) fn cost_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.comments.max(1) as f64
    }
}

/// Judges as many comments as the chain takes.
///
/// # Errors
/// When a task breaks.
pub(super) async fn saturate(
    stage: &Arc<Stage>,
    submissions: &Arc<Vec<Submission>>,
    during: Duration,
) -> Result<Load, Failure> {
    let (cpu, begun) = (stage.cpu()?, Instant::now());
    let callers: Vec<_> = (0..IN_FLIGHT)
        .map(|caller| {
            let (stage, submissions) = (stage.clone(), submissions.clone());
            tokio::spawn(async move {
                let policy = stage.host.policy();
                let mut load = Load::default();
                let chunks = submissions.chunks_exact(GATHERED).cycle().skip(caller * 37);
                for chunk in chunks {
                    if begun.elapsed() >= during {
                        break;
                    }
                    match policy.judge(chunk.to_vec()).await {
                        Ok(decisions) if decisions.len() == chunk.len() => {
                            load.comments += decisions.len() as u64;
                            load.wrong +=
                                decisions.iter().filter(|decision| is_wrong(decision)).count() as u64;
                        }
                        Ok(_) | Err(_) => load.failed += chunk.len() as u64,
                    }
                }
                load
            })
        })
        .collect();
    let mut total = Load::default();
    for caller in callers {
        total.add(&caller.await?);
    }
    total.elapsed = begun.elapsed();
    total.cpu = stage.cpu()?.saturating_sub(cpu);
    Ok(total)
}

/// Words' verdicts name their generation in the reason.
fn is_wrong(decision: &Decision) -> bool {
    match decision {
        Decision::Judged(judgement) => match judgement.generation {
            Some(generation) if judgement.action == Action::Reject && judgement.slot == "words" => {
                !judgement.reason.contains(&tag(generation.0))
            }
            Some(_) => false,
            None => true,
        },
        Decision::NotAdmitted(_) => false,
    }
}

/// Latencies at a pace.
pub(super) struct Paced(Histogram<u64>);

impl Paced {
    /// # Errors
    /// Never with these bounds.
    pub(super) fn new() -> Result<Self, Failure> {
        // 1 µs to a minute, three digits.
        Ok(Self(Histogram::new_with_bounds(1, 60_000_000, 3)?))
    }

    /// # Errors
    /// Never: all have the same bounds.
    pub(super) fn add(&mut self, other: &Self) -> Result<(), Failure> {
        Ok(self.0.add(&other.0)?)
    }

    pub(super) fn quantile_us(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64
    }
}

/// Judges at a pace, and takes the time from the call to its answer.
///
/// # Errors
/// When a call fails.
pub(super) async fn pace(
    stage: &Arc<Stage>,
    submissions: &Arc<Vec<Submission>>,
    during: Duration,
) -> Result<Paced, Failure> {
    let mut paced = Paced::new()?;
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut calls = tokio::task::JoinSet::new();
    let mut chunks = submissions.chunks_exact(PACED_GATHERED).cycle();
    let begun = Instant::now();
    while begun.elapsed() < during {
        tick.tick().await;
        for chunk in chunks.by_ref().take(PACED_PER_MS) {
            let (policy, chunk) = (stage.host.policy(), chunk.to_vec());
            calls.spawn(async move {
                let begun = Instant::now();
                policy.judge(chunk).await.map(|_| begun.elapsed())
            });
        }
        while let Some(call) = calls.try_join_next() {
            paced.0.saturating_record(u64::try_from(call??.as_micros())?);
        }
    }
    while let Some(call) = calls.join_next().await {
        paced.0.saturating_record(u64::try_from(call??.as_micros())?);
    }
    Ok(paced)
}
