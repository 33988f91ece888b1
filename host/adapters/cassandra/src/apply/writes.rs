//! The rows that a chunk changes.

use std::collections::{BTreeMap, BTreeSet};

use ringside_core::{Comment, CommentId, StreamId};
use scylla::value::CqlValue;

use super::chunk::{Chunk, Entry};
use super::load::{Key, number};
use crate::backend::{Backend, Write};
use crate::counts::Share;
use crate::keys::{Class, bucket, level, reaction_shard, submission_shard};

/// A class of a bucket of a stream.
pub(super) type Place = (StreamId, Class, i64);

fn text(text: &str) -> CqlValue {
    CqlValue::Text(text.to_owned())
}

pub(super) fn blob(id: CommentId) -> CqlValue {
    CqlValue::Blob(id.as_bytes().to_vec())
}

fn body(comment: &Comment) -> CqlValue {
    // Nothing in a comment can fail to be written as JSON: its keys are texts, and it has no numbers with fractions
    // that are not finite but scores, which become null.
    CqlValue::Text(serde_json::to_string(comment).unwrap_or_default())
}

/// Rows of one chunk, in the order in which they are to be written.
#[derive(Default)]
pub(super) struct Writes<'s> {
    /// Counts: before what they are made from.
    pub(super) counts: Vec<Write<'s>>,
    /// Everything else, in any order.
    pub(super) rows: Vec<Write<'s>>,
}

impl Chunk<'_> {
    /// Classes of buckets that a comment leaves, with those that leave and the version of the last.
    pub(super) fn left(&self) -> BTreeMap<Place, (BTreeSet<CommentId>, i64)> {
        let mut left: BTreeMap<Place, (BTreeSet<CommentId>, i64)> = BTreeMap::new();
        let mut entered = BTreeSet::new();
        for ((stream, id), entry) in self.comments.iter().filter(|(_, entry)| entry.is_touched) {
            let Some(now) = entry.class() else { continue };
            entered.insert((stream.clone(), now, bucket(*id)));
            for class in entry.been.iter().filter(|class| **class != now && **class != Class::Removed) {
                let (ids, version) = left.entry((stream.clone(), *class, bucket(*id))).or_default();
                ids.insert(*id);
                *version = (*version).max(entry.seen_at);
            }
        }
        left.retain(|place, _| !entered.contains(place));
        left
    }

    /// All rows; `emptied` are classes of buckets that have no comment any more.
    pub(super) fn writes<'s>(&self, to: &'s Backend, emptied: Vec<(Place, i64)>) -> Writes<'s> {
        let mut writes = Writes::default();
        let mut entered: BTreeMap<Place, i64> = BTreeMap::new();
        for (key, entry) in &self.comments {
            let (Some(comment), Some(class)) = (&entry.comment, entry.class()) else { continue };
            if entry.is_counted
                && let Some(share) = entry.counts.0.get(&to.region)
            {
                writes.counts.push(to.share(key, class, &to.region, *share));
            }
            if entry.is_counted || entry.is_touched {
                to.put_popular(&mut writes.counts, key, class, entry);
            }
            if entry.is_touched {
                to.put_comment(&mut writes.rows, key, class, entry, comment);
                to.put_lists(&mut writes.rows, key, class, entry, comment);
                if class != Class::Removed {
                    let at = entered.entry((key.0.clone(), class, bucket(key.1))).or_default();
                    *at = (*at).max(entry.seen_at);
                }
            }
        }
        let statements = &to.statements;
        for ((stream, class, bucket), version) in entered {
            let values = vec![
                text(&to.key(&stream)),
                CqlValue::TinyInt(class.number()),
                CqlValue::BigInt(bucket),
                text(&to.region),
                CqlValue::BigInt(version),
            ];
            writes.rows.push(Write::new(&statements.put_bucket, values));
        }
        for ((stream, class, bucket), version) in emptied {
            let values = vec![
                CqlValue::BigInt(version),
                text(&to.key(&stream)),
                CqlValue::TinyInt(class.number()),
                CqlValue::BigInt(bucket),
                text(&to.region),
            ];
            writes.rows.push(Write::new(&statements.drop_bucket, values));
        }
        self.marks(&mut writes.rows, to);
        self.emoji_and_pins(&mut writes.rows, to);
        writes
    }

    fn marks<'s>(&self, rows: &mut Vec<Write<'s>>, to: &'s Backend) {
        for (((stream, id), user), mark) in &self.marks {
            let column = CqlValue::Tuple(vec![
                Some(CqlValue::BigInt(i64::try_from(mark.stamp.at_ms).unwrap_or(i64::MAX))),
                Some(text(mark.stamp.region.as_str())),
                Some(CqlValue::TinyInt(number(mark.reaction))),
            ]);
            let (stream, written) = (text(&to.key(stream)), CqlValue::BigInt(mark.written));
            let shard = CqlValue::SmallInt(reaction_shard(user));
            let user = text(user.as_str());
            let values =
                vec![stream.clone(), blob(*id), shard, user.clone(), column.clone(), written.clone()];
            rows.push(Write::new(&to.statements.put_reaction, values));
            rows.push(Write::new(
                &to.statements.put_reaction_of,
                vec![stream, user, blob(*id), column, written],
            ));
        }
    }

    fn emoji_and_pins<'s>(&self, rows: &mut Vec<Write<'s>>, to: &'s Backend) {
        for (stream, shares) in &self.emoji {
            for ((name, region), share) in shares.iter().filter(|(_, share)| share.is_changed) {
                let values = vec![
                    text(&to.key(stream)),
                    text(name),
                    text(region),
                    CqlValue::BigInt(share.total),
                    CqlValue::BigInt(share.version),
                    CqlValue::BigInt(share.version),
                ];
                rows.push(Write::new(&to.statements.put_emoji, values));
            }
        }
        for (stream, (id, version)) in &self.pins {
            let (stream, version) = (text(&to.key(stream)), CqlValue::BigInt(*version));
            rows.push(match id {
                Some(id) => Write::new(&to.statements.put_pin, vec![stream, blob(*id), version]),
                None => Write::new(&to.statements.drop_pin, vec![version, stream]),
            });
        }
    }
}

