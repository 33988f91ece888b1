//! Taking events in: one transaction a call.

use std::collections::{BTreeMap, BTreeSet};

use redb::{Database, Durability, ReadableTable as _, Table};
use ringside_core::event::Totals;
use ringside_core::{
    Action, Comment, CommentId, Event, EventKind, Reaction, ReactionSet, StreamId, UserId, Visibility, limits,
};
use ringside_ports::store::Applied;

use super::tables::{
    CHECKPOINTS, COMMENTS, COUNTS, EMOJI, Kept, PINS, POPULAR, POPULAR_LIKES, REACTIONS, REFERENCES, REPLIES,
    REVIEW, decode, decode_comment, encode,
};
use super::{keys, read};

type Result<T> = std::result::Result<T, redb::Error>;
type Bytes = &'static [u8];

/// The tables of one transaction.
struct Tables<'t> {
    comments: Table<'t, Bytes, Bytes>,
    counts: Table<'t, Bytes, (u32, u32, u32)>,
    replies: Table<'t, Bytes, ()>,
    review: Table<'t, Bytes, ()>,
    references: Table<'t, Bytes, Bytes>,
    reactions: Table<'t, Bytes, Bytes>,
    popular: Table<'t, Bytes, ()>,
    emoji: Table<'t, Bytes, u64>,
    pins: Table<'t, Bytes, Bytes>,
}

impl<'t> Tables<'t> {
    fn open(write: &'t redb::WriteTransaction) -> Result<Self> {
        Ok(Self {
            comments: write.open_table(COMMENTS)?,
            counts: write.open_table(COUNTS)?,
            replies: write.open_table(REPLIES)?,
            review: write.open_table(REVIEW)?,
            references: write.open_table(REFERENCES)?,
            reactions: write.open_table(REACTIONS)?,
            popular: write.open_table(POPULAR)?,
            emoji: write.open_table(EMOJI)?,
            pins: write.open_table(PINS)?,
        })
    }
}

/// What changed, each comment and stream once.
#[derive(Default)]
struct Changed {
    reactions: BTreeSet<(StreamId, CommentId)>,
    emoji: BTreeSet<StreamId>,
}

