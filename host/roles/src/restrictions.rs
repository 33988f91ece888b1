//! What users may not do, kept near: asked for every sign-in and every comment, changed rarely, and by any host.
//!
//! Each host follows the audit log's changes, so an answer costs no round trip, holds on every host within two seconds
//! (R37), and goes on while the audit log is away.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ringside_core::{Restriction, RestrictionKind, UserId};
use ringside_ports::audit::{AUDIT_PAGE_MAX, AuditEntry, AuditPage, AuditQuery, By, Deed, RestrictionChange};
use ringside_ports::{Audit, PortResult};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clock::Clock;

/// How often changes are asked for: a quarter of the two seconds within which a decision must hold.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);
/// Restrictions kept near, 200 bytes each; what is over by its time goes first. Past it users are asked for one by one.
const RESTRICTIONS_MAX: usize = 500_000;
/// Bans that wait for their user's connections to be ended; who follows waits until there is room.
pub const BANS_CAPACITY: usize = 1_024;

#[derive(Default)]
struct Known {
    of: HashMap<UserId, Vec<Restriction>>,
    count: usize,
    version: u64,
    /// All that holds is here.
    is_whole: bool,
}

impl Known {
    fn take(&mut self, change: RestrictionChange) {
        let RestrictionChange { version, restriction, lifted } = change;
        self.version = self.version.max(version);
        let kept = self.of.entry(restriction.user.clone()).or_default();
        let before = kept.len();
        kept.retain(|one| one.kind != restriction.kind || one.stream != restriction.stream);
        if !lifted {
            kept.push(restriction.clone());
        }
        self.count = self.count + kept.len() - before;
        if kept.is_empty() {
            self.of.remove(&restriction.user);
        }
    }

    fn forget_what_is_over(&mut self, now_ms: u64) {
        self.of.retain(|_, kept| {
            kept.retain(|restriction| restriction.holds_at(now_ms));
            !kept.is_empty()
        });
        self.count = self.of.values().map(Vec::len).sum();
    }
}

/// The audit log, with the restrictions that hold kept near.
pub struct FollowedAudit {
    audit: Arc<dyn Audit>,
    known: Arc<Mutex<Known>>,
    changed: Arc<Notify>,
}

impl FollowedAudit {
    /// Follows an audit log until `stop`. `bans` is told of each user who is banned, wherever and whenever that was
    /// decided.
    #[must_use]
    pub fn start(
        audit: Arc<dyn Audit>,
        clock: Clock,
        bans: mpsc::Sender<UserId>,
        stop: CancellationToken,
    ) -> Arc<Self> {
        let (known, changed) = (Arc::<Mutex<Known>>::default(), Arc::<Notify>::default());
        let follower =
            Follower { audit: audit.clone(), known: known.clone(), changed: changed.clone(), clock, bans };
        tokio::spawn(follower.run(stop));
        Arc::new(Self { audit, known, changed })
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Audit for FollowedAudit {
    async fn record(&self, by: By, deed: Deed, instead_of: Option<u64>) -> PortResult<AuditEntry> {
        let entry = self.audit.record(by, deed, instead_of).await?;
        self.changed.notify_one();
        Ok(entry)
    }

    async fn undo(&self, by: By, number: u64) -> PortResult<AuditEntry> {
        let entry = self.audit.undo(by, number).await?;
        self.changed.notify_one();
        Ok(entry)
    }

    async fn page(&self, query: AuditQuery) -> PortResult<AuditPage> {
        self.audit.page(query).await
    }

    async fn restrictions(&self, now_ms: u64, user: &UserId) -> PortResult<Vec<Restriction>> {
        let near = {
            let known = lock(&self.known);
            known.is_whole.then(|| {
                let kept = known.of.get(user).map(Vec::as_slice).unwrap_or_default();
                let mut holding: Vec<Restriction> =
                    kept.iter().filter(|restriction| restriction.holds_at(now_ms)).cloned().collect();
                // As the port has it: on all streams first, then the latest.
                holding.sort_by_key(|restriction| {
                    (restriction.stream.is_some(), u64::MAX - restriction.since_ms)
                });
                holding.truncate(AUDIT_PAGE_MAX);
                holding
            })
        };
        match near {
            Some(near) => Ok(near),
            None => self.audit.restrictions(now_ms, user).await,
        }
    }

    async fn restrictions_since(&self, version: u64, most: usize) -> PortResult<Vec<RestrictionChange>> {
        self.audit.restrictions_since(version, most).await
    }

    async fn forget(&self, before_ms: u64) -> PortResult<usize> {
        self.audit.forget(before_ms).await
    }
}

struct Follower {
    audit: Arc<dyn Audit>,
    known: Arc<Mutex<Known>>,
    changed: Arc<Notify>,
    clock: Clock,
    bans: mpsc::Sender<UserId>,
}

impl Follower {
    async fn run(self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(FOLLOW_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut is_away = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
                () = self.changed.notified() => {}
            }
            match self.catch_up().await {
                Ok(()) if is_away => {
                    is_away = false;
                    info!("restrictions are followed again");
                }
                Err(error) if !is_away => {
                    is_away = true;
                    warn!(%error, "restrictions cannot be followed: those that are known hold on");
                }
                Ok(()) | Err(_) => {}
            }
        }
    }

    async fn catch_up(&self) -> PortResult<()> {
        loop {
            let version = lock(&self.known).version;
            let changes = self.audit.restrictions_since(version, AUDIT_PAGE_MAX).await?;
            let is_last = changes.len() < AUDIT_PAGE_MAX;
            for change in changes {
                let restriction = &change.restriction;
                let is_ban = !change.lifted && restriction.kind == RestrictionKind::Ban;
                // Also those from before this host began: it may have let them in while bans could not be read.
                let ban =
                    (is_ban && restriction.holds_at(self.clock.now_ms())).then(|| restriction.user.clone());
                lock(&self.known).take(change);
                if let Some(user) = ban {
                    let _ = self.bans.send(user).await;
                }
            }
            let mut known = lock(&self.known);
            if known.count > RESTRICTIONS_MAX {
                known.forget_what_is_over(self.clock.now_ms());
            }
            if is_last {
                known.is_whole = known.count <= RESTRICTIONS_MAX;
                return Ok(());
            }
        }
    }
}
