//! What events make of a comment.

use ringside_core::{Action, Comment, EventKind, Reaction, Visibility};
use ringside_ports::store::{Anchor, PageOf, Reader};

use super::{StorePlace, feed, newest, of_numbers, page};
use crate::samples::{
    accepted, comment, comment_seen, id, judgement, reacted, reference, removed, stream, user,
};

pub async fn an_edit_changes_text_mentions_and_judgement<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    let before = comment(&s, 0, "ann");
    let edit = EventKind::CommentEdited {
        comment: id(0),
        text: "better".into(),
        judgement: judgement(Action::Flag),
        mentions: vec!["bob".into()],
    };
    feed.apply(&s, vec![accepted(before.clone()), edit]).await;
    let expected = Comment {
        text: "better".into(),
        mentions: vec!["bob".into()],
        judgement: judgement(Action::Flag),
        edited_at_ms: Some(1_700_000_100_001),
        ..before
    };
    assert_eq!(feed.comment(&s, 0).await.comment, expected);
}

pub async fn a_removed_comment_is_in_no_page_but_can_be_asked_for<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    let kinds = (0..3).map(|n| accepted(comment(&s, n, "ann"))).chain([removed(1), removed(1)]).collect();
    feed.apply(&s, kinds).await;
    for reader in [Reader::Public, Reader::User(user("ann")), Reader::Moderator] {
        for of in [PageOf::Stream, PageOf::Review] {
            let found = page(&*feed.store, &s, of, reader.clone(), Anchor::Newest, 50).await;
            assert!(!super::ids(&found).contains(&id(1)), "{reader:?}: {found:?}");
        }
    }
    let kept = feed.comment(&s, 1).await.comment;
    assert_eq!(kept.visibility, Visibility::Removed);
    assert_eq!(kept.text, comment(&s, 1, "ann").text);
    assert_eq!(newest(&*feed.store, &s).await, of_numbers([2, 0]));
}

pub async fn an_approved_comment_is_shown_unless_it_was_removed<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    let approved = |n| EventKind::CommentApproved { comment: comment(&s, n, "ann"), actor: user("mod") };
    let kinds = vec![
        accepted(comment_seen(&s, 0, "ann", Visibility::Held)),
        accepted(comment_seen(&s, 1, "ann", Visibility::Shadow)),
        accepted(comment_seen(&s, 2, "ann", Visibility::Held)),
        removed(2),
        approved(0),
        approved(1),
        approved(2),
    ];
    feed.apply(&s, kinds).await;
    let seen = page(&*feed.store, &s, PageOf::Stream, Reader::Public, Anchor::Newest, 50).await;
    assert_eq!(super::ids(&seen), of_numbers([1, 0]));
    assert_eq!(feed.comment(&s, 2).await.comment.visibility, Visibility::Removed);
}

pub async fn a_restored_comment_is_as_it_was_with_its_likes_and_replies<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    let restored = |n, visibility| EventKind::CommentRestored {
        comment: comment_seen(&s, n, "ann", visibility),
        actor: user("mod"),
    };
    let reply = || Comment { reply_to: Some(id(0)), ..comment(&s, 1, "bob") };
    let mut kinds = vec![
        accepted(comment(&s, 0, "ann")),
        accepted(reply()),
        accepted(comment_seen(&s, 2, "ann", Visibility::Held)),
        accepted(comment_seen(&s, 3, "ann", Visibility::Held)),
    ];
    kinds.extend((0..12).map(|n| reacted(0, &format!("u{n}"), Reaction::Like, 1)));
    kinds.extend([removed(0), removed(1), removed(2)]);
    feed.apply(&s, kinds).await;
    assert_eq!(newest(&*feed.store, &s).await, of_numbers([3]));
    let kinds = vec![
        restored(0, Visibility::Shown),
        EventKind::CommentRestored { comment: reply(), actor: user("mod") },
        restored(2, Visibility::Held),
        // Nothing took it away, so that nothing is given back.
        restored(3, Visibility::Shown),
    ];
    feed.apply(&s, kinds).await;
    assert_eq!(newest(&*feed.store, &s).await, of_numbers([3, 2, 1, 0]));
    let kept = feed.comment(&s, 0).await;
    assert_eq!((kept.likes, kept.replies), (12, 1));
    assert_eq!(feed.store.popular(&s, 10).await.unwrap().len(), 1);
    let replies = page(&*feed.store, &s, PageOf::Replies(id(0)), Reader::Public, Anchor::Newest, 50).await;
    assert_eq!(super::ids(&replies), of_numbers([1]));
    let waiting = page(&*feed.store, &s, PageOf::Review, Reader::Moderator, Anchor::Newest, 50).await;
    assert_eq!(super::ids(&waiting), of_numbers([3, 2]));
    // Away again, and for good where nobody restores it.
    feed.apply(&s, vec![removed(0)]).await;
    assert_eq!(newest(&*feed.store, &s).await, of_numbers([3, 2, 1]));
}

