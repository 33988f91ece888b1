//! How fast the embedded adapters are on this machine: `cargo run --release -p ringside-embedded --example rates`.
//!
//! Appends stand beside a bare loop of write and fdatasync of groups of the same size in the same folder, measured in
//! the same run: a disk's rate differs more between machines than any log does. `TMPDIR` chooses the disk.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "figures are this program's output, and a failure ends it"
)]

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringside_core::{
    Author, Comment, CommentId, CommentIds, Event, EventKind, HostId, Judgement, Reaction, RegionId, Role,
    Stamp, StreamId, UserId, Visibility, encoding,
};
use ringside_embedded::{Embedded, EmbeddedOptions};
use ringside_ports::counters::Hit;
use ringside_ports::log::{Durability, NewRecord, Topic};
use ringside_ports::store::{Anchor, PageOf, PageQuery, Reader};
use ringside_ports::{Log, Store};

/// Log and bare loop take turns of this length.
const SLICE: Duration = Duration::from_millis(500);
const SLICES: u32 = 9;
const COMMENTS: u64 = 1_000_000;
const CHUNK: u64 = 1_000;
/// A stream with so many comments that are shown, and so many on top of them that are not.
const SHOWN: u64 = 1_000;
const HIDDEN: u64 = 50_000;

fn event(stream: &StreamId, id: CommentId, n: u64) -> Event {
    let comment = Comment {
        id,
        stream: stream.clone(),
        author: Author {
            id: UserId::new(&format!("user-{}", n % 50_000)).unwrap(),
            name: format!("User {}", n % 50_000),
            role: Role::Viewer,
            member: false,
        },
        text: format!("comment number {n}, about as long as people write them in a chat"),
        reply_to: None,
        mentions: Vec::new(),
        reference: Some(ringside_core::Reference::new(&format!("r-{n}")).unwrap()),
        at_ms: id.at_ms(),
        edited_at_ms: None,
        visibility: Visibility::Shown,
        judgement: Judgement { generation: Some(ringside_core::Generation(1)), ..Judgement::default() },
    };
    with(stream, n, EventKind::CommentAccepted(comment))
}

fn with(stream: &StreamId, n: u64, kind: EventKind) -> Event {
    Event {
        stream: stream.clone(),
        origin: RegionId::new("local").unwrap(),
        producer: HostId::new("h1").unwrap(),
        sequence: n,
        at_ms: 1_700_000_000_000,
        trace: None,
        kind,
    }
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Writes and syncs groups of `records` records of `size` bytes without any log; records a second.
fn bare(file: &mut File, records: usize, size: usize) -> f64 {
    let group = vec![7; records * size];
    let (begun, mut written) = (Instant::now(), 0);
    while begun.elapsed() < SLICE {
        file.write_all(&group).unwrap();
        file.sync_data().unwrap();
        written += records;
    }
    written as f64 / begun.elapsed().as_secs_f64()
}

/// Appends as so many callers do at once; how long each call took.
async fn append(log: &Arc<dyn Log>, callers: usize, payload: &bytes::Bytes) -> Vec<Duration> {
    let stop = Instant::now() + SLICE;
    let mut running = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let (log, payload) = (log.clone(), payload.clone());
        running.spawn(async move {
            let mut times = Vec::new();
            let key = format!("stream-{}", caller % 10);
            while Instant::now() < stop {
                let records = vec![NewRecord { key: key.clone(), payload: payload.clone() }];
                let begun = Instant::now();
                log.append(Topic::RoomEvents, 0, records, Durability::Durable).await.unwrap();
                times.push(begun.elapsed());
            }
            times
        });
    }
    let mut times = Vec::new();
    while let Some(of_one) = running.join_next().await {
        times.extend(of_one.unwrap());
    }
    times
}

async fn appends(callers: usize, payload: &bytes::Bytes) {
    let folder = tempfile::tempdir().unwrap();
    let log = Embedded::open(folder.path(), &EmbeddedOptions::default()).unwrap().log;
    let mut file = File::create(folder.path().join("bare")).unwrap();
    let (mut times, mut rates, mut bares) = (Vec::new(), Vec::new(), Vec::new());
    // By turns, and by the median of the turns: a neighbour's writes must not count for one of them only.
    for _ in 0..SLICES {
        let of_slice = append(&log, callers, payload).await;
        rates.push(of_slice.len() as f64 / SLICE.as_secs_f64());
        times.extend(of_slice);
        bares.push(bare(&mut file, callers, payload.len() + 36));
    }
    let (rate, bare) = (median(&mut rates), median(&mut bares));
    println!(
        "append, {callers:>4} callers: {rate:>7.0}/s, p50 {:?}, p99 {:?}; bare loop in groups of {callers}: {bare:>7.0}/s, ratio {:.2}",
        percentile(&mut times, 50),
        percentile(&mut times, 99),
        rate / bare
    );
}

