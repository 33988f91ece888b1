//! What must hold for recent comments.

use ringside_core::{CommentId, StreamId, Visibility};
use ringside_ports::Recent;
use ringside_ports::error::PortErrorKind;
use ringside_ports::recent::{BEGIN_MAX, RECENT_EXPIRY_MS, RECENT_MAX};
use ringside_ports::store::{Anchor, Page, PageOf, PageQuery, Reader, StoredComment};

use crate::Place;
use crate::samples::{comment_seen, id, stream, user};

crate::checks!($ recent recent_tests [Place<dyn Recent>] {
    a_stream_that_was_never_begun_has_no_page,
    pages_are_those_of_a_store_or_none,
    a_page_that_reaches_past_what_is_held_is_not_given,
    what_changes_shows_and_what_goes_is_gone,
    who_has_comments_that_others_do_not_see_asks_the_store,
    a_lost_a_repeated_and_a_foreign_word_end_it,
    what_its_writer_is_silent_about_is_not_held_for_ever,
    the_oldest_go_when_there_are_too_many,
    streams_are_held_apart,
});

const NOW: u64 = 1_700_000_000_000;

fn seen(of: &StreamId, n: u64, visibility: Visibility) -> StoredComment {
    let author = if visibility == Visibility::Shown { "ann" } else { "troll" };
    StoredComment { comment: comment_seen(of, n, author, visibility), likes: 3, dislikes: 1, replies: 2 }
}

fn shown(of: &StreamId, n: u64) -> StoredComment {
    seen(of, n, Visibility::Shown)
}

fn query(of: &StreamId, reader: Reader, anchor: Anchor, size: u32) -> PageQuery {
    PageQuery { stream: of.clone(), of: PageOf::Stream, reader, anchor, size }
}

async fn newest(recent: &dyn Recent, of: &StreamId, size: u32) -> Option<Page> {
    page_at(recent, NOW, &query(of, Reader::Public, Anchor::Newest, size)).await
}

async fn page_at(recent: &dyn Recent, now_ms: u64, query: &PageQuery) -> Option<Page> {
    recent.page(now_ms, query).await.unwrap().map(|(_, page)| page)
}

fn numbers(page: &Page) -> Vec<CommentId> {
    page.items.iter().map(|stored| stored.comment.id).collect()
}

/// The page of a store that has just these, newest first.
fn expected(all: &[StoredComment], reader: &Reader, anchor: Anchor, size: usize) -> Page {
    let sees = |stored: &&StoredComment| {
        stored.comment.visibility == Visibility::Shown || *reader == Reader::Moderator
    };
    let all: Vec<&StoredComment> = all.iter().filter(sees).collect();
    let cloned = |part: &[&StoredComment]| part.iter().map(|stored| (*stored).clone()).collect::<Vec<_>>();
    match anchor {
        Anchor::Newest => {
            let taken = all.len().min(size);
            Page { items: cloned(&all[..taken]), older: all.len() > taken, newer: false }
        }
        Anchor::Before(id) => {
            let begin = all.partition_point(|stored| stored.comment.id >= id);
            let end = all.len().min(begin + size);
            Page { items: cloned(&all[begin..end]), older: all.len() > end, newer: begin > 0 }
        }
        Anchor::After(id) => {
            let end = all.partition_point(|stored| stored.comment.id > id);
            let begin = end.saturating_sub(size);
            Page { items: cloned(&all[begin..end]), older: all.len() > end, newer: begin > 0 }
        }
    }
}

pub async fn a_stream_that_was_never_begun_has_no_page<P: Place<dyn Recent>>() {
    let place = P::fresh().await;
    let recent = place.open().await;
    let s = stream("s");
    assert_eq!(newest(&*recent, &s, 5).await, None);
    let taken = recent.take_in(NOW, &s, 0, 1, &[shown(&s, 1)]).await.unwrap();
    assert!(!taken, "its writer did not begin it");
    assert_eq!(newest(&*recent, &s, 5).await, None);
    recent.begin(NOW, &s, 1, &[], true).await.unwrap();
    assert_eq!(
        newest(&*recent, &s, 5).await,
        Some(Page::default()),
        "a stream without comments is known too"
    );
}

