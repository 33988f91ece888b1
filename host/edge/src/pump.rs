//! Between a shard and the codecs: what many connections send and are sent goes in batches, and comes back by key.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ringside_core::StreamId;
use ringside_core::close::CloseCode;
use ringside_core::wire::{DecodeError, Message, Request, WireEvent};
use ringside_ports::Codecs;
use ringside_ports::codecs::Format;
use ringside_ports::error::{PortError, PortErrorKind};
use tokio::sync::Notify;

use crate::formats::{FormatId, Formats};
use crate::frame::{Opcode, frame};
use crate::hub::slot::Key;

/// Frames or messages in one call of a codec.
const BATCH_MAX: usize = 256;
/// Wait before a full codec queue is asked again.
const BUSY_WAIT: Duration = Duration::from_millis(2);

/// What happens after messages were given to a connection.
#[derive(Debug, Clone)]
pub(crate) enum Then {
    Nothing,
    /// The room follows.
    Release,
    /// The end.
    Close(CloseCode),
    /// Not given at all unless the connection still stands where this says: made anew otherwise.
    Standing(Rc<Standing>),
}

/// An event for one member, whose batch says where the member stands.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) stream: StreamId,
    pub(crate) event: WireEvent,
    /// The room's cursor that the batch's position stands for.
    pub(crate) cursor: u64,
    /// How often it may still be made anew.
    pub(crate) tries: u8,
}

/// Messages for one connection.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) key: Key,
    pub(crate) messages: Vec<Message>,
    pub(crate) then: Then,
}

/// What comes back.
pub(crate) trait Pumped {
    /// A client's commands, in the order in which they came.
    fn decoded(&mut self, commands: Vec<(Key, Result<Request, DecodeError>)>);
    /// Whole frames for a connection; none when the codec failed on one of its messages.
    fn encoded(&mut self, key: Key, frames: Option<Bytes>, then: Then);
    /// The codec is gone.
    fn withdrawn(&mut self, keys: Vec<Key>);
}

struct Queues {
    format: Arc<Format>,
    frames: RefCell<Vec<(Key, Bytes)>>,
    to_decode: Notify,
    messages: RefCell<Vec<Outgoing>>,
    to_encode: Notify,
}

/// The queues of a shard, one pair for each format that is connected.
#[derive(Default)]
pub(crate) struct Pumps {
    queues: Vec<Option<Rc<Queues>>>,
    waiting: Rc<Waiting>,
}

/// What waits over all formats, at the codecs too.
#[derive(Debug, Default)]
struct Waiting {
    undecoded: Cell<usize>,
    unencoded: Cell<usize>,
}

fn change(cell: &Cell<usize>, more: usize, less: usize) {
    cell.set((cell.get() + more).saturating_sub(less));
}

impl Pumps {
    fn get(&self, format: FormatId) -> Option<&Rc<Queues>> {
        self.queues.get(usize::from(format))?.as_ref()
    }

    /// Frames that wait.
    pub(crate) fn undecoded(&self) -> usize {
        self.waiting.undecoded.get()
    }

    /// Messages that wait.
    pub(crate) fn unencoded(&self) -> usize {
        self.waiting.unencoded.get()
    }

    /// True where a format's frames are text.
    pub(crate) fn is_text(&self, format: FormatId) -> bool {
        self.get(format).is_some_and(|queues| queues.format.text)
    }

    /// A frame of a client.
    pub(crate) fn decode(&self, format: FormatId, key: Key, frame: Bytes) {
        if let Some(queues) = self.get(format) {
            queues.frames.borrow_mut().push((key, frame));
            change(&self.waiting.undecoded, 1, 0);
            queues.to_decode.notify_one();
        }
    }

    /// Messages for a client.
    pub(crate) fn encode(&self, format: FormatId, outgoing: Outgoing) {
        if let Some(queues) = self.get(format) {
            queues.messages.borrow_mut().push(outgoing);
            change(&self.waiting.unencoded, 1, 0);
            queues.to_encode.notify_one();
        }
    }

