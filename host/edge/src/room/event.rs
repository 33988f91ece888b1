//! From the log's events to what members are shown: who sees what, and in which words.

use ringside_core::event::Remover;
use ringside_core::sampling::Plan;
use ringside_core::wire::{WireComment, WireEvent};
use ringside_core::{Comment, CommentId, Event, EventKind, UserId, Visibility};

use super::recent::Recent;

/// Who of a room's members sees an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everyone.
    All,
    /// Everyone but moderators, who see something else of it.
    Viewers,
    /// Moderators (its author is told apart, see [`Direct`]).
    Moderators,
    /// The same of what is in the shadow: moderators see it marked as `held`, its author must not.
    Shadow,
    /// Moderators, because sampling left it out for the others.
    LeftOut,
}

/// An event of a room, at its place in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomEvent {
    /// Its offset. One record may give several events.
    pub offset: u64,
    /// When it was accepted, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who sees it.
    pub audience: Audience,
    /// What they see.
    pub event: WireEvent,
}

/// What goes to single users beside the room's batch.
#[derive(Debug, Clone, PartialEq)]
pub enum Direct {
    /// An event for the members of this room that are this user and no moderators.
    Event {
        /// Whose.
        user: UserId,
        /// What.
        event: WireEvent,
    },
    /// Someone named these handles in a comment that the room is not shown.
    Mention {
        /// Lower case.
        handles: Vec<String>,
        /// The comment.
        comment: WireComment,
    },
}

/// What events became.
#[derive(Debug, Default)]
pub struct Converted {
    /// For the room.
    pub events: Vec<RoomEvent>,
    /// For single users.
    pub directs: Vec<Direct>,
    /// Comments left out by sampling.
    pub left_out: u32,
    /// When the event that is taken in was accepted.
    at_ms: u64,
}

/// Comments shown in one second, for [`Plan::cap_per_second`]. Seconds are those of the events, so that hosts
/// that read the same log leave out the same comments.
#[derive(Debug, Default)]
pub struct Shown {
    second: u64,
    count: u32,
}

impl Shown {
    /// True when viewers are shown a comment.
    fn admits(&mut self, comment: &Comment, plan: &Plan) -> bool {
        let second = comment.at_ms / 1_000;
        if second != self.second {
            *self = Self { second, count: 0 };
        }
        let over = plan.cap_per_second > 0 && self.count >= plan.cap_per_second;
        let shown = plan.shows(comment) && (!over || comment.author.role.moderates());
        self.count += u32::from(shown);
        shown
    }
}

impl Converted {
    /// Takes an event in. `before` says who saw a comment before this event; it is asked only for comments that
    /// an edit or a new judgement is about.
    pub fn push(
        &mut self,
        offset: u64,
        event: &Event,
        plan: &Plan,
        shown: &mut Shown,
        recent: &mut Recent,
        before: Option<Visibility>,
    ) {
        self.at_ms = event.at_ms;
        match &event.kind {
            EventKind::CommentAccepted(comment) => self.accepted(offset, comment, plan, shown, recent),
            EventKind::CommentEdited { comment, text, judgement, .. } => {
                let now = judgement.action.visibility().unwrap_or_default();
                let edited = WireEvent::Edited { comment: *comment, text: text.clone() };
                self.edited(offset, *comment, edited, (before, now), recent);
            }
            EventKind::CommentRemoved { comment, by, .. } => {
                recent.set(*comment, Visibility::Removed);
                self.add(offset, Audience::All, WireEvent::Removed { comment: *comment, by: *by });
            }
            EventKind::CommentApproved { comment, .. } => {
                recent.insert(comment);
                self.add(offset, Audience::All, WireEvent::Comment(comment.clone().into()));
            }
            EventKind::CommentRestored { comment, .. } => {
                recent.insert(comment);
                let wire = WireComment::from(comment.clone());
                match comment.visibility {
                    Visibility::Shown => self.add(offset, Audience::All, WireEvent::Comment(wire)),
                    hidden => self.hidden(offset, hidden, wire),
                }
            }
            EventKind::CommentModerated { comment } => self.moderated(offset, comment, before, recent),
            EventKind::ReactionTotals(totals) => {
                for totals in totals {
                    self.add(offset, Audience::All, WireEvent::Reactions(*totals));
                }
            }
            EventKind::EmojiTotals(totals) => {
                self.add(offset, Audience::All, WireEvent::Emoji(totals.clone()));
            }
            EventKind::SettingsChanged { settings, .. } => {
                self.add(offset, Audience::All, WireEvent::Settings(settings.clone()));
            }
            EventKind::Pinned { comment, .. } => {
                self.add(offset, Audience::All, WireEvent::Pinned(comment.clone().map(WireComment::from)));
            }
            EventKind::Viewers(viewers) => self.add(offset, Audience::All, WireEvent::Viewers(*viewers)),
            // What the writer counts; its totals come as events of their own.
            EventKind::ReactionSet { .. } | EventKind::EmojiCounted(_) => {}
        }
    }

