//! What goes to single users: mentions wherever they watch, and what only they see of their own room.

use std::rc::Rc;

use bytes::Bytes;
use ringside_core::StreamId;
use ringside_core::wire::{Batch, Message, Notice, NoticeKind, WireEvent};

use super::Hub;
use super::signal::Directed;
use super::slot::{Flags, Key};
use crate::pump::{Standing, Then};
use crate::room::{Direct, Tier};

/// Messages to single users that may wait to be encoded. Past it they are dropped and counted: a mention is a
/// courtesy, the comment itself is in the stream.
const DIRECTED_MAX: usize = 16_384;

/// How often an event for one member is made anew when the room went on meanwhile. A room that goes on each
/// millisecond is swept once in five.
const TRIES: u8 = 50;

impl Hub {
    /// Delivers to the users that are connected here.
    pub(crate) fn direct(&mut self, directed: &Directed) {
        for direct in &directed.directs {
            if self.pumps.unencoded() > DIRECTED_MAX {
                self.metrics.directed_dropped.inc();
                return;
            }
            match direct {
                Direct::Event { user, event } => {
                    let keys = self.watching(directed, |hub| {
                        hub.users.with_id(user.as_str()).flat_map(|user| hub.chain(user.first_slot)).collect()
                    });
                    for key in keys {
                        self.tell_event(key, &directed.stream, event, TRIES);
                    }
                }
                Direct::Mention { handles, comment } => {
                    let keys = self.watching(directed, |hub| {
                        let users = handles.iter().flat_map(|handle| hub.users.with_handle(handle));
                        users
                            .filter(|user| user.id() != comment.author.id.as_str())
                            .flat_map(|user| hub.chain(user.first_slot))
                            .collect()
                    });
                    for key in keys {
                        let notice = Notice {
                            kind: NoticeKind::Mention,
                            text: format!("{} mentioned you", comment.author.name),
                            value: 0,
                            stream: directed.stream.to_string(),
                            comment: Some(comment.clone()),
                        };
                        self.tell(key, vec![Message::Notice(notice)], Then::Nothing);
                    }
                }
            }
        }
    }

    /// Of some connections those that are in the room and no moderators, or where it comes from no room, those that are
    /// not watching the stream.
    fn watching(&self, directed: &Directed, keys: impl FnOnce(&Self) -> Vec<Key>) -> Vec<Key> {
        let mut keys = keys(self);
        keys.retain(|key| {
            let Some(slot) = self.slot(*key) else { return false };
            let room = self.rooms.get(slot.room as usize);
            match directed.room {
                Some(id) => room.is_some_and(|room| room.hold.id == id) && self.tier(*key) == Tier::Sampled,
                None => room.is_none_or(|room| room.hold.stream != directed.stream),
            }
        });
        keys
    }

    /// An event for one member, in a batch that says where the member stands. The room's own batches go on while it is
    /// encoded; [`Hub::give_standing`] sees to it that the position never goes back.
    fn tell_event(&mut self, key: Key, stream: &StreamId, event: &WireEvent, tries: u8) {
        let Some(slot) = self.slot(key) else { return };
        let Some(room) = self.rooms.get(slot.room as usize).filter(|room| room.hold.stream == *stream) else {
            return;
        };
        let cursor = slot.cursor;
        let Some(position) = room.hold.position_at(cursor) else { return };
        let batch = Batch {
            stream: stream.clone(),
            position: position.to_string(),
            events: vec![event.clone()],
            left_out: 0,
        };
        let standing = Standing { stream: stream.clone(), event: event.clone(), cursor, tries };
        self.tell(key, vec![Message::Batch(batch)], Then::Standing(Rc::new(standing)));
    }

    /// Gives a member its event if it still stands where the batch says, and makes the batch anew if not.
    pub(crate) fn give_standing(&mut self, key: Key, frames: Bytes, standing: &Standing) {
        let Some(slot) = self.slot(key) else { return };
        let cursor = slot.cursor;
        if cursor == standing.cursor && !slot.flags.any(Flags::HELD) {
            self.push(key, frames);
        } else if standing.tries > 0 {
            self.tell_event(key, &standing.stream, &standing.event, standing.tries - 1);
        } else {
            self.metrics.directed_dropped.inc();
        }
    }
}
