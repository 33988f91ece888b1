//! What viewers read through the history is what the store has, at most so old as it says, for a fraction of the reads.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

#[path = "history/stage.rs"]
mod stage;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ringside_conformance::samples::{
    accepted, comment, comment_seen, id, reacted, removed, restored, stream, user,
};
use ringside_core::{EventKind, Reaction, UserId, Visibility};
use ringside_ports::error::PortErrorKind;
use ringside_ports::store::{Anchor, Page, PageOf, PageQuery, Reader};
use ringside_roles::history::is_change;
use stage::{ASKED, Stage, edited};

/// For tests in which nothing goes because of its age.
const FOR_EVER: Duration = Duration::from_secs(3_600);

fn query(reader: Reader, anchor: Anchor, size: u32) -> PageQuery {
    PageQuery { stream: stream("s"), of: PageOf::Stream, reader, anchor, size }
}

fn newest() -> PageQuery {
    query(Reader::Public, Anchor::Newest, 50)
}

/// Questions from every side, also about replies.
fn questions() -> Vec<PageQuery> {
    let readers = [Reader::Public, Reader::Moderator, Reader::User(user("ann")), Reader::User(user("troll"))];
    let anchors = (0..200).step_by(29).flat_map(|n| [Anchor::Before(id(n)), Anchor::After(id(n))]);
    let anchors: Vec<Anchor> = anchors.chain([Anchor::Newest]).collect();
    let mut questions = Vec::new();
    for reader in readers {
        for anchor in &anchors {
            questions.extend([1, 20, 200].map(|size| query(reader.clone(), *anchor, size)));
        }
        let of = PageOf::Replies(id(2));
        questions.push(PageQuery { of, ..query(reader.clone(), Anchor::Newest, 20) });
        questions.push(PageQuery { of: PageOf::Review, ..query(reader, Anchor::Newest, 20) });
    }
    questions
}

/// What people do, at random.
fn doings(random: &mut fastrand::Rng, known: &mut u64) -> Vec<EventKind> {
    let of = stream("s");
    let mut kinds = Vec::new();
    for _ in 0..random.u64(1..12) {
        let any = random.u64(0..(*known).max(1));
        kinds.push(match random.u32(0..20) {
            0 => removed(any),
            4 => restored(comment(&of, any, "ann")),
            1 => edited(any, &format!("otherwise {}", random.u16(..))),
            2 | 3 => reacted(any, ["ann", "bob", "cho"][random.usize(0..3)], Reaction::Like, *known),
            kind => {
                let visibility = match kind {
                    5 => Visibility::Held,
                    6 => Visibility::Shadow,
                    _ => Visibility::Shown,
                };
                let author = if visibility == Visibility::Shown { "ann" } else { "troll" };
                let mut new = comment_seen(&of, *known, author, visibility);
                new.reply_to = (kind < 9 && *known > 2).then(|| id(2));
                *known += 1;
                accepted(new)
            }
        });
    }
    kinds
}

#[tokio::test]
async fn a_page_is_one_that_the_store_had_since_the_last_change_and_since_its_reader_wrote() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let stage = Stage::new(FOR_EVER, None);
    let questions = questions();
    let mut had: HashMap<usize, Vec<Page>> = HashMap::new();
    let (mut known, mut changed, mut wrote) = (0, 0, HashMap::<UserId, usize>::new());
    for step in 0..40 {
        let kinds = doings(&mut random, &mut known);
        let is_changed = kinds.iter().any(is_change);
        let by = kinds.iter().filter_map(|kind| match kind {
            EventKind::CommentAccepted(comment) => Some(comment.author.id.clone()),
            _ => None,
        });
        let authors: Vec<UserId> = by.collect();
        let next = stage.apply(kinds).await;
        if is_changed {
            stage.history.changed(&stream("s"), next);
            changed = step;
        }
        for author in authors {
            stage.history.wrote(&stream("s"), &author, next);
            wrote.insert(author, step);
        }
        for (n, query) in questions.iter().enumerate() {
            let given = stage.history.page(query.clone()).await.unwrap();
            let had = had.entry(n).or_default();
            had.push(stage.store.page(query.clone()).await.unwrap());
            let own = match &query.reader {
                Reader::User(user) => wrote.get(user).copied().unwrap_or(0),
                Reader::Public | Reader::Moderator => 0,
            };
            let since = if query.of == PageOf::Review { step } else { changed.max(own) };
            let is_known = had[since..].contains(&given.page);
            assert!(is_known, "seed {seed}, step {step}, since {since}, {query:?}: {:?}", given.page);
            assert!(given.from <= next && given.to <= next, "{given:?}");
        }
    }
    assert!(stage.counted("memory", "hit") > 500, "it was kept");
}

