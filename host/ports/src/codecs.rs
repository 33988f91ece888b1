//! The codecs: bytes to commands and messages to bytes, whoever does it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use ringside_core::wire::{DecodeError, Message, Request};
use tokio::sync::watch;

use crate::error::PortResult;

/// A wire format of the release that runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Format {
    /// WebSocket subprotocol, such as `ringside.v1.json`; names the codec in calls.
    pub subprotocol: Arc<str>,
    /// Text frames; else binary.
    pub text: bool,
}

/// The codecs of the release that runs.
#[async_trait]
pub trait Codecs: Send + Sync {
    /// The formats there are now, in the release's order; changes when a codec comes or goes.
    fn formats(&self) -> watch::Receiver<Arc<[Format]>>;

    /// Reads clients' frames, one answer for each, in order. A frame that breaks the codec is `Malformed`, the
    /// others are read.
    ///
    /// # Errors
    /// `NotFound` when the subprotocol was taken off this host, `Busy` when the bounded queue is full.
    async fn decode(
        &self,
        subprotocol: &Arc<str>,
        frames: Vec<Bytes>,
    ) -> PortResult<Vec<Result<Request, DecodeError>>>;

    /// Writes messages, one payload for each, in order; none for a message that breaks the codec.
    ///
    /// # Errors
    /// `NotFound` when the subprotocol was taken off this host, `Busy` when the bounded queue is full.
    async fn encode(&self, subprotocol: &Arc<str>, messages: Vec<Message>) -> PortResult<Vec<Option<Bytes>>>;
}
