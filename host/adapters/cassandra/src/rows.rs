//! Comments as they are kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ringside_core::{Comment, CommentId, StreamId};
use ringside_ports::PortResult;
use ringside_ports::store::StoredComment;
use scylla::statement::prepared::PreparedStatement;

use crate::backend::{Backend, IDS_MAX, READS_IN_FLIGHT, bounded};
use crate::counts::{Columns, Counts};
use crate::error::corrupt;
use crate::keys::{Class, bucket};

/// What is kept of one comment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    /// None when only counts are kept: they are written first.
    pub(crate) comment: Option<Comment>,
    /// Of the last event that changed it.
    pub(crate) version: i64,
    /// Of the event that brought it: what was said about it before that was about nothing.
    pub(crate) taken: i64,
    /// Classes that have a row of it. More than one while it moves.
    pub(crate) classes: BTreeSet<Class>,
    pub(crate) counts: Counts,
}

/// Comments by stream and id.
pub(crate) type Found = HashMap<(StreamId, CommentId), Kept>;

type Row = (i8, Vec<u8>, Option<String>, Option<i64>, Option<i64>, Option<Columns>);

impl Kept {
    pub(crate) fn stored(self) -> Option<StoredComment> {
        let (likes, dislikes, replies) = (self.counts.likes(), self.counts.dislikes(), self.counts.replies());
        Some(StoredComment { comment: self.comment?, likes, dislikes, replies })
    }
}

/// The id in a row.
pub(crate) fn id_of(operation: &'static str, bytes: &[u8]) -> PortResult<CommentId> {
    let id = <[u8; 16]>::try_from(bytes).map_err(|error| corrupt(operation, "a comment's id", error))?;
    Ok(CommentId::from_bytes(id))
}

/// The comment in a row.
pub(crate) fn comment_of(operation: &'static str, id: CommentId, body: &str) -> PortResult<Comment> {
    serde_json::from_str(body).map_err(|error| corrupt(operation, &format!("comment {id}"), error))
}

impl Backend {
    /// Comments of any class, by `statement`, which says how sure it must be.
    pub(crate) async fn comments(
        &self,
        operation: &'static str,
        statement: &PreparedStatement,
        wanted: impl IntoIterator<Item = (StreamId, CommentId)>,
    ) -> PortResult<Found> {
        let mut by_bucket: BTreeMap<(StreamId, i64), BTreeSet<CommentId>> = BTreeMap::new();
        for (stream, id) in wanted {
            by_bucket.entry((stream, bucket(id))).or_default().insert(id);
        }
        let questions: Vec<(StreamId, i64, Vec<Vec<u8>>)> = by_bucket
            .into_iter()
            .flat_map(|((stream, bucket), ids)| {
                let ids: Vec<Vec<u8>> = ids.into_iter().map(|id| id.as_bytes().to_vec()).collect();
                let parts: Vec<_> = ids.chunks(IDS_MAX).map(<[Vec<u8>]>::to_vec).collect();
                parts.into_iter().map(move |ids| (stream.clone(), bucket, ids))
            })
            .collect();
        let classes = Class::ALL.map(Class::number);
        let questions = questions.into_iter().map(async |(stream, bucket, ids)| {
            let values = (self.key(&stream), bucket, classes.as_slice(), ids);
            let rows = self.rows::<Row>(operation, statement, values).await?;
            rows.into_iter()
                .map(|row| Ok(((stream.clone(), id_of(operation, &row.1)?), row)))
                .collect::<PortResult<Vec<_>>>()
        });
        let answers = bounded(questions.collect(), READS_IN_FLIGHT).await?;
        let mut found = Found::new();
        for (key, (class, _, body, version, taken, counts)) in answers.into_iter().flatten() {
            let id = key.1;
            let kept = found.entry(key).or_default();
            kept.classes.extend(Class::from_number(class));
            kept.counts.merge(Counts::of(counts));
            let version = version.unwrap_or(0);
            if let Some(body) = body
                && (kept.comment.is_none() || version > kept.version)
            {
                kept.comment = Some(comment_of(operation, id, &body)?);
                kept.version = version;
                kept.taken = taken.unwrap_or(0);
            }
        }
        Ok(found)
    }
}