    fn accepted(
        &mut self,
        offset: u64,
        comment: &Comment,
        plan: &Plan,
        shown: &mut Shown,
        recent: &mut Recent,
    ) {
        recent.insert(comment);
        let wire = WireComment::from(comment.clone());
        match comment.visibility {
            Visibility::Shown if shown.admits(comment, plan) => {
                self.add(offset, Audience::All, WireEvent::Comment(wire));
            }
            Visibility::Shown => {
                self.left_out += 1;
                self.left_out_for(comment, &wire, recent);
                self.add(offset, Audience::LeftOut, WireEvent::Comment(wire));
            }
            Visibility::Held | Visibility::Shadow => self.hidden(offset, comment.visibility, wire),
            Visibility::Removed => {}
        }
    }

    /// Replies to a user and mentions of one are never sampled out for that user (R10).
    fn left_out_for(&mut self, comment: &Comment, wire: &WireComment, recent: &Recent) {
        if !comment.mentions.is_empty() {
            self.directs.push(Direct::Mention { handles: comment.mentions.clone(), comment: wire.clone() });
        }
        let answered = comment.reply_to.and_then(|id| recent.author(id));
        if let Some(user) = answered.filter(|user| **user != comment.author.id) {
            self.directs.push(Direct::Event { user: user.clone(), event: WireEvent::Comment(wire.clone()) });
        }
    }

    fn edited(
        &mut self,
        offset: u64,
        comment: CommentId,
        edited: WireEvent,
        (before, now): (Option<Visibility>, Visibility),
        recent: &mut Recent,
    ) {
        match (before, now) {
            (Some(Visibility::Shown) | None, Visibility::Shown) => self.add(offset, Audience::All, edited),
            (Some(Visibility::Removed), _) => {}
            (Some(Visibility::Shown) | None, _) => {
                // The new text is not for everyone: what was shown goes.
                recent.set(comment, now);
                self.add(offset, Audience::Viewers, WireEvent::Removed { comment, by: Remover::Policy });
                self.add(offset, Audience::Moderators, edited);
            }
            // Still not shown: the text must not leak.
            (Some(Visibility::Held | Visibility::Shadow), _) => match recent.author(comment).cloned() {
                Some(author) => self.restricted(offset, &author, edited),
                None => self.add(offset, Audience::Moderators, edited),
            },
        }
    }

    fn moderated(&mut self, offset: u64, comment: &Comment, before: Option<Visibility>, recent: &mut Recent) {
        recent.insert(comment);
        let wire = WireComment::from(comment.clone());
        let removed = WireEvent::Removed { comment: comment.id, by: Remover::Policy };
        match (before, comment.visibility) {
            // Judged later, and nothing changed for viewers: a comment reaches a session once.
            (Some(Visibility::Shown) | None, Visibility::Shown) => {}
            (_, Visibility::Shown) => self.add(offset, Audience::All, WireEvent::Comment(wire)),
            (_, Visibility::Removed) => self.add(offset, Audience::All, removed),
            (Some(Visibility::Shown) | None, _) => {
                self.add(offset, Audience::Viewers, removed);
                self.hidden(offset, comment.visibility, wire);
            }
            _ => {}
        }
    }

    /// A comment for moderators and its author.
    fn hidden(&mut self, offset: u64, visibility: Visibility, comment: WireComment) {
        if visibility == Visibility::Shadow {
            let (user, marked) = (comment.author.id.clone(), WireComment { held: true, ..comment.clone() });
            self.directs.push(Direct::Event { user, event: WireEvent::Comment(comment) });
            self.add(offset, Audience::Shadow, WireEvent::Comment(marked));
        } else {
            self.restricted(offset, &comment.author.id.clone(), WireEvent::Comment(comment));
        }
    }

    /// For moderators and one user.
    fn restricted(&mut self, offset: u64, user: &UserId, event: WireEvent) {
        self.directs.push(Direct::Event { user: user.clone(), event: event.clone() });
        self.add(offset, Audience::Moderators, event);
    }

    fn add(&mut self, offset: u64, audience: Audience, event: WireEvent) {
        self.events.push(RoomEvent { offset, at_ms: self.at_ms, audience, event });
    }
}

/// Of totals and other running values only the last of a batch counts (R11): the earlier ones are left out.
#[must_use]
pub fn without_outdated(mut events: Vec<RoomEvent>) -> Vec<RoomEvent> {
    let (mut emoji, mut viewers, mut settings) = (false, false, false);
    let mut totals: std::collections::HashSet<CommentId> = std::collections::HashSet::new();
    let mut keep: Vec<bool> = events
        .iter()
        .rev()
        .map(|event| match &event.event {
            WireEvent::Emoji(_) => !std::mem::replace(&mut emoji, true),
            WireEvent::Viewers(_) => !std::mem::replace(&mut viewers, true),
            WireEvent::Settings(_) => !std::mem::replace(&mut settings, true),
            WireEvent::Reactions(changed) => totals.insert(changed.comment),
            _ => true,
        })
        .collect();
    // `retain` goes forward, `pop` gives the flags from the first event on.
    events.retain(|_| keep.pop().unwrap_or(true));
    events
}
