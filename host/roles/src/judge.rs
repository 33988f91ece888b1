//! The judge: judges later what was let through unjudged (invariant 2), and tells of every decision on a comment (R40).

mod decisions;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ringside_core::{Comment, CommentId, EventKind, Judgement, StreamId, TraceContext, Visibility};
use ringside_ports::log::Topic;
use ringside_ports::policy::{CommentCounters, Decision, Submission};
use ringside_ports::{PortResult, Traces};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::consumer::{Consumer, OnPoison, Place};
use crate::metrics::WorkerLabel;
use crate::role::RoleServices;
use crate::workers::Worker;
use decisions::Found;

/// Unjudged comments held in memory; past it the judge stops reading, the rest waits in the log.
const WAITING_MAX: usize = 10_000;
/// How often what waits is tried again.
const RETRY: Duration = Duration::from_secs(2);
/// Most comments tried at once, so that live comments find the chain free.
const TRIED_AT_ONCE: usize = 64;

struct Unjudged {
    offset: u64,
    stream: StreamId,
    comment: CommentId,
    trace: Option<TraceContext>,
}

/// Judges what is unjudged in a partition until `stop`.
///
/// # Errors
/// When the judge's place cannot be read at the start.
pub async fn run(services: RoleServices, worker: Arc<Worker>, stop: CancellationToken) -> PortResult<()> {
    let partition = worker.partition();
    let log = services.log.clone();
    let mut place = Place::find(log.clone(), worker.clone()).await?;
    let next = place.kept().unwrap_or(log.extent(Topic::RoomEvents, partition).await?.first);
    let mut consumer = Consumer::new(log, next, OnPoison::Skip, worker.clone(), stop.clone());
    let mut waiting: VecDeque<Unjudged> = VecDeque::new();
    let mut decided: VecDeque<Found> = VecDeque::new();
    let label = WorkerLabel { role: worker.role(), partition };
    let mut read_to = next;
    let mut retry = tokio::time::interval(RETRY);
    retry.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = consumer.ready(), if waiting.len() < WAITING_MAX && decided.len() < WAITING_MAX => {
                let Some(chunk) = consumer.next().await else { return Ok(()) };
                decided.extend(chunk.events.iter().filter_map(|(offset, event)| {
                    Found::in_event(partition, *offset, event)
                }));
                waiting.extend(chunk.events.into_iter().filter_map(|(offset, event)| {
                    let comment = match &event.kind {
                        EventKind::CommentAccepted(comment) if comment.judgement.is_unjudged() => comment.id,
                        EventKind::CommentEdited { comment, judgement, .. } if judgement.is_unjudged() => *comment,
                        _ => return None,
                    };
                    Some(Unjudged { offset, stream: event.stream, comment, trace: event.trace })
                }));
                read_to = chunk.next;
            }
            _ = retry.tick() => {
                judge(&services, &worker, read_to, &mut waiting).await;
                worker.metrics().unjudged.get_or_create(&label).set(i64::try_from(waiting.len()).unwrap_or(i64::MAX));
                decisions::tell(&services, partition, read_to, &mut decided).await;
                let unjudged = waiting.front().map_or(read_to, |first| first.offset);
                place.keep(decided.front().map_or(unjudged, |first| first.offset().min(unjudged))).await;
            }
            () = stop.cancelled() => return Ok(()),
        }
    }
}

/// Judges what can be judged now; the rest stays, in order.
async fn judge(services: &RoleServices, worker: &Worker, read_to: u64, waiting: &mut VecDeque<Unjudged>) {
    // The store must know the comments before they are looked up in it.
    if waiting.is_empty()
        || !services.store.checkpoint(worker.partition()).await.is_ok_and(|at| at >= read_to)
    {
        return;
    }
    let mut left = VecDeque::with_capacity(waiting.len());
    while let Some(unjudged) = waiting.pop_front() {
        match judge_one(services, worker.traces(), &unjudged).await {
            Judged::Done => {}
            Judged::Later => left.push_back(unjudged),
        }
        if left.len() >= TRIED_AT_ONCE {
            // The component is still broken: do not ask it for all of them.
            left.append(waiting);
        }
    }
    *waiting = left;
}

enum Judged {
    Done,
    Later,
}

async fn judge_one(services: &RoleServices, traces: &Traces, unjudged: &Unjudged) -> Judged {
    let stored = match services.store.comment(&unjudged.stream, unjudged.comment).await {
        Ok(Some(stored)) => stored.comment,
        Ok(None) => return Judged::Done,
        Err(_) => return Judged::Later,
    };
    // One that is in the shadow unjudged was put there for its author, by a moderator.
    let is_settled = matches!(stored.visibility, Visibility::Removed | Visibility::Shadow);
    if is_settled || !stored.judgement.is_unjudged() {
        return Judged::Done;
    }
    let Ok(entry) = services.streams.get(&unjudged.stream).await else { return Judged::Later };
    let mut span = traces.follow(unjudged.trace).map(|trace| trace.begin("judge"));
    let submission = Submission {
        admission: None,
        stream: stored.stream.clone(),
        settings: Arc::new(entry.settings.clone()),
        author: stored.author.clone(),
        folded: ringside_core::text::fold(&stored.text),
        text: stored.text.clone(),
        counters: CommentCounters::default(),
        trace: span.as_ref().map(|span| span.trace().clone()),
    };
    let judgement = match services.policy.judge(vec![submission]).await.map(|mut all| all.pop()) {
        Ok(Some(Decision::Judged(judgement))) if !judgement.is_unjudged() => judgement,
        _ => return Judged::Later,
    };
    let comment = moderated(stored, judgement);
    let (stream, id, action) = (comment.stream.clone(), comment.id, comment.judgement.action);
    if let Some(span) = &mut span {
        span.set("ringside.stream", stream.as_str());
        span.set("ringside.action", action.as_str());
        span.about(&comment);
    }
    let trace_id = span.as_ref().map(|span| span.trace().context().trace_id());
    let append = span.as_ref().map(|span| span.trace().begin("append"));
    match services.appender.append_in(&stream, EventKind::CommentModerated { comment }, append).await {
        Ok(_) => {
            info!(trace_id, %stream, comment = %id, action = action.as_str(), "judged a comment that was let through unjudged");
            Judged::Done
        }
        Err(_) => Judged::Later,
    }
}

fn moderated(mut comment: Comment, judgement: Judgement) -> Comment {
    comment.visibility = judgement.action.visibility().unwrap_or(Visibility::Removed);
    comment.judgement = judgement;
    comment
}
