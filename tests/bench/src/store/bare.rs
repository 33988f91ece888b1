//! The baseline of `store`: the driver alone, sending the rows that the adapter would.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use ringside_cassandra::CassandraOptions;
use ringside_core::Comment;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::statement::Consistency;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::prepared::PreparedStatement;
use scylla::value::CqlValue;

use crate::figure::BenchError;

/// Rows of a batch, batches under way at once, time of a bucket, shards of references: as the adapter has them.
const ROWS: usize = 50;
const IN_FLIGHT: usize = 16;
const BUCKET_MS: u64 = 8_000;
const SHARDS: u32 = 128;

type Rows = Vec<Vec<CqlValue>>;

/// A session with its statements.
pub(super) struct Driver {
    session: Session,
    put_comment: PreparedStatement,
    put_submission: PreparedStatement,
    /// The stream, as the adapter would write it: another than its own.
    stream: String,
}

impl Driver {
    pub(super) async fn connect(options: &CassandraOptions) -> Result<Self, BenchError> {
        let session = SessionBuilder::new().known_nodes(&options.contact_points).build().await?;
        session.use_keyspace(&options.keyspace, true).await?;
        let prepare = async |text: &str| -> Result<PreparedStatement, BenchError> {
            let mut prepared = session.prepare(text).await?;
            prepared.set_consistency(Consistency::LocalQuorum);
            Ok(prepared)
        };
        let put_comment = prepare(
            "UPDATE comments USING TIMESTAMP ? SET body = ?, version = ?, taken = ? \
             WHERE stream = ? AND bucket = ? AND class = ? AND id = ?",
        )
        .await?;
        let put_submission = prepare(
            "INSERT INTO submissions (stream, shard, author, reference, id) VALUES (?, ?, ?, ?, ?) \
             USING TIMESTAMP ?",
        )
        .await?;
        Ok(Self { session, put_comment, put_submission, stream: format!("{}bare", options.prefix) })
    }

    /// The batches of a chunk.
    pub(super) fn batches(&self, comments: &[Comment]) -> Result<Vec<(Batch, Rows)>, BenchError> {
        let text = |text: &str| CqlValue::Text(text.to_owned());
        let mut by_partition: BTreeMap<(bool, u64), Rows> = BTreeMap::new();
        for comment in comments {
            let (id, bucket) = (CqlValue::Blob(comment.id.as_bytes().to_vec()), comment.at_ms / BUCKET_MS);
            let at = CqlValue::BigInt(i64::try_from(comment.at_ms)? * 1_000);
            by_partition.entry((true, bucket)).or_default().push(vec![
                at.clone(),
                text(&serde_json::to_string(comment)?),
                at.clone(),
                at.clone(),
                text(&self.stream),
                CqlValue::BigInt(i64::try_from(bucket)?),
                CqlValue::TinyInt(0),
                id.clone(),
            ]);
            let author = comment.author.id.as_str();
            let reference = comment.reference.as_ref().map_or("", |reference| reference.as_str());
            let shard = crc32fast::hash([author, "\0", reference].concat().as_bytes()) % SHARDS;
            by_partition.entry((false, u64::from(shard))).or_default().push(vec![
                text(&self.stream),
                CqlValue::SmallInt(i16::try_from(shard)?),
                text(author),
                text(reference),
                id,
                at,
            ]);
        }
        let mut batches = Vec::new();
        for ((is_comment, _), rows) in by_partition {
            let statement = if is_comment { &self.put_comment } else { &self.put_submission };
            for rows in rows.chunks(ROWS) {
                let mut batch = Batch::new(BatchType::Unlogged);
                batch.set_consistency(Consistency::LocalQuorum);
                for _ in rows {
                    batch.append_statement(statement.clone());
                }
                batches.push((batch, rows.to_vec()));
            }
        }
        Ok(batches)
    }

    /// Sends them, as many at once as the adapter does.
    pub(super) async fn send(&self, batches: Vec<(Batch, Rows)>) -> Result<(), BenchError> {
        stream::iter(batches)
            .map(|(batch, rows)| async move { self.session.batch(&batch, rows).await.map(drop) })
            .buffer_unordered(IN_FLIGHT)
            .try_collect::<()>()
            .await?;
        Ok(())
    }
}
