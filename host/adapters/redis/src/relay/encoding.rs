//! How a batch goes over the wire: a version byte, a byte that says whether the rest is deflated, then MessagePack
//! with field names like the log's events, so that a later version may add fields and an earlier one still reads.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use ringside_core::sampling::Plan;
use ringside_core::{Event, StreamId};
use ringside_ports::relay::RelayBatch;
use serde::{Deserialize, Serialize};

/// First byte of every message. What an earlier version would misread gets the next number.
pub(super) const VERSION: u8 = 1;
const PLAIN: u8 = 0;
const DEFLATED: u8 = 1;
/// Batches from this many bytes are deflated: two comments of the same fields. Below it little is won.
const DEFLATED_FROM: usize = 1_024;
/// A message may become this long; the coordinator reads 2 MiB of the log at once.
const BYTES_MAX: u64 = 64 << 20;

/// Why a message is not a batch.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Undecodable {
    #[error("the message has format version {0}, this host reads {VERSION}")]
    Version(u8),
    #[error("the message cannot be read: {0}")]
    Damaged(String),
}

#[derive(Serialize)]
struct Written<'a> {
    stream: &'a StreamId,
    partition: u32,
    from: u64,
    next: u64,
    plan: &'a Plan,
    events: &'a [(u64, Arc<Event>)],
}

#[derive(Deserialize)]
struct Read {
    stream: StreamId,
    partition: u32,
    from: u64,
    next: u64,
    plan: Plan,
    events: Vec<(u64, Arc<Event>)>,
}

/// Writes a batch.
pub(super) fn encode(batch: &RelayBatch) -> Vec<u8> {
    let RelayBatch { stream, partition, from, next, plan, events } = batch;
    let written = Written { stream, partition: *partition, from: *from, next: *next, plan, events };
    let mut bytes = Vec::with_capacity(256 + 512 * events.len());
    bytes.extend([VERSION, PLAIN]);
    // All of it is plain data: writing it into memory cannot fail, nor can deflating it there.
    let done = rmp_serde::encode::write_named(&mut bytes, &written);
    debug_assert!(done.is_ok(), "{done:?}");
    if bytes.len() < DEFLATED_FROM {
        return bytes;
    }
    let mut deflater = DeflateEncoder::new(vec![VERSION, DEFLATED], Compression::fast());
    let body = bytes.get(2..).unwrap_or_default();
    match deflater.write_all(body).and_then(|()| deflater.finish()) {
        Ok(deflated) => deflated,
        Err(_) => bytes,
    }
}

/// Reads a batch.
pub(super) fn decode(bytes: &[u8]) -> Result<RelayBatch, Undecodable> {
    let damaged = |error: &dyn std::fmt::Display| Undecodable::Damaged(error.to_string());
    let read: Read = match bytes {
        [VERSION, PLAIN, body @ ..] => rmp_serde::from_slice(body).map_err(|error| damaged(&error))?,
        [VERSION, DEFLATED, body @ ..] => {
            let mut inflated = Vec::with_capacity(4 * body.len());
            let mut inflater = DeflateDecoder::new(body).take(BYTES_MAX);
            inflater.read_to_end(&mut inflated).map_err(|error| damaged(&error))?;
            rmp_serde::from_slice(&inflated).map_err(|error| damaged(&error))?
        }
        [VERSION, ..] => return Err(damaged(&"it is neither plain nor deflated")),
        [version, ..] => return Err(Undecodable::Version(*version)),
        [] => return Err(damaged(&"it is empty")),
    };
    let Read { stream, partition, from, next, plan, events } = read;
    Ok(RelayBatch { stream, partition, from, next, plan, events })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ringside_core::{EventKind, HostId, RegionId};

    fn batch(events: u64, emoji: &str) -> RelayBatch {
        let stream = StreamId::new("s").unwrap();
        let event = |sequence| Event {
            stream: stream.clone(),
            origin: RegionId::new("local").unwrap(),
            producer: HostId::new("h1").unwrap(),
            sequence,
            at_ms: 1_700_000_000_000 + sequence,
            trace: None,
            kind: EventKind::EmojiTotals(vec![(emoji.into(), sequence)]),
        };
        RelayBatch {
            stream: stream.clone(),
            partition: 3,
            from: 7,
            next: 9 + events,
            plan: Plan { shown_percent: 40, banner: Some("fast".into()), ..Plan::default() },
            events: (0..events).map(|n| (8 + n, Arc::new(event(n)))).collect(),
        }
    }

    proptest! {
        #[test]
        fn a_batch_reads_back_and_any_damage_is_told_not_a_panic(
            events in 0u64..60, emoji in ".{1,20}", cut: prop::sample::Index, flip: u8,
        ) {
            let batch = batch(events, &emoji);
            let bytes = encode(&batch);
            prop_assert_eq!(&decode(&bytes).unwrap(), &batch);
            let at = cut.index(bytes.len());
            prop_assert!(decode(&bytes[..at]).is_err());
            let mut damaged = bytes;
            damaged[at] ^= flip;
            let _ = decode(&damaged);
        }
    }

    #[test]
    fn a_busy_batch_is_deflated_and_a_later_version_is_told_from_damage() {
        let bytes = encode(&batch(100, "🎉"));
        assert_eq!(bytes[..2], [VERSION, DEFLATED]);
        assert!(bytes.len() < 2_000, "{} bytes for 100 alike", bytes.len());
        assert_eq!(encode(&batch(1, "🎉"))[..2], [VERSION, PLAIN]);
        assert_eq!(decode(&[VERSION + 1, 0, 0]), Err(Undecodable::Version(VERSION + 1)));
        for damaged in [&[][..], &[VERSION], &[VERSION, 7], &[VERSION, PLAIN, 0xc1]] {
            assert!(matches!(decode(damaged), Err(Undecodable::Damaged(_))), "{damaged:?}");
        }
    }
}
