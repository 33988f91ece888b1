//! Single reads.

use std::collections::BTreeMap;

use ringside_core::{Comment, CommentId, Reaction, Reference, StreamId, UserId, Visibility, limits};
use ringside_ports::PortResult;
use ringside_ports::store::StoredComment;

use crate::apply::load::{self, MarkColumn};
use crate::backend::{Backend, READS_IN_FLIGHT, USERS_MAX, bounded};
use crate::keys::{POPULAR_LIKES, submission_shard};
use crate::rows::id_of;

const REACTIONS_OF: &str = "store.reactions_of";
/// Rows of popular comments read at once. Of more than twice a page's comments on one level those with the smallest ids
/// are looked at: below 64 likes they have all the same, from there on within a quarter.
const POPULAR_ROWS: i32 = 1_000;
/// Levels are below this.
const LEVEL_END: i16 = i16::MAX;

impl Backend {
    /// One comment. Where the nearest replica has none, a quorum is asked: an absence decides, a missing like does not.
    pub(crate) async fn comment(
        &self,
        operation: &'static str,
        stream: &StreamId,
        id: CommentId,
    ) -> PortResult<Option<StoredComment>> {
        let key = (stream.clone(), id);
        for statement in [&self.statements.comments_near, &self.statements.comments] {
            let kept = self.comments(operation, statement, [key.clone()]).await?.remove(&key);
            if let Some(stored) = kept.and_then(crate::rows::Kept::stored) {
                return Ok(Some(stored));
            }
        }
        Ok(None)
    }

    pub(crate) async fn by_reference(
        &self,
        stream: &StreamId,
        user: &UserId,
        reference: &Reference,
    ) -> PortResult<Option<Comment>> {
        const BY_REFERENCE: &str = "store.by_reference";
        let shard = submission_shard(user, reference);
        let values = (self.key(stream), shard, user.as_str(), reference.as_str());
        let rows = self.rows::<(Vec<u8>,)>(BY_REFERENCE, &self.statements.submission, values).await?;
        let Some((id,)) = rows.first() else { return Ok(None) };
        let found = self.comment(BY_REFERENCE, stream, id_of(BY_REFERENCE, id)?).await?;
        Ok(found.map(|stored| stored.comment))
    }

    pub(crate) async fn reactions_of(
        &self,
        stream: &StreamId,
        user: &UserId,
        comments: &[CommentId],
    ) -> PortResult<Vec<(CommentId, Reaction)>> {
        let parts = comments.chunks(USERS_MAX).map(|part| self.reactions_to(stream, user, part));
        let found = bounded(parts.collect(), READS_IN_FLIGHT).await?;
        found
            .into_iter()
            .flatten()
            .map(|(id, (_, _, number))| Ok((id_of(REACTIONS_OF, &id)?, load::reaction(number))))
            .filter(|found| !matches!(found, Ok((_, Reaction::None))))
            .collect()
    }

    async fn reactions_to(
        &self,
        stream: &StreamId,
        user: &UserId,
        comments: &[CommentId],
    ) -> PortResult<Vec<(Vec<u8>, MarkColumn)>> {
        let ids: Vec<&[u8]> = comments.iter().map(|id| id.as_bytes().as_slice()).collect();
        let values = (self.key(stream), user.as_str(), ids);
        self.rows(REACTIONS_OF, &self.statements.marks_of_user, values).await
    }

    pub(crate) async fn emoji(&self, stream: &StreamId) -> PortResult<Vec<(String, u64)>> {
        let rows = self
            .rows::<(String, String, i64, i64)>("store.emoji", &self.statements.emoji, (self.key(stream),))
            .await?;
        let mut totals: BTreeMap<String, u64> = BTreeMap::new();
        for (name, _, total, _) in rows {
            let known = totals.entry(name).or_default();
            *known = known.saturating_add(total.unsigned_abs());
        }
        Ok(totals.into_iter().collect())
    }

    pub(crate) async fn pinned(&self, stream: &StreamId) -> PortResult<Option<StoredComment>> {
        const PINNED: &str = "store.pinned";
        let rows = self.rows::<(Vec<u8>,)>(PINNED, &self.statements.pin, (self.key(stream),)).await?;
        let Some((id,)) = rows.first() else { return Ok(None) };
        let pinned = self.comment(PINNED, stream, id_of(PINNED, id)?).await?;
        Ok(pinned.filter(|stored| stored.comment.visibility == Visibility::Shown))
    }

    /// Goes down the levels until so many are found; each level to its end, because within one the order is not by
    /// likes.
    pub(crate) async fn popular(&self, stream: &StreamId, size: u32) -> PortResult<Vec<StoredComment>> {
        const POPULAR: &str = "store.popular";
        let size = usize::try_from(size.min(limits::PAGE_SIZE_MAX)).unwrap_or(usize::MAX);
        let mut found: BTreeMap<CommentId, StoredComment> = BTreeMap::new();
        let mut below = LEVEL_END;
        while found.len() < size {
            let values = (self.key(stream), below, POPULAR_ROWS);
            let rows = self.rows::<(i16, Vec<u8>)>(POPULAR, &self.statements.popular, values).await?;
            let is_end = rows.len() < usize::try_from(POPULAR_ROWS).unwrap_or(usize::MAX);
            let mut levels: BTreeMap<i16, Vec<(StreamId, CommentId)>> = BTreeMap::new();
            for (level, id) in rows {
                levels.entry(level).or_default().push((stream.clone(), id_of(POPULAR, &id)?));
            }
            for (level, ids) in levels.into_iter().rev() {
                below = level;
                // A row may be left over from when a comment was shown, or had fewer or more likes.
                let new = ids.into_iter().filter(|(_, id)| !found.contains_key(id));
                let kept = self.comments(POPULAR, &self.statements.comments_near, new.take(size * 2)).await?;
                let stored = kept.into_values().filter_map(crate::rows::Kept::stored).filter(|stored| {
                    stored.likes > POPULAR_LIKES && stored.comment.visibility == Visibility::Shown
                });
                found.extend(stored.map(|stored| (stored.comment.id, stored)));
                if found.len() >= size {
                    break;
                }
            }
            if is_end {
                break;
            }
        }
        let mut found: Vec<StoredComment> = found.into_values().collect();
        // The sort is stable: comments with the same likes stay in the order of their ids.
        found.sort_by_key(|stored| std::cmp::Reverse(stored.likes));
        found.truncate(size);
        Ok(found)
    }
}
