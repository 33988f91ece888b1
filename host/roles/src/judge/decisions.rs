//! Decisions on comments, told as moderation events of the comments' authors (R40).
//!
//! They are read from the log, so that none is missed whoever decided it and whichever process dies; one that dies between
//! telling and keeping its place tells again, which readers see by the room event that is named.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use ringside_core::event::Remover;
use ringside_core::moderation::{CommentDecision, Decided, ModerationEvent, ModerationEventKind};
use ringside_core::{Action, CommentId, Event, EventKind, HostId, Judgement, RegionId, UserId, encoding};
use ringside_ports::log::{Durability, NewRecord, Topic};
use ringside_ports::{PortResult, Store};
use tracing::warn;

use crate::role::RoleServices;

/// Most decisions told in one round of the judge; the others follow in the next.
const TOLD_AT_ONCE: usize = 1_000;

/// A decision that was found in the log.
pub(super) struct Found {
    /// None where the event does not say it: an edit's or a removal's comment is in the store.
    author: Option<UserId>,
    origin: RegionId,
    producer: HostId,
    sequence: u64,
    at_ms: u64,
    decision: CommentDecision,
}

impl Found {
    /// The decision that an event of a room is, if it is one.
    pub(super) fn in_event(partition: u32, offset: u64, event: &Event) -> Option<Self> {
        let decision = |comment: CommentId, action: Decided| CommentDecision {
            stream: event.stream.clone(),
            comment,
            action,
            reason: String::new(),
            slot: String::new(),
            component: String::new(),
            generation: None,
            moderator: None,
            partition,
            offset,
        };
        let judged = |comment: CommentId, action: Decided, judgement: &Judgement| CommentDecision {
            reason: judgement.reason.clone(),
            slot: judgement.slot.clone(),
            component: judgement.component.clone(),
            generation: judgement.generation,
            ..decision(comment, action)
        };
        let (author, decision) = match &event.kind {
            EventKind::CommentAccepted(comment) => {
                let action = decided(comment.judgement.action)?;
                (Some(&comment.author), judged(comment.id, action, &comment.judgement))
            }
            EventKind::CommentModerated { comment } => {
                let action = match comment.judgement.action {
                    // A component that accepts names no slot: here a moderator approved what a component had flagged.
                    Action::Accept if !comment.judgement.slot.is_empty() => Decided::Approve,
                    Action::Accept => Decided::Accept,
                    action => decided(action).unwrap_or(Decided::Remove),
                };
                (Some(&comment.author), judged(comment.id, action, &comment.judgement))
            }
            EventKind::CommentEdited { comment, judgement, .. } => {
                (None, judged(*comment, decided(judgement.action)?, judgement))
            }
            EventKind::CommentApproved { comment, actor } => {
                let moderator = Some(actor.clone());
                (
                    Some(&comment.author),
                    CommentDecision { moderator, ..decision(comment.id, Decided::Approve) },
                )
            }
            EventKind::CommentRestored { comment, actor } => {
                let moderator = Some(actor.clone());
                (
                    Some(&comment.author),
                    CommentDecision { moderator, ..decision(comment.id, Decided::Restore) },
                )
            }
            EventKind::CommentRemoved { comment, by: Remover::Moderator, actor, reason } => {
                let (moderator, reason) = (actor.clone(), reason.clone());
                (None, CommentDecision { moderator, reason, ..decision(*comment, Decided::Remove) })
            }
            _ => return None,
        };
        Some(Self {
            author: author.map(|author| author.id.clone()),
            origin: event.origin.clone(),
            producer: event.producer.clone(),
            sequence: event.sequence,
            at_ms: event.at_ms,
            decision,
        })
    }

    /// Of the room event.
    pub(super) fn offset(&self) -> u64 {
        self.decision.offset
    }

    fn event(&self, user: UserId) -> ModerationEvent {
        ModerationEvent {
            user,
            origin: self.origin.clone(),
            producer: self.producer.clone(),
            sequence: self.sequence,
            at_ms: self.at_ms,
            kind: ModerationEventKind::CommentDecided(self.decision.clone()),
        }
    }
}

/// None where a component let a comment be: nearly all are.
fn decided(action: Action) -> Option<Decided> {
    match action {
        Action::Accept | Action::Reject => None,
        Action::Flag => Some(Decided::Flag),
        Action::Hold => Some(Decided::Hold),
        Action::ShadowBan => Some(Decided::ShadowBan),
    }
}

/// Tells what was found, in order; what cannot be told yet stays.
pub(super) async fn tell(services: &RoleServices, partition: u32, read_to: u64, found: &mut VecDeque<Found>) {
    // The store must know the comments before their authors are looked up in it.
    if found.is_empty() || !services.store.checkpoint(partition).await.is_ok_and(|at| at >= read_to) {
        return;
    }
    let count = found.len().min(TOLD_AT_ONCE);
    if let Err(error) = tell_some(services, found.iter_mut().take(count)).await {
        warn!(partition, %error, "decisions could not be told, trying again");
        return;
    }
    found.drain(..count);
}

async fn tell_some(services: &RoleServices, found: impl Iterator<Item = &mut Found>) -> PortResult<()> {
    let mut records: BTreeMap<u32, Vec<NewRecord>> = BTreeMap::new();
    for one in found {
        if one.author.is_none() {
            one.author = author(&*services.store, &one.decision).await?;
        }
        // A comment that is not kept any more has no author to tell of.
        let Some(user) = one.author.clone() else { continue };
        let key = user.as_str().to_owned();
        let event = one.event(user);
        let payload = Bytes::from(encoding::encode_moderation(&event));
        let to = services.log.partition_of(Topic::ModerationEvents, &key);
        records.entry(to).or_default().push(NewRecord { key, payload });
    }
    for (to, records) in records {
        services.log.append(Topic::ModerationEvents, to, records, Durability::Durable).await?;
    }
    Ok(())
}

async fn author(store: &dyn Store, decision: &CommentDecision) -> PortResult<Option<UserId>> {
    let stored = store.comment(&decision.stream, decision.comment).await?;
    Ok(stored.map(|stored| stored.comment.author.id))
}
