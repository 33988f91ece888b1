//! The writer: takes the log into the store, sends what it counted back into the log as totals, and tells what hosts
//! share of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ringside_core::event::Totals;
use ringside_core::{CommentId, Event, EventKind, StreamId, limits};
use ringside_ports::store::Applied;
use ringside_ports::{PortResult, Span};
use tokio_util::sync::CancellationToken;

use crate::appender::Appender;
use crate::consumer::{Consumer, OnPoison};
use crate::newest::Newest;
use crate::role::RoleServices;
use crate::workers::Worker;

/// Most comments whose totals are sent in one event.
const TOTALS_PER_EVENT: usize = 500;

/// Writes a partition from the store's checkpoint until `stop`.
///
/// # Errors
/// When the checkpoint cannot be read at the start.
pub async fn run(services: RoleServices, worker: Arc<Worker>, stop: CancellationToken) -> PortResult<()> {
    let partition = worker.partition();
    let next = services.store.checkpoint(partition).await?;
    let mut consumer = Consumer::new(services.log.clone(), next, OnPoison::Keep, worker.clone(), stop);
    let newest = services.recent.clone();
    let newest = newest.map(|recent| Newest::start(recent, services.store.clone(), services.clock.clone()));
    let mut totals = PendingTotals::default();
    let mut flush = tokio::time::interval(Duration::from_millis(limits::EMOJI_GATHER_MS));
    flush.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = consumer.ready() => {
                let Some(chunk) = consumer.next().await else { break };
                if let Some(newest) = &newest {
                    newest.coming(&chunk.events, chunk.next);
                }
                let traced = |(offset, event): &(u64, Event)| worker.traces().of_event("store", partition, *offset, event);
                let mut spans: Vec<Span> = chunk.events.iter().filter_map(traced).collect();
                spans.iter_mut().for_each(|span| span.set("ringside.records", chunk.events.len()));
                let apply = || services.store.apply(partition, &chunk.events, chunk.next);
                let Some(applied) = consumer.carry_out(apply).await else { break };
                drop(spans);
                totals.take_in(applied);
                if let Some(newest) = &newest {
                    newest.taken(chunk.events, chunk.next);
                }
            }
            _ = flush.tick() => totals.flush(&services.appender),
        }
    }
    totals.flush(&services.appender);
    Ok(())
}

/// The latest totals of what changed since the last flush; bounded by what changes in that time.
#[derive(Default)]
struct PendingTotals {
    reactions: HashMap<StreamId, HashMap<CommentId, Totals>>,
    emoji: HashMap<StreamId, Vec<(String, u64)>>,
}

impl PendingTotals {
    fn take_in(&mut self, applied: Applied) {
        for (stream, totals) in applied.reactions {
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
