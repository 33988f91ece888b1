//! Pages.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ringside_core::{Action, CommentId, EventKind, Visibility};
use ringside_ports::store::{Anchor, PageOf, Reader};

use super::{StorePlace, feed, ids, of_numbers, page};
use crate::samples::{accepted, comment, comment_seen, event, id, judgement, removed, stream, user};

pub async fn pages_walk_back_from_the_newest_and_forward_again<P: StorePlace>() {
    const COUNT: u64 = 25;
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    // Taken in out of order, as hosts' clocks differ: pages go by id.
    let order = (0..COUNT).map(|n| (n * 7) % COUNT);
    feed.apply(&s, order.map(|n| accepted(comment(&s, n, "ann"))).collect()).await;
    let expected = of_numbers((0..COUNT).rev());
    for size in [1, 2, 7, 24, 25, 26, 200] {
        let read = async |anchor| page(&*feed.store, &s, PageOf::Stream, Reader::Public, anchor, size).await;
        let mut back = Vec::new();
        let mut anchor = Anchor::Newest;
        loop {
            let found = read(anchor).await;
            assert!(found.items.len() <= size as usize);
            back.extend(ids(&found));
            anchor = Anchor::Before(back[back.len() - 1]);
            if !found.older {
                break;
            }
        }
        assert_eq!(back, expected, "back in pages of {size}");
        let mut forward = vec![id(0)];
        loop {
            let found = read(Anchor::After(forward[forward.len() - 1])).await;
            assert!(found.items.len() <= size as usize);
            forward.extend(ids(&found).iter().rev());
            if !found.newer {
                break;
            }
        }
        forward.reverse();
        assert_eq!(forward, expected, "forward in pages of {size}");
    }
}

pub async fn a_page_says_whether_there_is_more_on_either_side<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    // 0 and 9 are seen by nobody, so for readers the stream is 1 to 8.
    let mut kinds: Vec<_> = (0..10).map(|n| accepted(comment(&s, n, "ann"))).collect();
    kinds.extend([removed(0), removed(9)]);
    feed.apply(&s, kinds).await;
    let cases = [
        (Anchor::Newest, 8, (8, 1), false, false),
        (Anchor::Newest, 7, (8, 2), true, false),
        (Anchor::Before(id(5)), 4, (4, 1), false, true),
        (Anchor::Before(id(5)), 3, (4, 2), true, true),
        (Anchor::Before(id(100)), 3, (8, 6), true, false),
        (Anchor::Before(id(9)), 3, (8, 6), true, false),
        (Anchor::After(id(5)), 3, (8, 6), true, false),
        (Anchor::After(id(5)), 2, (7, 6), true, true),
        (Anchor::After(id(0)), 3, (3, 1), false, true),
    ];
    for (anchor, size, (from, to), older, newer) in cases {
        let found = page(&*feed.store, &s, PageOf::Stream, Reader::Public, anchor, size).await;
        assert_eq!(ids(&found), of_numbers((to..=from).rev()), "{anchor:?} {size}");
        assert_eq!((found.older, found.newer), (older, newer), "{anchor:?} {size}");
    }
    for (anchor, older, newer) in [(Anchor::Before(id(1)), false, true), (Anchor::After(id(8)), true, false)]
    {
        let found = page(&*feed.store, &s, PageOf::Stream, Reader::Public, anchor, 5).await;
        assert_eq!((ids(&found), found.older, found.newer), (Vec::new(), older, newer), "{anchor:?}");
    }
}

pub async fn replies_have_pages_of_their_own_and_are_counted_while_shown<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    let reply = |n: u64, to: u64, visibility| {
        let mut reply = comment_seen(&s, n, "bob", visibility);
        reply.reply_to = Some(id(to));
        accepted(reply)
    };
    let mut kinds = vec![accepted(comment(&s, 0, "ann")), accepted(comment(&s, 1, "ann"))];
    kinds.extend((2..8).map(|n| reply(n, 0, Visibility::Shown)));
    kinds.push(reply(8, 1, Visibility::Shown));
    kinds.push(reply(9, 0, Visibility::Held));
    kinds.push(reply(10, 2, Visibility::Shown));
    feed.apply(&s, kinds).await;
    let replies = async |to: u64, anchor, size| {
        ids(&page(&*feed.store, &s, PageOf::Replies(id(to)), Reader::Public, anchor, size).await)
    };
    assert_eq!(replies(0, Anchor::Newest, 50).await, of_numbers((2..8).rev()));
    assert_eq!(replies(0, Anchor::Before(id(5)), 2).await, of_numbers([4, 3]));
    assert_eq!(replies(0, Anchor::After(id(5)), 1).await, of_numbers([6]));
    assert_eq!(replies(1, Anchor::Newest, 50).await, of_numbers([8]));
    assert_eq!(replies(2, Anchor::Newest, 50).await, of_numbers([10]));
    assert_eq!(replies(3, Anchor::Newest, 50).await, []);
    assert_eq!([feed.comment(&s, 0).await.replies, feed.comment(&s, 1).await.replies], [6, 1]);
    let approved = EventKind::CommentApproved { comment: comment(&s, 9, "bob"), actor: user("mod") };
    feed.apply(&s, vec![removed(3), removed(3), approved.clone(), approved]).await;
    assert_eq!(feed.comment(&s, 0).await.replies, 6, "one went and one came, each once");
    let everything = page(&*feed.store, &s, PageOf::Stream, Reader::Public, Anchor::Newest, 50).await;
    assert_eq!(everything.items.len(), 10, "replies are comments of the stream too");
}

