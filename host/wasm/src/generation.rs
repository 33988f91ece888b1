//! A generation: one immutable chain of components, with its number.

use std::sync::Arc;

use ringside_core::Generation as Number;
use ringside_ports::codecs::Format;
use ringside_ports::releases::OnFailure;

use crate::component::Component;
use crate::world::{Codec, Moderator, Throttle, World};

/// One place in a generation.
pub(crate) struct Slot<W: World> {
    pub(crate) name: Arc<str>,
    pub(crate) on_failure: OnFailure,
    pub(crate) component: Arc<Component<W>>,
}

/// A codec's place.
pub(crate) struct CodecSlot {
    pub(crate) slot: Slot<Codec>,
    pub(crate) format: Format,
}

/// What judges, admits and writes, from the moment it is published.
pub(crate) struct Generation {
    pub(crate) number: Number,
    pub(crate) slots: Arc<Slots>,
}

/// The content of a generation: a rollback gives it another number.
pub(crate) struct Slots {
    pub(crate) throttle: Slot<Throttle>,
    /// In the order in which they judge.
    pub(crate) moderators: Vec<Slot<Moderator>>,
    pub(crate) codecs: Vec<CodecSlot>,
    pub(crate) formats: Arc<[Format]>,
}

impl Slots {
    /// The codec of a subprotocol.
    pub(crate) fn codec(&self, subprotocol: &str) -> Option<&CodecSlot> {
        self.codecs.iter().find(|codec| &*codec.format.subprotocol == subprotocol)
    }

    /// True when the slot of this name has the very component that `component` points to.
    pub(crate) fn shares(&self, component: *const ()) -> bool {
        let throttle = Arc::as_ptr(&self.throttle.component).cast::<()>() == component;
        let moderators = self.moderators.iter().map(|slot| Arc::as_ptr(&slot.component).cast::<()>());
        let codecs = self.codecs.iter().map(|codec| Arc::as_ptr(&codec.slot.component).cast::<()>());
        throttle || moderators.chain(codecs).any(|pointer| pointer == component)
    }
}