pub async fn pages_are_those_of_a_store_or_none<P: Place<dyn Recent>>() {
    let place = P::fresh().await;
    let recent = place.open().await;
    let (whole, cut) = (stream("whole"), stream("cut"));
    let kind = |n: u64| match n % 5 {
        0 => Visibility::Held,
        1 => Visibility::Shadow,
        _ => Visibility::Shown,
    };
    for (of, is_whole) in [(&whole, true), (&cut, false)] {
        let all: Vec<StoredComment> = (10..40).rev().map(|n| seen(of, n, kind(n))).collect();
        // Half of them at the beginning, the others as they come; they come out of order, as hosts' clocks differ.
        recent.begin(NOW, of, 100, &all[15..], is_whole).await.unwrap();
        assert!(recent.take_in(NOW, of, 100, 115, &all[..15]).await.unwrap());
        let mut given = 0;
        for reader in [Reader::Public, Reader::Moderator, Reader::User(user("ann"))] {
            for size in [1, 4, 25, 200] {
                let anchors = (5..45).flat_map(|n| [Anchor::Before(id(n)), Anchor::After(id(n))]);
                for anchor in anchors.chain([Anchor::Newest]) {
                    let page = page_at(&*recent, NOW, &query(of, reader.clone(), anchor, size)).await;
                    assert!(page.is_some() || !is_whole, "{reader:?} {anchor:?} {size}: all is held");
                    if let Some(page) = page {
                        let expected = expected(&all, &reader, anchor, size as usize);
                        assert_eq!(page, expected, "{of} {reader:?} {anchor:?} {size}");
                        given += 1;
                    }
                }
            }
        }
        assert!(given > 300, "only {given} pages of {of} were given");
    }
    for of in [PageOf::Replies(id(20)), PageOf::Review] {
        let query = PageQuery { of, ..query(&whole, Reader::Moderator, Anchor::Newest, 5) };
        assert_eq!(recent.page(NOW, &query).await.unwrap(), None);
    }
}

pub async fn a_page_that_reaches_past_what_is_held_is_not_given<P: Place<dyn Recent>>() {
    let place = P::fresh().await;
    let recent = place.open().await;
    let s = stream("s");
    let all: Vec<StoredComment> = (10..20).rev().map(|n| shown(&s, n)).collect();
    recent.begin(NOW, &s, 0, &all, false).await.unwrap();
    let page = async |anchor, size| page_at(&*recent, NOW, &query(&s, Reader::Public, anchor, size)).await;
    assert_eq!(page(Anchor::Newest, 9).await.map(|page| page.older), Some(true));
    assert_eq!(page(Anchor::Newest, 10).await, None, "whether there are older ones is not known");
    assert!(page(Anchor::Before(id(15)), 4).await.is_some());
    assert_eq!(page(Anchor::Before(id(15)), 5).await, None);
    assert!(page(Anchor::After(id(10)), 5).await.is_some());
    assert_eq!(page(Anchor::After(id(9)), 5).await, None, "between 9 and 10 there may be one");
    // One that is older than what is held must not be taken for its neighbour.
    let late = [shown(&s, 3), shown(&s, 20)];
    assert!(recent.take_in(NOW, &s, 0, 2, &late).await.unwrap());
    assert_eq!(page(Anchor::Newest, 11).await, None);
    assert_eq!(numbers(&page(Anchor::Newest, 1).await.unwrap()), [id(20)]);
}

pub async fn what_changes_shows_and_what_goes_is_gone<P: Place<dyn Recent>>() {
    let place = P::fresh().await;
    let recent = place.open().await;
    let s = stream("s");
    let all: Vec<StoredComment> = (0..6).rev().map(|n| shown(&s, n)).collect();
    recent.begin(NOW, &s, 0, &all, true).await.unwrap();
    let mut edited = shown(&s, 4);
    edited.comment.text = "otherwise".into();
    edited.likes = 70_000;
    let changes = [
        edited.clone(),
        seen(&s, 3, Visibility::Held),
        seen(&s, 2, Visibility::Removed),
        seen(&s, 1, Visibility::Removed),
        seen(&s, 77, Visibility::Removed),
    ];
    assert!(recent.take_in(NOW, &s, 0, 5, &changes).await.unwrap());
    let page = newest(&*recent, &s, 10).await.unwrap();
    assert_eq!(page.items, [shown(&s, 5), edited, shown(&s, 0)]);
    let page = page_at(&*recent, NOW, &query(&s, Reader::Moderator, Anchor::Newest, 10)).await.unwrap();
    assert_eq!(numbers(&page), [id(5), id(4), id(3), id(0)], "moderators see what is held");
    let approved = [shown(&s, 3)];
    assert!(recent.take_in(NOW, &s, 5, 6, &approved).await.unwrap());
    assert_eq!(numbers(&newest(&*recent, &s, 10).await.unwrap()), [id(5), id(4), id(3), id(0)]);
}

