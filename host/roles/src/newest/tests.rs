//! What is told is what the store has, whatever fails on the way.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use async_trait::async_trait;
use ringside_conformance::samples::{
    accepted, comment, comment_seen, event, id, reacted, removed, restored, stream, user,
};
use ringside_core::event::Totals;
use ringside_core::{Reaction, Visibility};
use ringside_embedded::{Embedded, EmbeddedOptions};
use ringside_ports::error::{PortError, PortErrorKind};
use ringside_ports::store::Page;
use tempfile::TempDir;
use tokio::sync::watch;

use super::*;

/// Longest wait for anything on a loaded machine.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Recent comments of one stream as the port has them, which fail or wait where a test says so.
#[derive(Default)]
struct Held {
    held: Mutex<Option<(u64, BTreeMap<CommentId, StoredComment>)>>,
    begins: AtomicUsize,
    fails: AtomicBool,
    is_closed: watch::Sender<bool>,
}

impl Held {
    async fn answer(&self) -> PortResult<()> {
        let _ = self.is_closed.subscribe().wait_for(|is_closed| !is_closed).await;
        if self.fails.load(Ordering::SeqCst) {
            return Err(PortError::new(PortErrorKind::Unavailable, "recent", "as the test has it"));
        }
        Ok(())
    }

    fn begins(&self) -> usize {
        self.begins.load(Ordering::SeqCst)
    }

    fn items(&self) -> Option<Vec<StoredComment>> {
        self.held.lock().unwrap().as_ref().map(|(_, comments)| comments.values().rev().cloned().collect())
    }
}

#[async_trait]
impl Recent for Held {
    async fn begin(
        &self,
        _: u64,
        _: &StreamId,
        next: u64,
        comments: &[StoredComment],
        is_whole: bool,
    ) -> PortResult<()> {
        self.answer().await?;
        assert!(is_whole, "these tests have few comments");
        self.begins.fetch_add(1, Ordering::SeqCst);
        let comments = comments.iter().map(|stored| (stored.comment.id, stored.clone())).collect();
        *self.held.lock().unwrap() = Some((next, comments));
        Ok(())
    }

    async fn take_in(
        &self,
        _: u64,
        _: &StreamId,
        from: u64,
        next: u64,
        changed: &[StoredComment],
    ) -> PortResult<bool> {
        self.answer().await?;
        let mut held = self.held.lock().unwrap();
        let Some((known, comments)) = held.as_mut().filter(|(known, _)| *known == from) else {
            *held = None;
            return Ok(false);
        };
        *known = next;
        for stored in changed {
            comments.remove(&stored.comment.id);
            if stored.comment.visibility != Visibility::Removed {
                comments.insert(stored.comment.id, stored.clone());
            }
        }
        Ok(true)
    }

    async fn page(&self, _: u64, _: &PageQuery) -> PortResult<Option<(u64, Page)>> {
        Ok(None)
    }
}

/// A clock by which the samples' comments are new.
fn clock() -> Clock {
    let (began, first_ms) = (Instant::now(), id(0).at_ms());
    Clock::from_fn(move || first_ms + u64::try_from(began.elapsed().as_millis()).unwrap())
}

