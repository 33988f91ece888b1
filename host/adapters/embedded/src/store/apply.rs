//! Taking events in: one transaction a call.

use std::collections::BTreeSet;

use redb::{Database, Durability, ReadableTable as _};
use ringside_core::event::Totals;
use ringside_core::{Action, CommentId, Event, EventKind, Reaction, StreamId, UserId, Visibility, limits};
use ringside_ports::store::Applied;

use super::places::{Home, Tables};
use super::tables::{CHECKPOINTS, Kept, decode, encode};
use super::{keys, read};

type Result<T> = std::result::Result<T, redb::Error>;

/// What changed, each comment and stream once.
#[derive(Default)]
struct Changed {
    reactions: BTreeSet<(StreamId, CommentId)>,
    emoji: BTreeSet<StreamId>,
}

/// Begins a transaction. A synced one also notes which pages are free, so that a start after kill -9 need not go
/// through the whole file to find out.
pub(super) fn begin(database: &Database, durability: Durability) -> Result<redb::WriteTransaction> {
    let mut write = database.begin_write()?;
    write.set_durability(durability)?;
    write.set_quick_repair(matches!(durability, Durability::Immediate));
    Ok(write)
}

pub(super) fn apply(
    database: &Database,
    partition: u32,
    events: &[(u64, Event)],
    next: u64,
    durability: Durability,
) -> Result<Applied> {
    let write = begin(database, durability)?;
    let applied = {
        let mut checkpoints = write.open_table(CHECKPOINTS)?;
        let checkpoint = checkpoints.get(partition)?.map_or(0, |next| next.value());
        let mut tables = Tables::open(&write)?;
        let mut changed = Changed::default();
        for (_, event) in events.iter().filter(|(offset, _)| *offset >= checkpoint) {
            tables.take_in(event, &mut changed)?;
        }
        if next > checkpoint {
            checkpoints.insert(partition, next)?;
        }
        tables.applied(changed)?
    };
    write.commit()?;
    Ok(applied)
}

impl Tables<'_> {
    fn take_in(&mut self, event: &Event, changed: &mut Changed) -> Result<()> {
        let stream = &event.stream;
        match &event.kind {
            EventKind::CommentAccepted(comment) => self.insert(comment),
            EventKind::CommentEdited { comment, text, judgement, mentions } => {
                self.change(stream, *comment, |kept| {
                    kept.text.clone_from(text);
                    kept.judgement = judgement.clone();
                    kept.mentions.clone_from(mentions);
                    kept.edited_at_ms = Some(event.at_ms);
                })
            }
            EventKind::CommentRemoved { comment, .. } => {
                self.change(stream, *comment, |kept| kept.visibility = Visibility::Removed)
            }
            EventKind::CommentApproved { comment, .. } => self.change(stream, comment.id, |kept| {
                if kept.visibility != Visibility::Removed {
                    kept.visibility = Visibility::Shown;
                    kept.judgement.action = Action::Accept;
                }
            }),
            EventKind::CommentRestored { comment, .. } => self.change(stream, comment.id, |kept| {
                if kept.visibility == Visibility::Removed {
                    kept.visibility = comment.visibility;
                }
            }),
            EventKind::CommentModerated { comment } => self.change(stream, comment.id, |kept| {
                // A verdict on a text that was changed since says nothing about the new one.
                if kept.visibility != Visibility::Removed && kept.text == comment.text {
                    kept.visibility = comment.visibility;
                    kept.judgement = comment.judgement.clone();
                }
            }),
            EventKind::ReactionSet { comment, user, reaction, stamp } => {
                let new = Kept { stamp: stamp.clone(), reaction: *reaction };
                if self.react(stream, *comment, user, &new)? {
                    changed.reactions.insert((stream.clone(), *comment));
                }
                Ok(())
            }
            EventKind::EmojiCounted(counts) => {
                for (emoji, count) in counts {
                    let key = keys::text(stream, &[emoji]);
                    let known = self.emoji.get(key.as_slice())?.map(|total| total.value());
                    // Each host bounds the kinds it takes; all of them together are bounded here.
                    if known.is_none()
                        && read::emoji_in(&self.emoji, stream)?.len() >= limits::EMOJI_KINDS_MAX
                    {
                        continue;
                    }
                    let total = known.unwrap_or(0);
                    self.emoji.insert(key.as_slice(), total.saturating_add(u64::from(*count)))?;
                }
                changed.emoji.insert(stream.clone());
                Ok(())
            }
            EventKind::Pinned { comment, .. } => {
                let key = keys::stream(stream);
                match comment {
                    None => {
                        self.pins.remove(key.as_slice())?;
                    }
                    Some(comment) if self.home(&keys::comment(stream, comment.id))?.is_some() => {
                        self.pins.insert(key.as_slice(), comment.id.as_bytes().as_slice())?;
                    }
                    // The pin before it stays, rather than none that can be shown.
                    Some(_) => {}
                }
                Ok(())
            }
            EventKind::ReactionTotals(_)
            | EventKind::EmojiTotals(_)
            | EventKind::SettingsChanged { .. }
            | EventKind::Viewers(_) => Ok(()),
        }
    }

    /// True when the reaction changed something.
    fn react(&mut self, stream: &StreamId, id: CommentId, user: &UserId, new: &Kept) -> Result<bool> {
        let key = keys::comment(stream, id);
        let Some(home) = self.home(&key)? else { return Ok(false) };
        let place = read::reaction_key(id, user);
        let known: Option<Kept> =
            self.reactions.get(place.as_slice())?.map(|value| decode(value.value())).transpose()?;
        // Last writer wins, as `ReactionSet` orders writers.
        if known.as_ref().is_some_and(|known| known >= new) {
            return Ok(false);
        }
        self.reactions.insert(place.as_slice(), encode(new)?.as_slice())?;
        let before = known.map_or(Reaction::None, |known| known.reaction);
        if before == new.reaction {
            return Ok(false);
        }
        let (likes, dislikes, replies) = self.counts.get(key.as_slice())?.map_or((0, 0, 0), |c| c.value());
        let step = |count: u32, of: Reaction| {
            count.saturating_sub(u32::from(before == of)).saturating_add(u32::from(new.reaction == of))
        };
        let after = (step(likes, Reaction::Like), step(dislikes, Reaction::Dislike), replies);
        self.counts.insert(key.as_slice(), after)?;
        if home == Home::Shown {
            self.move_popular(stream, id, likes, after.0)?;
        }
        Ok(true)
    }

    fn applied(&self, changed: Changed) -> Result<Applied> {
        let mut applied = Applied::default();
        for (stream, comment) in changed.reactions {
            let counts = self.counts.get(keys::comment(&stream, comment).as_slice())?;
            let (likes, dislikes, _) = counts.map_or((0, 0, 0), |counts| counts.value());
            applied.reactions.push((stream, Totals { comment, likes, dislikes }));
        }
        for stream in changed.emoji {
            let totals = read::emoji_in(&self.emoji, &stream)?;
            applied.emoji.push((stream, totals));
        }
        Ok(applied)
    }
}
