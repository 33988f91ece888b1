//! `store`: comments of one stream taken in by Cassandra, and its pages read, through the adapter on a real node.
//!
//! The baseline of writing is a bare loop of the driver that sends the same rows in the same batches, made beforehand, as
//! many at once, in the same run and by turns: a node's rate differs more between machines than any adapter's does.

use std::time::{Duration, Instant};

use ringside_core::{
    Author, Comment, CommentId, CommentIds, Event, EventKind, Generation, HostId, Judgement, Reaction,
    Reference, RegionId, Role, Stamp, StreamId, UserId, Visibility,
};
use ringside_ports::Store;
use ringside_ports::store::{Anchor, PageOf, PageQuery, Reader};
use ringside_testkit::region::Services;

use crate::figure::{BenchError, BenchResult, Figure};
use crate::{Ask, Effort, region};

mod bare;

/// As many as the writer reads at once.
const CHUNK: u64 = 2_000;
/// Chunks of one turn.
const CHUNKS: u64 = 5;
/// Comments a second by their ids, as a busy stream has: eight buckets or so hold a run.
const RATE: u64 = 10_000;
/// The time of the first.
const FROM_MS: u64 = 1_700_000_000_000;
/// Comments that nobody sees on top of a stream.
const HELD: u64 = 1_000;
/// Users who like one comment.
const LIKES: u64 = 10_000;
/// Comments on a page.
const PAGE: u32 = 50;

pub(crate) fn run(ask: &Ask) -> BenchResult {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(ask.effort))
}

async fn measure(effort: Effort) -> BenchResult {
    let (turns, pages) = if effort == Effort::Full { (9, 1_000) } else { (1, 50) };
    let mut options = region::cassandra(&Services::shared().cassandra, "ringside_bench")?;
    options.prefix = format!("{:016x}/", fastrand::u64(..));
    ringside_cassandra::migrate(&options).await?;
    let store = ringside_cassandra::connect(&options).await?;
    let bare = bare::Driver::connect(&options).await?;
    let mut stream = Stream::new()?;
    let mut others = CommentIds::new(fastrand::u64(..));
    let (mut rates, mut bares) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        let first = stream.next;
        let chunks: Vec<Vec<(u64, Event)>> = (0..CHUNKS).map(|_| stream.comments(CHUNK)).collect();
        let mut batches = Vec::new();
        for n in 0..CHUNKS {
            let range = first + n * CHUNK..first + (n + 1) * CHUNK;
            let comments: Result<Vec<Comment>, BenchError> =
                range.map(|n| comment(&stream.id, &mut others, n)).collect();
            batches.push(bare.batches(&comments?)?);
        }
        let begun = Instant::now();
        for chunk in chunks {
            apply(&store, &chunk).await?;
        }
        rates.push((CHUNKS * CHUNK) as f64 / begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        for batches in batches {
            bare.send(batches).await?;
        }
        bares.push((CHUNKS * CHUNK) as f64 / begun.elapsed().as_secs_f64());
    }
    let mut figures =
        vec![Figure::new("writes_per_second", median(&mut rates), "comments/s").against(median(&mut bares))];
    for (name, percent) in [("newest_page_p50_ms", 50), ("newest_page_p95_ms", 95)] {
        figures.push(Figure::new(name, newest_page_ms(&store, &stream.id, pages, percent).await?, "ms"));
    }
    let liked = stream.comments(1);
    let id = of_first(&liked)?;
    apply(&store, &liked).await?;
    let held = stream.comments(HELD).into_iter().map(|(offset, mut event)| {
        if let EventKind::CommentAccepted(comment) = &mut event.kind {
            comment.visibility = Visibility::Held;
        }
        (offset, event)
    });
    apply(&store, &held.collect::<Vec<_>>()).await?;
    let below = newest_page_ms(&store, &stream.id, pages, 95).await?;
    figures.push(Figure::new("newest_page_below_1000_held_p95_ms", below, "ms"));

    let begun = Instant::now();
    for _ in 0..LIKES / 1_000 {
        apply(&store, &stream.likes(id, 1_000)).await?;
    }
    figures.push(Figure::new(
        "likes_of_one_comment_per_second",
        LIKES as f64 / begun.elapsed().as_secs_f64(),
        "reactions/s",
    ));
    let likes = store.comment(&stream.id, id).await?.map(|stored| stored.likes);
    if likes.map(u64::from) != Some(LIKES) {
        return Err(format!("{LIKES} users liked a comment, and the store says {likes:?}").into());
    }
    let begun = Instant::now();
    store.recount(&stream.id, id).await?;
    let recount = begun.elapsed().as_secs_f64() * 1e3;
    figures.push(Figure::new("recount_of_10000_reactions_ms", recount, "ms"));
    Ok(figures)
}