struct Stage {
    store: Arc<dyn Store>,
    held: Arc<Held>,
    newest: Newest,
    next: u64,
    _folder: TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path(), &EmbeddedOptions::default()).unwrap().store_port();
        let held = Arc::new(Held::default());
        let newest = Newest::start(held.clone(), store.clone(), clock());
        Self { store, held, newest, next: 0, _folder: folder }
    }

    /// As the writer does it.
    async fn write(&mut self, kinds: Vec<EventKind>) {
        let first = self.next;
        self.next += kinds.len() as u64;
        let of = stream("s");
        let events: Vec<_> = (first..).zip(kinds).map(|(at, kind)| event(&of, at, kind)).collect();
        self.newest.coming(&events, self.next);
        self.store.apply(0, &events, self.next).await.unwrap();
        self.newest.taken(events, self.next);
    }

    async fn write_busily(&mut self, numbers: std::ops::Range<u64>) {
        self.write(numbers.map(|n| accepted(comment(&stream("s"), n, "ann"))).collect()).await;
    }

    async fn stored(&self) -> Vec<StoredComment> {
        let query = PageQuery {
            stream: stream("s"),
            of: PageOf::Stream,
            reader: Reader::Moderator,
            anchor: Anchor::Newest,
            size: limits::PAGE_SIZE_MAX,
        };
        self.store.page(query).await.unwrap().items
    }

    /// Waits until what is held is what the store has.
    async fn agrees(&self, when: &str) {
        let (began, stored) = (Instant::now(), self.stored().await);
        while self.held.items().as_ref() != Some(&stored) {
            assert!(began.elapsed() < WAIT_MAX, "{when}: {:?}\nstored: {stored:?}", self.held.items());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn doings(random: &mut fastrand::Rng, known: &mut u64) -> Vec<EventKind> {
    let of = stream("s");
    let mut kinds = Vec::new();
    for _ in 0..random.u64(1..8) {
        let any = random.u64(0..*known);
        kinds.push(match random.u32(0..12) {
            0 | 1 => removed(any),
            2 | 3 => restored(comment(&of, any, "ann")),
            4 => reacted(any, ["ann", "bob", "cho"][random.usize(0..3)], Reaction::Like, *known),
            5 => EventKind::ReactionTotals(vec![Totals { comment: id(any), likes: 7, dislikes: 1 }]),
            6 => EventKind::CommentEdited {
                comment: id(any),
                text: format!("otherwise {}", random.u16(..)),
                judgement: ringside_conformance::samples::judgement(ringside_core::Action::Accept),
                mentions: Vec::new(),
            },
            7 => EventKind::CommentApproved { comment: comment(&of, any, "ann"), actor: user("mod") },
            kind => {
                let is_held = kind == 8;
                let visibility = if is_held { Visibility::Held } else { Visibility::Shown };
                let mut new = comment_seen(&of, *known, "ann", visibility);
                new.reply_to = (kind == 9).then(|| id(any));
                *known += 1;
                accepted(new)
            }
        });
    }
    kinds
}

#[tokio::test]
async fn what_is_told_is_what_the_store_has_whatever_happens_and_whatever_fails() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut stage = Stage::new();
    let mut known = 10;
    stage.write_busily(0..known).await;
    stage.agrees("at first").await;
    for round in 0..8 {
        for _ in 0..random.u32(1..6) {
            stage.write(doings(&mut random, &mut known)).await;
            tokio::time::sleep(Duration::from_millis(random.u64(0..60))).await;
        }
        stage.agrees(&format!("seed {seed}, round {round}")).await;
    }
    assert_eq!(stage.held.begins(), 1, "from then on it is told what changes");
    for round in 0..3 {
        stage.held.fails.store(true, Ordering::SeqCst);
        stage.write(doings(&mut random, &mut known)).await;
        tokio::time::sleep(EVERY * 2).await;
        stage.held.fails.store(false, Ordering::SeqCst);
        stage.agrees(&format!("seed {seed}, failure {round}")).await;
    }
    assert!(stage.held.begins() > 1, "it began anew");
}

#[tokio::test]
async fn who_falls_behind_lets_go_and_the_writer_goes_on() {
    let mut stage = Stage::new();
    stage.write_busily(0..5).await;
    stage.agrees("at first").await;
    stage.held.is_closed.send_replace(true);
    // The next word waits for its answer, and what is said meanwhile for that.
    for n in 10.. {
        assert!(n < 10_000, "it was never missed");
        stage.write(vec![accepted(comment(&stream("s"), n, "ann")), removed(n)]).await;
        if stage.newest.missed.load(Ordering::SeqCst) {
            break;
        }
    }
    stage.write_busily(5..6).await;
    stage.held.is_closed.send_replace(false);
    stage.agrees("when it was heard again").await;
    assert_eq!(stage.held.begins(), 2);
}

#[tokio::test]
async fn what_an_earlier_writer_held_goes_with_the_first_event() {
    let mut stage = Stage::new();
    stage.write_busily(0..5).await;
    stage.agrees("at first").await;
    // Another takes over, to whom the stream is not a busy one.
    stage.newest = Newest::start(stage.held.clone(), stage.store.clone(), clock());
    stage.write(vec![removed(3)]).await;
    let began = Instant::now();
    while stage.held.items().is_some() {
        assert!(began.elapsed() < WAIT_MAX, "it is still held");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