#[tokio::test]
async fn who_pages_back_while_others_write_sees_each_comment_once_in_order() {
    const KEPT: Duration = Duration::from_millis(20);
    let stage = Stage::new(KEPT, None);
    let of = stream("s");
    let mut known = 700;
    stage.apply((0..known).map(|n| accepted(comment(&of, n, "ann"))).collect()).await;
    for size in [7, 50, 200] {
        // What was kept for the size before is over, or the newest page may lack what was said meanwhile.
        tokio::time::sleep(KEPT * 2).await;
        let (mut seen, mut anchor, before) = (Vec::new(), Anchor::Newest, known);
        loop {
            let reader = [Reader::Public, Reader::User(user("bob"))][usize::from(size > 10)].clone();
            let page = stage.history.page(query(reader, anchor, size)).await.unwrap().page;
            seen.extend(page.items.iter().map(|stored| stored.comment.id));
            if !page.older {
                break;
            }
            anchor = Anchor::Before(*seen.last().unwrap());
            stage.apply(vec![accepted(comment(&of, known, "cho"))]).await;
            known += 1;
        }
        let all: Vec<_> = (0..before).rev().map(id).collect();
        assert!(seen.ends_with(&all), "{size}: each once, in order");
        assert!(seen.len() as u64 <= known, "{size}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_for_one_missing_page_become_one_read_also_when_it_fails() {
    let stage = Arc::new(Stage::new(FOR_EVER, None));
    stage.apply((0..9).map(|n| accepted(comment(&stream("s"), n, "ann"))).collect()).await;
    for fails in [true, false] {
        stage.gate.fail(fails);
        stage.gate.close();
        let ask = || {
            let stage = stage.clone();
            tokio::spawn(async move { stage.history.page(newest()).await })
        };
        let (before, askers) = (stage.reads(), (0..50).map(|_| ask()).collect::<Vec<_>>());
        stage.gate.someone_waits().await;
        // All of them have asked when there is nothing else to be run.
        tokio::time::sleep(Duration::from_millis(50)).await;
        stage.gate.open();
        for asker in askers {
            match asker.await.unwrap() {
                Ok(page) => assert!(!fails && page.page.items.len() == 9),
                Err(error) => assert!(fails && error.kind == PortErrorKind::Unavailable, "{error}"),
            }
        }
        assert_eq!(stage.reads() - before, 1, "fails: {fails}");
    }
    assert_eq!(stage.counted("memory", "miss"), 2);
    assert_eq!(stage.counted("memory", "collapsed") + stage.counted("memory", "hit"), 98);
    assert!(stage.counted("memory", "collapsed") > 49, "most of them waited");
    assert_eq!((stage.counted("store", "hit"), stage.counted("store", "failed")), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_read_is_answered_though_the_one_who_began_it_went_away() {
    let stage = Arc::new(Stage::new(FOR_EVER, None));
    stage.apply(vec![accepted(comment(&stream("s"), 1, "ann"))]).await;
    stage.gate.close();
    let ask = || {
        let stage = stage.clone();
        tokio::spawn(async move { stage.history.page(newest()).await.unwrap().page.items.len() })
    };
    let first = ask();
    stage.gate.someone_waits().await;
    let others: Vec<_> = (0..20).map(|_| ask()).collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    stage.gate.open();
    for other in others {
        assert_eq!(other.await.unwrap(), 1);
    }
    assert_eq!(stage.reads(), 2, "one took over from the first");
}

#[tokio::test]
async fn what_was_removed_is_not_kept_while_the_store_still_has_it() {
    let stage = Stage::new(FOR_EVER, None);
    let of = stream("s");
    stage.apply((0..3).map(|n| accepted(comment(&of, n, "ann"))).collect()).await;
    let shown = async || stage.history.page(newest()).await.unwrap().page.items.len();
    assert_eq!((shown().await, shown().await, stage.reads()), (3, 3, 1));
    assert_eq!(stage.history.popular(&of, 10).await.unwrap(), []);
    // The host hears of the removal before the store does.
    stage.history.changed(&of, 4);
    assert_eq!((shown().await, shown().await, stage.reads()), (3, 3, 3), "asked again each time");
    stage.apply(vec![removed(1)]).await;
    assert_eq!((shown().await, shown().await, stage.reads()), (2, 2, 4), "gone, and kept from then on");
    assert_eq!(
        stage.history.comment(None, &of, id(1)).await.unwrap().unwrap().comment.visibility,
        Visibility::Removed
    );
}

#[tokio::test]
async fn who_wrote_finds_it_while_others_are_given_what_is_kept() {
    let stage = Stage::new(FOR_EVER, None);
    let of = stream("s");
    stage.apply(vec![accepted(comment(&of, 1, "ann"))]).await;
    let shown = async |by: &str| {
        let query = query(Reader::User(user(by)), Anchor::Newest, 5);
        stage.history.page(query).await.unwrap().page.items.len()
    };
    assert_eq!((shown("ann").await, shown("bob").await), (1, 1));
    let next = stage.apply(vec![accepted(comment(&of, 2, "ann"))]).await;
    stage.history.wrote(&of, &user("ann"), next);
    assert_eq!((shown("bob").await, shown("ann").await), (1, 2));
    assert_eq!((shown("ann").await, shown("bob").await, stage.reads()), (2, 2, 2), "kept for all of them");
    let text = async |by: &str| {
        let found = stage.history.comment(Some(&user(by)), &of, id(1)).await.unwrap();
        found.unwrap().comment.text
    };
    let before = text("bob").await;
    let next = stage.apply(vec![edited(1, "better")]).await;
    stage.history.wrote(&of, &user("ann"), next);
    assert_ne!(before, "better");
    assert_eq!(
        (text("bob").await, text("ann").await, text("bob").await),
        (before, "better".into(), "better".into())
    );
}

#[tokio::test]
async fn a_comment_that_is_not_there_yet_is_found_once_it_is() {
    let stage = Stage::new(FOR_EVER, None);
    let of = stream("s");
    assert_eq!(stage.history.comment(None, &of, id(1)).await.unwrap(), None);
    stage.apply(vec![accepted(comment(&of, 1, "ann"))]).await;
    for _ in 0..2 {
        assert!(stage.history.comment(None, &of, id(1)).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn recent_comments_are_asked_before_the_store_and_neither_fail_nor_deceive_anyone() {
    let stage = Stage::new(Duration::ZERO, Some(0));
    let of = stream("s");
    stage.apply((0..3).map(|n| accepted(comment(&of, n, "ann"))).collect()).await;
    let recent = stage.recent.clone().unwrap();
    let shown = async || stage.history.page(newest()).await.map(|page| page.page.items.len());
    // Not held; held; away; held, with the store away.
    assert_eq!((shown().await.unwrap(), stage.reads()), (3, 1));
    recent.hold(3, stage.store.page(query(Reader::Moderator, Anchor::Newest, 200)).await.unwrap());
    assert_eq!((shown().await.unwrap(), stage.reads()), (3, 1));
    recent.fail(true);
    assert_eq!((shown().await.unwrap(), stage.reads()), (3, 2));
    recent.fail(false);
    stage.gate.fail(true);
    assert_eq!(shown().await.unwrap(), 3);
    let older = stage.history.page(query(Reader::Public, Anchor::Before(id(0)), 5)).await.unwrap_err();
    assert_eq!(older.kind, PortErrorKind::Unavailable);
    // What lacks a removal is not given.
    stage.history.changed(&of, 4);
    assert_eq!(shown().await.unwrap_err().kind, PortErrorKind::Unavailable);
    stage.gate.fail(false);
    stage.apply(vec![removed(1)]).await;
    assert_eq!(shown().await.unwrap(), 2);
    assert_eq!(stage.counted("redis", "failed"), 1);
    assert!(stage.counted("redis", "hit") >= 2 && recent.asked() >= ASKED);
}
