//! How rooms tell a shard that they have something to send: a list of rooms and a wake-up.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// A shard's bell. A room is in the list at most once, as it rings again only after the shard looked at it; so
/// the list is bounded by the rooms there are.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rooms: Mutex<Vec<u64>>,
    notify: Notify,
}

impl Bell {
    /// Asks the shard to look at a room.
    pub(crate) fn ring(&self, room: u64) {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).push(room);
        self.notify.notify_one();
    }

    /// The rooms that rang since the last call, once there is one. Cancel-safe.
    pub(crate) async fn heard(&self) -> Vec<u64> {
        loop {
            let rooms = std::mem::take(&mut *self.rooms.lock().unwrap_or_else(PoisonError::into_inner));
            if !rooms.is_empty() {
                return rooms;
            }
            self.notify.notified().await;
        }
    }
}
