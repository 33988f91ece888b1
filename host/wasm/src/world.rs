//! Instances of components and their calls, one module a world.

pub(crate) mod codec;
pub(crate) mod describe;
pub(crate) mod moderator;
pub(crate) mod throttle;
mod tickets;

use std::sync::Arc;

use ringside_ports::releases::World as WorldName;
use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::bindings::throttle::ringside::edge::types::Wants;
use crate::call::CallError;
use crate::engine::{Clock, Runtime};
use crate::guest::{GuestState, Offer};
use crate::limits;
use describe::Description;

pub(crate) use crate::bindings::codec::Codec;
pub(crate) use crate::bindings::moderator::Moderator;
pub(crate) use crate::bindings::throttle::Throttle;

/// What the three worlds have in common.
pub(crate) trait World: Sized + Send + 'static {
    /// Which it is.
    const NAME: WorldName;
    /// A component whose imports are resolved and whose exports were found.
    type Pre: Send + Sync + 'static;

    /// # Errors
    /// When an export is missing or of another type.
    fn pre(component: InstancePre<GuestState>) -> wasmtime::Result<Self::Pre>;
    /// # Errors
    /// A trap.
    fn instantiate(pre: &Self::Pre, store: &mut Store<GuestState>) -> wasmtime::Result<Self>;
    /// # Errors
    /// A trap.
    fn describe(&self, store: &mut Store<GuestState>) -> wasmtime::Result<Description>;
    /// # Errors
    /// A trap, or within it what the component says against the configuration.
    fn configure(&self, store: &mut Store<GuestState>, config: &str) -> wasmtime::Result<Result<(), String>>;
    /// Runs the component's own examples, which also warms the instance; returns their number.
    ///
    /// # Errors
    /// A broken call, or within it which example failed, what was expected and what came.
    fn self_test(guest: &mut Guest<Self>) -> Result<Result<usize, String>, CallError>;
}

/// What is wrong with so many examples; none where they are few enough.
fn too_many(examples: usize) -> Option<String> {
    let most = limits::EXAMPLES_MAX;
    (examples > most).then(|| format!("{examples} examples are too many: at most {most}"))
}

/// One instance of a component. After a failed call it is thrown away: what a trap leaves behind is not defined.
pub(crate) struct Guest<W> {
    store: Store<GuestState>,
    world: W,
    clock: Arc<Clock>,
}

impl<W: World> Guest<W> {
    /// Makes an instance, within `ticks` epochs. It is not configured yet.
    ///
    /// # Errors
    /// [`CallError`] when there is no place for it or it fails.
    pub(crate) fn start(
        runtime: &Runtime,
        pre: &W::Pre,
        offer: &Arc<Offer>,
        ticks: u64,
    ) -> Result<Self, CallError> {
        let clock = runtime.clock.clone();
        let ticking = clock.tick();
        let mut store = Store::new(&runtime.engine, GuestState::new(offer.clone()));
        store.limiter(|state| state);
        store.set_hostcall_fuel(limits::ANSWER_BYTES_MAX);
        store.set_epoch_deadline(ticks);
        let instance = W::instantiate(pre, &mut store);
        drop(ticking);
        match instance {
            Ok(world) => Ok(Self { store, world, clock }),
            Err(error) => Err(CallError::from_wasmtime(&error, ticks, store.data().refused_memory)),
        }
    }

    /// Calls it, within `ticks` epochs.
    ///
    /// # Errors
    /// [`CallError`]; the instance must not be called again.
    pub(crate) fn call<R>(
        &mut self,
        ticks: u64,
        call: impl FnOnce(&W, &mut Store<GuestState>) -> wasmtime::Result<R>,
    ) -> Result<R, CallError> {
        let _ticking = self.clock.tick();
        self.store.set_epoch_deadline(ticks);
        call(&self.world, &mut self.store)
            .map_err(|error| CallError::from_wasmtime(&error, ticks, self.store.data().refused_memory))
    }

    /// What it asked to be told beside what all are.
    pub(crate) fn wants(&self) -> Wants {
        self.store.data().wants
    }

    /// # Errors
    /// [`CallError`], also for a description that does not hold what the WIT package asks of one.
    pub(crate) fn describe(&mut self) -> Result<Description, CallError> {
        let description = self.call(limits::START_TICKS_MAX, W::describe)?;
        description.check().map_err(CallError::malformed)?;
        Ok(description)
    }

    /// Configures it, within `ticks` epochs.
    ///
    /// # Errors
    /// [`CallError`], or within it what the component says against the configuration.
    pub(crate) fn configure(&mut self, config: &str, ticks: u64) -> Result<Result<(), String>, CallError> {
        let answer = self.call(ticks, |world, store| world.configure(store, config))?;
        Ok(answer.map_err(|text| crate::text::cut(text, limits::REASON_BYTES_MAX)))
    }
}
