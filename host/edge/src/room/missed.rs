//! Reading from the log what did not come by the relay.

use ringside_core::{Event, StreamId, encoding};
use ringside_ports::log::Topic;
use ringside_ports::{Log, PortResult};
use tracing::debug;

/// Records read at once, and their bytes: a few milliseconds of reading.
const CHUNK_RECORDS: usize = 2_048;
const CHUNK_BYTES: usize = 2 << 20;

/// A part of the log, without the events of other streams.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// Offset and event, ascending.
    pub events: Vec<(u64, Event)>,
    /// The offset after the last record looked at.
    pub next: u64,
    /// Records before `from` were no longer kept: something is missing.
    pub cut: bool,
}

/// Reads the next part of a stream's events in `from..to`. Done when `next` reaches `to`.
pub(super) async fn read(
    log: &dyn Log,
    stream: &StreamId,
    partition: u32,
    from: u64,
    to: u64,
) -> PortResult<Part> {
    let mut part = Part { next: from, ..Part::default() };
    let most = usize::try_from(to.saturating_sub(from)).unwrap_or(CHUNK_RECORDS).min(CHUNK_RECORDS);
    let records = log.read(Topic::RoomEvents, partition, from, most, CHUNK_BYTES).await?;
    if records.is_empty() {
        // Nothing there yet, or no longer: whoever asked must not ask for ever.
        part.next = to;
        return Ok(part);
    }
    part.cut = records.first().is_some_and(|first| first.offset > from);
    for record in records {
        if record.offset >= to {
            part.next = to;
            break;
        }
        part.next = record.offset + 1;
        if record.key != stream.as_str() {
            continue;
        }
        match encoding::decode(&record.payload) {
            Ok(event) => part.events.push((record.offset, event)),
            // The writer puts what cannot be read among the dead letters; viewers are not shown it.
            Err(error) => debug!(%stream, offset = record.offset, %error, "a record is skipped"),
        }
    }
    Ok(part)
}
