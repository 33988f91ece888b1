//! `ringside load`: viewers and senders by the thousands from one process, and what they measure.
//!
//! A connection is one task without a buffer. Viewers step over what they are sent; a few of each stream read it and
//! look for the run's own comments, which bear a mark. Senders are separate connections, each a user of its own, as
//! many as keep every one of them below a host's limits.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::error::Error;
use crate::latency::Latency;
use crate::progress::Progress;
use crate::tally::Tally;
use crate::target::{Target, TargetArgs};
use crate::token::{TokenSource, Tokens};

mod args;
mod drive;
mod enter;
mod plan;
mod ramp;
mod report;
mod sender;
mod stats;
mod texts;
mod tracker;
mod viewer;

pub use args::{LoadArgs, MaybeRate, SenderRole};
pub use report::{CommandReport, ConnectionsReport, DeliveredReport, LoadReport};

use enter::Entrance;
use plan::Plan;
use stats::{Kind, Stats, lock};

/// How long a comment may take to a viewer before it is lost.
const GRACE: Duration = Duration::from_secs(10);
/// Shortest wait at the end.
const AFTERGLOW: Duration = Duration::from_millis(300);
/// How often it is looked whether anything is still on its way at the end.
const GRACE_STEP: Duration = Duration::from_millis(20);
/// Reasons that are reported.
const REASONS_SHOWN: usize = 20;

/// Loads a host, and reports what was measured. Ctrl-C ends the run early, with a report.
///
/// # Errors
/// `Usage` for an address, stream or token that cannot be used and for a run that needs more connections than this
/// process may have, `Unavailable` when no host answers.
pub async fn load(args: LoadArgs, tokens: impl TokenSource + 'static) -> Result<LoadReport, Error> {
    let plan = Plan::new(&args)?;
    plan.claim_files()?;
    let target = Target::resolve(&args.target).await?;
    let senders = match &args.sender_url {
        Some(url) => {
            Target::resolve(&TargetArgs { url: url.clone(), allow_remote: args.target.allow_remote }).await?
        }
        None => target.clone(),
    };
    let stats = Arc::new(Stats::new(plan.streams.len(), GRACE));
    let entrance = Arc::new(Entrance { args, target, senders, tokens: Tokens::new(tokens), plan });
    let mut run = Run::new(entrance, stats);
    let went_on = run.ramp().await?;
    let measured = if went_on { run.measure().await } else { Measured::default() };
    Ok(run.report(&measured))
}

/// A run on its way.
struct Run {
    entrance: Arc<Entrance>,
    stats: Arc<Stats>,
    /// Tasks of connections; ended with the run.
    lives: JoinSet<()>,
    senders: Vec<mpsc::Sender<Kind>>,
    viewers_reading: u64,
    joined: u64,
    failed: Tally,
    upgrade: Latency,
    join: Latency,
}

/// What is known only at the end of the measurement.
#[derive(Default)]
struct Measured {
    seconds: f64,
    finished: bool,
    viewers: f64,
    frames: u64,
    bytes: u64,
    cpu_s: f64,
}

impl Run {
    fn new(entrance: Arc<Entrance>, stats: Arc<Stats>) -> Self {
        Self {
            entrance,
            stats,
            lives: JoinSet::new(),
            senders: Vec::new(),
            viewers_reading: 0,
            joined: 0,
            failed: Tally::default(),
            upgrade: Latency::new(),
            join: Latency::new(),
        }
    }

