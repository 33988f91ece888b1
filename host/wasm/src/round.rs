//! One batch's way through a generation: whom it asks, and what follows when a component breaks.

use std::sync::Arc;
use std::time::Instant;

use bumpalo::Bump;

use crate::call::CallError;
use crate::generation::{Generation, Slot};
use crate::generations::Generations;
use crate::limits;
use crate::metrics::Metrics;
use crate::world::{Guest, World};

/// What a worker needs while it works on one batch.
pub(crate) struct Round<'a> {
    /// Number of the worker: its place in every component.
    pub(crate) worker: usize,
    /// The generation that this batch is of, and no other.
    pub(crate) generation: &'a Arc<Generation>,
    pub(crate) generations: &'a Generations,
    pub(crate) metrics: &'a Metrics,
    /// Holds lists in the shape of WIT while components are called.
    pub(crate) arena: &'a Bump,
}

impl Round<'_> {
    /// Asks the component of a slot about items. None for an item that breaks it, and for all while it is left
    /// out. Acts when it breaks too often.
    pub(crate) fn ask<W: World, I, A>(
        &self,
        slot: &Slot<W>,
        items: &[I],
        call: impl Fn(&mut Guest<W>, &[I]) -> Result<Vec<A>, CallError>,
    ) -> Vec<Option<A>> {
        let given = slot.component.give(self.worker, items, call);
        let Some((error, lost)) = given.incident else { return given.answers };
        let lately = slot.component.health.incident(Instant::now(), lost);
        let broken_by = given.answers.iter().filter(|answer| answer.is_none()).count();
        if lately.incidents <= limits::INCIDENTS_LOGGED_MAX {
            tracing::warn!(
                slot = &*slot.name,
                component = slot.component.label(),
                kind = error.kind.as_str(),
                items = items.len(),
                broken_by,
                "a component broke and was replaced: it {error}"
            );
        }
        let too_many = lately.incidents >= limits::INCIDENTS_MAX;
        if too_many
            && self.generations.rollback_from(self.generation, &slot.component, &slot.name, &error.detail)
        {
            return given.answers;
        }
        if lately.lost >= limits::INCIDENT_LOSS_MAX {
            slot.component.health.suspend(Instant::now());
            tracing::error!(
                slot = &*slot.name,
                component = slot.component.label(),
                suspended_s = limits::SUSPENSION.as_secs(),
                "a component costs too much and is left out, its slot's policy holds: it {error}"
            );
        }
        given.answers
    }
}
