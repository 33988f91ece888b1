//! Entries as frames: encoded once for each format and tier, compressed once, framed once.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ringside_core::Position;
use ringside_core::wire::{Batch, Message, WireEvent};
use ringside_ports::Codecs;
use ringside_ports::codecs::Format;
use ringside_ports::error::PortErrorKind;
use tracing::{error, warn};

use super::event::RoomEvent;
use super::{Content, Entry, Room, Tier, Variant};
use crate::formats::{FormatId, Formats};
use crate::frame::deflate::Deflater;
use crate::frame::{Opcode, frame};

/// Wait before a full codec queue is asked again.
const BUSY_WAIT: Duration = Duration::from_millis(5);
/// Times a full codec queue is asked for one entry: a second and a half. Then the entry is lost for that format
/// and its members are told of a gap by their position.
const BUSY_TRIES: usize = 300;

/// Turns entries into frames; one for each room, as it owns the deflater.
pub(super) struct Encoder {
    pub(super) codecs: Arc<dyn Codecs>,
    pub(super) formats: Arc<Formats>,
    deflater: Option<Deflater>,
}

impl Encoder {
    pub(super) fn new(codecs: Arc<dyn Codecs>, formats: Arc<Formats>) -> Self {
        Self { codecs, formats, deflater: None }
    }

    /// Encodes an entry for the variants that it lacks; returns the bytes that were added.
    pub(super) async fn encode(&mut self, room: &Room, entry: &Entry, variants: &[Variant]) -> usize {
        let missing: Vec<Variant> = variants.iter().copied().filter(|v| entry.frame(*v).is_none()).collect();
        let mut formats: Vec<FormatId> = missing.iter().map(|variant| variant.format).collect();
        formats.sort_unstable();
        formats.dedup();
        let mut added = 0;
        for id in formats {
            let missing: Vec<Variant> = missing.iter().copied().filter(|v| v.format == id).collect();
            let mut tiers: Vec<Tier> = missing.iter().map(|variant| variant.tier).collect();
            if entry.differs() {
                tiers.sort_unstable_by_key(|tier| *tier as u8);
                tiers.dedup();
            } else {
                tiers.truncate(1);
            }
            let Some(format) = self.formats.get(id) else { continue };
            let opcode = if format.text { Opcode::Text } else { Opcode::Binary };
            for tier in tiers {
                let payload = self.payload(room, entry, tier, &format).await;
                let shares = |variant: &&Variant| variant.tier == tier || !entry.differs();
                for deflate in [false, true] {
                    let mut sharing =
                        missing.iter().filter(shares).filter(|v| v.deflate == deflate).peekable();
                    if sharing.peek().is_none() {
                        continue;
                    }
                    let bytes = self.frames(&payload, opcode, deflate);
                    for variant in sharing {
                        added += entry.keep(*variant, bytes.clone());
                    }
                }
            }
        }
        added
    }

    fn frames(&mut self, payloads: &[Bytes], opcode: Opcode, deflate: bool) -> Bytes {
        let one = |encoder: &mut Self, payload: &Bytes| {
            let deflater = deflate.then(|| encoder.deflater.get_or_insert_default());
            match deflater.and_then(|deflater| deflater.deflate(payload)) {
                Some(compressed) => frame(opcode, true, &compressed),
                None => frame(opcode, false, payload),
            }
        };
        match payloads {
            [payload] => one(self, payload),
            payloads => payloads.iter().flat_map(|payload| one(self, payload)).collect(),
        }
    }

    /// An entry's messages for a tier in a format: one, none where there is nothing to tell, or one an event where
    /// the codec failed on all of them together.
    async fn payload(&self, room: &Room, entry: &Entry, tier: Tier, format: &Format) -> Vec<Bytes> {
        let message = match &entry.content {
            Content::Notice(notice) => Message::Notice(notice.clone()),
            Content::Events { events, left_out } => match room.batch(events, *left_out, entry.next, tier) {
                Some(batch) => Message::Batch(batch),
                None => return Vec::new(),
            },
        };
        match self.ask(format, vec![message.clone()]).await.pop() {
            Some(Some(payload)) => vec![payload],
            _ => match message {
                Message::Batch(batch) if batch.events.len() > 1 => {
                    // One event breaks the codec: the others must not suffer for it.
                    let alone = |event: WireEvent| {
                        Message::Batch(Batch { events: vec![event], left_out: 0, ..batch.clone() })
                    };
                    let messages = batch.events.iter().cloned().map(alone).collect();
                    self.ask(format, messages).await.into_iter().flatten().collect()
                }
                _ => Vec::new(),
            },
        }
    }

    async fn ask(&self, format: &Format, messages: Vec<Message>) -> Vec<Option<Bytes>> {
        for _ in 0..BUSY_TRIES {
            match self.codecs.encode(&format.subprotocol, messages.clone()).await {
                Ok(payloads) => {
                    if payloads.iter().any(Option::is_none) {
                        error!(subprotocol = %format.subprotocol, "the codec failed on a message to a room");
                    }
                    return payloads;
                }
                Err(error) if error.kind == PortErrorKind::Busy => {
                    tokio::time::sleep(error.retry_after.unwrap_or(BUSY_WAIT).min(BUSY_WAIT)).await;
                }
                // Withdrawn: its connections are being closed.
                Err(error) if error.kind == PortErrorKind::NotFound => return Vec::new(),
                Err(error) => {
                    warn!(subprotocol = %format.subprotocol, %error, "a message to a room was not encoded");
                    return Vec::new();
                }
            }
        }
        warn!(subprotocol = %format.subprotocol, "the codec's queue stayed full: a room's message is lost");
        Vec::new()
    }
}

impl Room {
    /// The position after all events before `next`.
    pub(super) fn position(&self, next: u64) -> Position {
        Position { epoch: self.epoch, partition: self.partition, next }
    }

    /// What a tier is told of events; none where that is nothing.
    pub(super) fn batch(&self, events: &[RoomEvent], left_out: u32, next: u64, tier: Tier) -> Option<Batch> {
        let events: Vec<WireEvent> = events
            .iter()
            .filter(|event| tier.sees(event.audience))
            .map(|event| event.event.clone())
            .collect();
        let left_out = if tier == Tier::Sampled { left_out } else { 0 };
        (!events.is_empty() || left_out > 0).then(|| Batch {
            stream: self.stream.clone(),
            position: self.position(next).to_string(),
            events,
            left_out,
        })
    }
}
