//! Chunks, checkpoints, repetition, restarts.

use ringside_core::event::Totals;
use ringside_core::{Action, EventKind, Reaction, Settings, StreamId, Visibility};
use ringside_ports::Store;
use ringside_ports::store::{Anchor, Applied, PageOf, Reader, StoredComment};

use super::{StorePlace, feed, newest, of_numbers, page};
use crate::Place;
use crate::samples::{
    accepted, comment, comment_seen, event, id, judgement, reacted, reference, removed, stream, user,
};

/// All that a store says about a stream with comments 0 to `count`.
async fn everything(store: &dyn Store, of: &StreamId, count: u64) -> String {
    let mut found = Vec::new();
    for n in 0..count {
        let reactions = store.reactions_of(of, &user(&format!("u{n}")), &of_numbers(0..count)).await.unwrap();
        found.push(format!("{:?} {reactions:?}", store.comment(of, id(n)).await.unwrap()));
    }
    for query in [PageOf::Stream, PageOf::Review, PageOf::Replies(id(0))] {
        for reader in [Reader::Moderator, Reader::Public, Reader::User(user("ann"))] {
            found.push(format!("{:?}", page(store, of, query.clone(), reader, Anchor::Newest, 200).await));
        }
    }
    let reference = store.by_reference(of, &user("ann"), &reference("r")).await.unwrap();
    found.push(format!("{reference:?} {:?}", store.emoji(of).await.unwrap()));
    found.push(format!("{:?} {:?}", store.pinned(of).await.unwrap(), store.popular(of, 50).await.unwrap()));
    found.push(format!("{:?}", store.checkpoint(0).await.unwrap()));
    found.join("\n")
}

/// One of every kind of event.
fn all_kinds(of: &StreamId) -> Vec<EventKind> {
    let mut reply = comment(of, 1, "bob");
    reply.reply_to = Some(id(0));
    let mut named = comment(of, 2, "ann");
    named.reference = Some(reference("r"));
    let held = comment_seen(of, 3, "ann", Visibility::Held);
    let approved = comment_seen(of, 4, "bob", Visibility::Held);
    let moderated = comment_seen(of, 5, "ann", Visibility::Shadow);
    let mut kinds: Vec<EventKind> = [comment(of, 0, "ann"), reply, named, held, approved.clone()]
        .into_iter()
        .chain([comment(of, 5, "ann"), comment(of, 6, "bob"), comment(of, 7, "bob")])
        .map(accepted)
        .collect();
    kinds.extend([
        EventKind::CommentEdited {
            comment: id(7),
            text: "better".into(),
            judgement: judgement(Action::Flag),
            mentions: Vec::new(),
        },
        removed(6),
        EventKind::CommentApproved {
            comment: ringside_core::Comment { visibility: Visibility::Shown, ..approved },
            actor: user("mod"),
        },
        EventKind::CommentModerated { comment: moderated },
        EventKind::EmojiCounted(vec![("🎉".into(), 3), ("❤".into(), 50)]),
        EventKind::Pinned { comment: Some(comment(of, 2, "ann")), actor: user("mod") },
        EventKind::Viewers(12),
        EventKind::SettingsChanged { settings: Settings::default(), actor: user("mod") },
        EventKind::ReactionTotals(vec![Totals { comment: id(0), likes: 900, dislikes: 900 }]),
        EventKind::EmojiTotals(vec![("🎉".into(), 900)]),
    ]);
    kinds.extend((0..12).map(|n| reacted(0, &format!("u{n}"), Reaction::Like, 5)));
    kinds.push(reacted(0, "u1", Reaction::Dislike, 6));
    kinds.push(reacted(1, "u1", Reaction::Dislike, 6));
    kinds
}