pub async fn the_review_queue_holds_what_is_held_or_flagged<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    let flagged = |n| {
        let mut flagged = comment(&s, n, "ann");
        flagged.judgement = judgement(Action::Flag);
        flagged
    };
    let held = |n| comment_seen(&s, n, "ann", Visibility::Held);
    let kinds = vec![
        accepted(held(0)),
        accepted(flagged(1)),
        accepted(comment_seen(&s, 2, "ann", Visibility::Shadow)),
        accepted(comment(&s, 3, "ann")),
        accepted(held(4)),
        accepted(flagged(5)),
        accepted(held(6)),
    ];
    feed.apply(&s, kinds).await;
    let queue = async |feed: &super::Feed, anchor, size| {
        ids(&page(&*feed.store, &s, PageOf::Review, Reader::Moderator, anchor, size).await)
    };
    assert_eq!(queue(&feed, Anchor::Newest, 50).await, of_numbers([6, 5, 4, 1, 0]));
    assert_eq!(queue(&feed, Anchor::Before(id(5)), 2).await, of_numbers([4, 1]));
    assert_eq!(queue(&feed, Anchor::After(id(1)), 2).await, of_numbers([5, 4]));
    let edited = |n, action| EventKind::CommentEdited {
        comment: id(n),
        text: "x".into(),
        judgement: judgement(action),
        mentions: Vec::new(),
    };
    let kinds = vec![
        EventKind::CommentApproved { comment: comment(&s, 0, "ann"), actor: user("mod") },
        removed(1),
        removed(4),
        EventKind::CommentModerated { comment: held(3) },
        edited(5, Action::Accept),
        EventKind::CommentModerated { comment: comment(&s, 6, "ann") },
    ];
    feed.apply(&s, kinds).await;
    assert_eq!(queue(&feed, Anchor::Newest, 50).await, of_numbers([3]));
    feed.apply(&s, vec![edited(0, Action::Flag)]).await;
    assert_eq!(queue(&feed, Anchor::Newest, 50).await, of_numbers([3, 0]));
}

pub async fn who_reads_decides_what_is_in_a_page<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    let mut kinds = vec![accepted(comment(&s, 100, "ann"))];
    let visibilities = [Visibility::Shown, Visibility::Held, Visibility::Shadow, Visibility::Removed];
    for (n, visibility) in (101..).zip(visibilities) {
        let taken = if visibility == Visibility::Removed { Visibility::Shown } else { visibility };
        let mut reply = comment_seen(&s, n, "bob", taken);
        reply.reply_to = Some(id(100));
        kinds.push(accepted(reply));
    }
    kinds.push(removed(104));
    feed.apply(&s, kinds).await;
    let readers = [
        (Reader::Public, vec![101]),
        (Reader::User(user("ann")), vec![101]),
        (Reader::User(user("bob")), vec![103, 102, 101]),
        (Reader::Moderator, vec![103, 102, 101]),
    ];
    for (reader, mut seen) in readers {
        let replies =
            page(&*feed.store, &s, PageOf::Replies(id(100)), reader.clone(), Anchor::Newest, 50).await;
        assert_eq!(ids(&replies), of_numbers(seen.clone()), "{reader:?}");
        let whole = page(&*feed.store, &s, PageOf::Stream, reader.clone(), Anchor::Newest, 50).await;
        seen.push(100);
        assert_eq!(ids(&whole), of_numbers(seen), "{reader:?}");
    }
}

