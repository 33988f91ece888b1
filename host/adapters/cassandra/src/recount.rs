//! Counting a comment's reactions anew.

use futures_util::StreamExt as _;
use ringside_core::event::Totals;
use ringside_core::{CommentId, Reaction, StreamId};
use ringside_ports::PortResult;
use ringside_ports::error::{PortError, PortErrorKind};

use crate::apply::load::{self, MarkColumn};
use crate::backend::{Backend, bounded};
use crate::counts::{CORRECTION, Counts, Share};
use crate::error::unavailable;
use crate::keys::REACTION_SHARDS;
use crate::rows::Kept;

const RECOUNT: &str = "store.recount";
/// Shards read at once: counting anew is in nobody's way.
const SHARDS_AT_ONCE: usize = 4;

impl Backend {
    /// Counts anew. What is off goes into a share of its own, which no writer touches.
    pub(crate) async fn recount(&self, stream: &StreamId, comment: CommentId) -> PortResult<Option<Totals>> {
        let Some(before) = self.kept(stream, comment).await? else { return Ok(None) };
        self.is_settled(&before.counts).await?;
        let (likes, dislikes) = self.count_marks(stream, comment).await?;
        let Some(mut kept) = self.kept(stream, comment).await? else { return Ok(None) };
        if kept.counts != before.counts {
            return Err(busy());
        }
        let (counted, version) = (&kept.counts, kept.counts.version().max(kept.version));
        if (counted.likes(), counted.dislikes()) == (likes, dislikes) {
            return Ok(None);
        }
        let likes_before = counted.likes();
        let mut others = kept.counts.clone();
        others.0.remove(CORRECTION);
        let sum = |of: fn(&Share) -> i32| others.0.values().map(of).sum::<i32>();
        let off = |counted: u32, kept: i32| i32::try_from(counted).unwrap_or(i32::MAX).saturating_sub(kept);
        let correction = Share {
            version: version + 1,
            partition: 0,
            likes: off(likes, sum(|share| share.likes)),
            dislikes: off(dislikes, sum(|share| share.dislikes)),
            replies: 0,
        };
        kept.counts.0.insert(CORRECTION.to_owned(), correction);
        let Some(class) = kept.comment.as_ref().map(crate::keys::Class::of) else { return Ok(None) };
        let key = (stream.clone(), comment);
        let mut rows = vec![self.share(&key, class, CORRECTION, correction)];
        if class.is_shown() {
            self.move_popular(&mut rows, &key, (likes_before, likes), version + 1);
        }
        self.write(RECOUNT, rows).await?;
        Ok(Some(kept.counts.totals(comment)))
    }

    async fn kept(&self, stream: &StreamId, comment: CommentId) -> PortResult<Option<Kept>> {
        let key = (stream.clone(), comment);
        let found = self.comments(RECOUNT, &self.statements.comments, [key.clone()]).await?.remove(&key);
        Ok(found.filter(|kept| kept.comment.is_some()))
    }

    /// An error while a writer has counted reactions that it may not have written yet: counts are written first.
    async fn is_settled(&self, counts: &Counts) -> PortResult<()> {
        for (region, share) in counts.0.iter().filter(|(region, _)| *region != CORRECTION) {
            let region_key = [self.prefix.as_str(), region].concat();
            let checkpoint = self.checkpoint_of(RECOUNT, region_key, share.partition).await?;
            if checkpoint.clock < share.version {
                return Err(busy());
            }
        }
        Ok(())
    }

    async fn count_marks(&self, stream: &StreamId, comment: CommentId) -> PortResult<(u32, u32)> {
        let shards = (0..REACTION_SHARDS).map(|shard| self.count_shard(stream, comment, shard)).collect();
        let counted = bounded(shards, SHARDS_AT_ONCE).await?;
        Ok(counted.into_iter().fold((0, 0), |sum, shard| (sum.0 + shard.0, sum.1 + shard.1)))
    }

    async fn count_shard(&self, stream: &StreamId, comment: CommentId, shard: i16) -> PortResult<(u32, u32)> {
        let failed =
            |error: Box<dyn std::error::Error + Send + Sync>| unavailable(RECOUNT, &self.addresses, error);
        let values = (self.key(stream), comment.as_bytes().as_slice(), shard);
        let pages = self
            .session
            .execute_iter(self.statements.marks_of_shard.clone(), values)
            .await
            .map_err(|error| failed(error.into()))?;
        let mut rows = pages.rows_stream::<(MarkColumn,)>().map_err(|error| failed(error.into()))?;
        let (mut likes, mut dislikes) = (0, 0);
        while let Some(row) = rows.next().await {
            let ((_, _, number),) = row.map_err(|error| failed(error.into()))?;
            match load::reaction(number) {
                Reaction::Like => likes += 1,
                Reaction::Dislike => dislikes += 1,
                Reaction::None => {}
            }
        }
        Ok((likes, dislikes))
    }
}

fn busy() -> PortError {
    PortError::new(PortErrorKind::Busy, RECOUNT, "reactions to the comment are being taken in: count later")
}