pub async fn a_new_store_has_nothing<P: StorePlace>() {
    let place = P::fresh().await;
    let store = place.open().await;
    let s = stream("s");
    assert_eq!(store.checkpoint(0).await.unwrap(), 0);
    assert_eq!(store.checkpoint(7).await.unwrap(), 0);
    assert_eq!(store.comment(&s, id(0)).await.unwrap(), None);
    assert_eq!(store.by_reference(&s, &user("ann"), &reference("r")).await.unwrap(), None);
    assert_eq!(store.reactions_of(&s, &user("ann"), &[id(0)]).await.unwrap(), []);
    assert_eq!(store.emoji(&s).await.unwrap(), []);
    assert_eq!(store.pinned(&s).await.unwrap(), None);
    assert_eq!(store.popular(&s, 10).await.unwrap(), []);
    assert_eq!(store.recount(&s, id(0)).await.unwrap(), None);
    for of in [PageOf::Stream, PageOf::Review, PageOf::Replies(id(0))] {
        for anchor in [Anchor::Newest, Anchor::Before(id(0)), Anchor::After(id(0))] {
            let found = page(&*store, &s, of.clone(), Reader::Moderator, anchor, 50).await;
            assert!(found.items.is_empty() && !found.older && !found.newer, "{found:?}");
        }
    }
}

pub async fn a_comment_is_kept_as_it_was_taken<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    let mut full = comment_seen(&s, 1, "auth0|ann:x@y.z", Visibility::Held);
    full.reply_to = Some(id(0));
    full.reference = Some(reference("r:1.a_b-c"));
    full.mentions = vec!["bob".into(), "日本".into()];
    full.edited_at_ms = Some(9);
    let plain = comment(&s, 0, "bob");
    let applied = feed.apply(&s, vec![accepted(plain.clone()), accepted(full.clone())]).await;
    assert_eq!(applied, Applied::default());
    assert_eq!(feed.store.checkpoint(0).await.unwrap(), 2);
    for (n, comment) in [(0, plain), (1, full)] {
        assert_eq!(feed.comment(&s, n).await, StoredComment { comment, likes: 0, dislikes: 0, replies: 0 });
    }
}

pub async fn a_repeated_chunk_changes_nothing<P: StorePlace>() {
    let place = P::fresh().await;
    let store = place.open().await;
    let s = stream("s");
    let events: Vec<_> = (0..).zip(all_kinds(&s)).map(|(offset, kind)| event(&s, offset, kind)).collect();
    let next = events.len() as u64;
    let applied = store.apply(0, &events, next).await.unwrap();
    assert_eq!((applied.reactions.len(), applied.emoji.len()), (2, 1), "{applied:?}");
    let before = everything(&*store, &s, 8).await;
    for _ in 0..3 {
        assert_eq!(store.apply(0, &events, next).await.unwrap(), Applied::default());
        assert_eq!(everything(&*store, &s, 8).await, before);
    }
}

pub async fn an_overlapping_chunk_takes_in_only_what_is_new<P: StorePlace>() {
    let s = stream("s");
    let kinds = all_kinds(&s);
    let events: Vec<_> = (0..).zip(kinds).map(|(offset, kind)| event(&s, offset, kind)).collect();
    let whole = P::fresh().await;
    let store = whole.open().await;
    store.apply(0, &events, events.len() as u64).await.unwrap();
    let expected = everything(&*store, &s, 8).await;
    for step in [1, 2, 5] {
        let place = P::fresh().await;
        let store = place.open().await;
        let mut end = 0;
        while end < events.len() {
            end = (end + step).min(events.len());
            let begin = end.saturating_sub(3 * step);
            store.apply(0, &events[begin..end], end as u64).await.unwrap();
            assert_eq!(store.checkpoint(0).await.unwrap(), end as u64);
        }
        assert_eq!(everything(&*store, &s, 8).await, expected, "in steps of {step}");
    }
}

pub async fn offsets_may_have_gaps_and_the_checkpoint_goes_past_them<P: StorePlace>() {
    let place = P::fresh().await;
    let store = place.open().await;
    let s = stream("s");
    let events =
        [event(&s, 10, accepted(comment(&s, 0, "ann"))), event(&s, 17, accepted(comment(&s, 1, "ann")))];
    store.apply(0, &events, 40).await.unwrap();
    assert_eq!(store.checkpoint(0).await.unwrap(), 40);
    store.apply(0, &[], 55).await.unwrap();
    assert_eq!(store.checkpoint(0).await.unwrap(), 55, "a chunk of skipped records moves it too");
    store.apply(0, &[event(&s, 54, accepted(comment(&s, 2, "ann")))], 55).await.unwrap();
    assert_eq!(newest(&*store, &s).await, of_numbers([1, 0]), "54 is below the checkpoint");
}