async fn store() {
    let folder = tempfile::tempdir().unwrap();
    let opened = Embedded::open(folder.path(), &EmbeddedOptions::default()).unwrap();
    let store = opened.store_port();
    let stream = StreamId::new("final").unwrap();
    let mut ids = CommentIds::new(9);
    let (mut spent, mut part, mut all) = (Duration::ZERO, Duration::ZERO, Vec::new());
    for first in (0..COMMENTS).step_by(CHUNK as usize) {
        let events: Vec<(u64, Event)> = (first..first + CHUNK)
            .map(|n| (n, event(&stream, ids.next(1_700_000_000_000 + n / 20), n)))
            .collect();
        all.extend(events.iter().map(|(_, event)| match &event.kind {
            EventKind::CommentAccepted(comment) => comment.id,
            _ => unreachable!(),
        }));
        let begun = Instant::now();
        store.apply(0, &events, first + CHUNK).await.unwrap();
        spent += begun.elapsed();
        part += begun.elapsed();
        let at = first + CHUNK;
        if at.is_multiple_of(COMMENTS / 5) {
            println!(
                "store apply: {:>7.0} comments/s up to {at}",
                (COMMENTS / 5) as f64 / part.as_secs_f64()
            );
            part = Duration::ZERO;
        }
    }
    println!(
        "store apply: {:>7.0} comments/s in chunks of {CHUNK}, {COMMENTS} in all",
        COMMENTS as f64 / spent.as_secs_f64()
    );
    let mut spent = Duration::ZERO;
    for first in (COMMENTS..COMMENTS + 100_000).step_by(CHUNK as usize) {
        let events: Vec<(u64, Event)> = (first..first + CHUNK)
            .map(|n| {
                let kind = EventKind::ReactionSet {
                    comment: all[all.len() - 1 - usize::try_from(n * 7 % 5_000).unwrap()],
                    user: UserId::new(&format!("user-{}", n % 50_000)).unwrap(),
                    reaction: Reaction::Like,
                    stamp: Stamp { at_ms: n, region: RegionId::new("local").unwrap() },
                };
                (n, with(&stream, n, kind))
            })
            .collect();
        let begun = Instant::now();
        store.apply(0, &events, first + CHUNK).await.unwrap();
        spent += begun.elapsed();
    }
    println!("store apply: {:>7.0} reactions/s in chunks of {CHUNK}", 100_000.0 / spent.as_secs_f64());
    let pages = async |what: &str, anchor: &dyn Fn(usize) -> Anchor| {
        let mut times = Vec::new();
        for n in 0..2_000 {
            let query = PageQuery {
                stream: stream.clone(),
                of: PageOf::Stream,
                reader: Reader::Public,
                anchor: anchor(n),
                size: 50,
            };
            let begun = Instant::now();
            let page = store.page(query).await.unwrap();
            times.push(begun.elapsed());
            assert_eq!(page.items.len(), 50);
        }
        println!(
            "page of 50, {what}: p50 {:?}, p99 {:?}",
            percentile(&mut times, 50),
            percentile(&mut times, 99)
        );
    };
    pages("newest", &|_| Anchor::Newest).await;
    pages("anywhere", &|n| Anchor::Before(all[1_000 + n * 7_919 % (all.len() - 1_000)])).await;
    hidden(&*store, &mut ids, COMMENTS + 100_000).await;
    println!(
        "store file: {:.0} bytes a comment",
        std::fs::metadata(opened.store.path()).unwrap().len() as f64 / COMMENTS as f64
    );
    // What a killed process leaves: the file as it is, not closed.
    let killed = tempfile::tempdir().unwrap();
    std::fs::copy(opened.store.path(), killed.path().join("store.redb")).unwrap();
    let begun = Instant::now();
    drop(Embedded::open(killed.path(), &EmbeddedOptions::default()).unwrap());
    println!("open after kill -9: {:?}", begun.elapsed());
    drop((store, opened));
    let begun = Instant::now();
    drop(Embedded::open(folder.path(), &EmbeddedOptions::default()).unwrap());
    println!("open after a clean stop: {:?}", begun.elapsed());
}