/// A stream as the log has it.
struct Stream {
    id: StreamId,
    ids: CommentIds,
    origin: RegionId,
    producer: HostId,
    next: u64,
}

impl Stream {
    fn new() -> Result<Self, BenchError> {
        Ok(Self {
            id: StreamId::new("final")?,
            ids: CommentIds::new(fastrand::u64(..)),
            origin: RegionId::new("here")?,
            producer: HostId::new("h1")?,
            next: 0,
        })
    }

    fn event(&mut self, kind: EventKind) -> (u64, Event) {
        let offset = self.next;
        self.next += 1;
        let event = Event {
            stream: self.id.clone(),
            origin: self.origin.clone(),
            producer: self.producer.clone(),
            sequence: offset,
            at_ms: at_ms(offset),
            trace: None,
            kind,
        };
        (offset, event)
    }

    fn comments(&mut self, count: u64) -> Vec<(u64, Event)> {
        let made = (0..count).filter_map(|_| {
            let comment = comment(&self.id, &mut self.ids, self.next).ok()?;
            Some(self.event(EventKind::CommentAccepted(comment)))
        });
        made.collect()
    }

    fn likes(&mut self, comment: CommentId, count: u64) -> Vec<(u64, Event)> {
        let made = (0..count).filter_map(|_| {
            let user = UserId::new(&format!("user-{}", self.next)).ok()?;
            let stamp = Stamp { at_ms: at_ms(self.next), region: self.origin.clone() };
            Some(self.event(EventKind::ReactionSet { comment, user, reaction: Reaction::Like, stamp }))
        });
        made.collect()
    }
}

fn at_ms(n: u64) -> u64 {
    FROM_MS + n * 1_000 / RATE
}

fn comment(of: &StreamId, ids: &mut CommentIds, n: u64) -> Result<Comment, BenchError> {
    let id = ids.next(at_ms(n));
    Ok(Comment {
        id,
        stream: of.clone(),
        author: Author {
            id: UserId::new(&format!("user-{}", n % 50_000))?,
            name: format!("User {}", n % 50_000),
            role: Role::Viewer,
            member: false,
        },
        text: format!("comment number {n}, about as long as people write them in a chat"),
        reply_to: None,
        mentions: Vec::new(),
        reference: Some(Reference::new(&format!("r-{n}"))?),
        at_ms: id.at_ms(),
        edited_at_ms: None,
        visibility: Visibility::Shown,
        judgement: Judgement { generation: Some(Generation(1)), ..Judgement::default() },
    })
}

async fn apply(store: &impl Store, chunk: &[(u64, Event)]) -> Result<(), BenchError> {
    let next = chunk.last().ok_or("an empty chunk")?.0 + 1;
    store.apply(0, chunk, next).await?;
    Ok(())
}

fn of_first(chunk: &[(u64, Event)]) -> Result<CommentId, BenchError> {
    match chunk.first() {
        Some((_, Event { kind: EventKind::CommentAccepted(comment), .. })) => Ok(comment.id),
        _ => Err("no comment".into()),
    }
}

/// Reads the newest page again and again.
async fn newest_page_ms(
    store: &impl Store,
    of: &StreamId,
    pages: usize,
    percent: usize,
) -> Result<f64, BenchError> {
    let mut times: Vec<Duration> = Vec::with_capacity(pages);
    for _ in 0..pages {
        let query = PageQuery {
            stream: of.clone(),
            of: PageOf::Stream,
            reader: Reader::Public,
            anchor: Anchor::Newest,
            size: PAGE,
        };
        let begun = Instant::now();
        let items = u32::try_from(store.page(query).await?.items.len())?;
        times.push(begun.elapsed());
        if items != PAGE {
            return Err(format!("the newest page has {items} comments, not {PAGE}").into());
        }
    }
    times.sort_unstable();
    let at = times.get((times.len() - 1) * percent / 100).ok_or("no page was read")?;
    Ok(at.as_secs_f64() * 1e3)
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or(0.0)
}
