//! What a chunk of events needs to know before it can be taken in.
//!
//! What counts are made from (reactions, and comments that may be replies) is read before the counts, and is written
//! after them. So whoever finds a reaction also finds the counts that it is in, also while another writer is at it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ringside_core::{CommentId, Event, EventKind, Reaction, RegionId, Stamp, StreamId, UserId};
use ringside_ports::PortResult;

use super::APPLY;
use crate::backend::{Backend, READS_IN_FLIGHT, USERS_MAX, bounded};
use crate::error::corrupt;
use crate::keys::reaction_shard;
use crate::rows::Found;

/// A comment of a stream.
pub(super) type Key = (StreamId, CommentId);

/// A user's reaction, with the write time of its row.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    pub(super) stamp: Stamp,
    pub(super) reaction: Reaction,
    pub(super) written: i64,
}

/// A reaction as a column.
pub(crate) type MarkColumn = (i64, String, i8);

/// One emoji of a stream, as one region counted it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct EmojiShare {
    pub(super) total: i64,
    pub(super) version: i64,
    pub(super) is_changed: bool,
}

/// Emoji of a stream, by name and region.
pub(super) type EmojiShares = BTreeMap<(String, String), EmojiShare>;

/// What is kept of all that a chunk is about.
#[derive(Default)]
pub(super) struct Known {
    pub(super) comments: Found,
    pub(super) marks: HashMap<(Key, UserId), Mark>,
    pub(super) emoji: BTreeMap<StreamId, EmojiShares>,
}

/// The number of a reaction in its column.
pub(crate) fn number(reaction: Reaction) -> i8 {
    match reaction {
        Reaction::None => 0,
        Reaction::Like => 1,
        Reaction::Dislike => 2,
    }
}

/// The reaction in a column.
pub(crate) fn reaction(number: i8) -> Reaction {
    match number {
        1 => Reaction::Like,
        2 => Reaction::Dislike,
        _ => Reaction::None,
    }
}

impl Backend {
    /// Reads what the events are about.
    pub(super) async fn know<'e>(
        &self,
        events: impl Iterator<Item = &'e Event> + Clone,
    ) -> PortResult<Known> {
        let (mut accepted, mut parents, mut changed) = (HashSet::new(), HashSet::new(), BTreeSet::new());
        let mut reacted: BTreeMap<Key, BTreeSet<UserId>> = BTreeMap::new();
        let mut streams = BTreeSet::new();
        for event in events {
            let key = |id: CommentId| (event.stream.clone(), id);
            let about = match &event.kind {
                EventKind::CommentAccepted(comment) => {
                    parents.extend(comment.reply_to.map(key));
                    accepted.insert(key(comment.id));
                    continue;
                }
                EventKind::CommentEdited { comment, .. } | EventKind::CommentRemoved { comment, .. } => {
                    *comment
                }
                EventKind::CommentApproved { comment, .. }
                | EventKind::CommentRestored { comment, .. }
                | EventKind::CommentModerated { comment }
                | EventKind::Pinned { comment: Some(comment), .. } => comment.id,
                EventKind::ReactionSet { comment, user, .. } => {
                    reacted.entry(key(*comment)).or_default().insert(user.clone());
                    continue;
                }
                EventKind::EmojiCounted(_) => {
                    streams.insert(event.stream.clone());
                    continue;
                }
                _ => continue,
            };
            if !accepted.contains(&key(about)) {
                changed.insert(key(about));
            }
        }
        let statement = &self.statements.comments;
        let (changed, marks, emoji) = tokio::try_join!(
            self.comments(APPLY, statement, changed),
            self.marks(&reacted),
            self.emoji_shares(streams),
        )?;
        parents.extend(
            changed
                .iter()
                .filter_map(|((stream, _), kept)| Some((stream.clone(), kept.comment.as_ref()?.reply_to?))),
        );
        parents.extend(reacted.into_keys());
        let counted =
            if parents.is_empty() { Found::new() } else { self.comments(APPLY, statement, parents).await? };
        let mut comments = changed;
        for (key, kept) in counted {
            // The counts that were read last, and the content that was read first: it belongs to what was known when
            // its counts were not yet.
            let known = comments.entry(key).or_insert_with(|| kept.clone());
            known.counts = kept.counts;
        }
        Ok(Known { comments, marks, emoji })
    }

    async fn marks(
        &self,
        reacted: &BTreeMap<Key, BTreeSet<UserId>>,
    ) -> PortResult<HashMap<(Key, UserId), Mark>> {
        let mut by_shard: BTreeMap<(&Key, i16), Vec<&str>> = BTreeMap::new();
        for (key, users) in reacted {
            for user in users {
                by_shard.entry((key, reaction_shard(user))).or_default().push(user.as_str());
            }
        }
        let mut questions = Vec::new();
        for ((key, shard), users) in &by_shard {
            questions.extend(users.chunks(USERS_MAX).map(|users| self.marks_of(key, *shard, users)));
        }
        Ok(bounded(questions, READS_IN_FLIGHT).await?.into_iter().flatten().collect())
    }

    async fn marks_of(
        &self,
        key: &Key,
        shard: i16,
        users: &[&str],
    ) -> PortResult<Vec<((Key, UserId), Mark)>> {
        let values = (self.key(&key.0), key.1.as_bytes().as_slice(), shard, users);
        let rows = self.rows::<(String, MarkColumn, i64)>(APPLY, &self.statements.marks, values).await?;
        let marks = rows.into_iter().map(|(user, (at_ms, region, number), written)| {
            let unreadable = |error| corrupt(APPLY, &format!("a reaction to comment {}", key.1), error);
            let user = UserId::new(&user).map_err(unreadable)?;
            let region = RegionId::new(&region).map_err(unreadable)?;
            let stamp = Stamp { at_ms: at_ms.unsigned_abs(), region };
            Ok(((key.clone(), user), Mark { stamp, reaction: reaction(number), written }))
        });
        marks.collect()
    }

    async fn emoji_shares(&self, streams: BTreeSet<StreamId>) -> PortResult<BTreeMap<StreamId, EmojiShares>> {
        let questions = streams.into_iter().map(async |stream| {
            let rows = self
                .rows::<(String, String, i64, i64)>(APPLY, &self.statements.emoji, (self.key(&stream),))
                .await?;
            let shares = rows.into_iter().map(|(name, region, total, version)| {
                ((name, region), EmojiShare { total, version, is_changed: false })
            });
            Ok((stream, shares.collect()))
        });
        Ok(bounded(questions.collect(), READS_IN_FLIGHT).await?.into_iter().collect())
    }
}
