//! The reconciler: counts reactions anew in the background, the sooner the busier a comment is (R5).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ringside_core::{CommentId, EventKind, StreamId};
use ringside_ports::Store;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::appender::Appender;
use crate::clock::Clock;
use crate::metrics::RoleMetrics;

/// A comment that was reacted to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Touched {
    /// Its stream.
    pub stream: StreamId,
    /// Which.
    pub comment: CommentId,
}

/// Comments that wait to be told to the reconciler; more are told with their next reaction.
pub const QUEUE_CAPACITY: usize = 4_096;
/// Comments that wait to be counted anew; past it new ones wait for their next reaction.
const COMMENTS_MAX: usize = 50_000;
/// Most comments counted anew in a second, so that the store's other work goes first.
const RECOUNTS_PER_SECOND: usize = 200;

/// How long after its first reaction since the last count a comment is counted anew, by reactions since.
const SCHEDULE: [(u32, u64); 3] = [(10, 30_000), (2, 300_000), (1, 1_800_000)];

#[derive(Debug)]
struct Entry {
    since_ms: u64,
    reactions: u32,
}

impl Entry {
    fn is_due(&self, now_ms: u64) -> bool {
        let wait =
            SCHEDULE.iter().find(|(reactions, _)| self.reactions >= *reactions).map_or(0, |(_, wait)| *wait);
        now_ms.saturating_sub(self.since_ms) >= wait
    }
}

/// Comments that wait to be counted anew.
#[derive(Debug, Default)]
struct Waiting(HashMap<Touched, Entry>);

impl Waiting {
    fn touch(&mut self, touched: Touched, now_ms: u64) {
        if self.0.len() < COMMENTS_MAX || self.0.contains_key(&touched) {
            self.0.entry(touched).or_insert(Entry { since_ms: now_ms, reactions: 0 }).reactions += 1;
        }
    }

    fn take_due(&mut self, now_ms: u64, most: usize) -> Vec<Touched> {
        let due: Vec<Touched> = self
            .0
            .iter()
            .filter(|(_, entry)| entry.is_due(now_ms))
            .map(|(touched, _)| touched.clone())
            .take(most)
            .collect();
        for touched in &due {
            self.0.remove(touched);
        }
        due
    }
}

/// Counts anew until `stop`.
pub async fn run(
    store: Arc<dyn Store>,
    appender: Appender,
    mut touched: mpsc::Receiver<Touched>,
    clock: Clock,
    metrics: RoleMetrics,
    stop: CancellationToken,
) {
    let mut waiting = Waiting::default();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            one = touched.recv() => match one {
                Some(one) => waiting.touch(one, clock.now_ms()),
                None => return,
            },
            _ = tick.tick() => {
                for one in waiting.take_due(clock.now_ms(), RECOUNTS_PER_SECOND) {
                    match store.recount(&one.stream, one.comment).await {
                        Ok(Some(totals)) => {
                            metrics.reconciled.inc();
                            warn!(stream = %one.stream, comment = %one.comment, "corrected totals that were off");
                            appender.queue_event(&one.stream, EventKind::ReactionTotals(vec![totals]));
                        }
                        Ok(None) => {}
                        Err(error) => {
                            debug!(%error, "counting anew failed, it waits for the next time");
                            waiting.touch(one, clock.now_ms());
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busier_a_comment_the_sooner_it_is_counted_anew() {
        for (reactions, due_after_ms) in
            [(1, 1_800_000), (2, 300_000), (9, 300_000), (10, 30_000), (500, 30_000)]
        {
            let mut waiting = Waiting::default();
            let touched =
                Touched { stream: StreamId::new("s").unwrap(), comment: CommentId::from_halves(1, 2) };
            for _ in 0..reactions {
                waiting.touch(touched.clone(), 1_000);
            }
            assert!(waiting.take_due(999 + due_after_ms, 10).is_empty(), "{reactions}");
            assert_eq!(waiting.take_due(1_000 + due_after_ms, 10), [touched], "{reactions}");
            assert!(waiting.0.is_empty());
        }
    }
}
