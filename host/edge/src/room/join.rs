//! What a viewer is given on joining, so that nothing is missed between it and the room's log, and nothing
//! comes twice.
//!
//! What is read may be behind the room or ahead of it. So a page comes with two offsets of the log: all below the
//! first is in the page, nothing at or above the second is. The room takes in everything below the second; then one
//! look at the room gives the cursor, and what the room has published since the first is laid over the page. That makes
//! it as new as the room, however old it was.

use std::collections::HashSet;
use std::time::Duration;

use ringside_core::wire::{Batch, Joined, Message, Resumed, WireComment, WireEvent};
use ringside_core::{EventKind, Failure, Position, UserId, Visibility, limits};
use ringside_ports::comments::PageAt;
use ringside_ports::log::Topic;
use ringside_ports::store::{Anchor, PageOf, PageQuery, Reader, StoredComment};
use ringside_ports::{PortError, PortResult};
use tokio::sync::oneshot;
use tracing::warn;

use super::event::{Audience, Converted, RoomEvent, Shown};
use super::feed::banner;
use super::recent::Recent;
use super::{Content, Facts, Request, Room, Tier, missed};
use crate::failure::unavailable;
use crate::services::Services;

/// Time a join waits for the room to take in what the store has already.
const CATCH_UP_WAIT: Duration = Duration::from_secs(1);
/// Records read from the log for one client that resumes, its own stream's and others': 20 ms of reading. Past
/// it the answer is `gap`.
const RESUME_RECORDS_MAX: u64 = 20_000;
/// Events in one catch-up message.
const CATCH_UP_EVENTS: usize = 500;

/// Who joins.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// What they are shown live.
    pub tier: Tier,
    /// What they may read.
    pub reader: Reader,
}

impl Viewer {
    fn user(&self) -> Option<&UserId> {
        match &self.reader {
            Reader::User(user) => Some(user),
            Reader::Public | Reader::Moderator => None,
        }
    }

    /// An event as they see it. Who is no moderator sees one's own hidden comments, and not which are in the shadow.
    fn seen(&self, event: &RoomEvent) -> Option<RoomEvent> {
        if self.tier.sees(event.audience) {
            return Some(event.clone());
        }
        let WireEvent::Comment(comment) = &event.event else { return None };
        if event.audience == Audience::Viewers || Some(&comment.author.id) != self.user() {
            return None;
        }
        let mut own = event.clone();
        if let (Audience::Shadow, WireEvent::Comment(comment)) = (event.audience, &mut own.event) {
            comment.held = false;
        }
        Some(own)
    }

    /// A comment of a page as they see it.
    fn shown(&self, stored: StoredComment) -> WireComment {
        let StoredComment { comment, likes, dislikes, replies } = stored;
        let is_shadow = comment.visibility == Visibility::Shadow && self.reader == Reader::Moderator;
        let comment = WireComment::from(comment);
        WireComment { likes, dislikes, replies, held: comment.held || is_shadow, ..comment }
    }
}

/// What a viewer who joins is sent, and where it goes on from.
#[derive(Debug)]
pub struct Joining {
    /// The answer.
    pub joined: Joined,
    /// What was missed, and the banner while comments are sampled: sent right after the answer.
    pub then: Vec<Message>,
    /// The cursor in the room's log for what follows.
    pub cursor: u64,
}

/// One moment of a room.
struct Moment {
    cursor: u64,
    next: u64,
    facts: Facts,
    /// Events published from an offset on, if the log still reaches back so far.
    since: Option<Since>,
}

/// What a viewer is shown of a part of a room's events.
#[derive(Debug, Default)]
struct Since {
    events: Vec<RoomEvent>,
    /// Sampling left some out.
    sampled: bool,
}

impl Since {
    fn of<'e>(events: impl Iterator<Item = &'e RoomEvent>, viewer: &Viewer, most: usize) -> Self {
        let mut since = Self::default();
        for event in events {
            if let Some(event) = viewer.seen(event) {
                since.events.push(event);
                if since.events.len() >= most {
                    break;
                }
            } else {
                since.sampled |= event.audience == Audience::LeftOut;
            }
        }
        since
    }
}

impl Room {
    /// The room now, with at most `most` of the events since an offset that a viewer is shown.
    fn moment(&self, since: u64, viewer: &Viewer, most: usize) -> Moment {
        let published = self.published();
        let log = &published.log;
        let reaches = log.oldest().map_or(published.next, |oldest| oldest.from) <= since;
        let events = || {
            let entries = log.iter().filter(|entry| entry.next > since);
            let events = entries.filter_map(|entry| match &entry.content {
                Content::Events { events, .. } => Some(events),
                Content::Notice(_) => None,
            });
            Since::of(events.flatten().filter(|event| event.offset >= since), viewer, most)
        };
        Moment {
            cursor: log.end(),
            next: published.next,
            facts: published.facts.clone(),
            since: reaches.then(events),
        }
    }

