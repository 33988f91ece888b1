//! What runs, for operators' screens and for `ringside chain`.

use std::sync::atomic::Ordering;
use std::time::Instant;

use ringside_core::Generation as Number;
use ringside_ports::releases::{Digest, OnFailure, World as WorldName};
use serde::Serialize;

use crate::generation::{Generation, Slot};
use crate::world::World;

/// What runs on a host.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The generation that judges; none before the first release.
    pub generation: Option<Number>,
    /// The one that stays warm for a rollback.
    pub previous: Option<Number>,
    /// Slots in order: throttle, moderators, codecs.
    pub slots: Vec<SlotStatus>,
}

/// One slot of the generation that judges.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SlotStatus {
    /// The slot's name.
    pub name: String,
    /// What stands there.
    pub world: WorldName,
    /// The component's name.
    pub component: String,
    /// Its version.
    pub version: String,
    /// Its one sentence.
    pub summary: String,
    /// Its file.
    pub digest: Digest,
    /// What happens to a comment that breaks it.
    pub on_failure: OnFailure,
    /// A codec's subprotocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subprotocol: Option<String>,
    /// Calls of this version since the host started.
    pub calls: u64,
    /// Comments, requests, frames or messages given to this version since the host started.
    pub items: u64,
    /// Time within its calls, in microseconds.
    pub microseconds: u64,
    /// Calls that failed since it was loaded.
    pub failures: u64,
    /// True while it is left out because it costs too much.
    pub suspended: bool,
}

pub(crate) fn status(current: Option<&Generation>, previous: Option<&Generation>) -> Status {
    let mut slots = Vec::new();
    if let Some(generation) = current {
        slots.push(of(&generation.slots.throttle, None));
        slots.extend(generation.slots.moderators.iter().map(|slot| of(slot, None)));
        let codecs = generation.slots.codecs.iter();
        slots.extend(codecs.map(|codec| of(&codec.slot, Some(&codec.format.subprotocol))));
    }
    Status {
        generation: current.map(|generation| generation.number),
        previous: previous.map(|generation| generation.number),
        slots,
    }
}

fn of<W: World>(slot: &Slot<W>, subprotocol: Option<&str>) -> SlotStatus {
    let component = &slot.component;
    SlotStatus {
        name: slot.name.to_string(),
        world: W::NAME,
        component: component.description.name.clone(),
        version: component.description.version.clone(),
        summary: component.description.summary.clone(),
        digest: component.digest.clone(),
        on_failure: slot.on_failure,
        subprotocol: subprotocol.map(str::to_owned),
        calls: component.metrics.calls.get(),
        items: component.metrics.items.get(),
        microseconds: component.metrics.microseconds.get(),
        failures: component.failures.load(Ordering::Relaxed),
        suspended: component.health.is_suspended(Instant::now()),
    }
}