    /// Begins to serve a format, on the shard's own thread. `hub` is called back; it is never borrowed over a wait.
    pub(crate) fn serve<H: Pumped + 'static>(
        &mut self,
        id: FormatId,
        formats: &Formats,
        codecs: &Arc<dyn Codecs>,
        hub: &Rc<RefCell<H>>,
    ) {
        let at = usize::from(id);
        if self.queues.len() <= at {
            self.queues.resize(at + 1, None);
        }
        let (Some(place), Some(format)) = (self.queues.get_mut(at), formats.get(id)) else { return };
        if place.is_some() {
            return;
        }
        let queues = Rc::new(Queues {
            format,
            frames: RefCell::default(),
            to_decode: Notify::new(),
            messages: RefCell::default(),
            to_encode: Notify::new(),
        });
        *place = Some(queues.clone());
        let (waiting, hub) = (self.waiting.clone(), hub.clone());
        tokio::task::spawn_local(decode(queues.clone(), waiting.clone(), codecs.clone(), hub.clone()));
        tokio::task::spawn_local(encode(queues, waiting, codecs.clone(), hub));
    }
}

async fn decode<H: Pumped>(
    queues: Rc<Queues>,
    waiting: Rc<Waiting>,
    codecs: Arc<dyn Codecs>,
    hub: Rc<RefCell<H>>,
) {
    loop {
        let batch = take(&queues.frames);
        if batch.is_empty() {
            queues.to_decode.notified().await;
            continue;
        }
        let (keys, frames): (Vec<Key>, Vec<Bytes>) = batch.into_iter().unzip();
        let count = frames.len();
        // Bytes are counted references: asking again costs nothing.
        let answer = patiently(|| codecs.decode(&queues.format.subprotocol, frames.clone())).await;
        change(&waiting.undecoded, 0, count);
        match answer {
            Ok(answers) => hub.borrow_mut().decoded(keys.into_iter().zip(answers).collect()),
            Err(_) => hub.borrow_mut().withdrawn(keys),
        }
    }
}

async fn encode<H: Pumped>(
    queues: Rc<Queues>,
    waiting: Rc<Waiting>,
    codecs: Arc<dyn Codecs>,
    hub: Rc<RefCell<H>>,
) {
    let opcode = if queues.format.text { Opcode::Text } else { Opcode::Binary };
    loop {
        let batch = take(&queues.messages);
        if batch.is_empty() {
            queues.to_encode.notified().await;
            continue;
        }
        let count = batch.len();
        let parts: Vec<(Key, usize, Then)> = batch
            .iter()
            .map(|outgoing| (outgoing.key, outgoing.messages.len(), outgoing.then.clone()))
            .collect();
        let messages: Vec<Message> = batch.into_iter().flat_map(|outgoing| outgoing.messages).collect();
        let answer = patiently(|| codecs.encode(&queues.format.subprotocol, messages.clone())).await;
        change(&waiting.unencoded, 0, count);
        let Ok(payloads) = answer else {
            hub.borrow_mut().withdrawn(parts.into_iter().map(|(key, ..)| key).collect());
            continue;
        };
        let mut payloads = payloads.into_iter();
        let mut hub = hub.borrow_mut();
        for (key, messages, then) in parts {
            let payloads: Option<Vec<Bytes>> = payloads.by_ref().take(messages).collect();
            hub.encoded(key, payloads.map(|payloads| frames(opcode, &payloads)), then);
        }
    }
}

fn frames(opcode: Opcode, payloads: &[Bytes]) -> Bytes {
    match payloads {
        [payload] => frame(opcode, false, payload),
        payloads => {
            let mut bytes = BytesMut::new();
            payloads.iter().for_each(|payload| bytes.extend_from_slice(&frame(opcode, false, payload)));
            bytes.freeze()
        }
    }
}

fn take<T>(queue: &RefCell<Vec<T>>) -> Vec<T> {
    let mut queue = queue.borrow_mut();
    if queue.len() <= BATCH_MAX {
        return std::mem::take(&mut *queue);
    }
    let rest = queue.split_off(BATCH_MAX);
    std::mem::replace(&mut *queue, rest)
}

/// Asks again while the codec's queue is full: what waits here is bounded by what the shard reads.
async fn patiently<T, F: Future<Output = Result<T, PortError>>>(
    mut ask: impl FnMut() -> F,
) -> Result<T, PortError> {
    loop {
        match ask().await {
            Err(error) if error.kind == PortErrorKind::Busy => {
                tokio::time::sleep(error.retry_after.unwrap_or(BUSY_WAIT).min(BUSY_WAIT * 10)).await;
            }
            other => return other,
        }
    }
}
