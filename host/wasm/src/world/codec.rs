//! Calls of the world `codec`.

pub(crate) mod incoming;
pub(crate) mod outgoing;
mod sample;

use std::sync::Arc;

use bumpalo::Bump;
use bytes::Bytes;
use ringside_core::wire::{DecodeError, Request};
use ringside_ports::codecs::Format;
use ringside_ports::releases::World as WorldName;
use wasmtime::Store;
use wasmtime::component::InstancePre;

use super::describe::Description;
use super::{Codec, Guest, World, too_many};
use crate::bindings::codec::CodecPre;
use crate::bindings::codec::ringside::edge::{types, wire as wit};
use crate::call::CallError;
use crate::guest::GuestState;
use crate::limits;

/// Longest name of a subprotocol, in bytes.
const SUBPROTOCOL_BYTES_MAX: usize = 64;

impl World for Codec {
    const NAME: WorldName = WorldName::Codec;
    type Pre = CodecPre<GuestState>;

    fn pre(component: InstancePre<GuestState>) -> wasmtime::Result<Self::Pre> {
        CodecPre::new(component)
    }

    fn instantiate(pre: &Self::Pre, store: &mut Store<GuestState>) -> wasmtime::Result<Self> {
        pre.instantiate(store)
    }

    fn describe(&self, store: &mut Store<GuestState>) -> wasmtime::Result<Description> {
        let types::Description { name, version, summary } = self.call_describe(store)?;
        Ok(Description { name, version, summary })
    }

    /// A wire format is what it is: clients in the field rely on it, so there is nothing to configure.
    fn configure(
        &self,
        _store: &mut Store<GuestState>,
        config: &str,
    ) -> wasmtime::Result<Result<(), String>> {
        let blank = config.trim().is_empty();
        Ok(if blank { Ok(()) } else { Err("a codec takes no configuration: leave it empty".into()) })
    }

    fn self_test(guest: &mut Guest<Self>) -> Result<Result<usize, String>, CallError> {
        let format = guest.format()?;
        let examples = guest.call(limits::START_TICKS_MAX, |world, store| world.call_examples(store))?;
        if let Some(problem) = too_many(examples.len()) {
            return Ok(Err(problem));
        }
        let total = examples.len();
        for (number, example) in (1..).zip(examples) {
            let got = guest.decode(&[&example.frame])?.pop();
            let expected = Ok(incoming::request(example.request));
            if got.as_ref() != Some(&expected) {
                let frame: String = String::from_utf8_lossy(&example.frame).chars().take(80).collect();
                return Ok(Err(format!("example {number} ({frame:?}): expected {expected:?}, got {got:?}")));
            }
        }
        let messages = sample::messages();
        let arena = Bump::new();
        let written: Vec<_> = messages.iter().map(|message| outgoing::message(message, &arena)).collect();
        guest.encode(&written, format.text)?;
        Ok(Ok(total))
    }
}

impl Guest<Codec> {
    /// # Errors
    /// [`CallError`], also for a name that cannot stand in a handshake.
    pub(crate) fn format(&mut self) -> Result<Format, CallError> {
        let wit::Format { subprotocol, text } =
            self.call(limits::START_TICKS_MAX, |world, store| world.call_format(store))?;
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if !(1..=SUBPROTOCOL_BYTES_MAX).contains(&subprotocol.len()) || !subprotocol.bytes().all(token) {
            let name: String = subprotocol.chars().take(80).collect();
            return Err(CallError::malformed(format!(
                "its subprotocol `{name}` must have 1 to {SUBPROTOCOL_BYTES_MAX} letters, digits or `.-_`"
            )));
        }
        Ok(Format { subprotocol: Arc::from(subprotocol), text })
    }

    /// Reads frames, in order.
    ///
    /// # Errors
    /// [`CallError`]; the instance must not be called again.
    pub(crate) fn decode(
        &mut self,
        frames: &[&[u8]],
    ) -> Result<Vec<Result<Request, DecodeError>>, CallError> {
        let answers = self.call(limits::CALL_TICKS_MAX, |world, store| world.call_decode(store, frames))?;
        if answers.len() != frames.len() {
            let (answers, frames) = (answers.len(), frames.len());
            return Err(CallError::malformed(format!("answered {answers} requests to {frames} frames")));
        }
        Ok(answers.into_iter().map(|answer| answer.map(incoming::request).map_err(incoming::error)).collect())
    }

    /// Writes messages, in order.
    ///
    /// # Errors
    /// [`CallError`]; the instance must not be called again.
    pub(crate) fn encode(
        &mut self,
        messages: &[wit::Message<'_>],
        text: bool,
    ) -> Result<Vec<Bytes>, CallError> {
        let payloads =
            self.call(limits::CALL_TICKS_MAX, |world, store| world.call_encode(store, messages))?;
        if payloads.len() != messages.len() {
            let (payloads, messages) = (payloads.len(), messages.len());
            return Err(CallError::malformed(format!("wrote {payloads} payloads for {messages} messages")));
        }
        // A text frame that is not UTF-8 makes every client close its connection.
        if text && payloads.iter().any(|payload| std::str::from_utf8(payload).is_err()) {
            return Err(CallError::malformed("wrote a text payload that is not UTF-8"));
        }
        Ok(payloads.into_iter().map(Bytes::from).collect())
    }
}