/// Pages of a stream whose newest comments are seen by moderators only.
async fn hidden(store: &dyn Store, ids: &mut CommentIds, mut next: u64) {
    let stream = StreamId::new("hidden").unwrap();
    let waiting = [Visibility::Held, Visibility::Shadow];
    let parent = ids.next(1_700_000_000_000);
    for first in (0..SHOWN + HIDDEN).step_by(CHUNK as usize) {
        let mut events = Vec::new();
        for n in first..first + CHUNK {
            let mut event = event(&stream, ids.next(1_700_000_000_000 + n / 20), n);
            if let EventKind::CommentAccepted(comment) = &mut event.kind {
                comment.reply_to = (n > 0).then_some(parent);
                if n >= SHOWN {
                    comment.visibility = waiting[usize::try_from(n % 2).unwrap()];
                }
            }
            events.push((next + n, event));
        }
        store.apply(0, &events, next + first + CHUNK).await.unwrap();
    }
    next += SHOWN + HIDDEN;
    for step in 0..2 {
        let readers = [Reader::Public, Reader::User(UserId::new("user-7").unwrap()), Reader::Moderator];
        for (of, reader) in [PageOf::Stream, PageOf::Replies(parent)]
            .into_iter()
            .flat_map(|of| readers.clone().map(|reader| (of.clone(), reader)))
        {
            let mut times = Vec::new();
            let mut found = 0;
            for _ in 0..20 {
                let (stream, of, reader) = (stream.clone(), of.clone(), reader.clone());
                let query = PageQuery { stream, of, reader, anchor: Anchor::Newest, size: 50 };
                let begun = Instant::now();
                found = store.page(query).await.unwrap().items.len();
                times.push(begun.elapsed());
            }
            let state = if step == 0 { "held or shadow-banned" } else { "removed" };
            println!(
                "page of {found}, {HIDDEN} comments on top {state}, {reader:?} reads {of:?}: p50 {:?}, p99 {:?}",
                percentile(&mut times, 50),
                percentile(&mut times, 99)
            );
        }
        if step == 0 {
            remove_all(store, &stream, &mut next).await;
        }
    }
}

/// Takes every comment of a stream away that is not shown.
async fn remove_all(store: &dyn Store, stream: &StreamId, next: &mut u64) {
    let query = |anchor| PageQuery {
        stream: stream.clone(),
        of: PageOf::Stream,
        reader: Reader::Moderator,
        anchor,
        size: 200,
    };
    let mut anchor = Anchor::Newest;
    loop {
        let page = store.page(query(anchor)).await.unwrap();
        let comments = page.items.iter().map(|item| &item.comment);
        let events: Vec<_> = (*next..)
            .zip(comments.filter(|comment| comment.visibility != Visibility::Shown))
            .map(|(n, comment)| {
                let by = ringside_core::event::Remover::Moderator;
                let kind =
                    EventKind::CommentRemoved { comment: comment.id, by, actor: None, reason: "spam".into() };
                (n, with(stream, n, kind))
            })
            .collect();
        if events.is_empty() {
            return;
        }
        *next += events.len() as u64;
        store.apply(0, &events, *next).await.unwrap();
        let Some(last) = page.items.last() else { return };
        anchor = Anchor::Before(last.comment.id);
    }
}

async fn counters() {
    let folder = tempfile::tempdir().unwrap();
    let counters = Embedded::open(folder.path(), &EmbeddedOptions::default()).unwrap().counters;
    let begun = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for worker in 0..2u64 {
        let counters = counters.clone();
        running.spawn(async move {
            for n in 0..1_000_000u64 {
                let key = format!("comment/final/user-{}", (n * 31 + worker) % 100_000);
                counters.hit(n / 100, &[Hit { key, window_ms: 60_000 }]).await.unwrap();
            }
        });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
    println!("counters: {:.0} hits/s on two threads", 2_000_000.0 / begun.elapsed().as_secs_f64());
}

#[tokio::main]
async fn main() {
    let only = std::env::args().nth(1);
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if wanted("append") {
        let stream = StreamId::new("final").unwrap();
        let payload = bytes::Bytes::from(encoding::encode(&event(&stream, CommentIds::new(1).next(1), 1)));
        println!("records of {} bytes", payload.len());
        for callers in [1, 64, 2_000] {
            appends(callers, &payload).await;
        }
    }
    if wanted("store") {
        store().await;
    }
    if wanted("counters") {
        counters().await;
    }
}
