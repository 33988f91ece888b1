//! What was taken in since the last durable commit.
//!
//! A crash sets the store and whoever feeds it back together. A failure of the disk sets only the store back: its
//! file is opened again as it was last synced, while the writer goes on from where it stood. So the events since
//! then are kept, and taken in again before anyone reads.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redb::Durability;
use ringside_core::Event;
use ringside_ports::store::Applied;

use super::apply;
use crate::database::Database;

/// At most this much is replayed from the log after a crash; commits in between cost no sync.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// Events kept until the next durable commit: a second at full rate, 20 MB at 600 bytes each.
const EVENTS_MAX: usize = 32_768;

struct Batch {
    partition: u32,
    events: Arc<Vec<(u64, Event)>>,
    next: u64,
}

struct Kept {
    batches: Vec<Batch>,
    events: usize,
    synced_at: Instant,
}

/// Batches that are not durable yet.
pub(super) struct Recent(Mutex<Kept>);

impl Default for Recent {
    fn default() -> Self {
        Self(Mutex::new(Kept { batches: Vec::new(), events: 0, synced_at: Instant::now() }))
    }
}

impl Recent {
    /// Takes a batch in. One at a time, as transactions are: what is kept is what no durable commit has.
    pub(super) fn apply(
        &self,
        database: &Database,
        partition: u32,
        events: Arc<Vec<(u64, Event)>>,
        next: u64,
    ) -> Result<Applied, redb::Error> {
        database.run(|database| {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let is_due = kept.synced_at.elapsed() >= SYNC_EVERY || kept.events + events.len() > EVENTS_MAX;
            let durability = if is_due { Durability::Immediate } else { Durability::None };
            let applied = apply::apply(database, partition, &events, next, durability)?;
            if is_due {
                kept.batches.clear();
                kept.events = 0;
                kept.synced_at = Instant::now();
            } else {
                kept.events += events.len();
                kept.batches.push(Batch { partition, events, next });
            }
            Ok(applied)
        })
    }

    /// Takes in again what the file lost; called with the file to itself.
    pub(super) fn bring_back(&self, database: &redb::Database) -> Result<(), redb::Error> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for batch in &kept.batches {
            apply::apply(database, batch.partition, &batch.events, batch.next, Durability::None)?;
        }
        Ok(())
    }
}
