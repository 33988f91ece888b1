//! Taking events in.
//!
//! There is no transaction over partitions. So a chunk is read, worked out in memory, and written in an order in which
//! each stop in the middle is one from which the same events lead to the same end:
//!
//! 1. counts, each with the version of the last event in it: an event is never counted twice;
//! 2. all else, each row with the version of the event that made it so as its write time: it never wins over a later
//!    one, whoever writes it;
//! 3. the checkpoint, which goes back for nobody.

mod chunk;
mod clock;
pub(crate) mod load;
mod writes;

use std::sync::PoisonError;

use ringside_core::Event;
use ringside_ports::PortResult;
use ringside_ports::store::Applied;
use scylla::value::CqlValue;

use crate::backend::{Backend, READS_IN_FLIGHT, Write, bounded};
use chunk::Chunk;
use clock::Clock;
use writes::Place;

pub(crate) const APPLY: &str = "store.apply";

/// How far a partition is taken in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Checkpoint {
    /// The next offset.
    pub(crate) next: u64,
    /// Version of the last event below it.
    pub(crate) clock: i64,
}

impl Backend {
    /// The name that this region's checkpoints are under.
    fn region_key(&self) -> String {
        [self.prefix.as_str(), self.region.as_str()].concat()
    }

    /// This region's checkpoint.
    pub(crate) async fn checkpoint(&self, operation: &'static str, partition: u32) -> PortResult<Checkpoint> {
        let partition = i32::try_from(partition).unwrap_or(i32::MAX);
        self.checkpoint_of(operation, self.region_key(), partition).await
    }

    /// A region's checkpoint.
    pub(crate) async fn checkpoint_of(
        &self,
        operation: &'static str,
        region_key: String,
        partition: i32,
    ) -> PortResult<Checkpoint> {
        let rows =
            self.rows::<(i64, i64)>(operation, &self.statements.checkpoint, (region_key, partition)).await?;
        Ok(rows.first().map_or(Checkpoint::default(), |(next, clock)| Checkpoint {
            next: next.unsigned_abs(),
            clock: *clock,
        }))
    }

    pub(crate) async fn apply(
        &self,
        partition: u32,
        events: &[(u64, Event)],
        next: u64,
    ) -> PortResult<Applied> {
        let kept = self.checkpoint(APPLY, partition).await?;
        // A call that failed may have got as far as the checkpoint, but told nobody what changed: from where it began,
        // the same changes nothing and is told.
        let from = self.unsure(partition).filter(|from| from.next <= kept.next).unwrap_or(kept);
        if next <= from.next {
            return Ok(Applied::default());
        }
        let new = events.iter().filter(|(offset, _)| *offset >= from.next).map(|(_, event)| event);
        let known = self.know(new.clone()).await?;
        let mut clock = Clock::new(from.clock);
        let mut chunk = Chunk::new(&self.region, partition, from.clock, known);
        for event in new {
            chunk.take_in(event, clock.next(event.at_ms));
        }
        let emptied = self.emptied(&chunk).await?;
        let writes = chunk.writes(self, emptied);
        self.set_unsure(partition, Some(from));
        self.write(APPLY, writes.counts).await?;
        self.write(APPLY, writes.rows).await?;
        self.write(APPLY, vec![self.checkpoint_at(partition, next, clock.last())]).await?;
        self.set_unsure(partition, None);
        Ok(chunk.applied())
    }

    /// Where this process's last call for a partition began, if it failed.
    fn unsure(&self, partition: u32) -> Option<Checkpoint> {
        self.unsure.lock().unwrap_or_else(PoisonError::into_inner).get(&partition).copied()
    }

    fn set_unsure(&self, partition: u32, from: Option<Checkpoint>) {
        let mut unsure = self.unsure.lock().unwrap_or_else(PoisonError::into_inner);
        match from {
            Some(from) => unsure.insert(partition, from),
            None => unsure.remove(&partition),
        };
    }

    fn checkpoint_at(&self, partition: u32, next: u64, clock: i64) -> Write<'_> {
        let values = vec![
            CqlValue::Text(self.region_key()),
            CqlValue::Int(i32::try_from(partition).unwrap_or(i32::MAX)),
            CqlValue::BigInt(i64::try_from(next).unwrap_or(i64::MAX)),
            CqlValue::BigInt(clock),
            // Of two with the same clock the one with the larger offset stays: that is how Cassandra chooses.
            CqlValue::BigInt(clock.max(1)),
        ];
        Write::new(&self.statements.put_checkpoint, values)
    }

    /// Which classes of buckets have no comment any more once the chunk is written.
    async fn emptied(&self, chunk: &Chunk<'_>) -> PortResult<Vec<(Place, i64)>> {
        let questions = chunk.left().into_iter().map(async |(place, (leaving, version))| {
            let most = i32::try_from(leaving.len()).unwrap_or(i32::MAX).saturating_add(1);
            let values = (self.key(&place.0), place.2, place.1.number(), most);
            let rows = self.rows::<(Vec<u8>,)>(APPLY, &self.statements.first_of_class, values).await?;
            let stays = |id: &[u8]| !leaving.iter().any(|leaving| leaving.as_bytes() == id);
            Ok(if rows.iter().any(|(id,)| stays(id)) { None } else { Some((place, version)) })
        });
        let emptied = bounded(questions.collect(), READS_IN_FLIGHT).await?;
        Ok(emptied.into_iter().flatten().collect())
    }
}
