//! What a transaction would give for nothing: failures in the middle of a call, and two writers at once.
//!
//! A random story is taken in by a writer that is hurt on the way, and the end must be what the embedded store has, which
//! takes each chunk in as a whole.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ringside_conformance::samples::{
    accepted, comment_seen, event, id, judgement, reacted, reference, removed, stream, user,
};
use ringside_core::event::Totals;
use ringside_core::{Action, CommentId, Event, EventKind, Reaction, StreamId, Visibility};
use ringside_ports::error::{PortError, PortErrorKind};
use ringside_ports::store::{Anchor, Applied, PageOf, PageQuery, Reader};
use ringside_ports::{PortResult, Store};
use tokio::sync::Semaphore;

use crate::{CassandraOptions, CassandraStore, connect};

/// Comments of a story, each five seconds after the one before: over half as many buckets.
const COMMENTS: u64 = 10;
const EVENTS: usize = 90;

/// What hurts a writer.
pub(crate) struct Faults {
    /// Batches that go through; then what `how` says.
    left: AtomicUsize,
    how: Mutex<How>,
    gate: Semaphore,
    held: Semaphore,
}

#[derive(Clone, Copy)]
enum How {
    /// The request is not sent.
    Fail,
    /// The request is done, and its answer is lost.
    LoseAnswer,
    /// The request waits.
    Hold,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            left: AtomicUsize::new(usize::MAX),
            how: Mutex::new(How::Fail),
            gate: Semaphore::new(0),
            held: Semaphore::new(0),
        }
    }
}

impl Faults {
    fn after(&self, batches: usize, how: How) {
        *self.how.lock().unwrap() = how;
        self.left.store(batches, Ordering::SeqCst);
    }

    fn heal(&self) {
        self.left.store(usize::MAX, Ordering::SeqCst);
        self.gate.add_permits(1_000);
    }

    pub(crate) fn after_batch(&self, operation: &'static str) -> PortResult<()> {
        let is_lost = matches!(*self.how.lock().unwrap(), How::LoseAnswer);
        if is_lost && self.left.load(Ordering::SeqCst) == 0 { Err(hurt(operation)) } else { Ok(()) }
    }

    pub(crate) async fn before_batch(&self, operation: &'static str) -> PortResult<()> {
        let take = |left: usize| left.checked_sub(1);
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
            return Ok(());
        }
        let how = *self.how.lock().unwrap();
        match how {
            How::Fail => Err(hurt(operation)),
            How::LoseAnswer => Ok(()),
            How::Hold => {
                self.held.add_permits(1);
                self.gate.acquire().await.expect("open").forget();
                Ok(())
            }
        }
    }
}

fn hurt(operation: &'static str) -> PortError {
    PortError::new(PortErrorKind::Unavailable, operation, "the test says so")
}

/// The number of the n-th comment.
fn number(n: u64) -> u64 {
    n * 8 * 5_000
}

