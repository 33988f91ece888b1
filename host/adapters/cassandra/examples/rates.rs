//! How fast the store is on a cluster: `RINGSIDE_TEST_CASSANDRA=127.0.0.1:9042 cargo run --release -p ringside-cassandra --example rates`.
//!
//! Chunks of comments taken in stand beside a bare loop of the driver that sends the same rows in the same batches, made
//! beforehand, as many at once, in the same run and by turns: a node's rate differs more between machines than any
//! adapter's does.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "figures are this program's output, and a failure ends it"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use ringside_cassandra::{CassandraOptions, connect};
use ringside_core::{
    Author, Comment, CommentIds, Event, EventKind, Generation, HostId, Judgement, Reaction, Reference,
    RegionId, Role, Stamp, StreamId, UserId, Visibility,
};
use ringside_ports::Store;
use ringside_ports::store::{Anchor, PageOf, PageQuery, Reader};
use scylla::client::session::Session;
use scylla::statement::Consistency;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::prepared::PreparedStatement;
use scylla::value::CqlValue;

/// As many as the writer reads at once.
const CHUNK: u64 = 2_000;
/// Chunks of one turn, and turns.
const CHUNKS: u64 = 5;
const TURNS: u64 = 9;
/// As the adapter does.
const ROWS: usize = 50;
const IN_FLIGHT: usize = 16;
const BUCKET_MS: u64 = 8_000;
const SHARDS: u32 = 128;
/// Comments a second by their ids: eight buckets or so hold a run.
const RATE: u64 = 10_000;
const PAGES: usize = 1_000;
/// Comments that nobody sees on top of a stream.
const HIDDEN: u64 = 1_000;

fn comment(of: &StreamId, ids: &mut CommentIds, n: u64) -> Comment {
    let id = ids.next(1_700_000_000_000 + n * 1_000 / RATE);
    Comment {
        id,
        stream: of.clone(),
        author: Author {
            id: UserId::new(&format!("user-{}", n % 50_000)).unwrap(),
            name: format!("User {}", n % 50_000),
            role: Role::Viewer,
            member: false,
        },
        text: format!("comment number {n}, about as long as people write them in a chat"),
        reply_to: None,
        mentions: Vec::new(),
        reference: Some(Reference::new(&format!("r-{n}")).unwrap()),
        at_ms: id.at_ms(),
        edited_at_ms: None,
        visibility: Visibility::Shown,
        judgement: Judgement { generation: Some(Generation(1)), ..Judgement::default() },
    }
}

