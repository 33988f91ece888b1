//! Making a generation ready before it is published: every component loaded, an instance on every worker,
//! configured, tested on its own examples and so warmed. What the generations alive have already is reused.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use ringside_core::Generation as Number;
use ringside_ports::codecs::Format;
use ringside_ports::releases::{Digest, OnFailure, Release, Slot as Wanted, World as WorldName};

use crate::component::{Component, UnfitError};
use crate::generation::{CodecSlot, Generation, Slot, Slots};
use crate::inspect::world_name;
use crate::limits;
use crate::loader::{LoadError, Loader};
use crate::metrics::Metrics;
use crate::world::{Codec, Moderator, Throttle, World};

/// A generation that is ready to be published.
pub struct Prepared {
    pub(crate) number: Number,
    pub(crate) slots: Arc<Slots>,
    /// How many components were loaded for it; the others were at work already.
    pub loaded: usize,
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("number", &self.number).field("loaded", &self.loaded).finish()
    }
}

/// Why a release cannot run on this host.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum PrepareError {
    #[error("release {number} has {found} throttles: give exactly one")]
    Throttles { number: u64, found: usize },
    #[error("release {number} has {found} slots: at most {} fit", limits::SLOTS_MAX)]
    TooManySlots { number: u64, found: usize },
    #[error("release {number} has two slots `{name}`: names must differ")]
    SameName { number: u64, name: String },
    #[error("slots `{first}` and `{second}` both speak `{subprotocol}`: keep one of them")]
    SameSubprotocol { first: String, second: String, subprotocol: String },
    #[error(
        "the configuration of slot `{slot}` has {bytes} bytes: at most {} are accepted",
        limits::CONFIG_BYTES_MAX
    )]
    ConfigTooLarge { slot: String, bytes: usize },
    #[error("slot `{slot}`: {error}")]
    Load { slot: String, error: LoadError },
    #[error("slot `{slot}`: the component is no {world}: {detail}")]
    WrongWorld { slot: String, world: &'static str, detail: String },
    #[error("slot `{slot}`: the component {error}")]
    Unfit { slot: String, error: String },
    #[error("the component host is shutting down")]
    Ended,
}

/// Makes generations for one host.
pub(crate) struct Preparer<'a> {
    pub(crate) loader: &'a Loader,
    pub(crate) metrics: &'a Metrics,
    pub(crate) workers: usize,
    pub(crate) codec_workers: usize,
    /// Generations whose components may be shared.
    pub(crate) alive: Vec<Arc<Generation>>,
    /// Files by digest; what is compiled here needs none.
    pub(crate) files: &'a HashMap<Digest, Bytes>,
    pub(crate) loaded: usize,
}

