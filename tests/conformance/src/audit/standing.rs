//! One deed stands in a place.

use std::sync::Arc;

use ringside_core::moderation::RestrictionKind;
use ringside_ports::Audit;
use ringside_ports::audit::{AuditEntry, CHANGE_BYTES_MAX, Deed, REASON_BYTES_MAX, STATE_BYTES_MAX};
use ringside_ports::error::{PortErrorKind, PortResult};

use super::{all, approve, ban, by, by_reference, change, recorded, refused, remove, restrict};
use crate::Place;
use crate::samples::{id, stream};

pub async fn entries_are_numbered_one_by_one<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    let first = recorded(&audit, by("mod", 1_000), approve(1)).await;
    assert_eq!((first.number, &first.by, &first.deed), (1, &by("mod", 1_000), &approve(1)));
    assert_eq!((first.instead_of, first.undoes, first.undone_by), (None, None, None));
    refused(audit.record(by("bob", 1_000), remove(1), None).await, PortErrorKind::Conflict, &[]);
    let second = recorded(&audit, by("mod", 500), ban("ann")).await;
    assert_eq!(second.number, 2, "what was refused takes no number");
    assert_eq!(all(&audit).await, [second, first]);
}

pub async fn a_comment_is_decided_once_and_the_second_moderator_is_told_of_the_first<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    recorded(&audit, by("mod", 10_000), approve(1)).await;
    for deed in [approve(1), remove(1)] {
        let second = audit.record(by("bob", 17_000), deed, None).await;
        refused(second, PortErrorKind::Conflict, &["comment.approve", "`mod`", "7 s ago", "entry 1"]);
    }
    recorded(&audit, by("bob", 17_000), remove(2)).await;
    let elsewhere = Deed::Remove { stream: stream("other"), comment: id(1) };
    recorded(&audit, by("bob", 17_000), elsewhere).await;
}

/// Runs calls at once; the entry of the one that succeeded, which must be one.
async fn at_once<F>(calls: impl Iterator<Item = F>) -> AuditEntry
where
    F: Future<Output = PortResult<AuditEntry>> + Send + 'static,
{
    let mut running = tokio::task::JoinSet::new();
    for call in calls {
        running.spawn(call);
    }
    let mut won = Vec::new();
    while let Some(done) = running.join_next().await {
        match done.unwrap() {
            Ok(entry) => won.push(entry),
            Err(error) => assert_eq!(error.kind, PortErrorKind::Conflict, "{error}"),
        }
    }
    assert_eq!(won.len(), 1, "{won:?}");
    won.remove(0)
}

fn record(
    audit: &Arc<dyn Audit>,
    n: u64,
    deed: Deed,
) -> impl Future<Output = PortResult<AuditEntry>> + use<> {
    let audit = audit.clone();
    async move { audit.record(by(&format!("mod{n}"), 1_000), deed, None).await }
}

pub async fn of_many_that_decide_at_once_one_does<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    for round in 0..5 {
        let deed = |n: u64| if n.is_multiple_of(2) { approve(round) } else { remove(round) };
        let won = at_once((0..6).map(|n| record(&audit, n, deed(n)))).await;
        let log = all(&audit).await;
        assert_eq!((log.len() as u64, log.first()), (round + 1, Some(&won)));
    }
}

pub async fn of_many_that_restrict_or_undo_at_once_one_does<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    for _ in 0..3 {
        let won = at_once((0..6).map(|n| record(&audit, n, ban("ann")))).await;
        assert_eq!(audit.banned(2_000, &crate::samples::user("ann")).await.unwrap(), won.restriction());
        let number = won.number;
        let undo = |n: u64| {
            let audit = audit.clone();
            async move { audit.undo(by(&format!("mod{n}"), 2_000), number).await }
        };
        let undone = at_once((0..6).map(undo)).await;
        assert_eq!(undone.undoes, Some(number));
        assert_eq!(audit.banned(2_000, &crate::samples::user("ann")).await.unwrap(), None);
    }
    assert_eq!(all(&audit).await.len(), 6);
}

pub async fn a_decision_takes_the_place_of_the_one_it_names<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    let first = recorded(&audit, by("mod", 1_000), approve(1)).await;
    let second = audit.record(by("bob", 2_000), remove(1), Some(first.number)).await.unwrap();
    assert_eq!(second.instead_of, Some(first.number));
    let late = audit.record(by("cy", 3_000), approve(1), Some(first.number)).await;
    refused(late, PortErrorKind::Conflict, &["comment.remove", "`bob`", "entry 2"]);
    let nothing = audit.record(by("cy", 3_000), approve(7), Some(first.number)).await;
    refused(nothing, PortErrorKind::Conflict, &["entry 1"]);
    let longer = restrict("ann", RestrictionKind::TimeOut, None, Some(9_000));
    let shorter = restrict("ann", RestrictionKind::TimeOut, None, Some(5_000));
    let before = recorded(&audit, by("mod", 3_000), shorter).await;
    refused(
        audit.record(by("bob", 4_000), longer.clone(), None).await,
        PortErrorKind::Conflict,
        &["user.time-out", "`mod`", "1 s ago"],
    );
    audit.record(by("bob", 4_000), longer, Some(before.number)).await.unwrap();
}