/// What may happen on a stream, in an order that makes sense often enough.
fn story(random: &mut fastrand::Rng) -> Vec<(u64, Event)> {
    let streams = [stream("s"), stream("t")];
    let author = |random: &mut fastrand::Rng| ["ann", "bob"][random.usize(0..2)];
    let mut told = 0;
    let mut kinds: Vec<(StreamId, EventKind)> = Vec::new();
    while kinds.len() < EVENTS {
        let of = |n: u64| streams[(n % 3 / 2) as usize].clone();
        let n = random.u64(0..=told.min(COMMENTS - 1));
        let seen =
            [Visibility::Shown, Visibility::Shown, Visibility::Held, Visibility::Shadow][random.usize(0..4)];
        let action = [Action::Accept, Action::Flag][random.usize(0..2)];
        let about = comment_seen(&of(n), number(n), author(random), seen);
        let kind = match random.u8(0..20) {
            0..5 if told < COMMENTS => {
                let mut new = comment_seen(&of(told), number(told), author(random), seen);
                new.reply_to = (told > 2).then(|| id(number(told - 3)));
                new.reference = Some(reference(&format!("r{told}")));
                kinds.push((of(told), accepted(new)));
                told += 1;
                continue;
            }
            5..7 => EventKind::CommentEdited {
                comment: id(number(n)),
                text: format!("text {}", random.u8(0..3)),
                judgement: judgement(action),
                mentions: Vec::new(),
            },
            7 => removed(number(n)),
            8..10 => EventKind::CommentApproved { comment: about, actor: user("mod") },
            10 => EventKind::CommentRestored { comment: about, actor: user("mod") },
            11 => EventKind::CommentModerated { comment: about },
            12 => EventKind::Pinned { comment: random.bool().then_some(about), actor: user("mod") },
            13 => EventKind::EmojiCounted(vec![("gg".into(), 3), (format!("e{}", random.u8(0..3)), 1)]),
            _ => {
                let by = format!("u{}", random.u8(0..14));
                let reaction =
                    [Reaction::Like, Reaction::Like, Reaction::None, Reaction::Dislike][random.usize(0..4)];
                // Most on one comment, so that it becomes popular now and then.
                let n = if random.bool() { 0 } else { n };
                kinds.push((of(n), reacted(number(n), &by, reaction, random.u64(0..40))));
                continue;
            }
        };
        kinds.push((of(n), kind));
    }
    (0..).zip(kinds).map(|(offset, (of, kind))| event(&of, offset, kind)).collect()
}

/// All that a store says.
async fn everything(store: &dyn Store) -> String {
    let mut found = Vec::new();
    let ids: Vec<CommentId> = (0..COMMENTS).map(|n| id(number(n))).collect();
    for of in [stream("s"), stream("t")] {
        for one in &ids {
            found.push(format!("{:?}", store.comment(&of, *one).await.unwrap()));
        }
        for by in 0..14 {
            let mut reactions = store.reactions_of(&of, &user(&format!("u{by}")), &ids).await.unwrap();
            reactions.sort();
            found.push(format!("{of} u{by} {reactions:?}"));
        }
        let parts = [PageOf::Stream, PageOf::Review, PageOf::Replies(ids[0]), PageOf::Replies(ids[1])];
        for part in parts {
            for reader in [Reader::Public, Reader::User(user("ann")), Reader::Moderator] {
                let mut walked = Vec::new();
                let mut anchor = Anchor::Newest;
                loop {
                    let query = PageQuery {
                        stream: of.clone(),
                        of: part.clone(),
                        reader: reader.clone(),
                        anchor,
                        size: 3,
                    };
                    let page = store.page(query).await.unwrap();
                    walked.extend(page.items.iter().map(|item| item.comment.id));
                    match page.items.last() {
                        Some(last) if page.older => anchor = Anchor::Before(last.comment.id),
                        _ => break,
                    }
                }
                found.push(format!("{of} {part:?} {reader:?} {walked:?}"));
            }
        }
        for n in 0..COMMENTS {
            for by in ["ann", "bob"] {
                let known = store.by_reference(&of, &user(by), &reference(&format!("r{n}"))).await.unwrap();
                found.push(format!("{by} r{n} {:?}", known.map(|known| known.id)));
            }
        }
        found.push(format!("{:?} {:?}", store.emoji(&of).await.unwrap(), store.pinned(&of).await.unwrap()));
        found.push(format!("{:?}", store.popular(&of, 50).await.unwrap()));
        for one in &ids {
            assert_eq!(store.recount(&of, *one).await.unwrap(), None, "totals are those of the reactions");
        }
    }
    found.push(format!("{}", store.checkpoint(3).await.unwrap()));
    found.join("\n")
}

/// What the embedded store makes of a story.
async fn expected(story: &[(u64, Event)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let options = ringside_embedded::EmbeddedOptions::default();
    let embedded = ringside_embedded::Embedded::open(folder.path(), &options).unwrap();
    embedded.store.apply(3, story, story.len() as u64).await.unwrap();
    everything(&*embedded.store).await
}

fn assert_same(found: &str, expected: &str, what: &str) {
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected, "{what}");
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "{what}");
}