    /// Sends at the rates for the duration, then waits for what is still on its way.
    async fn measure(&mut self) -> Measured {
        let args = &self.entrance.args;
        let duration = Duration::from_secs_f64(args.duration);
        let _progress = Progress::start({
            let (stats, start) = (self.stats.clone(), Instant::now());
            move || progress(&stats, start.elapsed(), duration)
        });
        let before = self.reading();
        let start = Instant::now();
        let senders: Arc<[mpsc::Sender<Kind>]> = std::mem::take(&mut self.senders).into();
        let mut drives = JoinSet::new();
        for (place, kind, rate) in [
            (0, Kind::Comment, args.comments),
            (1, Kind::Reaction, args.reactions),
            (2, Kind::Emoji, args.emoji),
        ] {
            if let Some(rate) = rate.0 {
                let first = senders.len() * place / 3;
                drives.spawn(drive::drive(kind, rate, duration, first, senders.clone(), self.stats.clone()));
            }
        }
        let finished = tokio::select! {
            () = async {
                while drives.join_next().await.is_some() {}
                tokio::time::sleep_until(start + duration).await;
            } => true,
            _ = tokio::signal::ctrl_c() => false,
        };
        drives.shutdown().await;
        let seconds = start.elapsed().as_secs_f64();
        let after = self.reading();
        let end = Instant::now() + GRACE;
        let settled = async {
            // A little longer than a batch may wait, so that a comment which comes twice is seen to.
            tokio::time::sleep(AFTERGLOW).await;
            while self.stats.is_waiting() && Instant::now() < end {
                tokio::time::sleep(GRACE_STEP).await;
            }
        };
        tokio::select! {
            () = settled => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        Measured {
            seconds,
            finished,
            viewers: f64::midpoint(before.viewers, after.viewers),
            frames: after.frames - before.frames,
            bytes: after.bytes - before.bytes,
            cpu_s: after.cpu_s - before.cpu_s,
        }
    }

    /// What the meters show now.
    #[allow(clippy::cast_precision_loss, reason = "a number of connections, and seconds")]
    fn reading(&self) -> Measured {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        Measured {
            viewers: self.stats.viewers_live.load(Ordering::Relaxed) as f64,
            frames: self.stats.viewers.frames.load(Ordering::Relaxed),
            bytes: self.stats.viewers.bytes.load(Ordering::Relaxed),
            cpu_s: cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
            ..Measured::default()
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "figures to show")]
    fn report(&mut self, measured: &Measured) -> LoadReport {
        self.lives.abort_all();
        let (args, plan, stats) = (&self.entrance.args, &self.entrance.plan, &self.stats);
        // What is on its way for less than the grace when a run is cut short is nobody's loss.
        let losses = stats.losses(std::time::Instant::now());
        let (retried, dropped, seen) = (lock(&stats.retried), lock(&stats.dropped), lock(&stats.seen));
        let per_viewer_second = |count: u64| {
            let viewer_seconds = measured.viewers * measured.seconds;
            if viewer_seconds > 0.0 { count as f64 / viewer_seconds } else { 0.0 }
        };
        LoadReport {
            url: self.entrance.target.url.clone(),
            streams: plan.streams.iter().map(ToString::to_string).collect(),
            subprotocol: args.codec.subprotocol().to_owned(),
            compression: args.compression,
            seconds: measured.seconds,
            stopped: !measured.finished,
            connections: ConnectionsReport {
                viewers: plan.viewers as u64,
                senders: plan.senders as u64,
                joined: self.joined,
                retried: retried.total(),
                retried_reasons: retried.top(REASONS_SHOWN),
                failed: self.failed.total(),
                failed_reasons: self.failed.top(REASONS_SHOWN),
                upgrade: self.upgrade.percentiles(),
                join: self.join.percentiles(),
                dropped: dropped.total(),
                dropped_reasons: dropped.top(REASONS_SHOWN),
            },
            comments: stats.commands(Kind::Comment).report(measured.seconds),
            reactions: stats.commands(Kind::Reaction).report(measured.seconds),
            emoji: stats.commands(Kind::Emoji).report(measured.seconds),
            seen: seen.since_sent.percentiles(),
            seen_after_reply: seen.since_reply.percentiles(),
            viewers_reading: self.viewers_reading,
            lost: losses.lost,
            duplicates: losses.duplicates,
            left_out: losses.left_out,
            late: losses.late,
            delivered: DeliveredReport {
                viewers: measured.viewers,
                frames: measured.frames,
                bytes: measured.bytes,
                frames_per_viewer_per_second: per_viewer_second(measured.frames),
                bytes_per_viewer_per_second: per_viewer_second(measured.bytes),
            },
            load_cpu_percent: if measured.seconds > 0.0 {
                measured.cpu_s / measured.seconds * 100.0
            } else {
                0.0
            },
            json: args.json,
        }
    }
}

fn progress(stats: &Stats, elapsed: Duration, duration: Duration) -> String {
    let comments = stats.commands(Kind::Comment);
    format!(
        "{:>4} of {} s  viewers {}  comments {}  acknowledged p99 {:.0} ms  seen p99 {:.0} ms  dropped {}",
        elapsed.as_secs(),
        duration.as_secs(),
        stats.viewers_live.load(Ordering::Relaxed),
        comments.sent,
        comments.acknowledged.percentiles().p99_ms,
        lock(&stats.seen).since_sent.percentiles().p99_ms,
        lock(&stats.dropped).total(),
    )
}
