//! Questions and batches: every request is bounded, and so is how many are under way.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Mutex;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use ringside_core::StreamId;
use ringside_ports::PortResult;
use scylla::client::session::Session;
use scylla::deserialize::row::DeserializeRow;
use scylla::serialize::row::SerializeRow;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::prepared::PreparedStatement;
use scylla::value::CqlValue;

use crate::apply::Checkpoint;
use crate::error::{corrupt, unavailable};
use crate::statements::Statements;

/// Rows in a batch of one partition: measured, 20 to 50 rows give six times the rate of single ones.
const BATCH_ROWS_MAX: usize = 50;
/// Bytes in a batch: half of what ScyllaDB warns about, with 50 rows of 1.3 KB.
const BATCH_BYTES_MAX: usize = 64 << 10;
/// Batches of one call under way; more only wait in the nodes' queues.
const BATCHES_IN_FLIGHT: usize = 16;
/// Questions of one call under way.
pub(crate) const READS_IN_FLIGHT: usize = 16;
/// Ids in one question: with five classes that makes 100 rows, which is as many as ScyllaDB lets one ask for.
pub(crate) const IDS_MAX: usize = 20;
/// Users in one question.
pub(crate) const USERS_MAX: usize = 100;

/// A session with what is asked in it.
pub(crate) struct Backend {
    pub(crate) session: Session,
    pub(crate) statements: Statements,
    pub(crate) addresses: String,
    pub(crate) prefix: String,
    /// The region's name in counts.
    pub(crate) region: String,
    /// Where calls of `apply` began that failed, by partition: one each at most.
    pub(crate) unsure: Mutex<BTreeMap<u32, Checkpoint>>,
    #[cfg(test)]
    pub(crate) faults: crate::tests::Faults,
}

/// One row to be written.
pub(crate) struct Write<'s> {
    pub(crate) statement: &'s PreparedStatement,
    /// Of the values that make up the partition, and of the table.
    partition: u64,
    values: Vec<CqlValue>,
    bytes: usize,
}

impl<'s> Write<'s> {
    pub(crate) fn new(statement: &'s PreparedStatement, values: Vec<CqlValue>) -> Self {
        let mut hasher = DefaultHasher::new();
        statement.get_table_name().hash(&mut hasher);
        let (mut bytes, mut keys) = (0, statement.get_variable_pk_indexes().to_vec());
        keys.sort_unstable_by_key(|key| key.sequence);
        for key in keys {
            match values.get(usize::from(key.index)) {
                Some(CqlValue::Text(text)) => text.hash(&mut hasher),
                Some(CqlValue::Blob(blob)) => blob.hash(&mut hasher),
                Some(CqlValue::BigInt(number)) => number.hash(&mut hasher),
                Some(CqlValue::SmallInt(number)) => number.hash(&mut hasher),
                // No other type is part of a key. At worst two partitions share a batch.
                _ => {}
            }
        }
        for value in &values {
            bytes += match value {
                CqlValue::Text(text) => text.len(),
                CqlValue::Blob(blob) => blob.len(),
                CqlValue::Map(entries) => 48 * entries.len(),
                _ => 8,
            };
        }
        Self { statement, partition: hasher.finish(), values, bytes }
    }
}

impl Backend {
    /// A stream as it is written.
    pub(crate) fn key(&self, stream: &StreamId) -> String {
        [self.prefix.as_str(), stream.as_str()].concat()
    }

    /// All rows of an answer that fits into one page.
    pub(crate) async fn rows<R: for<'f, 'm> DeserializeRow<'f, 'm>>(
        &self,
        operation: &'static str,
        statement: &PreparedStatement,
        values: impl SerializeRow,
    ) -> PortResult<Vec<R>> {
        let result = self
            .session
            .execute_unpaged(statement, values)
            .await
            .map_err(|error| unavailable(operation, &self.addresses, error))?;
        let unreadable = |error: Box<dyn std::error::Error + Send + Sync>| {
            corrupt(operation, statement.get_table_name().unwrap_or("a table"), error)
        };
        let rows = result.into_rows_result().map_err(|error| unreadable(error.into()))?;
        let rows = rows.rows::<R>().map_err(|error| unreadable(error.into()))?;
        rows.collect::<Result<Vec<R>, _>>().map_err(|error| unreadable(error.into()))
    }

    /// Writes rows in batches of one partition, in no order between them. Rows of one partition that come one behind
    /// the other and are not too many are written together.
    pub(crate) async fn write(&self, operation: &'static str, writes: Vec<Write<'_>>) -> PortResult<()> {
        let batches: Vec<_> = batches(writes).into_iter().map(|batch| self.send(operation, batch)).collect();
        // In no order: one slow batch must not hold up those behind it.
        stream::iter(batches).buffer_unordered(BATCHES_IN_FLIGHT).try_collect().await
    }

    async fn send(&self, operation: &'static str, writes: Vec<Write<'_>>) -> PortResult<()> {
        #[cfg(test)]
        self.faults.before_batch(operation).await?;
        let mut batch = Batch::new(BatchType::Unlogged);
        batch.set_is_idempotent(true);
        let mut values = Vec::with_capacity(writes.len());
        for write in writes {
            batch.append_statement(write.statement.clone());
            values.push(write.values);
        }
        let sent = match (batch.statements.as_slice(), values.as_slice()) {
            // A batch of one costs the node more than the row alone.
            ([scylla::statement::batch::BatchStatement::PreparedStatement(one)], [values]) => {
                self.session.execute_unpaged(one, values).await
            }
            _ => self.session.batch(&batch, values).await,
        };
        sent.map_err(|error| unavailable(operation, &self.addresses, error))?;
        #[cfg(test)]
        self.faults.after_batch(operation)?;
        Ok(())
    }
}

/// What comes of several requests, in their order, with at most so many under way; ends with the first that fails.
pub(crate) async fn bounded<T>(
    requests: Vec<impl Future<Output = PortResult<T>>>,
    most: usize,
) -> PortResult<Vec<T>> {
    stream::iter(requests).buffered(most).try_collect().await
}

/// Rows by partition, in parts that are not too large.
fn batches(writes: Vec<Write<'_>>) -> Vec<Vec<Write<'_>>> {
    let mut open: HashMap<u64, (usize, Vec<Write<'_>>)> = HashMap::new();
    let mut full = Vec::new();
    for write in writes {
        let (bytes, rows) = open.entry(write.partition).or_default();
        if rows.len() >= BATCH_ROWS_MAX || *bytes + write.bytes > BATCH_BYTES_MAX {
            full.push(std::mem::take(rows));
            *bytes = 0;
        }
        *bytes += write.bytes;
        rows.push(write);
    }
    full.extend(open.into_values().map(|(_, rows)| rows));
    // The first row of a partition that is larger than a batch leaves an empty one behind.
    full.retain(|rows| !rows.is_empty());
    full
}
