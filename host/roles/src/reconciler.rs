//! The reconciler: counts reactions anew in the background, the sooner the busier a comment is (R5).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ringside_core::{CommentId, EventKind, StreamId};
use ringside_ports::PortResult;
use ringside_ports::log::Topic;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::consumer::{Consumer, OnPoison, Place};
use crate::role::RoleServices;
use crate::workers::Worker;

/// A comment that was reacted to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Touched {
    stream: StreamId,
    comment: CommentId,
}

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

/// Counts the comments of a partition anew until `stop`. What waited when it ends is counted with its next reaction.
///
/// # Errors
/// When the reconciler's place cannot be read at the start.
pub async fn run(services: RoleServices, worker: Arc<Worker>, stop: CancellationToken) -> PortResult<()> {
    let partition = worker.partition();
    let log = services.log.clone();
    let mut place = Place::find(log.clone(), worker.clone()).await?;
    let next = place.kept().unwrap_or(log.extent(Topic::RoomEvents, partition).await?.next);
    let mut consumer = Consumer::new(log, next, OnPoison::Skip, worker.clone(), stop.clone());
    let (mut waiting, mut read_to) = (Waiting::default(), next);
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = consumer.ready() => {
                let Some(chunk) = consumer.next().await else { return Ok(()) };
                let now_ms = services.clock.now_ms();
                for (_, event) in chunk.events {
                    if let EventKind::ReactionSet { comment, .. } = event.kind {
                        waiting.touch(Touched { stream: event.stream, comment }, now_ms);
                    }
                }
                read_to = chunk.next;
            }
            _ = tick.tick() => {
                recount(&services, &worker, &mut waiting).await;
                place.keep(read_to).await;
            }
        }
    }
}

async fn recount(services: &RoleServices, worker: &Worker, waiting: &mut Waiting) {
    for one in waiting.take_due(services.clock.now_ms(), RECOUNTS_PER_SECOND) {
        match services.store.recount(&one.stream, one.comment).await {
            Ok(Some(totals)) => {
                worker.metrics().reconciled.inc();
                warn!(stream = %one.stream, comment = %one.comment, "corrected totals that were off");
                services.appender.queue_event(&one.stream, EventKind::ReactionTotals(vec![totals]));
            }
            Ok(None) => {}
            Err(error) => {
                debug!(%error, "counting anew failed, it waits for the next time");
                waiting.touch(one, services.clock.now_ms());
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