impl Preparer<'_> {
    /// # Errors
    /// [`PrepareError`] names the slot.
    pub(crate) fn prepare(mut self, release: &Release) -> Result<Prepared, PrepareError> {
        check_shape(release)?;
        let mut throttle = None;
        let mut moderators = Vec::new();
        let mut codecs: Vec<CodecSlot> = Vec::new();
        for wanted in &release.slots {
            match wanted.world {
                WorldName::Throttle => {
                    throttle = Some(self.slot::<Throttle>(wanted, |slots| vec![&slots.throttle])?);
                }
                WorldName::Moderator => {
                    moderators
                        .push(self.slot::<Moderator>(wanted, |slots| slots.moderators.iter().collect())?);
                }
                WorldName::Codec => {
                    let slot = self.slot::<Codec>(wanted, |slots| {
                        slots.codecs.iter().map(|codec| &codec.slot).collect()
                    })?;
                    let format = self.format(&slot)?;
                    if let Some(other) = codecs.iter().find(|c| c.format.subprotocol == format.subprotocol) {
                        return Err(PrepareError::SameSubprotocol {
                            first: other.slot.name.to_string(),
                            second: slot.name.to_string(),
                            subprotocol: format.subprotocol.to_string(),
                        });
                    }
                    codecs.push(CodecSlot { slot, format });
                }
            }
        }
        let throttle = throttle.ok_or(PrepareError::Throttles { number: release.number, found: 0 })?;
        let formats: Arc<[Format]> = codecs.iter().map(|codec| codec.format.clone()).collect();
        let slots = Arc::new(Slots { throttle, moderators, codecs, formats });
        Ok(Prepared { number: Number(release.number), slots, loaded: self.loaded })
    }

    fn slot<W: World>(
        &mut self,
        wanted: &Wanted,
        slots_of: impl for<'s> Fn(&'s Slots) -> Vec<&'s Slot<W>>,
    ) -> Result<Slot<W>, PrepareError> {
        let shared = self.alive.iter().find_map(|generation| {
            slots_of(&generation.slots)
                .into_iter()
                .map(|slot| &slot.component)
                .find(|component| component.digest == wanted.component && component.config == wanted.config)
                .cloned()
        });
        let component = match shared {
            Some(component) => component,
            None => Arc::new(self.load::<W>(wanted)?),
        };
        // Policies of moderators only; others have their own.
        let on_failure =
            if W::NAME == WorldName::Moderator { wanted.on_failure } else { OnFailure::default() };
        Ok(Slot { name: Arc::from(wanted.name.as_str()), on_failure, component })
    }

    fn load<W: World>(&mut self, wanted: &Wanted) -> Result<Component<W>, PrepareError> {
        let slot = || wanted.name.clone();
        let file = self.files.get(&wanted.component).map(|file| &**file);
        let code = self
            .loader
            .load(&wanted.component, file)
            .map_err(|error| PrepareError::Load { slot: slot(), error })?;
        let pre = W::pre(code).map_err(|error| PrepareError::WrongWorld {
            slot: slot(),
            world: world_name(W::NAME),
            detail: format!("{error:#}"),
        })?;
        let workers = if W::NAME == WorldName::Codec { self.codec_workers } else { self.workers };
        self.loaded += 1;
        Component::ready(
            &self.loader.runtime,
            pre,
            wanted.component.clone(),
            &wanted.config,
            workers,
            self.metrics,
        )
        .map_err(|error: UnfitError| PrepareError::Unfit { slot: slot(), error: error.to_string() })
    }

    /// A codec's format: known from a generation that has it, or else asked of it.
    fn format(&self, slot: &Slot<Codec>) -> Result<Format, PrepareError> {
        let known = self.alive.iter().flat_map(|generation| &generation.slots.codecs).find_map(|codec| {
            Arc::ptr_eq(&codec.slot.component, &slot.component).then(|| codec.format.clone())
        });
        if let Some(format) = known {
            return Ok(format);
        }
        let unfit = |error: String| PrepareError::Unfit { slot: slot.name.to_string(), error };
        let answers = slot.component.give(0, &[()], |guest, _| Ok(vec![guest.format()?]));
        match (answers.answers.into_iter().flatten().next(), answers.incident) {
            (Some(format), None) => Ok(format),
            (_, Some((error, _))) => Err(unfit(error.to_string())),
            (None, None) => Err(unfit("does not say its format".into())),
        }
    }
}

fn check_shape(release: &Release) -> Result<(), PrepareError> {
    let number = release.number;
    if release.slots.len() > limits::SLOTS_MAX {
        return Err(PrepareError::TooManySlots { number, found: release.slots.len() });
    }
    let throttles = release.slots.iter().filter(|slot| slot.world == WorldName::Throttle).count();
    if throttles != 1 {
        return Err(PrepareError::Throttles { number, found: throttles });
    }
    for (position, slot) in release.slots.iter().enumerate() {
        if release.slots.iter().take(position).any(|earlier| earlier.name == slot.name) {
            return Err(PrepareError::SameName { number, name: slot.name.clone() });
        }
        if slot.config.len() > limits::CONFIG_BYTES_MAX {
            return Err(PrepareError::ConfigTooLarge { slot: slot.name.clone(), bytes: slot.config.len() });
        }
    }
    Ok(())
}