pub async fn what_is_undone_is_undone_once_and_may_be_done_again<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    for deed in
        [approve(1), remove(2), ban("ann"), restrict("ann", RestrictionKind::ShadowBan, Some("s"), None)]
    {
        let done = recorded(&audit, by("mod", 1_000), deed.clone()).await;
        let undone = audit.undo(by("bob", 4_000), done.number).await.unwrap();
        assert_eq!((undone.undoes, &undone.deed, &undone.by), (Some(done.number), &deed, &by("bob", 4_000)));
        let again = audit.undo(by("cy", 9_000), done.number).await;
        refused(again, PortErrorKind::Conflict, &["`bob`", "5 s ago", &format!("entry {}", undone.number)]);
        let undoing = audit.undo(by("cy", 9_000), undone.number).await;
        refused(undoing, PortErrorKind::Invalid, &[&format!("entry {}", done.number)]);
        recorded(&audit, by("cy", 9_000), deed).await;
    }
    refused(audit.undo(by("cy", 9_000), 99).await, PortErrorKind::NotFound, &["99"]);
}

pub async fn what_was_replaced_or_is_over_is_not_undone<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    let first = recorded(&audit, by("mod", 1_000), approve(1)).await;
    let second = audit.record(by("bob", 2_000), remove(1), Some(first.number)).await.unwrap();
    refused(audit.undo(by("cy", 3_000), first.number).await, PortErrorKind::Conflict, &["replaced", "`bob`"]);
    audit.undo(by("cy", 3_000), second.number).await.unwrap();
    refused(audit.undo(by("cy", 3_000), first.number).await, PortErrorKind::Conflict, &["stands no more"]);
    recorded(&audit, by("cy", 3_000), approve(1)).await;

    let short = restrict("ann", RestrictionKind::TimeOut, None, Some(5_000));
    let short = recorded(&audit, by("mod", 4_000), short).await;
    refused(audit.undo(by("cy", 5_000), short.number).await, PortErrorKind::Conflict, &["stands no more"]);
}

pub async fn a_change_holds_nothing_and_is_not_undone<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    let deed = Deed::Change {
        what: "stream.settings".into(),
        stream: Some(stream("s")),
        subject: "s".into(),
        before: Some(serde_json::json!({ "slow_mode_s": 0, "blocked_terms": ["a", "ü"] })),
        after: Some(serde_json::json!({ "slow_mode_s": 5, "title": null, "share": 0.25 })),
    };
    let first = recorded(&audit, by("mod", 1_000), deed.clone()).await;
    recorded(&audit, by("mod", 1_000), deed.clone()).await;
    refused(audit.undo(by("mod", 1_000), first.number).await, PortErrorKind::Invalid, &["is a change"]);
    let instead = audit.record(by("mod", 1_000), deed.clone(), Some(first.number)).await;
    refused(instead, PortErrorKind::Invalid, &["stream.settings"]);
    assert!(all(&audit).await.iter().all(|entry| entry.deed == deed));
}

pub async fn the_same_reference_is_the_same_deed<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    let first = audit.record(by_reference("mod", 1_000, "r1"), ban("ann"), None).await.unwrap();
    let again = audit.record(by_reference("mod", 3_000, "r1"), ban("ann"), None).await.unwrap();
    assert_eq!(again, first, "the call whose answer was lost");
    let other = audit.record(by_reference("mod", 3_000, "r1"), ban("bob"), None).await;
    refused(other, PortErrorKind::Conflict, &["reference", "entry 1"]);
    let undone = audit.undo(by_reference("mod", 3_000, "r2"), first.number).await.unwrap();
    assert_eq!(audit.undo(by_reference("mod", 4_000, "r2"), first.number).await.unwrap(), undone);
    refused(audit.undo(by_reference("mod", 4_000, "r1"), 1).await, PortErrorKind::Conflict, &["reference"]);
    let theirs = audit.record(by_reference("bob", 4_000, "r1"), ban("ann"), None).await.unwrap();
    assert_eq!(theirs.number, 3, "each actor has their own references, and repeating took no number");
}

pub async fn what_is_too_long_or_makes_no_sense_is_refused<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    let long = |max: usize| "x".repeat(max + 1);
    let with = |state: &str| Deed::Change {
        what: "stream.settings".into(),
        stream: None,
        subject: "s".into(),
        before: None,
        after: Some(state.into()),
    };
    let deeds = [
        restrict("ann", RestrictionKind::Ban, Some("s"), None),
        change("Stream Settings", "s"),
        change("", "s"),
        change("user.ban", "ann"),
        change("comment.remove", "1"),
        change(&long(CHANGE_BYTES_MAX), "s"),
        change("component.push", &long(CHANGE_BYTES_MAX)),
        change("component.push", "a\0b"),
        with(&long(STATE_BYTES_MAX)),
        with("a\0b"),
    ];
    for deed in deeds {
        refused(audit.record(by("mod", 1_000), deed, None).await, PortErrorKind::Invalid, &[]);
    }
    let done = recorded(&audit, by("mod", 1_000), ban("ann")).await;
    for reason in [long(REASON_BYTES_MAX), "a\0b".into()] {
        let mut by = by("mod", 1_000);
        by.reason = reason;
        refused(audit.record(by.clone(), approve(1), None).await, PortErrorKind::Invalid, &["reason"]);
        refused(audit.undo(by, done.number).await, PortErrorKind::Invalid, &["reason"]);
    }
    let mut longest = by("mod", 1_000);
    longest.reason = "ü".repeat(REASON_BYTES_MAX / 2);
    recorded(&audit, longest, with(&"y".repeat(STATE_BYTES_MAX - 2))).await;
    assert_eq!(all(&audit).await.len(), 2);
}
