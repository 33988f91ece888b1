//! The log, page by page.

use std::sync::Arc;

use ringside_core::moderation::RestrictionKind;
use ringside_ports::Audit;
use ringside_ports::audit::{AUDIT_PAGE_MAX, AuditEntry, AuditQuery, Deed};

use super::{all, approve, ban, by, change, recorded, remove, restrict};
use crate::Place;
use crate::samples::{id, stream, user};

/// All pages of a question.
async fn pages(audit: &Arc<dyn Audit>, mut query: AuditQuery) -> Vec<AuditEntry> {
    let mut found = Vec::new();
    loop {
        let page = audit.page(query.clone()).await.unwrap();
        assert!(page.entries.len() <= query.most.clamp(1, AUDIT_PAGE_MAX));
        found.extend(page.entries);
        match page.next {
            Some(next) => {
                assert!(query.before.is_none_or(|before| next < before), "it goes on");
                query.before = Some(next);
            }
            None => return found,
        }
    }
}

pub async fn pages_come_newest_first_and_miss_nothing<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    assert_eq!(audit.page(AuditQuery::default()).await.unwrap(), Default::default());
    let mut expected = Vec::new();
    for n in 0..23 {
        expected.insert(0, recorded(&audit, by(["mod", "bob"][n % 2], 1_000), approve(n as u64)).await);
    }
    for most in [0, 1, 2, 7, 23, 500] {
        assert_eq!(
            pages(&audit, AuditQuery { most, ..AuditQuery::default() }).await,
            expected,
            "pages of {most}"
        );
        let bobs = AuditQuery { most, actor: Some(user("bob")), ..AuditQuery::default() };
        let expected: Vec<_> =
            expected.iter().filter(|entry| entry.by.actor == user("bob")).cloned().collect();
        assert_eq!(pages(&audit, bobs).await, expected, "pages of {most}");
    }
    for n in 23..(AUDIT_PAGE_MAX as u64 + 2) {
        recorded(&audit, by("mod", 1_000), approve(n)).await;
    }
    let most = audit.page(AuditQuery { most: usize::MAX, ..AuditQuery::default() }).await.unwrap();
    assert_eq!(most.entries.len(), AUDIT_PAGE_MAX);
    assert!(most.next.is_some());
}

pub async fn a_page_is_of_what_was_asked_for<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    let deeds = [
        ("mod", approve(1)),
        ("bob", remove(2)),
        ("mod", Deed::Remove { stream: stream("t"), comment: id(3) }),
        ("mod", ban("ann")),
        ("bob", restrict("ann", RestrictionKind::TimeOut, Some("t"), Some(90_000))),
        ("bob", restrict("a", RestrictionKind::ShadowBan, None, None)),
        ("ops", change("component.push", "words")),
        ("ops", change("component", "links")),
    ];
    for (n, (actor, deed)) in deeds.into_iter().enumerate() {
        recorded(&audit, by(actor, 1_000 * (n as u64 + 1)), deed).await;
    }
    audit.undo(by("ann", 9_000), 4).await.unwrap();
    let query = || AuditQuery { most: 3, ..AuditQuery::default() };
    let cases = [
        (AuditQuery { stream: Some(stream("s")), ..query() }, vec![2, 1]),
        (AuditQuery { stream: Some(stream("t")), ..query() }, vec![5, 3]),
        (AuditQuery { user: Some(user("ann")), ..query() }, vec![9, 5, 4]),
        (AuditQuery { user: Some(user("mod")), ..query() }, vec![]),
        (AuditQuery { actor: Some(user("mod")), ..query() }, vec![4, 3, 1]),
        (AuditQuery { actor: Some(user("ann")), ..query() }, vec![9]),
        (AuditQuery { comment: Some(id(2)), ..query() }, vec![2]),
        (AuditQuery { kind: Some("user.ban".into()), ..query() }, vec![9, 4]),
        (AuditQuery { kind: Some("component".into()), ..query() }, vec![8]),
        (AuditQuery { kind: Some("comment.remove".into()), actor: Some(user("bob")), ..query() }, vec![2]),
        (AuditQuery { user: Some(user("ann")), stream: Some(stream("t")), ..query() }, vec![5]),
        (AuditQuery { since_ms: Some(3_000), until_ms: Some(5_000), ..query() }, vec![4, 3]),
        (AuditQuery { user: Some(user("ann")), since_ms: Some(4_001), ..query() }, vec![9, 5]),
        (AuditQuery { before: Some(3), ..query() }, vec![2, 1]),
        (AuditQuery { before: Some(9), user: Some(user("ann")), ..query() }, vec![5, 4]),
        (query(), vec![9, 8, 7, 6, 5, 4, 3, 2, 1]),
    ];
    for (query, expected) in cases {
        let numbers: Vec<u64> = pages(&audit, query.clone()).await.iter().map(|entry| entry.number).collect();
        assert_eq!(numbers, expected, "{query:?}");
    }
}

pub async fn an_entry_says_what_undid_it<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    recorded(&audit, by("mod", 1_000), approve(1)).await;
    recorded(&audit, by("mod", 1_000), ban("ann")).await;
    audit.undo(by("bob", 2_000), 2).await.unwrap();
    let undone: Vec<_> = all(&audit).await.iter().map(|e| (e.number, e.undoes, e.undone_by)).collect();
    assert_eq!(undone, [(3, Some(2), None), (2, None, Some(3)), (1, None, None)]);
}
