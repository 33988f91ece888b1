//! What users may not do, and how hosts hear of it.

use std::collections::HashMap;
use std::sync::Arc;

use ringside_core::moderation::{Restriction, RestrictionKind};
use ringside_ports::Audit;
use ringside_ports::audit::RestrictionChange;
use ringside_ports::error::PortErrorKind;

use super::{ban, by, held, recorded, restrict};
use crate::samples::{stream, user};
use crate::{Place, within};

pub async fn a_restriction_holds_until_its_time_or_until_it_is_undone<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    let time_out = restrict("ann", RestrictionKind::TimeOut, Some("s"), Some(5_000));
    let entry = recorded(&audit, by("mod", 1_000), time_out.clone()).await;
    let expected = Restriction {
        user: user("ann"),
        kind: RestrictionKind::TimeOut,
        stream: Some(stream("s")),
        until_ms: Some(5_000),
        reason: by("mod", 1_000).reason,
        by: user("mod"),
        since_ms: 1_000,
        entry: entry.number,
    };
    assert_eq!(held(&audit, 4_999, "ann").await, [expected]);
    assert_eq!(held(&audit, 5_000, "ann").await, []);
    assert_eq!((held(&audit, 0, "an").await, held(&audit, 0, "ann2").await), (vec![], vec![]));
    let anew =
        recorded(&audit, by("mod", 5_000), restrict("ann", RestrictionKind::TimeOut, Some("s"), None)).await;
    assert_eq!(held(&audit, u64::MAX, "ann").await.len(), 1, "what is over is in nobody's way");
    audit.undo(by("mod", 6_000), anew.number).await.unwrap();
    assert_eq!(held(&audit, 0, "ann").await, []);
    assert_eq!(audit.banned(0, &user("ann")).await.unwrap(), None);
    let ban = recorded(&audit, by("mod", 7_000), ban("ann")).await;
    assert_eq!(audit.banned(8_000, &user("ann")).await.unwrap(), ban.restriction());
}

pub async fn restrictions_of_one_user_do_not_touch_each_other<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    let mut entries = Vec::new();
    for kind in RestrictionKind::ALL {
        for on in [None, Some("s"), Some("t")] {
            if kind == RestrictionKind::Ban && on.is_some() {
                continue;
            }
            entries.push(recorded(&audit, by("mod", 1_000), restrict("ann", kind, on, None)).await);
        }
    }
    recorded(&audit, by("mod", 1_000), restrict("bob", RestrictionKind::TimeOut, Some("s"), None)).await;
    for left in (0..entries.len()).rev() {
        assert_eq!(held(&audit, 2_000, "ann").await.len(), left + 1);
        audit.undo(by("mod", 2_000), entries[left].number).await.unwrap();
    }
    assert_eq!(held(&audit, 2_000, "ann").await, []);
    assert_eq!(held(&audit, 2_000, "bob").await.len(), 1);
}

pub async fn restrictions_on_all_streams_come_first<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    for on in [Some("s"), None, Some("t")] {
        recorded(&audit, by("mod", 1_000), restrict("ann", RestrictionKind::TimeOut, on, None)).await;
    }
    recorded(&audit, by("mod", 1_000), ban("ann")).await;
    let order: Vec<u64> =
        held(&audit, 2_000, "ann").await.iter().map(|restriction| restriction.entry).collect();
    assert_eq!(order, [4, 2, 3, 1]);
}

async fn since(audit: &Arc<dyn Audit>, version: u64, most: usize) -> Vec<RestrictionChange> {
    audit.restrictions_since(version, most).await.unwrap()
}

pub async fn changes_of_restrictions_are_followed_in_order<P: Place<dyn Audit>>() {
    let place = P::fresh().await;
    let audit = place.open().await;
    assert_eq!(since(&audit, 0, 10).await, []);
    let ann = recorded(&audit, by("mod", 1_000), ban("ann")).await;
    recorded(&audit, by("mod", 1_000), super::approve(1)).await;
    let bob =
        recorded(&audit, by("mod", 1_000), restrict("bob", RestrictionKind::TimeOut, Some("s"), Some(9)))
            .await;
    let change = |version, entry: &ringside_ports::audit::AuditEntry, lifted| RestrictionChange {
        version,
        restriction: entry.restriction().unwrap(),
        lifted,
    };
    assert_eq!(since(&audit, 0, 10).await, [change(1, &ann, false), change(3, &bob, false)]);
    assert_eq!(since(&audit, 0, 1).await, [change(1, &ann, false)]);
    assert_eq!(since(&audit, 1, 1).await, [change(3, &bob, false)]);
    assert_eq!(since(&audit, 3, 10).await, []);
    audit.undo(by("mod", 2_000), ann.number).await.unwrap();
    assert_eq!(since(&audit, 3, 10).await, [change(4, &ann, true)]);
    assert_eq!(since(&audit, 0, 10).await, [change(3, &bob, false), change(4, &ann, true)], "each once");
    let again = recorded(&audit, by("mod", 3_000), ban("ann")).await;
    assert_eq!(since(&audit, 3, 10).await, [change(5, &again, false)]);
}

pub async fn who_follows_the_changes_sees_what_holds_whatever_happens_at_once<P: Place<dyn Audit>>() {
    const WRITERS: u64 = 4;
    const ROUNDS: u64 = 8;
    let place = P::fresh().await;
    let audit = place.open().await;
    let mut running = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let audit = audit.clone();
        running.spawn(async move {
            for round in 0..ROUNDS {
                let of = format!("user{}", round % 3);
                match audit.record(by(&format!("mod{writer}"), 1_000), ban(&of), None).await {
                    Ok(_) => {}
                    Err(error) if error.kind == PortErrorKind::Conflict => {
                        let Some(ban) = audit.banned(1_000, &user(&of)).await.unwrap() else { continue };
                        if let Err(error) = audit.undo(by(&format!("mod{writer}"), 1_000), ban.entry).await {
                            assert_eq!(error.kind, PortErrorKind::Conflict, "{error}");
                        }
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    let (mut version, mut known) = (0, HashMap::new());
    let mut take = |changes: Vec<RestrictionChange>| {
        for change in changes {
            assert!(change.version > version, "{} after {version}", change.version);
            version = change.version;
            let of = change.restriction.user.clone();
            if change.lifted {
                known.remove(&of)
            } else {
                known.insert(of, change.restriction)
            };
        }
        version
    };
    let mut last = 0;
    within(async {
        while !running.is_empty() {
            last = take(since(&audit, last, 3).await);
            while let Some(done) = running.try_join_next() {
                done.unwrap();
            }
        }
    })
    .await;
    loop {
        let rest = since(&audit, last, 3).await;
        if rest.is_empty() {
            break;
        }
        last = take(rest);
    }
    for n in 0..3 {
        let of = user(&format!("user{n}"));
        assert_eq!(known.remove(&of), audit.banned(1_000, &of).await.unwrap());
    }
}
