//! Records that could not be read: kept with the reason, listed, and put back once they can be (R47).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use ringside_core::{HostId, encoding};
use ringside_ports::log::{Durability, NewRecord, Record, Topic};
use ringside_ports::{Log, PortResult};
use serde::{Deserialize, Serialize};

/// A record that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Where it stood.
    pub topic: String,
    /// Where it stood.
    pub partition: u32,
    /// Where it stood.
    pub offset: u64,
    /// Its key.
    pub key: String,
    /// Why it could not be read.
    pub reason: String,
    /// What it was, in base64.
    pub payload: String,
}

/// Consumer group that keeps how far dead letters were replayed.
const REPLAY_GROUP: &str = "dead-letters-replay";

/// Keeps a record that could not be read.
///
/// # Errors
/// Those of [`Log::append`]; the caller must not go past the record then.
pub async fn keep(log: &Arc<dyn Log>, partition: u32, record: &Record, reason: String) -> PortResult<()> {
    let letter = DeadLetter {
        topic: Topic::RoomEvents.name().into(),
        partition,
        offset: record.offset,
        key: record.key.clone(),
        reason,
        payload: STANDARD.encode(&record.payload),
    };
    let payload = Bytes::from(serde_json::to_vec(&letter).unwrap_or_default());
    let target = log.partition_of(Topic::DeadLetters, &record.key);
    let letter = NewRecord { key: record.key.clone(), payload };
    log.append(Topic::DeadLetters, target, vec![letter], Durability::Durable).await.map(drop)
}

/// Dead letters not yet replayed, oldest first, at most `most`.
///
/// # Errors
/// Those of [`Log::read`].
pub async fn list(log: &Arc<dyn Log>, most: usize) -> PortResult<Vec<DeadLetter>> {
    let mut letters = Vec::new();
    for partition in 0..log.partitions(Topic::DeadLetters) {
        let from = log.committed(REPLAY_GROUP, Topic::DeadLetters, partition).await?.unwrap_or(0);
        for record in log.read(Topic::DeadLetters, partition, from, most, usize::MAX).await? {
            if let Ok(letter) = serde_json::from_slice(&record.payload) {
                letters.push(letter);
            }
        }
    }
    letters.truncate(most);
    Ok(letters)
}

/// What a replay did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Records that can be read now and were put back into the log.
    pub replayed: u64,
    /// Records that still cannot be read; they stay.
    pub unreadable: u64,
}

/// Puts every dead letter that can be read now back into the log. Stops at nothing: those that cannot be read
/// are kept again, behind the others.
///
/// # Errors
/// Those of the log; what was put back until then is not put back again.
pub async fn replay(log: &Arc<dyn Log>) -> PortResult<Replayed> {
    let mut result = Replayed::default();
    for partition in 0..log.partitions(Topic::DeadLetters) {
        let mut from = log.committed(REPLAY_GROUP, Topic::DeadLetters, partition).await?.unwrap_or(0);
        // Letters that are kept again land behind this end and wait for the next replay.
        let end = log.extent(Topic::DeadLetters, partition).await?.next;
        while from < end {
            let records = log.read(Topic::DeadLetters, partition, from, 256, 1 << 20).await?;
            if records.is_empty() {
                break;
            }
            for record in records.into_iter().take_while(|record| record.offset < end) {
                let letter: Option<DeadLetter> = serde_json::from_slice(&record.payload).ok();
                let payload = letter.as_ref().and_then(|letter| STANDARD.decode(&letter.payload).ok());
                let event = letter
                    .as_ref()
                    .zip(payload)
                    .and_then(|(letter, payload)| encoding::decode_keyed(&letter.key, &payload).ok());
                match (letter, event) {
                    (Some(letter), Some(mut event)) => {
                        // Its producer has gone on numbering: under a name of its own it is not taken for a repeat.
                        if let Ok(producer) = HostId::new(&format!("replay.{partition}.{}", record.offset)) {
                            event.producer = producer;
                        }
                        let target = log.partition_of(Topic::RoomEvents, &letter.key);
                        let back = NewRecord { key: letter.key, payload: encoding::encode(&event).into() };
                        log.append(Topic::RoomEvents, target, vec![back], Durability::Durable).await?;
                        result.replayed += 1;
                    }
                    _ => {
                        let again = NewRecord { key: record.key.clone(), payload: record.payload.clone() };
                        log.append(Topic::DeadLetters, partition, vec![again], Durability::Durable).await?;
                        result.unreadable += 1;
                    }
                }
                from = record.offset + 1;
                log.commit(REPLAY_GROUP, Topic::DeadLetters, partition, from).await?;
            }
        }
    }
    Ok(result)
}