impl Backend {
    /// Where a comment's row is.
    fn place(&self, (stream, id): &Key, class: Class) -> [CqlValue; 4] {
        let class = CqlValue::TinyInt(class.number());
        [text(&self.key(stream)), CqlValue::BigInt(bucket(*id)), class, blob(*id)]
    }

    /// One share of a comment's counts.
    pub(crate) fn share(&self, key: &Key, class: Class, region: &str, share: Share) -> Write<'_> {
        let mut values = vec![CqlValue::BigInt(share.version), share.value(region)];
        values.extend(self.place(key, class));
        Write::new(&self.statements.put_counts, values)
    }

    /// The comment itself; where it was before it goes, in the same batch.
    fn put_comment<'s>(
        &'s self,
        rows: &mut Vec<Write<'s>>,
        key: &Key,
        class: Class,
        entry: &Entry,
        comment: &Comment,
    ) {
        let version = CqlValue::BigInt(entry.version);
        let mut values = vec![version.clone(), body(comment), version.clone(), CqlValue::BigInt(entry.taken)];
        values.extend(self.place(key, class));
        rows.push(Write::new(&self.statements.put_comment, values));
        let left = || entry.been.iter().filter(|been| **been != class);
        if left().next().is_some() && !entry.counts.0.is_empty() {
            let mut values = vec![version.clone(), entry.counts.value()];
            values.extend(self.place(key, class));
            rows.push(Write::new(&self.statements.put_counts, values));
        }
        for been in left() {
            let mut values = vec![version.clone()];
            values.extend(self.place(key, *been));
            rows.push(Write::new(&self.statements.drop_comment, values));
        }
    }

    /// The lists that it is in: replies, its author's own, submissions.
    fn put_lists<'s>(
        &'s self,
        rows: &mut Vec<Write<'s>>,
        (stream, id): &Key,
        class: Class,
        entry: &Entry,
        comment: &Comment,
    ) {
        let statements = &self.statements;
        let (stream, author) = (text(&self.key(stream)), text(comment.author.id.as_str()));
        let version = CqlValue::BigInt(entry.version);
        if let Some(parent) = comment.reply_to {
            let place =
                |class: Class| [stream.clone(), blob(parent), CqlValue::TinyInt(class.number()), blob(*id)];
            for been in entry.been.iter().filter(|been| **been != class) {
                let values = std::iter::once(version.clone()).chain(place(*been)).collect();
                rows.push(Write::new(&statements.drop_reply, values));
            }
            if class != Class::Removed {
                let values = place(class).into_iter().chain([version.clone()]).collect();
                rows.push(Write::new(&statements.put_reply, values));
            }
        }
        let parents = std::iter::once(CqlValue::Blob(Vec::new())).chain(comment.reply_to.map(blob));
        for parent in parents.filter(|_| entry.been.iter().any(|been| been.is_own())) {
            let place = [stream.clone(), author.clone(), parent, blob(*id)];
            rows.push(if class.is_own() {
                Write::new(&statements.put_own, place.into_iter().chain([version.clone()]).collect())
            } else {
                Write::new(&statements.drop_own, std::iter::once(version.clone()).chain(place).collect())
            });
        }
        if let Some(reference) = &comment.reference {
            let shard = CqlValue::SmallInt(submission_shard(&comment.author.id, reference));
            let values = vec![stream, shard, author, text(reference.as_str()), blob(*id), version];
            rows.push(Write::new(&statements.put_submission, values));
        }
    }

    /// Its place among the popular.
    fn put_popular<'s>(&'s self, rows: &mut Vec<Write<'s>>, key: &Key, class: Class, entry: &Entry) {
        let now = if class.is_shown() { entry.counts.likes() } else { 0 };
        let version = entry.version.max(entry.counts.version());
        self.move_popular(rows, key, (entry.popular_before, now), version);
        if !class.is_shown() {
            // What an earlier try may have left.
            self.move_popular(rows, key, (entry.counts.likes(), 0), version);
        }
    }

    /// Moves a comment from the level of so many likes to that of so many.
    pub(crate) fn move_popular<'s>(
        &'s self,
        rows: &mut Vec<Write<'s>>,
        (stream, id): &Key,
        (before, now): (u32, u32),
        version: i64,
    ) {
        let (before, now) = (level(before), level(now));
        let (stream, version) = (text(&self.key(stream)), CqlValue::BigInt(version));
        if let Some(before) = before.filter(|_| before != now) {
            let values = vec![version.clone(), stream.clone(), CqlValue::SmallInt(before), blob(*id)];
            rows.push(Write::new(&self.statements.drop_popular, values));
        }
        if let Some(now) = now {
            let values = vec![stream, CqlValue::SmallInt(now), blob(*id), version];
            rows.push(Write::new(&self.statements.put_popular, values));
        }
    }
}
