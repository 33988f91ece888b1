//! The writer: takes the log into the store, and sends what it counted back into the log as totals.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ringside_core::event::Totals;
use ringside_core::{CommentId, EventKind, StreamId, limits};
use ringside_ports::store::Applied;
use ringside_ports::{Log, PortResult, Store};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::appender::Appender;
use crate::consumer::{Chunk, Consumer, OnPoison};
use crate::metrics::RoleMetrics;
use crate::reconciler::Touched;

/// Most comments whose totals are sent in one event.
const TOTALS_PER_EVENT: usize = 500;

/// What the writer works with.
#[derive(Clone)]
pub struct WriterServices {
    /// Read.
    pub log: Arc<dyn Log>,
    /// Written.
    pub store: Arc<dyn Store>,
    /// Takes totals.
    pub appender: Appender,
    /// Told which comments were reacted to; a full queue drops, the next reaction tells again.
    pub touched: mpsc::Sender<Touched>,
    /// Counted.
    pub metrics: RoleMetrics,
}

/// Writes one partition from the store's checkpoint until `stop`; `progress` shows the next offset to be taken in.
///
/// # Errors
/// When the checkpoint cannot be read at the start.
pub async fn run(
    services: WriterServices,
    partition: u32,
    progress: watch::Sender<u64>,
    stop: CancellationToken,
) -> PortResult<()> {
    let next = services.store.checkpoint(partition).await?;
    progress.send_replace(next);
    let mut consumer = Consumer::new(
        services.log.clone(),
        partition,
        next,
        "writer",
        OnPoison::Keep,
        services.metrics.clone(),
        stop,
    );
    let mut totals = PendingTotals::default();
    let mut flush = tokio::time::interval(Duration::from_millis(limits::EMOJI_GATHER_MS));
    flush.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = consumer.ready() => {
                let Some(chunk) = consumer.next().await else { break };
                let Some(applied) = apply(&services, &consumer, partition, &chunk).await else { break };
                progress.send_replace(chunk.next);
                totals.take_in(applied, &services.touched);
            }
            _ = flush.tick() => totals.flush(&services.appender),
        }
    }
    totals.flush(&services.appender);
    Ok(())
}

/// Applies a chunk until it succeeds: nothing is skipped because the store is away. None when the role is to end.
async fn apply(
    services: &WriterServices,
    consumer: &Consumer,
    partition: u32,
    chunk: &Chunk,
) -> Option<Applied> {
    let mut attempt = 0;
    loop {
        match services.store.apply(partition, &chunk.events, chunk.next).await {
            Ok(applied) => return Some(applied),
            Err(error) => {
                warn!(partition, %error, attempt, "the store takes nothing just now, trying again");
                if !consumer.pause(attempt).await {
                    return None;
                }
                attempt += 1;
            }
        }
    }
}

/// The latest totals of what changed since the last flush; bounded by what changes in that time.
#[derive(Default)]
struct PendingTotals {
    reactions: HashMap<StreamId, HashMap<CommentId, Totals>>,
    emoji: HashMap<StreamId, Vec<(String, u64)>>,
}

impl PendingTotals {
    fn take_in(&mut self, applied: Applied, touched: &mpsc::Sender<Touched>) {
        for (stream, totals) in applied.reactions {
            let _ = touched.try_send(Touched { stream: stream.clone(), comment: totals.comment });
            self.reactions.entry(stream).or_default().insert(totals.comment, totals);
        }
        self.emoji.extend(applied.emoji);
    }

    fn flush(&mut self, appender: &Appender) {
        for (stream, totals) in self.reactions.drain() {
            let mut totals: Vec<Totals> = totals.into_values().collect();
            totals.sort_unstable_by_key(|totals| totals.comment);
            for part in totals.chunks(TOTALS_PER_EVENT) {
                // A full queue loses these totals, not the reactions: the next change sends the sum again.
                appender.queue_event(&stream, EventKind::ReactionTotals(part.to_vec()));
            }
        }
        for (stream, totals) in self.emoji.drain() {
            appender.queue_event(&stream, EventKind::EmojiTotals(totals));
        }
    }
}