pub async fn a_page_is_full_of_what_its_reader_sees_however_much_else_lies_between<P: StorePlace>() {
    const COUNT: u64 = 120;
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    let author = |n: u64| ["ann", "bob", "an"][(n % 3) as usize];
    // One in four is shown; the rest waits or is removed, and most came to be so later.
    let seen = |n: u64| match n % 8 {
        0 | 1 => Visibility::Shown,
        2 | 3 => Visibility::Held,
        4 | 5 => Visibility::Shadow,
        _ => Visibility::Removed,
    };
    let mut kinds = vec![accepted(comment(&s, 0, "ann"))];
    for n in 1..COUNT {
        let first = if n % 2 == 0 { seen(n) } else { Visibility::Shown };
        let mut taken = comment_seen(&s, n, author(n), if n % 8 == 1 { Visibility::Held } else { first });
        if taken.visibility == Visibility::Removed {
            taken.visibility = Visibility::Shown;
        }
        taken.reply_to = Some(id(0));
        kinds.push(accepted(taken));
    }
    for n in 1..COUNT {
        let mut later = comment_seen(&s, n, author(n), seen(n));
        later.reply_to = Some(id(0));
        match seen(n) {
            Visibility::Shown => {
                kinds.push(EventKind::CommentApproved { comment: later, actor: user("mod") });
            }
            Visibility::Removed => kinds.push(removed(n)),
            _ => kinds.push(EventKind::CommentModerated { comment: later }),
        }
    }
    feed.apply(&s, kinds).await;
    for reader in [Reader::Public, Reader::User(user("ann")), Reader::User(user("an")), Reader::Moderator] {
        let sees = |n: &u64| match seen(*n) {
            Visibility::Shown => true,
            Visibility::Removed => false,
            _ => match &reader {
                Reader::Public => false,
                Reader::User(user) => user.as_str() == author(*n),
                Reader::Moderator => true,
            },
        };
        let replies: Vec<u64> = (1..COUNT).filter(sees).collect();
        let whole: Vec<u64> = std::iter::once(0).chain(replies.iter().copied()).collect();
        for (of, expected) in [(PageOf::Stream, whole), (PageOf::Replies(id(0)), replies)] {
            for size in [1, 7, 200] {
                let read =
                    async |anchor| page(&*feed.store, &s, of.clone(), reader.clone(), anchor, size).await;
                let (mut back, mut anchor) = (Vec::new(), Anchor::Newest);
                loop {
                    let found = read(anchor).await;
                    back.extend(ids(&found));
                    assert_eq!(
                        found.items.len(),
                        (size as usize).min(expected.len() - back.len() + found.items.len())
                    );
                    if !found.older {
                        break;
                    }
                    anchor = Anchor::Before(back[back.len() - 1]);
                }
                assert_eq!(
                    back,
                    of_numbers(expected.iter().rev().copied()),
                    "{reader:?} reads {of:?} back by {size}"
                );
                let (mut on, mut anchor) = (Vec::new(), Anchor::After(id(0)));
                loop {
                    let found = read(anchor).await;
                    on.extend(ids(&found).into_iter().rev());
                    if !found.newer {
                        break;
                    }
                    anchor = Anchor::After(on[on.len() - 1]);
                }
                let behind = expected.iter().copied().filter(|n| *n > 0);
                assert_eq!(on, of_numbers(behind), "{reader:?} reads {of:?} on by {size}");
            }
        }
    }
}

pub async fn pages_show_each_comment_once_while_others_are_written<P: StorePlace>() {
    const COUNT: u64 = 600;
    let place = P::fresh().await;
    let store = place.open().await;
    let s = stream("s");
    let events: Vec<_> = (0..COUNT).map(|n| event(&s, n, accepted(comment(&s, n, "ann")))).collect();
    store.apply(0, &events, COUNT).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (store, s, done) = (store.clone(), s.clone(), done.clone());
        async move {
            let mut n = COUNT;
            while !done.load(Ordering::Relaxed) {
                let events: Vec<_> =
                    (n..n + 20).map(|n| event(&s, n, accepted(comment(&s, n, "bob")))).collect();
                n += 20;
                store.apply(0, &events, n).await.unwrap();
            }
            n
        }
    });
    let walk = async |size: u32| {
        let mut seen: BTreeMap<CommentId, usize> = BTreeMap::new();
        let mut anchor = Anchor::Newest;
        loop {
            let found = page(&*store, &s, PageOf::Stream, Reader::Public, anchor, size).await;
            for one in ids(&found) {
                *seen.entry(one).or_default() += 1;
                anchor = Anchor::Before(one);
            }
            if !found.older {
                return seen;
            }
        }
    };
    for size in [7, 50, 200] {
        let seen = walk(size).await;
        for n in 0..COUNT {
            assert_eq!(seen.get(&id(n)), Some(&1), "comment {n} in pages of {size}");
        }
        assert!(seen.values().all(|times| *times == 1));
    }
    done.store(true, Ordering::Relaxed);
    let written = writing.await.unwrap();
    assert!(written > COUNT, "others were written meanwhile");
}
