//! Joining a stream.

use ringside_core::error::Problem;
use ringside_core::wire::{Message, Outcome};
use ringside_core::{Author, Failure, Position, StreamId, limits};
use ringside_ports::store::Reader;

use crate::hub::Hub;
use crate::hub::signal::Finished;
use crate::hub::slot::Key;
use crate::pump::{Outgoing, Then};
use crate::room::{Joining, RoomHold, Rooms, Tier, Viewer};

/// A join as it came.
pub(super) struct Join {
    pub(super) id: u64,
    pub(super) stream: String,
    pub(super) position: Option<String>,
    pub(super) history: Option<u32>,
}

/// Joins a stream's room. `streams` are those the caller's token is for, if it names any.
pub(super) async fn join(
    rooms: Rooms,
    join: Join,
    author: Option<Author>,
    streams: Option<Box<[StreamId]>>,
    tier: Tier,
) -> Finished {
    let id = join.id;
    match try_join(&rooms, join, author, streams, tier).await {
        Ok((room, joining)) => Finished::Joined { id, room, joining: Box::new(joining), tier },
        Err(failure) => Finished::Reply(id, Outcome::Failed(failure)),
    }
}

async fn try_join(
    rooms: &Rooms,
    join: Join,
    author: Option<Author>,
    streams: Option<Box<[StreamId]>>,
    tier: Tier,
) -> Result<(RoomHold, Joining), Failure> {
    let invalid = |detail: String| Failure::new(Problem::InvalidField, detail);
    let history = join.history.unwrap_or(limits::PAGE_SIZE);
    if history > limits::PAGE_SIZE_MAX {
        return Err(invalid(format!("`history` {history} is too many: at most {}", limits::PAGE_SIZE_MAX)));
    }
    // A client without a position may say so with an empty one.
    let position = join.position.filter(|position| !position.is_empty());
    let position: Option<Position> =
        position.map(|text| text.parse()).transpose().map_err(|error| invalid(format!("{error}")))?;
    let stream = StreamId::new(&join.stream).map_err(|error| invalid(format!("`stream`: {error}")))?;
    if streams.is_some_and(|streams| !streams.contains(&stream)) {
        let detail = format!("the token is not for `{stream}`: get one that is");
        return Err(Failure::new(Problem::Forbidden, detail));
    }
    let entry = rooms.services().comments.stream(stream.as_str()).await?;
    let reader = match author {
        None if !entry.settings.anonymous_read => {
            let detail = format!("`{stream}` is for those who are signed in: send `authenticate` first");
            return Err(Failure::new(Problem::Unauthenticated, detail));
        }
        None => Reader::Public,
        Some(author) if author.role.moderates() => Reader::Moderator,
        Some(author) => Reader::User(author.id),
    };
    let room = rooms.open(&stream).await?;
    let viewer = Viewer { tier, reader };
    let joining = crate::room::join::join(&room, rooms.services(), &viewer, position, history).await?;
    Ok((room, joining))
}

impl Hub {
    /// The answer first, then what was missed, then the room.
    pub(super) fn joined(&mut self, key: Key, id: u64, room: RoomHold, joining: Joining, tier: Tier) {
        let Joining { joined, then, cursor } = joining;
        self.enter_room(key, room, cursor, tier);
        // The role may have changed while the join was under way.
        self.regroup(key);
        let mut messages = vec![Message::Reply { id, outcome: Outcome::Joined(Box::new(joined)) }];
        messages.extend(then);
        let Some(format) = self.slot(key).map(|slot| slot.format) else { return };
        self.hand_to_encoder(format, Outgoing { key, messages, then: Then::Release });
    }
}