    /// Waits until the room has published everything of its stream below an offset.
    async fn reach(&self, offset: u64) {
        if self.published().next >= offset {
            return;
        }
        let (done, reached) = oneshot::channel();
        let asked = async {
            self.requests.send(Request::CatchUp(offset, done)).await.ok()?;
            reached.await.ok()
        };
        if !matches!(tokio::time::timeout(CATCH_UP_WAIT, asked).await, Ok(Some(()))) {
            warn!(stream = %self.stream, offset, "a join goes on though the room did not catch up in time");
        }
    }

    /// The events of the stream in `from..to` from the log itself, as this viewer sees them; none when that is too much
    /// to read for one client, or no longer kept.
    async fn read_back(
        &self,
        services: &Services,
        facts: &Facts,
        viewer: &Viewer,
        (from, to): (u64, u64),
    ) -> PortResult<Option<Since>> {
        if to.saturating_sub(from) > RESUME_RECORDS_MAX {
            return Ok(None);
        }
        let mut converted = Converted::default();
        let mut shown = Shown::default();
        // A memory of its own: what the room knows of a comment is newer than what is read here.
        let mut recent = Recent::default();
        let mut next = from;
        while next < to {
            let part = missed::read(&*services.log, &self.stream, self.partition, next, to).await?;
            if part.cut {
                return Ok(None);
            }
            for (offset, event) in &part.events {
                let before = match &event.kind {
                    EventKind::CommentEdited { comment: id, .. } => Some(*id),
                    EventKind::CommentModerated { comment } => Some(comment.id),
                    _ => None,
                };
                let before = before.and_then(|id| recent.visibility(id).or_else(|| self.visibility(id)));
                converted.push(*offset, event, &facts.plan, &mut shown, &mut recent, before);
            }
            next = part.next;
        }
        Ok(Some(Since::of(converted.events.iter(), viewer, usize::MAX)))
    }

    fn joined(&self, moment: &Moment, resumed: Resumed, position: Position) -> Joined {
        let Facts { settings, viewers, emoji, pinned, .. } = moment.facts.clone();
        Joined {
            stream: self.stream.clone(),
            position: position.to_string(),
            resumed,
            settings,
            viewers,
            emoji,
            pinned,
            history: Vec::new(),
            more: true,
        }
    }
}

/// Joins a room: resumes after `position` if there is one and nothing is missing since, else begins with the
/// newest `history` comments, 0 to [`limits::PAGE_SIZE_MAX`].
///
/// # Errors
/// `Unavailable` when store or log cannot be read.
pub async fn join(
    room: &Room,
    services: &Services,
    viewer: &Viewer,
    position: Option<Position>,
    history: u32,
) -> Result<Joining, Failure> {
    let resumed = match position {
        None => None,
        Some(position) => resume(room, services, viewer, position).await.map_err(|error| unread(&error))?,
    };
    let mut joining = match (resumed, position) {
        (Some(joining), _) => joining,
        (None, None) => fresh(room, services, viewer, history, Resumed::Fresh).await?,
        (None, Some(_)) => fresh(room, services, viewer, history, Resumed::Gap).await?,
    };
    let plan = room.facts().plan;
    if viewer.tier == Tier::Sampled && plan.samples() {
        joining.then.push(Message::Notice(banner(&plan, room.stream.as_str())));
    }
    Ok(joining)
}

fn unread(error: &PortError) -> Failure {
    unavailable("the stream's comments cannot be read just now", error)
}

async fn resume(
    room: &Room,
    services: &Services,
    viewer: &Viewer,
    position: Position,
) -> PortResult<Option<Joining>> {
    if position.epoch != room.epoch || position.partition != room.partition {
        return Ok(None);
    }
    if position.next > room.published().next {
        let extent = services.log.extent(Topic::RoomEvents, room.partition).await?;
        if position.next > extent.next {
            return Ok(None);
        }
        room.reach(position.next).await;
    }
    let mut moment = room.moment(position.next, viewer, limits::RESUME_EVENTS_MAX + 1);
    let since = match moment.since.take() {
        Some(since) => since,
        None => {
            let range = (position.next, moment.next);
            match room.read_back(services, &moment.facts, viewer, range).await? {
                Some(since) => since,
                None => return Ok(None),
            }
        }
    };
    let Since { events, sampled } = since;
    if events.len() > limits::RESUME_EVENTS_MAX {
        return Ok(None);
    }
    let left_out = sampled || (viewer.tier == Tier::Sampled && moment.facts.plan.samples());
    let resumed = if left_out { Resumed::Sampled } else { Resumed::Recovered };
    Ok(Some(Joining {
        joined: room.joined(&moment, resumed, position),
        then: catch_up(room, events, moment.next),
        cursor: moment.cursor,
    }))
}

