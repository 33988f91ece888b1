//! A chunk of events, taken in in memory: what is kept becomes what is to be kept.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use ringside_core::{
    Action, Comment, CommentId, Event, EventKind, Reaction, StreamId, UserId, Visibility, limits,
};
use ringside_ports::store::Applied;

use super::clock::write_time;
use super::load::{EmojiShares, Key, Known, Mark};
use crate::counts::{Counts, Share};
use crate::keys::Class;

/// A comment that the chunk is about.
#[derive(Default)]
pub(super) struct Entry {
    /// None where there is none: then nothing is written.
    pub(super) comment: Option<Comment>,
    /// Of the last event that changed it.
    pub(super) version: i64,
    /// Of the event that brought it.
    pub(super) taken: i64,
    pub(super) counts: Counts,
    /// Classes that it was in since the checkpoint: its rows there go.
    pub(super) been: BTreeSet<Class>,
    /// Its rows are written: an event of the chunk is about it, perhaps one that an earlier try took in already.
    pub(super) is_touched: bool,
    /// This region's counts are written.
    pub(super) is_counted: bool,
    /// Whoever called hears of its totals.
    pub(super) is_told: bool,
    /// Version of the last event of the chunk about it.
    pub(super) seen_at: i64,
    /// Likes before, where it was shown.
    pub(super) popular_before: u32,
}

impl Entry {
    pub(super) fn class(&self) -> Option<Class> {
        self.comment.as_ref().map(Class::of)
    }

    /// True when it was there at an event. An earlier try may have written what is only brought after that.
    fn is_there(&self, version: i64) -> bool {
        self.comment.is_some() && self.taken <= version
    }

    fn is_shown(&self) -> bool {
        self.class().is_some_and(Class::is_shown)
    }
}

/// The reactions of the chunk that count, and where they are.
pub(super) type Marks = BTreeMap<(Key, UserId), Mark>;

/// All that a chunk changes.
pub(super) struct Chunk<'a> {
    region: &'a str,
    partition: i32,
    /// Version of the last event that is surely taken in.
    checkpoint: i64,
    pub(super) comments: BTreeMap<Key, Entry>,
    known_marks: HashMap<(Key, UserId), Mark>,
    pub(super) marks: Marks,
    pub(super) emoji: BTreeMap<StreamId, EmojiShares>,
    /// The comment or none, and the version.
    pub(super) pins: BTreeMap<StreamId, (Option<CommentId>, i64)>,
}

impl<'a> Chunk<'a> {
    pub(super) fn new(region: &'a str, partition: u32, checkpoint: i64, known: Known) -> Self {
        let comments = known
            .comments
            .into_iter()
            .map(|(key, kept)| {
                let mut entry = Entry {
                    comment: kept.comment,
                    version: kept.version,
                    taken: kept.taken,
                    counts: kept.counts,
                    been: kept.classes,
                    ..Entry::default()
                };
                entry.popular_before = if entry.is_shown() { entry.counts.likes() } else { 0 };
                (key, entry)
            })
            .collect();
        Self {
            region,
            partition: i32::try_from(partition).unwrap_or(i32::MAX),
            checkpoint,
            comments,
            known_marks: known.marks,
            marks: BTreeMap::new(),
            emoji: known.emoji,
            pins: BTreeMap::new(),
        }
    }

    /// Takes one event in; they come in the log's order.
    pub(super) fn take_in(&mut self, event: &Event, version: i64) {
        let stream = &event.stream;
        match &event.kind {
            EventKind::CommentAccepted(comment) => self.insert(comment, version),
            EventKind::CommentEdited { comment, text, judgement, mentions } => {
                self.change(stream, *comment, version, |kept| {
                    kept.text.clone_from(text);
                    kept.judgement = judgement.clone();
                    kept.mentions.clone_from(mentions);
                    kept.edited_at_ms = Some(event.at_ms);
                });
            }
            EventKind::CommentRemoved { comment, .. } => {
                self.change(stream, *comment, version, |kept| kept.visibility = Visibility::Removed);
            }
            EventKind::CommentApproved { comment, .. } => self.change(stream, comment.id, version, |kept| {
                if kept.visibility != Visibility::Removed {
                    kept.visibility = Visibility::Shown;
                    kept.judgement.action = Action::Accept;
                }
            }),
            EventKind::CommentRestored { comment, .. } => self.change(stream, comment.id, version, |kept| {
                if kept.visibility == Visibility::Removed {
                    kept.visibility = comment.visibility;
                }
            }),
            EventKind::CommentModerated { comment } => self.change(stream, comment.id, version, |kept| {
                // A verdict on a text that was changed since says nothing about the new one.
                if kept.visibility != Visibility::Removed && kept.text == comment.text {
                    kept.visibility = comment.visibility;
                    kept.judgement = comment.judgement.clone();
                }
            }),
            EventKind::ReactionSet { comment, user, reaction, stamp } => {
                let new = Mark { stamp: stamp.clone(), reaction: *reaction, written: version };
                self.react((stream.clone(), *comment), user, new, version);
            }
            EventKind::EmojiCounted(counts) => self.count_emoji(stream, counts, version),
            EventKind::Pinned { comment, .. } => {
                let id = comment.as_ref().map(|comment| comment.id);
                let is_there = |id| {
                    self.comments.get(&(stream.clone(), id)).is_some_and(|entry| entry.is_there(version))
                };
                // Of one that is not there: the pin before it stays, rather than none that can be shown.
                if id.is_none_or(is_there) {
                    self.pins.insert(stream.clone(), (id, version));
                }
            }
            EventKind::ReactionTotals(_)
            | EventKind::EmojiTotals(_)
            | EventKind::SettingsChanged { .. }
            | EventKind::Viewers(_) => {}
        }
    }

