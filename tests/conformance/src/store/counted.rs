//! What is counted: reactions, emoji, popular comments.

use std::collections::BTreeMap;

use ringside_core::event::Totals;
use ringside_core::limits::EMOJI_KINDS_MAX;
use ringside_core::{CommentId, EventKind, Reaction, ReactionSet, RegionId, Stamp, UserId, Visibility};
use ringside_ports::store::{Anchor, Applied, PageOf, Reader};

use super::{Feed, StorePlace, feed, ids, newest, of_numbers, page};
use crate::samples::{accepted, comment, comment_seen, id, reacted, removed, stream, user};

pub async fn reactions_agree_with_the_reaction_set_in_any_order<P: StorePlace>() {
    const COMMENTS: u64 = 3;
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    feed.apply(&s, (0..COMMENTS).map(|n| accepted(comment(&s, n, "ann"))).collect()).await;
    let mut sets: BTreeMap<CommentId, ReactionSet> = BTreeMap::new();
    let mut told: BTreeMap<CommentId, Totals> = BTreeMap::new();
    for _ in 0..40 {
        let mut kinds = Vec::new();
        for _ in 0..random.usize(0..12) {
            // Few users, times and regions, so that every order of two writes and every tie comes up.
            let by = user(&format!("u{}", random.u8(0..4)));
            let region = RegionId::new(&format!("r{}", random.u8(0..2))).unwrap();
            let stamp = Stamp { at_ms: random.u64(0..20), region };
            let reaction = [Reaction::None, Reaction::Like, Reaction::Dislike][random.usize(0..3)];
            let on = id(random.u64(0..COMMENTS));
            sets.entry(on).or_default().set(by.clone(), stamp.clone(), reaction);
            kinds.push(EventKind::ReactionSet { comment: on, user: by, reaction, stamp });
        }
        let applied = feed.apply(&s, kinds).await;
        told.extend(applied.reactions.into_iter().map(|(_, totals)| (totals.comment, totals)));
        for n in 0..COMMENTS {
            let expected = sets.entry(id(n)).or_default().totals();
            let found = feed.comment(&s, n).await;
            assert_eq!((found.likes, found.dislikes), expected, "comment {n}, seed {seed}");
            let last = told.get(&id(n)).map_or((0, 0), |totals| (totals.likes, totals.dislikes));
            assert_eq!(last, expected, "whoever hears of each change knows the totals, seed {seed}");
            assert_eq!(feed.store.recount(&s, id(n)).await.unwrap(), None, "seed {seed}");
        }
    }
    for by in (0..5).map(|n| user(&format!("u{n}"))) {
        let expected: Vec<_> = sets
            .iter()
            .map(|(id, set)| (*id, set.of(&by)))
            .filter(|(_, reaction)| *reaction != Reaction::None)
            .collect();
        let asked = of_numbers(0..COMMENTS + 2);
        let mut found = feed.store.reactions_of(&s, &by, &asked).await.unwrap();
        found.sort();
        assert_eq!(found, expected, "{by}, seed {seed}");
    }
}

pub async fn changed_totals_are_told_once_for_each_comment<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    feed.apply(&s, (0..3).map(|n| accepted(comment(&s, n, "ann"))).collect()).await;
    let told = |applied: Applied| -> Vec<(CommentId, u32, u32)> {
        let mut told: Vec<_> =
            applied.reactions.into_iter().map(|(_, t)| (t.comment, t.likes, t.dislikes)).collect();
        told.sort();
        told
    };
    let kinds = vec![
        reacted(0, "bob", Reaction::Like, 1),
        reacted(1, "bob", Reaction::Dislike, 1),
        reacted(0, "eve", Reaction::Like, 1),
        reacted(0, "bob", Reaction::Dislike, 2),
    ];
    assert_eq!(told(feed.apply(&s, kinds).await), [(id(0), 1, 1), (id(1), 0, 1)]);
    let again = vec![reacted(0, "bob", Reaction::Dislike, 3), reacted(1, "bob", Reaction::Like, 0)];
    assert_eq!(
        told(feed.apply(&s, again).await),
        [],
        "the same again, and one that came too late, change nothing"
    );
}

