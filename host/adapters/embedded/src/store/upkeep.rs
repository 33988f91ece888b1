//! What is done now and then: counting reactions anew, and removing what is old.

use redb::{Database, Durability, ReadableTable as _};
use ringside_core::event::Totals;
use ringside_core::{CommentId, ReactionSet, StreamId, UserId};

use super::apply::begin;
use super::keys;
use super::places::{Home, Tables};
use super::tables::{Kept, decode, decode_comment};

type Result<T> = std::result::Result<T, redb::Error>;

/// Counts a comment's reactions anew; the totals when they were off.
pub(super) fn recount(database: &Database, stream: &StreamId, id: CommentId) -> Result<Option<Totals>> {
    let write = begin(database, Durability::Immediate)?;
    let corrected = {
        let mut tables = Tables::open(&write)?;
        let key = keys::comment(stream, id);
        let Some(home) = tables.home(&key)? else { return Ok(None) };
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
        let kept = tables.counts.get(key.as_slice())?.map_or((0, 0, 0), |counts| counts.value());
        let (likes, dislikes) = set.totals();
        if (kept.0, kept.1) == (likes, dislikes) {
            None
        } else {
            tables.counts.insert(key.as_slice(), (likes, dislikes, kept.2))?;
            if home == Home::Shown {
                tables.move_popular(stream, id, kept.0, likes)?;
            }
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
        let mut old: Vec<(Vec<u8>, Home)> = Vec::new();
        for home in Home::ALL {
            // Within a stream keys are in order of time: the first that is young ends the stream.
            let mut from = Vec::new();
            while old.len() < most {
                let Some(entry) = tables.at(home).range(from.as_slice()..)?.next() else { break };
                let key = entry?.0.value().to_vec();
                if keys::id_of(&key).is_some_and(|id| id.at_ms() < before_ms) {
                    from = [key.as_slice(), &[0]].concat();
                    old.push((key, home));
                } else {
                    let prefix = key.get(..key.len().saturating_sub(keys::ID)).unwrap_or_default();
                    from = keys::after(prefix.to_vec());
                }
            }
        }
        for (key, home) in &old {
            tables.forget(key, *home)?;
        }
        old.len()
    };
    write.commit()?;
    Ok(removed)
}

impl Tables<'_> {
    /// Removes a comment and what hangs on it.
    fn forget(&mut self, key: &[u8], home: Home) -> Result<()> {
        let kept = self.at(home).remove(key)?.map(|value| decode_comment(value.value())).transpose()?;
        let Some(comment) = kept else { return Ok(()) };
        self.list(&comment, home, false)?;
        self.review.remove(key)?;
        let likes = self.counts.remove(key)?.map_or(0, |counts| counts.value().0);
        self.popular.remove(keys::popular(&comment.stream, likes, comment.id).as_slice())?;
        if let Some(reference) = &comment.reference {
            let reference = keys::text(&comment.stream, &[comment.author.id.as_str(), reference.as_str()]);
            // A later comment may have the reference by now.
            let kept = self.references.get(reference.as_slice())?.and_then(|id| keys::id_of(id.value()));
            if kept == Some(comment.id) {
                self.references.remove(reference.as_slice())?;
            }
        }
        let reactions = comment.id.as_bytes().to_vec();
        let end = keys::after(reactions.clone());
        self.reactions.retain_in(reactions.as_slice()..end.as_slice(), |_, _| false)?;
        Ok(())
    }
}
