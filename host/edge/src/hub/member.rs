//! Members of rooms: which connections of this shard share which bytes.

use ringside_core::close::CloseCode;
use ringside_core::{Role, StreamId, UserId, limits};

use super::Hub;
use super::slot::{Flags, Key};
use super::users::{NONE, User};
use crate::room::{RoomHold, Tier, Variant};

/// Users that a shard tells of at once: 10 MB at most. Of more it tells of some.
const ONLINE_TOLD_MAX: usize = 50_000;

/// A room's members on this shard.
#[derive(Debug)]
pub(super) struct ShardRoom {
    pub(super) hold: RoomHold,
    pub(super) groups: Vec<Group>,
    /// A sweep is under way.
    pub(super) sweeping: bool,
    /// Cursor up to which the last sweep went.
    pub(super) swept: u64,
}

/// Members that share bytes.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) variant: Variant,
    /// Indices of slots.
    pub(super) members: Vec<u32>,
}

impl ShardRoom {
    /// The room, and what a group is sent.
    pub(super) fn group(&self, group: u8) -> Option<(&RoomHold, Variant)> {
        Some((&self.hold, self.groups.get(usize::from(group))?.variant))
    }
}

impl Hub {
    /// Makes a connection a member of a room, from a cursor on. Nothing is sent before [`Hub::release`].
    pub(crate) fn enter_room(&mut self, key: Key, hold: RoomHold, cursor: u64, tier: Tier) {
        self.leave_room(key);
        let Some(slot) = self.slot(key) else { return };
        let variant = Variant { format: slot.format, deflate: slot.flags.any(Flags::DEFLATE), tier };
        let index = match self.room_index.get(&hold.id) {
            Some(index) => *index,
            None => {
                let id = hold.id;
                let room = ShardRoom { groups: Vec::new(), sweeping: false, swept: hold.end(), hold };
                let index = u32::try_from(self.rooms.insert(room)).unwrap_or(NONE);
                self.room_index.insert(id, index);
                index
            }
        };
        if let Some(slot) = self.slot_mut(key) {
            slot.room = index;
            slot.cursor = cursor;
            slot.flags.put(Flags::HELD.with(Flags::ADMITTED), true);
            if slot.user == NONE {
                slot.expires = u32::MAX;
            }
        }
        self.join_group(key, index, variant);
    }

    fn join_group(&mut self, key: Key, index: u32, variant: Variant) {
        let Some(room) = self.rooms.get_mut(index as usize) else { return };
        let at = room.groups.iter().position(|group| group.variant == variant).unwrap_or_else(|| {
            room.groups.push(Group { variant, members: Vec::new() });
            room.groups.len() - 1
        });
        let Some(group) = room.groups.get_mut(at) else { return };
        let place = u32::try_from(group.members.len()).unwrap_or(NONE);
        group.members.push(key.index);
        room.hold.enter(self.shard, variant);
        if let Some(slot) = self.slot_mut(key) {
            // Formats are at most 255, and few rooms see more than two: groups fit a byte.
            slot.group = u8::try_from(at).unwrap_or(0);
            slot.place = place;
        }
    }

    /// Takes a connection out of its room.
    pub(crate) fn leave_room(&mut self, key: Key) {
        let Some(slot) = self.slot_mut(key).filter(|slot| slot.room != NONE) else { return };
        let (index, group, place) = (slot.room, usize::from(slot.group), slot.place);
        slot.room = NONE;
        slot.flags.put(Flags::HELD, false);
        let Some(room) = self.rooms.get_mut(index as usize) else { return };
        let Some(group) = room.groups.get_mut(group) else { return };
        group.members.swap_remove(place as usize);
        room.hold.leave(self.shard, group.variant);
        // Sweeps go from the last member to the first: who moves here has been visited.
        let moved = group.members.get(place as usize).copied();
        if group.members.capacity() > 64 && group.members.len() < group.members.capacity() / 4 {
            group.members.shrink_to(group.members.len() * 2);
        }
        let empty = room.groups.iter().all(|group| group.members.is_empty());
        if let Some(moved) = moved.and_then(|moved| self.slots.get_mut(moved as usize)) {
            moved.place = place;
        }
        if empty {
            let room = self.rooms.remove(index as usize);
            self.room_index.remove(&room.hold.id);
        }
    }

    /// Moves a member to the group of its role, which may have changed.
    pub(crate) fn regroup(&mut self, key: Key) {
        let Some(slot) = self.slot(key).filter(|slot| slot.room != NONE) else { return };
        let tier = self.tier(key);
        let current = self.rooms.get(slot.room as usize).and_then(|room| room.group(slot.group));
        let Some((hold, variant)) = current.map(|(hold, variant)| (hold.clone(), variant)) else { return };
        if variant.tier == tier {
            return;
        }
        let held = slot.flags.any(Flags::HELD);
        self.leave_room(key);
        let Some(cursor) = self.slot(key).map(|slot| slot.cursor) else { return };
        self.enter_room(key, hold, cursor, tier);
        if let Some(slot) = self.slot_mut(key) {
            slot.flags.put(Flags::HELD, held);
        }
    }

    /// What a connection is shown, by its user's role.
    pub(crate) fn tier(&self, key: Key) -> Tier {
        let role =
            self.slot(key).and_then(|slot| self.users.get(slot.user)).map_or(Role::Anonymous, User::role);
        if role.moderates() { Tier::Full } else { Tier::Sampled }
    }

    /// The answer to a join is sent: the room follows.
    pub(crate) fn release(&mut self, key: Key) {
        if let Some(slot) = self.slot_mut(key) {
            slot.flags.put(Flags::HELD, false);
            if !slot.flags.any(Flags::BLOCKED) {
                self.flush(key);
            }
        }
    }

    /// Signed-in users of rooms that are small enough for a list, as far as they are on this shard.
    pub(crate) fn online(&self) -> Vec<(StreamId, UserId)> {
        let is_small = |room: &&ShardRoom| {
            let members: usize = room.groups.iter().map(|group| group.members.len()).sum();
            members <= usize::try_from(limits::ONLINE_LISTED_MAX).unwrap_or(usize::MAX)
        };
        let rooms = self.rooms.iter().map(|(_, room)| room).filter(is_small);
        let users = rooms.flat_map(|room| {
            let members = room.groups.iter().flat_map(|group| &group.members);
            members.filter_map(|member| {
                let slot = self.slot(self.key(*member as usize)?)?;
                let user = self.users.get(slot.user)?;
                Some((room.hold.stream.clone(), UserId::new(user.id()).ok()?))
            })
        });
        users.take(ONLINE_TOLD_MAX).collect()
    }

    /// Ends the connections of a room's members who are not signed in.
    pub(crate) fn put_out_anonymous(&mut self, room: u64) {
        let index = self.room_index.get(&room).copied();
        let Some(room) = index.and_then(|index| self.rooms.get(index as usize)) else { return };
        let keys: Vec<Key> = room
            .groups
            .iter()
            .flat_map(|group| &group.members)
            .filter_map(|member| self.key(*member as usize))
            .filter(|key| self.slot(*key).is_some_and(|slot| slot.user == NONE))
            .collect();
        for key in keys {
            self.close(key, CloseCode::AuthenticateTimeout);
        }
    }
}