pub async fn emoji_are_summed_by_stream<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let (s, other) = (stream("s"), stream("s-2"));
    let counted = |counts: &[(&str, u32)]| {
        EventKind::EmojiCounted(counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect())
    };
    let sorted = |mut totals: Vec<(String, u64)>| {
        totals.sort();
        totals
    };
    let applied = feed.apply(&s, vec![counted(&[("🎉", 3), ("gg", 1)]), counted(&[("🎉", 50)])]).await;
    let expected = vec![("gg".to_owned(), 1), ("🎉".to_owned(), 53)];
    let told = applied.emoji.into_iter().map(|(of, totals)| (of, sorted(totals))).collect::<Vec<_>>();
    assert_eq!(told, [(s.clone(), expected.clone())]);
    feed.apply(&other, vec![counted(&[("🎉", 7)])]).await;
    assert_eq!(sorted(feed.store.emoji(&s).await.unwrap()), expected);
    let applied = feed.apply(&s, vec![counted(&[("❤", 1)])]).await;
    assert_eq!(applied.emoji[0].1.len(), 3, "all kinds of the stream are told, not only those that changed");
    let many = (0..100).map(|_| counted(&[("gg", u32::MAX)])).collect();
    feed.apply(&s, many).await;
    let total = feed.store.emoji(&s).await.unwrap().into_iter().find(|(name, _)| name == "gg").unwrap().1;
    assert_eq!(total, 1 + 100 * u64::from(u32::MAX));
    assert_eq!(feed.store.emoji(&other).await.unwrap(), [("🎉".to_owned(), 7)]);
}

pub async fn kinds_of_emoji_are_bounded_by_stream<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let (s, other) = (stream("s"), stream("s-2"));
    let counted = |n: usize| EventKind::EmojiCounted(vec![(format!("e{n:03}"), 1)]);
    feed.apply(&s, (0..EMOJI_KINDS_MAX + 20).map(counted).collect()).await;
    feed.apply(&s, (0..EMOJI_KINDS_MAX + 20).map(counted).collect()).await;
    feed.apply(&other, vec![counted(500)]).await;
    let mut totals = feed.store.emoji(&s).await.unwrap();
    totals.sort();
    let expected: Vec<_> = (0..EMOJI_KINDS_MAX).map(|n| (format!("e{n:03}"), 2)).collect();
    assert_eq!(totals, expected, "the first kinds stay and go on, later ones are left out");
    assert_eq!(feed.store.emoji(&other).await.unwrap(), [("e500".to_owned(), 1)]);
}

async fn like(feed: &mut Feed, n: u64, users: std::ops::Range<u32>, reaction: Reaction, at_ms: u64) {
    let s = stream("s");
    feed.apply(&s, users.map(|by| reacted(n, &format!("u{by}"), reaction, at_ms)).collect()).await;
}

async fn popular(feed: &Feed, size: u32) -> Vec<(CommentId, u32)> {
    let found = feed.store.popular(&stream("s"), size).await.unwrap();
    found.iter().map(|stored| (stored.comment.id, stored.likes)).collect()
}

pub async fn only_comments_over_ten_likes_are_popular_most_liked_first<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    feed.apply(&s, (0..5).map(|n| accepted(comment(&s, n, "ann"))).collect()).await;
    like(&mut feed, 0, 0..10, Reaction::Like, 1).await;
    assert_eq!(popular(&feed, 50).await, [], "ten likes are not more than ten");
    like(&mut feed, 0, 10..11, Reaction::Like, 1).await;
    like(&mut feed, 1, 0..300, Reaction::Like, 1).await;
    like(&mut feed, 2, 0..30, Reaction::Like, 1).await;
    like(&mut feed, 3, 0..40, Reaction::Dislike, 1).await;
    assert_eq!(popular(&feed, 50).await, [(id(1), 300), (id(2), 30), (id(0), 11)]);
    assert_eq!(popular(&feed, 2).await, [(id(1), 300), (id(2), 30)]);
    like(&mut feed, 1, 0..285, Reaction::Dislike, 2).await;
    like(&mut feed, 0, 0..1, Reaction::None, 2).await;
    assert_eq!(popular(&feed, 50).await, [(id(2), 30), (id(1), 15)]);
    feed.apply(&s, vec![removed(2)]).await;
    assert_eq!(popular(&feed, 1).await, [(id(1), 15)], "what is removed takes no place");
    assert_eq!(feed.store.popular(&stream("s2"), 50).await.unwrap(), []);
}