    fn insert(&mut self, comment: &Comment, version: i64) {
        let key = (comment.stream.clone(), comment.id);
        let entry = self.comments.entry(key).or_default();
        entry.is_touched = true;
        entry.seen_at = version;
        if entry.comment.is_some() {
            // An earlier try got so far: what it left undone is done again.
            entry.been.extend(Class::ALL);
            return;
        }
        entry.comment = Some(comment.clone());
        entry.taken = version;
        // Its own time, which is before that of anything that happens to it: taken in twice, it changes nothing.
        entry.version = write_time(comment.at_ms).min(version);
        let class = Class::of(comment);
        entry.been.insert(class);
        if class.is_shown() {
            self.count_reply(comment, 1, version);
        }
    }

    fn change(&mut self, stream: &StreamId, id: CommentId, version: i64, change: impl FnOnce(&mut Comment)) {
        let Some(entry) = self.comments.get_mut(&(stream.clone(), id)) else { return };
        if !entry.is_there(version) {
            return;
        }
        let Some(comment) = &mut entry.comment else { return };
        entry.is_touched = true;
        entry.seen_at = version;
        if version <= entry.version {
            // An earlier try took it in, but may not have got to all that follows from it.
            entry.been.extend(Class::ALL);
            return;
        }
        let before = Class::of(comment);
        change(comment);
        let after = Class::of(comment);
        entry.version = version;
        entry.been.extend([before, after]);
        if before.is_shown() != after.is_shown() {
            let comment = comment.clone();
            self.count_reply(&comment, if after.is_shown() { 1 } else { -1 }, version);
        }
    }

    /// Adds to this region's share, unless the event is in it already.
    fn count(&mut self, key: &Key, version: i64, add: impl FnOnce(&mut Share)) {
        let Some(entry) = self.comments.get_mut(key).filter(|entry| entry.is_there(version)) else { return };
        let share = entry.counts.0.entry(self.region.to_owned()).or_default();
        if version > share.version {
            add(share);
            (share.version, share.partition) = (version, self.partition);
            entry.is_counted = true;
        }
    }

    fn count_reply(&mut self, comment: &Comment, step: i32, version: i64) {
        let Some(parent) = comment.reply_to else { return };
        self.count(&(comment.stream.clone(), parent), version, |share| {
            share.replies = share.replies.saturating_add(step);
        });
    }

    fn react(&mut self, key: Key, user: &UserId, mut new: Mark, version: i64) {
        let Some(entry) = self.comments.get_mut(&key).filter(|entry| entry.is_there(version)) else { return };
        // What an earlier try counted, and then could not say.
        let counted = entry.counts.0.get(self.region).map_or(0, |share| share.version);
        entry.is_told |= counted >= version && counted > self.checkpoint;
        let place = (key, user.clone());
        let known = self.marks.get(&place).or_else(|| self.known_marks.get(&place));
        let before = known.map_or(Reaction::None, |known| known.reaction);
        // Last writer wins, as the reaction set orders writers; the write time follows that order.
        let mut written = write_time(new.stamp.at_ms).min(version);
        if let Some(known) = known {
            match (&known.stamp, known.reaction).cmp(&(&new.stamp, new.reaction)) {
                Ordering::Less => written = written.max(known.written.saturating_add(1)),
                // An earlier try may have written one of its two rows.
                Ordering::Equal => written = known.written,
                Ordering::Greater => return,
            }
        }
        let after = new.reaction;
        new.written = written.max(1);
        if before != after {
            if let Some(entry) = self.comments.get_mut(&place.0) {
                entry.is_told = true;
            }
            self.count(&place.0, version, |share| {
                let step = |of: Reaction| i32::from(after == of) - i32::from(before == of);
                share.likes = share.likes.saturating_add(step(Reaction::Like));
                share.dislikes = share.dislikes.saturating_add(step(Reaction::Dislike));
            });
        }
        self.marks.insert(place, new);
    }

    fn count_emoji(&mut self, stream: &StreamId, counts: &[(String, u32)], version: i64) {
        let shares = self.emoji.entry(stream.clone()).or_default();
        let mut added: Vec<(&str, i64)> = Vec::new();
        for (name, count) in counts {
            match added.iter_mut().find(|(known, _)| known == name) {
                Some((_, sum)) => *sum += i64::from(*count),
                None => added.push((name, i64::from(*count))),
            }
        }
        for (name, count) in added {
            let kinds: BTreeSet<&str> = shares.keys().map(|(name, _)| name.as_str()).collect();
            // Each host bounds the kinds it takes; all of them together are bounded here.
            if !kinds.contains(name) && kinds.len() >= limits::EMOJI_KINDS_MAX {
                continue;
            }
            let share = shares.entry((name.to_owned(), self.region.to_owned())).or_default();
            if version > share.version {
                share.total = share.total.saturating_add(count);
                share.version = version;
                share.is_changed = true;
            }
        }
    }

    /// What others must hear of.
    pub(super) fn applied(&self) -> Applied {
        let told = self.comments.iter().filter(|(_, entry)| entry.is_told);
        Applied {
            reactions: told.map(|((stream, id), entry)| (stream.clone(), entry.counts.totals(*id))).collect(),
            emoji: self.emoji.iter().map(|(stream, shares)| (stream.clone(), emoji_totals(shares))).collect(),
        }
    }
}

fn emoji_totals(shares: &EmojiShares) -> Vec<(String, u64)> {
    let mut totals: BTreeMap<&str, i64> = BTreeMap::new();
    for ((name, _), share) in shares {
        let total = totals.entry(name).or_default();
        *total = total.saturating_add(share.total);
    }
    totals.into_iter().map(|(name, total)| (name.to_owned(), total.unsigned_abs())).collect()
}