/// Begins a transaction. A synced one also notes which pages are free, so that a start after kill -9 need not go
/// through the whole file to find out.
fn begin(database: &Database, durability: Durability) -> Result<redb::WriteTransaction> {
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
                    Some(comment) if self.has(stream, comment.id)? => {
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

    fn has(&self, stream: &StreamId, id: CommentId) -> Result<bool> {
        Ok(self.comments.get(keys::comment(stream, id).as_slice())?.is_some())
    }

    fn insert(&mut self, comment: &Comment) -> Result<()> {
        let key = keys::comment(&comment.stream, comment.id);
        if self.comments.get(key.as_slice())?.is_some() {
            return Ok(());
        }
        if let Some(reference) = &comment.reference {
            let reference = keys::text(&comment.stream, &[comment.author.id.as_str(), reference.as_str()]);
            self.references.insert(reference.as_slice(), comment.id.as_bytes().as_slice())?;
        }
        if let Some(parent) = comment.reply_to {
            let mut reply = keys::comment(&comment.stream, parent);
            reply.extend_from_slice(comment.id.as_bytes());
            self.replies.insert(reply.as_slice(), ())?;
        }
        self.comments.insert(key.as_slice(), encode(comment)?.as_slice())?;
        self.seen_from(None, comment, &key)
    }

    /// Changes a comment that is there.
    fn change(&mut self, stream: &StreamId, id: CommentId, change: impl FnOnce(&mut Comment)) -> Result<()> {
        let key = keys::comment(stream, id);
        let Some(mut comment) =
            self.comments.get(key.as_slice())?.map(|value| decode_comment(value.value())).transpose()?
        else {
            return Ok(());
        };
        let before = comment.visibility;
        change(&mut comment);
        self.comments.insert(key.as_slice(), encode(&comment)?.as_slice())?;
        self.seen_from(Some(before), &comment, &key)
    }

    /// Keeps what follows from a comment's visibility: its parent's count of replies and the review queue.
    fn seen_from(&mut self, before: Option<Visibility>, comment: &Comment, key: &[u8]) -> Result<()> {
        let was = before == Some(Visibility::Shown);
        let is = comment.visibility == Visibility::Shown;
        if let Some(parent) = comment.reply_to.filter(|_| was != is) {
            let parent = keys::comment(&comment.stream, parent);
            let (likes, dislikes, replies) =
                self.counts.get(parent.as_slice())?.map_or((0, 0, 0), |c| c.value());
            let replies = if is { replies.saturating_add(1) } else { replies.saturating_sub(1) };
            self.counts.insert(parent.as_slice(), (likes, dislikes, replies))?;
        }
        let waits =
            comment.visibility == Visibility::Held || (is && comment.judgement.action == Action::Flag);
        if waits {
            self.review.insert(key, ())?;
        } else if before.is_some() {
            self.review.remove(key)?;
        }
        Ok(())
    }

    /// True when the reaction changed something.
    fn react(&mut self, stream: &StreamId, id: CommentId, user: &UserId, new: &Kept) -> Result<bool> {
        if !self.has(stream, id)? {
            return Ok(false);
        }
        let key = keys::comment(stream, id);
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
        self.move_popular(stream, id, likes, after.0)?;
        Ok(true)
    }

    fn move_popular(&mut self, stream: &StreamId, id: CommentId, before: u32, after: u32) -> Result<()> {
        if before > POPULAR_LIKES && before != after {
            self.popular.remove(keys::popular(stream, before, id).as_slice())?;
        }
        if after > POPULAR_LIKES && before != after {
            self.popular.insert(keys::popular(stream, after, id).as_slice(), ())?;
        }
        Ok(())
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

/// Counts a comment's reactions anew; the totals when they were off.
pub(super) fn recount(database: &Database, stream: &StreamId, id: CommentId) -> Result<Option<Totals>> {
    let write = begin(database, Durability::Immediate)?;
    let corrected = {
        let mut tables = Tables::open(&write)?;
        if !tables.has(stream, id)? {
            return Ok(None);
        }
        let mut set = ReactionSet::default();
        let prefix = id.as_bytes().to_vec();
        let end = keys::after(prefix.clone());
        for entry in tables.reactions.range(prefix.as_slice()..end.as_slice())? {
            let (key, value) = entry?;
            let user = key.value().get(keys::ID..).and_then(|user| std::str::from_utf8(user).ok());
            let kept: Kept = decode(value.value())?;
            if let Some(user) = user.and_then(|user| UserId::new(user).ok()) {
                set.set(user, kept.stamp, kept.reaction);
            }
        }
        let key = keys::comment(stream, id);
        let kept = tables.counts.get(key.as_slice())?.map_or((0, 0, 0), |counts| counts.value());
        let (likes, dislikes) = set.totals();
        if (kept.0, kept.1) == (likes, dislikes) {
            None
        } else {
            tables.counts.insert(key.as_slice(), (likes, dislikes, kept.2))?;
            tables.move_popular(stream, id, kept.0, likes)?;
            Some(Totals { comment: id, likes, dislikes })
        }
    };
    write.commit()?;
    Ok(corrected)
}

/// Removes old comments and what hangs on them.
pub(super) fn prune(database: &Database, before_ms: u64, most: usize) -> Result<usize> {
    let write = begin(database, Durability::Immediate)?;
    let removed = {
        let mut tables = Tables::open(&write)?;
        let mut old: BTreeMap<Vec<u8>, Comment> = BTreeMap::new();
        // Within a stream keys are in order of time: the first that is young ends the stream.
        let mut from = Vec::new();
        while old.len() < most {
            let Some(entry) = tables.comments.range(from.as_slice()..)?.next() else { break };
            let (key, value) = entry?;
            let key = key.value();
            if keys::id_of(key).is_some_and(|id| id.at_ms() < before_ms) {
                old.insert(key.to_vec(), decode_comment(value.value())?);
                from = [key, &[0]].concat();
            } else {
                let prefix = key.get(..key.len().saturating_sub(keys::ID)).unwrap_or_default();
                from = keys::after(prefix.to_vec());
            }
        }
        for (key, comment) in &old {
            let likes = tables.counts.remove(key.as_slice())?.map_or(0, |counts| counts.value().0);
            tables.popular.remove(keys::popular(&comment.stream, likes, comment.id).as_slice())?;
            tables.comments.remove(key.as_slice())?;
            tables.review.remove(key.as_slice())?;
            if let Some(reference) = &comment.reference {
                let reference =
                    keys::text(&comment.stream, &[comment.author.id.as_str(), reference.as_str()]);
                // A later comment may have the reference by now.
                let kept =
                    tables.references.get(reference.as_slice())?.and_then(|id| keys::id_of(id.value()));
                if kept == Some(comment.id) {
                    tables.references.remove(reference.as_slice())?;
                }
            }
            if let Some(parent) = comment.reply_to {
                let mut reply = keys::comment(&comment.stream, parent);
                reply.extend_from_slice(comment.id.as_bytes());
                tables.replies.remove(reply.as_slice())?;
            }
            let reactions = comment.id.as_bytes().to_vec();
            let end = keys::after(reactions.clone());
            tables.reactions.retain_in(reactions.as_slice()..end.as_slice(), |_, _| false)?;
        }
        old.len()
    };
    write.commit()?;
    Ok(removed)
}