pub async fn what_is_popular_is_shown<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    feed.apply(&s, (0..3).map(|n| accepted(comment(&s, n, "ann"))).collect()).await;
    for (n, likes) in [(0, 20), (1, 30), (2, 40)] {
        like(&mut feed, n, 0..likes, Reaction::Like, 1).await;
    }
    let held = EventKind::CommentModerated { comment: comment_seen(&s, 2, "ann", Visibility::Held) };
    feed.apply(&s, vec![held, removed(1)]).await;
    assert_eq!(popular(&feed, 1).await, [(id(0), 20)]);
    // Likes go on meanwhile, and count when it is shown again.
    like(&mut feed, 2, 40..45, Reaction::Like, 1).await;
    like(&mut feed, 1, 30..35, Reaction::Like, 1).await;
    assert_eq!(popular(&feed, 5).await, [(id(0), 20)]);
    let approved = EventKind::CommentApproved { comment: comment(&s, 2, "ann"), actor: user("mod") };
    feed.apply(&s, vec![approved]).await;
    assert_eq!(popular(&feed, 5).await, [(id(2), 45), (id(0), 20)]);
}

pub async fn a_recount_corrects_totals_that_are_off<P: StorePlace>() {
    let place = P::fresh().await;
    let mut first = feed(&place).await;
    let s = stream("s");
    first.apply(&s, (0..2).map(|n| accepted(comment(&s, n, "ann"))).collect()).await;
    like(&mut first, 0, 0..12, Reaction::Like, 1).await;
    like(&mut first, 0, 12..15, Reaction::Dislike, 1).await;
    assert_eq!(first.store.recount(&s, id(0)).await.unwrap(), None);
    assert_eq!(first.store.recount(&s, id(9)).await.unwrap(), None, "no such comment");
    assert_eq!(first.store.recount(&stream("s2"), id(0)).await.unwrap(), None, "not of that stream");
    drop(first);
    place.spoil_totals(&s, id(0), 500, 1).await;
    place.spoil_totals(&s, id(1), 500, 1).await;
    let feed = feed(&place).await;
    assert_eq!(feed.comment(&s, 0).await.likes, 500, "the check spoiled it");
    let corrected = feed.store.recount(&s, id(0)).await.unwrap();
    assert_eq!(corrected, Some(Totals { comment: id(0), likes: 12, dislikes: 3 }));
    assert_eq!(
        feed.store.recount(&s, id(1)).await.unwrap(),
        Some(Totals { comment: id(1), likes: 0, dislikes: 0 })
    );
    assert_eq!(feed.store.recount(&s, id(0)).await.unwrap(), None);
    let found = feed.comment(&s, 0).await;
    assert_eq!((found.likes, found.dislikes), (12, 3));
    assert_eq!(popular(&feed, 50).await, [(id(0), 12)]);
}

pub async fn streams_whose_names_begin_alike_are_apart<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let streams = ["a", "a-", "a.b", "a_", "aa", "ab", "A", "a0"].map(stream);
    let bob: UserId = user("bob");
    for (n, of) in (0..).zip(&streams) {
        let mut reply = comment(of, 100 + n, "ann");
        reply.reply_to = Some(id(n));
        let mut kinds = vec![accepted(comment(of, n, "ann")), accepted(reply)];
        kinds.extend((0..20).map(|by| reacted(n, &format!("u{by}"), Reaction::Like, 1)));
        kinds.push(reacted(n, "bob", Reaction::Dislike, 1));
        kinds.push(EventKind::EmojiCounted(vec![("🎉".into(), 1 + n as u32)]));
        kinds.push(EventKind::Pinned { comment: Some(comment(of, n, "ann")), actor: bob.clone() });
        feed.apply(of, kinds).await;
    }
    let store = &*feed.store;
    for (n, of) in (0..).zip(&streams) {
        assert_eq!(newest(store, of).await, of_numbers([100 + n, n]), "{of}");
        let replies = page(store, of, PageOf::Replies(id(n)), Reader::Public, Anchor::Newest, 50).await;
        assert_eq!(ids(&replies), of_numbers([100 + n]), "{of}");
        assert_eq!(store.emoji(of).await.unwrap(), [("🎉".to_owned(), 1 + n)], "{of}");
        assert_eq!(store.pinned(of).await.unwrap().unwrap().comment.id, id(n), "{of}");
        let popular = store.popular(of, 50).await.unwrap();
        assert_eq!(popular.iter().map(|one| one.comment.id).collect::<Vec<_>>(), of_numbers([n]), "{of}");
        let asked = of_numbers(0..8);
        assert_eq!(store.reactions_of(of, &bob, &asked).await.unwrap(), [(id(n), Reaction::Dislike)], "{of}");
        let forward = page(store, of, PageOf::Stream, Reader::Public, Anchor::After(id(n)), 50).await;
        assert_eq!(ids(&forward), of_numbers([100 + n]), "{of}");
    }
}