async fn open(options: &CassandraOptions) -> CassandraStore {
    connect(options).await.expect("connected")
}

/// Takes the story in from the checkpoint on, in chunks of this many.
async fn finish(store: &CassandraStore, story: &[(u64, Event)], step: usize) -> Vec<Applied> {
    let mut heard = Vec::new();
    loop {
        let at = usize::try_from(store.checkpoint(3).await.unwrap()).unwrap();
        if at >= story.len() {
            return heard;
        }
        let end = (at + step).min(story.len());
        heard.push(store.apply(3, &story[at..end], end as u64).await.unwrap());
    }
}

/// The latest totals that were told of.
fn told(heard: impl IntoIterator<Item = Applied>) -> BTreeMap<CommentId, Totals> {
    heard
        .into_iter()
        .flat_map(|applied| applied.reactions)
        .map(|(_, totals)| (totals.comment, totals))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_failed_anywhere_leads_to_the_same_when_it_is_repeated_in_any_parts() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let story = story(&mut random);
    let expected = expected(&story).await;
    let mut failures = 0;
    for batches in (0..).step_by(7) {
        let what = format!("failed after {batches} batches, seed {seed}");
        let store = open(&support::fresh().await).await;
        let begin = story.len() / 3;
        let first = store.apply(3, &story[..begin], begin as u64).await.unwrap();
        let how = if random.bool() { How::Fail } else { How::LoseAnswer };
        store.0.faults.after(batches, how);
        let failed = store.apply(3, &story[begin..], story.len() as u64).await;
        store.0.faults.heal();
        let whole = failed.is_ok();
        if let Err(error) = &failed {
            assert_eq!(error.kind, PortErrorKind::Unavailable, "{what}");
            failures += 1;
        }
        // The one who failed repeats its call; another begins where the checkpoint is.
        let again = if random.bool() || matches!(how, How::LoseAnswer) { failed.is_err() } else { false };
        let again = if again {
            Some(store.apply(3, &story[begin..], story.len() as u64).await.unwrap())
        } else {
            None
        };
        let rest = finish(&store, &story, [1, 7][random.usize(0..2)]).await;
        assert_same(&everything(&store).await, &expected, &what);
        for (comment, totals) in told([first].into_iter().chain(failed.ok()).chain(again).chain(rest)) {
            let of = if (0..COMMENTS).any(|n| id(number(n)) == comment && n % 3 == 2) { "t" } else { "s" };
            let kept = store.comment(&stream(of), comment).await.unwrap().unwrap();
            let kept = (kept.likes, kept.dislikes);
            assert_eq!(
                (totals.likes, totals.dislikes),
                kept,
                "whoever heard each change knows the end, {what}"
            );
        }
        if whole {
            break;
        }
    }
    assert!(failures > 3, "the call was cut in several places, not {failures}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_wakes_up_after_its_successor_changes_nothing() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let story = story(&mut random);
    let expected = expected(&story).await;
    for batches in [0, 1, 4, 9, 20] {
        let what = format!("held after {batches} batches, seed {seed}");
        let options = support::fresh().await;
        let (slow, successor) = (std::sync::Arc::new(open(&options).await), open(&options).await);
        let begin = random.usize(0..story.len() / 2);
        finish(&slow, &story[..begin], usize::MAX / 2).await;
        slow.0.faults.after(batches, How::Hold);
        let end = random.usize(begin + 1..story.len());
        let hung = tokio::spawn({
            let (slow, story) = (slow.clone(), story.clone());
            async move { slow.apply(3, &story[begin..end], end as u64).await }
        });
        // Either it hangs, or it had no more batches than it was let through.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(10), slow.0.faults.held.acquire()).await;
        finish(&successor, &story, [usize::MAX / 2, 1, 7][random.usize(0..3)]).await;
        let before = everything(&successor).await;
        slow.0.faults.heal();
        hung.await.unwrap().unwrap();
        assert_eq!(slow.checkpoint(3).await.unwrap(), story.len() as u64, "{what}");
        assert_same(&everything(&successor).await, &before, &what);
        assert_same(&before, &expected, &what);
    }
}