pub async fn partitions_have_checkpoints_of_their_own<P: StorePlace>() {
    let place = P::fresh().await;
    let store = place.open().await;
    let (a, b) = (stream("a"), stream("b"));
    store.apply(0, &[event(&a, 3, accepted(comment(&a, 0, "ann")))], 4).await.unwrap();
    store.apply(1, &[event(&b, 0, accepted(comment(&b, 1, "ann")))], 1).await.unwrap();
    assert_eq!((store.checkpoint(0).await.unwrap(), store.checkpoint(1).await.unwrap()), (4, 1));
    assert_eq!(store.checkpoint(2).await.unwrap(), 0);
    assert_eq!(newest(&*store, &b).await, of_numbers([1]));
}

pub async fn partitions_can_be_taken_in_at_once<P: StorePlace>() {
    let place = P::fresh().await;
    let store = place.open().await;
    let mut running = tokio::task::JoinSet::new();
    for partition in 0..4u32 {
        let store = store.clone();
        running.spawn(async move {
            let s = stream(&format!("s{partition}"));
            for n in 0..40u64 {
                let number = 1_000 * u64::from(partition) + n;
                let kinds = [accepted(comment(&s, number, "ann")), reacted(number, "bob", Reaction::Like, 1)];
                let events: Vec<_> = (2 * n..).zip(kinds).map(|(at, kind)| event(&s, at, kind)).collect();
                store.apply(partition, &events, 2 * n + 2).await.unwrap();
            }
        });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
    for partition in 0..4u32 {
        let s = stream(&format!("s{partition}"));
        assert_eq!(store.checkpoint(partition).await.unwrap(), 80);
        let found = page(&*store, &s, PageOf::Stream, Reader::Public, Anchor::Newest, 200).await;
        assert_eq!(found.items.len(), 40);
        assert!(found.items.iter().all(|item| item.likes == 1));
    }
}

pub async fn events_about_a_comment_that_is_not_there_are_skipped<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    let pinned = EventKind::Pinned { comment: Some(comment(&s, 0, "ann")), actor: user("mod") };
    feed.apply(&s, vec![accepted(comment(&s, 0, "ann")), pinned]).await;
    let before = everything(&*feed.store, &s, 3).await;
    let unknown = comment(&s, 1, "ann");
    let applied = feed
        .apply(
            &s,
            vec![
                EventKind::CommentEdited {
                    comment: id(1),
                    text: "x".into(),
                    judgement: judgement(Action::Accept),
                    mentions: Vec::new(),
                },
                removed(1),
                EventKind::CommentApproved { comment: unknown.clone(), actor: user("mod") },
                EventKind::CommentModerated { comment: unknown.clone() },
                reacted(1, "u1", Reaction::Like, 1),
                EventKind::Pinned { comment: Some(unknown), actor: user("mod") },
            ],
        )
        .await;
    assert_eq!(applied, Applied::default());
    assert_eq!(feed.store.checkpoint(0).await.unwrap(), 8);
    let after = everything(&*feed.store, &s, 3).await;
    assert_eq!(after.replace("\n8", "\n2"), before, "and the comment that is pinned stays so");
}

pub async fn events_that_change_no_comment_only_move_the_checkpoint<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    feed.apply(&s, vec![accepted(comment(&s, 0, "ann"))]).await;
    let before = everything(&*feed.store, &s, 2).await;
    let kinds = vec![
        EventKind::ReactionTotals(vec![Totals { comment: id(0), likes: 7, dislikes: 7 }]),
        EventKind::EmojiTotals(vec![("🎉".into(), 7)]),
        EventKind::SettingsChanged { settings: Settings::default(), actor: user("mod") },
        EventKind::Viewers(7),
    ];
    assert_eq!(feed.apply(&s, kinds).await, Applied::default());
    assert_eq!(everything(&*feed.store, &s, 2).await.replace("\n5", "\n1"), before);
}

pub async fn a_restart_keeps_everything<P: StorePlace>() {
    let place = P::fresh().await;
    let s = stream("s");
    let mut feed = feed(&place).await;
    for kind in all_kinds(&s) {
        feed.apply(&s, vec![kind]).await;
    }
    let before = everything(&*feed.store, &s, 8).await;
    drop(feed);
    for _ in 0..2 {
        let store = Place::open(&place).await;
        assert_eq!(everything(&*store, &s, 8).await, before);
    }
}