pub async fn who_has_comments_that_others_do_not_see_asks_the_store<P: Place<dyn Recent>>() {
    let place = P::fresh().await;
    let recent = place.open().await;
    let s = stream("s");
    let all = [shown(&s, 3), seen(&s, 2, Visibility::Shadow), shown(&s, 1)];
    recent.begin(NOW, &s, 0, &all, true).await.unwrap();
    let page =
        async |by: &str| page_at(&*recent, NOW, &query(&s, Reader::User(user(by)), Anchor::Newest, 5)).await;
    assert_eq!(page("troll").await, None);
    for other in ["ann", "trol", "trolls"] {
        assert_eq!(numbers(&page(other).await.unwrap()), [id(3), id(1)], "{other}");
    }
    assert!(recent.take_in(NOW, &s, 0, 1, &[seen(&s, 2, Visibility::Removed)]).await.unwrap());
    assert_eq!(numbers(&page("troll").await.unwrap()), [id(3), id(1)]);
}

pub async fn a_lost_a_repeated_and_a_foreign_word_end_it<P: Place<dyn Recent>>() {
    let place = P::fresh().await;
    let recent = place.open().await;
    let s = stream("s");
    // After a word up to 10: one that lacks 10 to 12, the same again, and one from before.
    for (from, next) in [(12, 14), (5, 10), (3, 4)] {
        recent.begin(NOW, &s, 5, &[shown(&s, 1)], true).await.unwrap();
        assert!(recent.take_in(NOW, &s, 5, 10, &[shown(&s, 2)]).await.unwrap());
        let held = recent.page(NOW, &query(&s, Reader::Public, Anchor::Newest, 5)).await.unwrap().unwrap();
        assert_eq!((held.0, numbers(&held.1)), (10, vec![id(2), id(1)]), "up to its writer's last word");
        assert!(!recent.take_in(NOW, &s, from, next, &[]).await.unwrap(), "{from} to {next}");
        assert_eq!(newest(&*recent, &s, 5).await, None, "{from} to {next}");
        assert!(!recent.take_in(NOW, &s, 10, 11, &[]).await.unwrap(), "it stays so");
    }
    let many: Vec<StoredComment> = (0..=BEGIN_MAX as u64).rev().map(|n| shown(&s, n)).collect();
    let error = recent.begin(NOW, &s, 5, &many, true).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Invalid);
}

pub async fn what_its_writer_is_silent_about_is_not_held_for_ever<P: Place<dyn Recent>>() {
    let place = P::fresh().await;
    let recent = place.open().await;
    let s = stream("s");
    recent.begin(NOW, &s, 0, &[shown(&s, 1)], true).await.unwrap();
    let at = async |after: u64| {
        recent.page(NOW + after, &query(&s, Reader::Public, Anchor::Newest, 5)).await.unwrap().is_some()
    };
    assert!(at(RECENT_EXPIRY_MS - 1).await);
    assert!(!at(RECENT_EXPIRY_MS + 1).await);
    assert!(recent.take_in(NOW + 20_000, &s, 0, 0, &[]).await.unwrap(), "nothing changed is a word too");
    assert!(at(20_000 + RECENT_EXPIRY_MS - 1).await);
    assert!(!at(20_000 + RECENT_EXPIRY_MS + 1).await);
    let late = NOW + 20_000 + RECENT_EXPIRY_MS + 1;
    assert!(!recent.take_in(late, &s, 0, 0, &[]).await.unwrap(), "too late: it begins anew");
}

pub async fn the_oldest_go_when_there_are_too_many<P: Place<dyn Recent>>() {
    let place = P::fresh().await;
    let recent = place.open().await;
    let (s, most) = (stream("s"), RECENT_MAX as u64);
    recent.begin(NOW, &s, 0, &[], true).await.unwrap();
    for part in 0..=(most / 500) {
        let numbers = part * 500..(part + 1) * 500;
        let changes: Vec<StoredComment> = numbers.map(|n| shown(&s, n)).collect();
        assert!(recent.take_in(NOW, &s, part, part + 1, &changes).await.unwrap());
    }
    let page = async |anchor, size| page_at(&*recent, NOW, &query(&s, Reader::Public, anchor, size)).await;
    assert_eq!(numbers(&page(Anchor::Newest, 1).await.unwrap()), [id(most + 499)]);
    assert_eq!(numbers(&page(Anchor::Before(id(502)), 1).await.unwrap()), [id(501)]);
    assert_eq!(page(Anchor::Before(id(502)), 2).await, None, "what was before 500 is not held any more");
    assert_eq!(page(Anchor::Before(id(400)), 1).await, None);
}

pub async fn streams_are_held_apart<P: Place<dyn Recent>>() {
    let place = P::fresh().await;
    let recent = place.open().await;
    let streams: Vec<StreamId> = (0..20).map(|n| stream(&format!("s{n}"))).collect();
    for (of, n) in streams.iter().zip(0..) {
        recent.begin(NOW, of, n, &[shown(of, n)], true).await.unwrap();
    }
    for (of, n) in streams.iter().zip(0..) {
        assert_eq!(newest(&*recent, of, 5).await.unwrap().items, [shown(of, n)]);
    }
}
