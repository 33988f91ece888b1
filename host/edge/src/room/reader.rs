//! A room's events for a reader that is not a socket of the hub, such as an event stream over HTTP.

use ringside_core::Failure;
use ringside_core::wire::{Batch, Joined, Message};
use tokio::sync::watch;

use super::{Content, RoomHold, Rooms, Tier, Viewer};
use ringside_core::{Position, StreamId};

/// The reader is further behind than the room's log reaches: begin again with the last position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("fell behind the room's log: begin again from the last position")]
pub struct Lagged;

/// Reads one room's events from a cursor of its own. Counts as a viewer while it lives.
#[derive(Debug)]
pub struct RoomReader {
    room: RoomHold,
    /// What was missed before the room's log begins for this reader.
    first: Vec<Message>,
    cursor: u64,
    end: watch::Receiver<u64>,
    tier: Tier,
}

impl Rooms {
    /// Begins to read a stream: what holds now, and a reader for all that comes.
    ///
    /// # Errors
    /// As [`Rooms::open`].
    pub async fn reader(
        &self,
        stream: &StreamId,
        viewer: Viewer,
        position: Option<Position>,
        history: u32,
    ) -> Result<(Joined, RoomReader), Failure> {
        let room = self.open(stream).await?;
        let joining = super::join::join(&room, self.services(), &viewer, position, history).await?;
        room.members.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let end = room.end.subscribe();
        let reader = RoomReader { room, first: joining.then, cursor: joining.cursor, end, tier: viewer.tier };
        Ok((joining.joined, reader))
    }
}

impl RoomReader {
    /// What comes next, a batch or a notice. Cancel-safe.
    ///
    /// # Errors
    /// [`Lagged`] when the reader was too slow.
    pub async fn next(&mut self) -> Result<Message, Lagged> {
        loop {
            if !self.first.is_empty() {
                return Ok(self.first.remove(0));
            }
            // The sender lives as long as the room, which is held.
            let cursor = self.cursor;
            let _end = self.end.wait_for(|end| *end > cursor).await;
            let entry = self.room.published().log.get(self.cursor).cloned().ok_or(Lagged)?;
            self.cursor += 1;
            match &entry.content {
                Content::Notice(notice) => return Ok(Message::Notice(notice.clone())),
                Content::Events { events, left_out } => {
                    if let Some(batch) = self.room.batch(events, *left_out, entry.next, self.tier) {
                        return Ok(Message::Batch(batch));
                    }
                }
            }
        }
    }

    /// The events of the next batch; notices are left out. Cancel-safe.
    ///
    /// # Errors
    /// [`Lagged`] when the reader was too slow.
    pub async fn next_batch(&mut self) -> Result<Batch, Lagged> {
        loop {
            if let Message::Batch(batch) = self.next().await? {
                return Ok(batch);
            }
        }
    }
}

impl Drop for RoomReader {
    fn drop(&mut self) {
        self.room.members.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
    }
}
