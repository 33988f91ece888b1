//! What goes, and what stays.

use ringside_core::moderation::RestrictionKind;
use ringside_ports::Audit;

use super::{all, approve, ban, by, by_reference, held, recorded, remove, restrict};
use crate::Place;

pub async fn old_entries_are_forgotten_but_not_what_holds<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    recorded(&audit, by_reference("mod", 1_000, "r"), approve(1)).await;
    recorded(&audit, by("mod", 1_000), ban("ann")).await;
    recorded(&audit, by("mod", 1_000), restrict("bob", RestrictionKind::TimeOut, None, Some(5_000))).await;
    let cy = recorded(&audit, by("mod", 1_000), ban("cy")).await;
    let dan = recorded(&audit, by("mod", 1_000), ban("dan")).await;
    audit.undo(by("mod", 2_000), dan.number).await.unwrap();
    audit.undo(by("mod", 20_000), cy.number).await.unwrap();
    assert_eq!(audit.forget(1_000).await.unwrap(), 0);

    let mut forgotten = 0;
    loop {
        match audit.forget(10_000).await.unwrap() {
            0 => break,
            more => forgotten += more,
        }
    }
    let left: Vec<u64> = all(&audit).await.iter().map(|entry| entry.number).collect();
    assert_eq!((forgotten, left), (4, vec![7, 4, 2]), "ann's ban holds, and cy's was lifted just now");
    assert_eq!(held(&audit, 30_000, "ann").await.len(), 1);
    let changes = audit.restrictions_since(0, 10).await.unwrap();
    let changes: Vec<_> = changes.iter().map(|change| (change.version, change.lifted)).collect();
    assert_eq!(changes, [(2, false), (7, true)]);

    recorded(&audit, by_reference("mod", 30_000, "r"), remove(1)).await;
    recorded(&audit, by("mod", 30_000), ban("dan")).await;
    recorded(&audit, by("mod", 30_000), restrict("bob", RestrictionKind::TimeOut, None, None)).await;
    audit.undo(by("mod", 30_000), 2).await.unwrap();
    assert_eq!(audit.forget(30_000).await.unwrap(), 2, "cy's ban and its lifting");
    let left: Vec<u64> = all(&audit).await.iter().map(|entry| entry.number).collect();
    assert_eq!(left, [11, 10, 9, 8, 2]);
}

pub async fn a_restart_keeps_the_log_and_what_stands<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    recorded(&audit, by_reference("mod", 1_000, "r"), approve(1)).await;
    recorded(&audit, by("mod", 1_000), ban("ann")).await;
    recorded(&audit, by("mod", 1_000), ban("bob")).await;
    audit.undo(by("mod", 2_000), 3).await.unwrap();
    let (log, changes) = (all(&audit).await, audit.restrictions_since(0, 10).await.unwrap());
    drop(audit);
    let audit = place.open().await;
    assert_eq!(all(&audit).await, log);
    assert_eq!(audit.restrictions_since(0, 10).await.unwrap(), changes);
    assert_eq!((held(&audit, 3_000, "ann").await.len(), held(&audit, 3_000, "bob").await.len()), (1, 0));
    assert!(audit.record(by("bob", 3_000), remove(1), None).await.is_err());
    let again = audit.record(by_reference("mod", 3_000, "r"), approve(1), None).await.unwrap();
    assert_eq!(again.number, 1);
    assert_eq!(recorded(&audit, by("bob", 3_000), remove(2)).await.number, 5);
}