fn event(of: &StreamId, offset: u64, at_ms: u64, kind: EventKind) -> (u64, Event) {
    let event = Event {
        stream: of.clone(),
        origin: RegionId::new("here").unwrap(),
        producer: HostId::new("h1").unwrap(),
        sequence: offset,
        at_ms,
        kind,
    };
    (offset, event)
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// The driver alone.
struct Bare {
    session: Session,
    put_comment: PreparedStatement,
    put_submission: PreparedStatement,
}

type Rows = Vec<Vec<CqlValue>>;

impl Bare {
    async fn connect(options: &CassandraOptions) -> Self {
        let session = support::session(&options.contact_points[0]).await;
        session.use_keyspace(&options.keyspace, true).await.unwrap();
        let prepare = async |text: &str| {
            let mut prepared = session.prepare(text).await.unwrap();
            prepared.set_consistency(Consistency::LocalQuorum);
            prepared
        };
        let put_comment = prepare(
            "UPDATE comments USING TIMESTAMP ? SET body = ?, version = ?, taken = ? WHERE stream = ? AND bucket = ? AND class = ? AND id = ?",
        )
        .await;
        let put_submission = prepare(
            "INSERT INTO submissions (stream, shard, author, reference, id) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?",
        )
        .await;
        Self { session, put_comment, put_submission }
    }

    /// The batches of a chunk.
    fn batches(&self, key: &str, comments: &[Comment]) -> Vec<(Batch, Rows)> {
        let text = |text: &str| CqlValue::Text(text.to_owned());
        let mut by_partition: BTreeMap<(bool, u64), Rows> = BTreeMap::new();
        for comment in comments {
            let (id, bucket) = (CqlValue::Blob(comment.id.as_bytes().to_vec()), comment.at_ms / BUCKET_MS);
            let at = CqlValue::BigInt(comment.at_ms as i64 * 1_000);
            by_partition.entry((true, bucket)).or_default().push(vec![
                at.clone(),
                text(&serde_json::to_string(comment).unwrap()),
                at.clone(),
                at.clone(),
                text(key),
                CqlValue::BigInt(bucket as i64),
                CqlValue::TinyInt(0),
                id.clone(),
            ]);
            let (author, reference) =
                (comment.author.id.as_str(), comment.reference.as_ref().unwrap().as_str());
            let shard = crc32fast::hash([author, "\0", reference].concat().as_bytes()) % SHARDS;
            by_partition.entry((false, u64::from(shard))).or_default().push(vec![
                text(key),
                CqlValue::SmallInt(shard as i16),
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
        batches
    }

    async fn send(&self, batches: Vec<(Batch, Rows)>) {
        stream::iter(batches)
            .map(|(batch, rows)| async move { self.session.batch(&batch, rows).await.unwrap() })
            .buffer_unordered(IN_FLIGHT)
            .for_each(|_| async {})
            .await;
    }
}

#[tokio::main]
async fn main() {
    let options = support::fresh().await;
    let store = connect(&options).await.unwrap();
    let bare = Bare::connect(&options).await;
    let of = StreamId::new("final").unwrap();
    let other = format!("{}bare", options.prefix);
    let (mut ids, mut others) = (CommentIds::new(9), CommentIds::new(10));
    let (mut rates, mut bares, mut next) = (Vec::new(), Vec::new(), 0);
    for _ in 0..TURNS {
        let first = next;
        let chunks: Vec<Vec<(u64, Event)>> = (0..CHUNKS)
            .map(|chunk| {
                let range = first + chunk * CHUNK..first + (chunk + 1) * CHUNK;
                let comments = range.map(|n| (n, comment(&of, &mut ids, n)));
                comments.map(|(n, one)| event(&of, n, one.at_ms, EventKind::CommentAccepted(one))).collect()
            })
            .collect();
        next += CHUNKS * CHUNK;
        let batches: Vec<_> = (0..CHUNKS)
            .map(|chunk| {
                let range = first + chunk * CHUNK..first + (chunk + 1) * CHUNK;
                let comments: Vec<_> = range.map(|n| comment(&of, &mut others, n)).collect();
                bare.batches(&other, &comments)
            })
            .collect();
        let begun = Instant::now();
        for chunk in chunks {
            let end = chunk[chunk.len() - 1].0 + 1;
            store.apply(0, &chunk, end).await.unwrap();
        }
        rates.push((CHUNKS * CHUNK) as f64 / begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        for batches in batches {
            bare.send(batches).await;
        }
        bares.push((CHUNKS * CHUNK) as f64 / begun.elapsed().as_secs_f64());
    }
    let (rate, bare) = (median(&mut rates), median(&mut bares));
    println!("comments taken in: {rate:.0}/s; the driver alone: {bare:.0}/s; ratio {:.2}", rate / bare);
    pages(&store, &of, "newest 50").await;

    let popular = comment(&of, &mut ids, next);
    let (id, at_ms) = (popular.id, popular.at_ms);
    let mut chunk = vec![event(&of, next, at_ms, EventKind::CommentAccepted(popular))];
    let hidden = (next + 1..=next + HIDDEN).map(|n| {
        let held = Comment { visibility: Visibility::Held, ..comment(&of, &mut ids, n) };
        event(&of, n, held.at_ms, EventKind::CommentAccepted(held))
    });
    chunk.extend(hidden);
    next += 1 + HIDDEN;
    store.apply(0, &chunk, next).await.unwrap();
    pages(&store, &of, "newest 50 below 1,000 held").await;

    let begun = Instant::now();
    for chunk in 0..10 {
        let reactions = (0..1_000).map(|n| {
            let stamp = Stamp { at_ms, region: RegionId::new("here").unwrap() };
            let user = UserId::new(&format!("user-{}", chunk * 1_000 + n)).unwrap();
            EventKind::ReactionSet { comment: id, user, reaction: Reaction::Like, stamp }
        });
        let chunk: Vec<_> = (next..).zip(reactions).map(|(n, kind)| event(&of, n, at_ms, kind)).collect();
        next += 1_000;
        store.apply(0, &chunk, next).await.unwrap();
    }
    println!(
        "likes of one comment taken in, 1,000 a chunk: {:.0}/s",
        10_000.0 / begun.elapsed().as_secs_f64()
    );
    assert_eq!(store.comment(&of, id).await.unwrap().unwrap().likes, 10_000);
    let begun = Instant::now();
    assert_eq!(store.recount(&of, id).await.unwrap(), None);
    println!("10,000 reactions counted anew: {:?}", begun.elapsed());
}

async fn pages(store: &impl Store, of: &StreamId, what: &str) {
    let mut times = Vec::with_capacity(PAGES);
    for _ in 0..PAGES {
        let query = PageQuery {
            stream: of.clone(),
            of: PageOf::Stream,
            reader: Reader::Public,
            anchor: Anchor::Newest,
            size: 50,
        };
        let begun = Instant::now();
        assert_eq!(store.page(query).await.unwrap().items.len(), 50);
        times.push(begun.elapsed());
    }
    println!("{what}: p50 {:?}, p95 {:?}", percentile(&mut times, 50), percentile(&mut times, 95));
}
