//! All statements, prepared once.

use scylla::client::session::Session;
use scylla::errors::PrepareError;
use scylla::statement::Consistency::{self, LocalOne, LocalQuorum};
use scylla::statement::prepared::PreparedStatement;

macro_rules! statements {
    ($($name:ident $consistency:ident $text:expr;)*) => {
        /// The statements, by what they are for.
        pub(crate) struct Statements {
            $(pub(crate) $name: PreparedStatement,)*
        }

        impl Statements {
            pub(crate) async fn prepare(session: &Session) -> Result<Self, PrepareError> {
                Ok(Self { $($name: prepare(session, $text, $consistency).await?,)* })
            }
        }
    };
}

/// Everything is idempotent: each write says its own write time.
async fn prepare(
    session: &Session,
    text: &str,
    consistency: Consistency,
) -> Result<PreparedStatement, PrepareError> {
    let mut prepared = session.prepare(text).await?;
    prepared.set_consistency(consistency);
    prepared.set_is_idempotent(true);
    Ok(prepared)
}

const BY_IDS: &str = "SELECT class, id, body, version, taken, counts FROM comments WHERE stream = ? AND bucket = ? AND class IN ? AND id IN ?";
const CHECKPOINT: &str = "SELECT next, clock FROM checkpoints WHERE region = ? AND partition = ?";

// Reads of the writer and of what decides something by an absence are LOCAL_QUORUM: a replica that missed a write must
// not make a reaction count twice, a retry a second comment, or a comment unknown to the judge. Pages are LOCAL_ONE.
statements! {
    put_comment LocalQuorum "UPDATE comments USING TIMESTAMP ? SET body = ?, version = ?, taken = ? WHERE stream = ? AND bucket = ? AND class = ? AND id = ?";
    put_counts LocalQuorum "UPDATE comments USING TIMESTAMP ? SET counts = counts + ? WHERE stream = ? AND bucket = ? AND class = ? AND id = ?";
    drop_comment LocalQuorum "DELETE FROM comments USING TIMESTAMP ? WHERE stream = ? AND bucket = ? AND class = ? AND id = ?";
    put_bucket LocalQuorum "INSERT INTO buckets (stream, class, bucket, region) VALUES (?, ?, ?, ?) USING TIMESTAMP ?";
    drop_bucket LocalQuorum "DELETE FROM buckets USING TIMESTAMP ? WHERE stream = ? AND class = ? AND bucket = ? AND region = ?";
    put_reply LocalQuorum "INSERT INTO replies (stream, parent, class, id) VALUES (?, ?, ?, ?) USING TIMESTAMP ?";
    drop_reply LocalQuorum "DELETE FROM replies USING TIMESTAMP ? WHERE stream = ? AND parent = ? AND class = ? AND id = ?";
    put_own LocalQuorum "INSERT INTO own (stream, author, parent, id) VALUES (?, ?, ?, ?) USING TIMESTAMP ?";
    drop_own LocalQuorum "DELETE FROM own USING TIMESTAMP ? WHERE stream = ? AND author = ? AND parent = ? AND id = ?";
    put_submission LocalQuorum "INSERT INTO submissions (stream, shard, author, reference, id) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?";
    put_reaction LocalQuorum "INSERT INTO reactions (stream, comment, shard, author, mark) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?";
    put_reaction_of LocalQuorum "INSERT INTO reactions_by_user (stream, author, comment, mark) VALUES (?, ?, ?, ?) USING TIMESTAMP ?";
    put_popular LocalQuorum "INSERT INTO popular (stream, level, id) VALUES (?, ?, ?) USING TIMESTAMP ?";
    drop_popular LocalQuorum "DELETE FROM popular USING TIMESTAMP ? WHERE stream = ? AND level = ? AND id = ?";
    put_emoji LocalQuorum "INSERT INTO emoji (stream, name, region, total, version) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?";
    put_pin LocalQuorum "INSERT INTO pins (stream, id) VALUES (?, ?) USING TIMESTAMP ?";
    drop_pin LocalQuorum "DELETE FROM pins USING TIMESTAMP ? WHERE stream = ?";
    put_checkpoint LocalQuorum "INSERT INTO checkpoints (region, partition, next, clock) VALUES (?, ?, ?, ?) USING TIMESTAMP ?";

    checkpoint LocalQuorum CHECKPOINT;
    comments LocalQuorum BY_IDS;
    comments_near LocalOne BY_IDS;
    first_of_class LocalQuorum "SELECT id FROM comments WHERE stream = ? AND bucket = ? AND class = ? LIMIT ?";
    marks LocalQuorum "SELECT author, mark, WRITETIME(mark) FROM reactions WHERE stream = ? AND comment = ? AND shard = ? AND author IN ?";
    marks_of_shard LocalQuorum "SELECT mark FROM reactions WHERE stream = ? AND comment = ? AND shard = ?";
    marks_of_user LocalOne "SELECT comment, mark FROM reactions_by_user WHERE stream = ? AND author = ? AND comment IN ?";
    submission LocalQuorum "SELECT id FROM submissions WHERE stream = ? AND shard = ? AND author = ? AND reference = ?";
    emoji LocalQuorum "SELECT name, region, total, version FROM emoji WHERE stream = ?";
    pin LocalOne "SELECT id FROM pins WHERE stream = ?";
    popular LocalOne "SELECT level, id FROM popular WHERE stream = ? AND level < ? LIMIT ?";

    buckets_back LocalOne "SELECT bucket FROM buckets WHERE stream = ? AND class = ? AND bucket >= ? AND bucket <= ? ORDER BY class ASC, bucket DESC, region ASC LIMIT ?";
    buckets_on LocalOne "SELECT bucket FROM buckets WHERE stream = ? AND class = ? AND bucket >= ? AND bucket <= ? ORDER BY class DESC, bucket ASC, region DESC LIMIT ?";
    rows_back LocalOne "SELECT id, body, counts FROM comments WHERE stream = ? AND bucket = ? AND class = ? AND id > ? AND id < ? ORDER BY class ASC, id DESC LIMIT ?";
    rows_on LocalOne "SELECT id, body, counts FROM comments WHERE stream = ? AND bucket = ? AND class = ? AND id > ? AND id < ? ORDER BY class DESC, id ASC LIMIT ?";
    replies_back LocalOne "SELECT id FROM replies WHERE stream = ? AND parent = ? AND class = ? AND id > ? AND id < ? ORDER BY class ASC, id DESC LIMIT ?";
    replies_on LocalOne "SELECT id FROM replies WHERE stream = ? AND parent = ? AND class = ? AND id > ? AND id < ? ORDER BY class DESC, id ASC LIMIT ?";
    own_back LocalOne "SELECT id FROM own WHERE stream = ? AND author = ? AND parent = ? AND id > ? AND id < ? ORDER BY parent ASC, id DESC LIMIT ?";
    own_on LocalOne "SELECT id FROM own WHERE stream = ? AND author = ? AND parent = ? AND id > ? AND id < ? ORDER BY parent DESC, id ASC LIMIT ?";
}