/// What was missed, as batches. Without any, the client still learns where it stands now.
fn catch_up(room: &Room, mut events: Vec<RoomEvent>, next: u64) -> Vec<Message> {
    let mut messages = Vec::new();
    while !events.is_empty() {
        let rest = events.split_off(events.len().min(CATCH_UP_EVENTS));
        let next = rest.first().map_or(next, |event| event.offset);
        messages.push(Message::Batch(Batch {
            stream: room.stream.clone(),
            position: room.position(next).to_string(),
            events: events.into_iter().map(|event| event.event).collect(),
            left_out: 0,
        }));
        events = rest;
    }
    messages
}

async fn fresh(
    room: &Room,
    services: &Services,
    viewer: &Viewer,
    size: u32,
    resumed: Resumed,
) -> Result<Joining, Failure> {
    if size == 0 {
        let moment = room.moment(u64::MAX, viewer, 0);
        let joined = room.joined(&moment, resumed, room.position(moment.next));
        return Ok(Joining { joined, then: Vec::new(), cursor: moment.cursor });
    }
    let query = PageQuery {
        stream: room.stream.clone(),
        of: PageOf::Stream,
        reader: viewer.reader.clone(),
        anchor: Anchor::Newest,
        size: size.min(limits::PAGE_SIZE_MAX),
    };
    let PageAt { page, from, to } = services.comments.page(query).await?;
    room.reach(to).await;
    let mut moment = room.moment(from, viewer, usize::MAX);
    let since = match moment.since.take() {
        Some(since) => Some(since),
        None => room
            .read_back(services, &moment.facts, viewer, (from, moment.next))
            .await
            .map_err(|error| unread(&error))?,
    };
    if since.is_none() {
        warn!(stream = %room.stream, "the store is far behind: a join's history lacks the newest comments");
    }
    let since = since.unwrap_or_default().events;
    let mut history = overlay(viewer, page.items, since.into_iter().map(|event| event.event));
    let surplus = history.len().saturating_sub(usize::try_from(size).unwrap_or(usize::MAX));
    history.drain(..surplus);
    let mut joined = room.joined(&moment, resumed, room.position(moment.next));
    joined.more = page.older || surplus > 0;
    joined.history = history;
    Ok(Joining { joined, then: Vec::new(), cursor: moment.cursor })
}

/// A page as it is after some events, oldest first.
fn overlay(
    viewer: &Viewer,
    page: Vec<StoredComment>,
    events: impl Iterator<Item = WireEvent>,
) -> Vec<WireComment> {
    let mut history: Vec<WireComment> = page.into_iter().rev().map(|stored| viewer.shown(stored)).collect();
    let known: HashSet<_> = history.iter().map(|comment| comment.id).collect();
    for event in events {
        let find = |id, history: &mut Vec<WireComment>| history.iter().position(|comment| comment.id == id);
        match event {
            WireEvent::Comment(comment) => {
                if let Some(held) = find(comment.id, &mut history).and_then(|at| history.get_mut(at)) {
                    held.held = comment.held;
                    continue;
                }
                if let Some(parent) = comment.reply_to.and_then(|id| find(id, &mut history))
                    && !known.contains(&comment.id)
                    && let Some(parent) = history.get_mut(parent)
                {
                    parent.replies += 1;
                }
                history.push(comment);
            }
            WireEvent::Edited { comment, text } => {
                if let Some(edited) = find(comment, &mut history).and_then(|at| history.get_mut(at)) {
                    edited.text = text;
                    edited.edited = true;
                }
            }
            WireEvent::Removed { comment, .. } => history.retain(|known| known.id != comment),
            WireEvent::Reactions(totals) => {
                if let Some(liked) = find(totals.comment, &mut history).and_then(|at| history.get_mut(at)) {
                    (liked.likes, liked.dislikes) = (totals.likes, totals.dislikes);
                }
            }
            WireEvent::Emoji(_) | WireEvent::Settings(_) | WireEvent::Pinned(_) | WireEvent::Viewers(_) => {}
        }
    }
    history.sort_by_key(|comment| comment.id);
    history
}
