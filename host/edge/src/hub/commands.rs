//! What sessions need of the hub: which commands run, and who sends them.

use ringside_core::StreamId;
use tokio::sync::mpsc;

use super::signal::Signal;
use super::slot::{Flags, Key};
use super::users::User;
use super::{Hub, RUNNING_MAX};
use crate::formats::FormatId;
use crate::pump::Outgoing;
use crate::room::Rooms;
use crate::services::Services;

impl Hub {
    pub(crate) fn services(&self) -> &Services {
        &self.services
    }

    pub(crate) fn rooms_of_host(&self) -> &Rooms {
        &self.rooms_of_host
    }

    pub(crate) fn user(&self, index: u32) -> Option<&User> {
        self.users.get(index)
    }

    /// The stream of a room of this shard.
    pub(crate) fn stream_of(&self, room: u32) -> Option<StreamId> {
        self.rooms.get(room as usize).map(|room| room.hold.stream.clone())
    }

    /// Streams the caller's token is for, where it names any.
    pub(crate) fn streams_of(&self, key: Key) -> Option<Box<[StreamId]>> {
        let slot = self.slot(key)?;
        self.users.get(slot.user)?.streams().map(Box::from)
    }

    pub(crate) fn hand_to_encoder(&self, format: FormatId, outgoing: Outgoing) {
        self.pumps.encode(format, outgoing);
    }

    /// True while the shard may run another command.
    pub(crate) fn may_run(&self) -> bool {
        self.running < RUNNING_MAX
    }

    /// A connection's command begins; its result goes to the inbox.
    pub(crate) fn begin_command(&mut self, key: Key) -> mpsc::Sender<Signal> {
        self.running += 1;
        if let Some(slot) = self.slot_mut(key) {
            slot.flags.put(Flags::BUSY, true);
        }
        self.inbox.clone()
    }

    /// A command is done, whether its connection is still there or not.
    pub(crate) fn end_command(&mut self, key: Key) {
        self.running = self.running.saturating_sub(1);
        if let Some(slot) = self.slot_mut(key) {
            slot.flags.put(Flags::BUSY, false);
        }
    }

    /// A connection whose command waits for others' to end.
    pub(crate) fn starve(&mut self, key: Key) {
        if let Some(slot) = self.slot_mut(key)
            && !slot.flags.any(Flags::STARVED)
        {
            slot.flags.put(Flags::STARVED, true);
            self.starved.push_back(key);
        }
    }

    /// The connection that has waited longest.
    pub(crate) fn next_starved(&mut self) -> Option<Key> {
        loop {
            let key = self.starved.pop_front()?;
            if let Some(slot) = self.slot_mut(key) {
                slot.flags.put(Flags::STARVED, false);
                return Some(key);
            }
        }
    }
}
