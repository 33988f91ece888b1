//! Restrictions are known on every host soon after they were decided on one, and hold on while the audit log is away.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ringside_core::{Restriction, RestrictionKind, Role, StreamId, UserId};
use ringside_embedded::{Embedded, EmbeddedOptions};
use ringside_ports::audit::{AuditEntry, AuditPage, AuditQuery, By, Deed, RestrictionChange};
use ringside_ports::error::{PortError, PortErrorKind};
use ringside_ports::{Audit, PortResult};
use ringside_roles::Clock;
use ringside_roles::restrictions::{BANS_CAPACITY, FollowedAudit};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// An audit log that can be away.
struct Switch(Arc<dyn Audit>, AtomicBool);

impl Switch {
    fn there(&self) -> PortResult<&dyn Audit> {
        if self.1.load(Ordering::SeqCst) {
            return Err(PortError::new(PortErrorKind::Unavailable, "audit", "as the test has it"));
        }
        Ok(&*self.0)
    }
}

#[async_trait]
impl Audit for Switch {
    async fn record(&self, by: By, deed: Deed, instead_of: Option<u64>) -> PortResult<AuditEntry> {
        self.there()?.record(by, deed, instead_of).await
    }

    async fn undo(&self, by: By, number: u64) -> PortResult<AuditEntry> {
        self.there()?.undo(by, number).await
    }

    async fn page(&self, query: AuditQuery) -> PortResult<AuditPage> {
        self.there()?.page(query).await
    }

    async fn restrictions(&self, now_ms: u64, user: &UserId) -> PortResult<Vec<Restriction>> {
        self.there()?.restrictions(now_ms, user).await
    }

    async fn restrictions_since(&self, version: u64, most: usize) -> PortResult<Vec<RestrictionChange>> {
        self.there()?.restrictions_since(version, most).await
    }

    async fn forget(&self, before_ms: u64) -> PortResult<usize> {
        self.there()?.forget(before_ms).await
    }
}

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

fn by(at_ms: u64) -> By {
    By { actor: user("mona"), role: Role::Moderator, at_ms, reason: "spam".into(), reference: None }
}

fn restrict(name: &str, kind: RestrictionKind, stream: Option<&str>, until_ms: Option<u64>) -> Deed {
    let stream = stream.map(|stream| StreamId::new(stream).unwrap());
    Deed::Restrict { user: user(name), kind, stream, until_ms }
}

async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let last = std::time::Instant::now() + Duration::from_secs(60);
    while !holds().await {
        assert!(std::time::Instant::now() < last, "it never came that {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_one_host_decides_holds_on_the_other_and_goes_on_while_the_audit_log_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let shared = Embedded::open(folder.path(), &EmbeddedOptions::default()).unwrap().audit;
    // Decided before either host began.
    shared.record(by(1), restrict("old", RestrictionKind::Ban, None, None), None).await.unwrap();
    let stop = CancellationToken::new();
    let (told, _other_bans) = mpsc::channel(BANS_CAPACITY);
    let one = FollowedAudit::start(shared.clone(), Clock::system(), told, stop.clone());
    let (told, mut bans) = mpsc::channel(BANS_CAPACITY);
    let switch = Arc::new(Switch(shared.clone(), AtomicBool::new(false)));
    let other = FollowedAudit::start(switch.clone(), Clock::system(), told, stop.clone());
    let of = async |name: &str| other.restrictions(1_000, &user(name)).await.unwrap();
    eventually("the old ban is known", async || of("old").await.len() == 1).await;

    let ban = one.record(by(5), restrict("troll", RestrictionKind::Ban, None, None), None).await.unwrap();
    one.record(by(6), restrict("ann", RestrictionKind::TimeOut, Some("s"), Some(2_000)), None).await.unwrap();
    one.record(by(7), restrict("ann", RestrictionKind::ShadowBan, None, None), None).await.unwrap();
    for banned in ["old", "troll"] {
        let told = tokio::time::timeout(Duration::from_secs(60), bans.recv()).await.unwrap();
        assert_eq!(told, Some(user(banned)));
    }
    eventually("both are known", async || of("ann").await.len() == 2).await;

    // Away: what is known holds, and is over when its time has come.
    switch.1.store(true, Ordering::SeqCst);
    let holding = of("ann").await;
    assert_eq!(
        holding.iter().map(|one| one.kind).collect::<Vec<_>>(),
        [RestrictionKind::ShadowBan, RestrictionKind::TimeOut]
    );
    let later = other.restrictions(2_000, &user("ann")).await.unwrap();
    assert_eq!(later.iter().map(|one| one.kind).collect::<Vec<_>>(), [RestrictionKind::ShadowBan]);
    assert_eq!(other.restrictions(1_000, &user("bob")).await.unwrap(), []);
    assert!(other.banned(1_000, &user("troll")).await.unwrap().is_some());

    // What was decided meanwhile is known when it is back.
    one.undo(by(8), ban.number).await.unwrap();
    assert!(other.banned(1_000, &user("troll")).await.unwrap().is_some());
    switch.1.store(false, Ordering::SeqCst);
    eventually("the ban is lifted", async || of("troll").await.is_empty()).await;
    assert!(bans.try_recv().is_err(), "the lifted ban ends no connections, and each other one did so once");
    stop.cancel();
}