pub async fn a_later_verdict_decides_who_sees_a_comment_unless_it_was_removed<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    let mut unjudged = comment(&s, 0, "ann");
    unjudged.judgement = ringside_core::Judgement::unjudged();
    let verdict =
        |n, visibility| EventKind::CommentModerated { comment: comment_seen(&s, n, "ann", visibility) };
    let mut kinds = vec![accepted(unjudged.clone())];
    kinds.extend((1..4).map(|n| accepted(comment(&s, n, "ann"))));
    kinds.extend([
        verdict(0, Visibility::Shown),
        verdict(1, Visibility::Held),
        verdict(2, Visibility::Shadow),
    ]);
    kinds.extend([removed(3), verdict(3, Visibility::Shown)]);
    feed.apply(&s, kinds).await;
    let expected = [Visibility::Shown, Visibility::Held, Visibility::Shadow, Visibility::Removed];
    for (n, visibility) in (0..).zip(expected) {
        let found = feed.comment(&s, n).await.comment;
        assert_eq!(found.visibility, visibility, "comment {n}");
    }
    assert!(!feed.comment(&s, 0).await.comment.judgement.is_unjudged());
    assert_eq!(feed.comment(&s, 1).await.comment.judgement, judgement(Action::Hold));
}

pub async fn a_verdict_on_a_text_that_was_changed_since_changes_nothing<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let s = stream("s");
    let edit = EventKind::CommentEdited {
        comment: id(0),
        text: "better".into(),
        judgement: judgement(Action::Accept),
        mentions: Vec::new(),
    };
    feed.apply(&s, vec![accepted(comment(&s, 0, "ann")), edit]).await;
    let before = feed.comment(&s, 0).await;
    let late = EventKind::CommentModerated { comment: comment_seen(&s, 0, "ann", Visibility::Held) };
    feed.apply(&s, vec![late]).await;
    assert_eq!(feed.comment(&s, 0).await, before);
    let judged = comment_seen(&s, 0, "ann", Visibility::Held);
    let kind = EventKind::CommentModerated { comment: Comment { text: "better".into(), ..judged } };
    feed.apply(&s, vec![kind]).await;
    assert_eq!(feed.comment(&s, 0).await.comment.visibility, Visibility::Held, "one on the new text does");
}

pub async fn the_pinned_comment_is_the_last_one_that_is_shown<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let (s, other) = (stream("s"), stream("s2"));
    let pin =
        |n: Option<u64>| EventKind::Pinned { comment: n.map(|n| comment(&s, n, "ann")), actor: user("mod") };
    feed.apply(&s, (0..2).map(|n| accepted(comment(&s, n, "ann"))).collect()).await;
    let steps = [
        (pin(Some(0)), Some(0)),
        (pin(Some(1)), Some(1)),
        (pin(None), None),
        (pin(Some(1)), Some(1)),
        (reacted(1, "bob", ringside_core::Reaction::Like, 1), Some(1)),
        (removed(0), Some(1)),
        (removed(1), None),
    ];
    for (kind, expected) in steps {
        feed.apply(&s, vec![kind.clone()]).await;
        let pinned = feed.store.pinned(&s).await.unwrap();
        assert_eq!(pinned.map(|stored| stored.comment.id), expected.map(id), "after {kind:?}");
        assert_eq!(feed.store.pinned(&other).await.unwrap(), None);
    }
}

pub async fn a_reference_finds_its_users_comment_only<P: StorePlace>() {
    let place = P::fresh().await;
    let mut feed = feed(&place).await;
    let (s, other) = (stream("s"), stream("s.b"));
    // Users and references may hold the signs that an adapter would join them with.
    let places = [(&s, "b:c", "d"), (&s, "b", "c:d"), (&s, "b", "d"), (&other, "c", "d"), (&s, "b.c", "d")];
    for (n, (of, by, name)) in (0..).zip(places) {
        let mut named = comment(of, n, by);
        named.reference = Some(reference(name));
        feed.apply(of, vec![accepted(named)]).await;
    }
    for (n, (of, by, name)) in (0..).zip(places) {
        let found = feed.store.by_reference(of, &user(by), &reference(name)).await.unwrap();
        assert_eq!(found.map(|comment| comment.id), Some(id(n)), "{of} {by} {name}");
    }
    for (of, by, name) in [(&s, "c", "d"), (&other, "b", "d"), (&s, "b", "c"), (&s, "b:c:d", "d")] {
        let found = feed.store.by_reference(of, &user(by), &reference(name)).await.unwrap();
        assert_eq!(found, None, "{of} {by} {name}");
    }
}
