//! The releaser: brings components from operators into the chain, and keeps the history of what ran.
//!
//! A push is checked, stored, prepared (compiled in a process of its own, instantiated, tested), then recorded, then
//! published; a failure before the last step changes nothing that runs. One push at a time: a second waits.

mod seed;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use bytes::Bytes;
use ringside_core::Failure;
use ringside_core::error::Problem;
use ringside_ports::error::PortErrorKind;
use ringside_ports::releases::{ComponentEntry, OnFailure, Release, Slot, World};
use ringside_ports::{PortError, Releases};
use ringside_roles::Clock;
use ringside_wasm::{AutomaticRollback, ComponentHost, Prepared, TrustedKey};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

pub(crate) use seed::Bundle;

/// A component on its way in.
#[derive(Debug, Clone)]
pub(crate) struct Push {
    pub(crate) file: Bytes,
    pub(crate) signature: String,
    pub(crate) slot: Option<String>,
    pub(crate) config: Option<String>,
    pub(crate) on_failure: Option<OnFailure>,
}

/// What a change of the chain did.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Pushed {
    /// The generation that runs now.
    pub(crate) generation: u64,
    /// What changed.
    pub(crate) note: String,
    /// Checking, compiling, instantiating and testing, in milliseconds.
    pub(crate) prepare_ms: u64,
    /// From publishing to running on every thread, in microseconds.
    pub(crate) swap_us: u64,
}

/// Brings components into the chain.
pub(crate) struct Releaser {
    host: Arc<ComponentHost>,
    releases: Arc<dyn Releases>,
    trusted: Vec<TrustedKey>,
    clock: Clock,
    turn: Mutex<()>,
}

impl Releaser {
    /// Brings back what ran last, or on a new data folder what the bundle holds.
    ///
    /// # Errors
    /// Why there is no chain to start with.
    pub(crate) async fn start(
        host: Arc<ComponentHost>,
        releases: Arc<dyn Releases>,
        trusted: Vec<TrustedKey>,
        clock: Clock,
        bundle: &Bundle,
        development: bool,
    ) -> Result<Arc<Self>, Failure> {
        let releaser = Arc::new(Self { host, releases, trusted, clock, turn: Mutex::new(()) });
        let last = releaser.releases.history(1).await.map_err(|error| failed(&error))?.pop();
        match last {
            None => releaser.seed(bundle).await?,
            Some(release) => {
                releaser.run(&release).await?;
                if development {
                    releaser.upgrade(bundle, release).await?;
                }
            }
        }
        Ok(releaser)
    }

    /// Decodes a component's file as requests carry it.
    pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
        base64::engine::general_purpose::STANDARD.decode(text).ok()
    }

    /// What runs, with what each slot did so far.
    pub(crate) fn chain(&self) -> ringside_wasm::Status {
        self.host.status()
    }

    /// Every stored component, newest first.
    pub(crate) async fn components(&self) -> Result<Vec<ComponentEntry>, Failure> {
        self.releases.components().await.map_err(|error| failed(&error))
    }

    /// Releases, newest first.
    pub(crate) async fn history(&self, most: usize) -> Result<Vec<Release>, Failure> {
        self.releases.history(most).await.map_err(|error| failed(&error))
    }

    /// Puts a component into its slot; a new slot of a moderator goes to the end of the chain.
    pub(crate) async fn push(&self, push: Push, by: &str) -> Result<Pushed, Failure> {
        let _turn = self.turn.lock().await;
        let started = Instant::now();
        let entry = self.store(&push.file, &push.signature, push.config.as_deref(), by).await?;
        let current = self.current().await?;
        let name = push.slot.unwrap_or_else(|| entry.name.clone());
        check_name(&name)?;
        let mut slots = current.slots;
        match slots.iter_mut().find(|slot| slot.name == name) {
            Some(slot) if slot.world != entry.world => {
                return Err(refused(format!(
                    "slot `{name}` holds a {:?}, `{}` is a {:?}: push it with another --slot",
                    slot.world, entry.name, entry.world
                )));
            }
            Some(slot) => {
                slot.component = entry.digest.clone();
                slot.config = push.config.unwrap_or_else(|| slot.config.clone());
                slot.on_failure = push.on_failure.unwrap_or(slot.on_failure);
            }
            None => {
                if entry.world == World::Throttle
                    && let Some(other) = slots.iter().find(|slot| slot.world == World::Throttle)
                {
                    return Err(refused(format!(
                        "there is one throttle, in slot `{}`: push it with --slot {0}",
                        other.name
                    )));
                }
                slots.push(Slot {
                    name: name.clone(),
                    world: entry.world,
                    component: entry.digest.clone(),
                    config: push.config.unwrap_or_default(),
                    on_failure: push.on_failure.unwrap_or_default(),
                });
            }
        }
        let note = format!("push {} {} to slot {name}", entry.name, entry.version);
        self.change(current.number, slots, note, by, started).await
    }

    /// Configures the component that runs in a slot anew.
    pub(crate) async fn configure(
        &self,
        name: &str,
        config: Option<String>,
        on_failure: Option<OnFailure>,
        by: &str,
    ) -> Result<Pushed, Failure> {
        let _turn = self.turn.lock().await;
        let started = Instant::now();
        let current = self.current().await?;
        let mut slots = current.slots;
        let slot = slots.iter_mut().find(|slot| slot.name == name).ok_or_else(|| no_slot(name))?;
        if let Some(config) = config {
            slot.config = config;
        }
        slot.on_failure = on_failure.unwrap_or(slot.on_failure);
        self.change(current.number, slots, format!("configure slot {name}"), by, started).await
    }

    /// Takes a slot out of the chain.
    pub(crate) async fn remove(&self, name: &str, by: &str) -> Result<Pushed, Failure> {
        let _turn = self.turn.lock().await;
        let started = Instant::now();
        let current = self.current().await?;
        let mut slots = current.slots;
        let slot = slots.iter().find(|slot| slot.name == name).ok_or_else(|| no_slot(name))?;
        let last_codec = slots.iter().filter(|slot| slot.world == World::Codec).count() == 1;
        match slot.world {
            World::Throttle => {
                return Err(refused("a chain needs its throttle: push another in its place".into()));
            }
            World::Codec if last_codec => {
                return Err(refused("this is the last codec: no viewer could connect any more".into()));
            }
            _ => slots.retain(|slot| slot.name != name),
        }
        self.change(current.number, slots, format!("remove slot {name}"), by, started).await
    }

    /// Goes back to an earlier release, as a new one with the same slots; to the one before it is instant, since
    /// its instances are warm.
    pub(crate) async fn rollback(&self, to: Option<u64>, by: &str) -> Result<Pushed, Failure> {
        let _turn = self.turn.lock().await;
        let started = Instant::now();
        let current = self.current().await?;
        let wanted = to.unwrap_or(current.number.saturating_sub(1));
        let kept = self.history(usize::MAX).await?;
        let target = kept.into_iter().find(|release| release.number == wanted).ok_or_else(|| {
            refused(format!("there is no release {wanted}: `ringside component history` lists them"))
        })?;
        self.change(current.number, target.slots, format!("rollback to {wanted}"), by, started).await
    }

    async fn current(&self) -> Result<Release, Failure> {
        let last = self.releases.history(1).await.map_err(|error| failed(&error))?.pop();
        last.ok_or_else(|| Failure::new(Problem::Internal, "there is no release yet"))
    }

    /// Checks a component's signature, world and examples, and keeps it.
    async fn store(
        &self,
        file: &Bytes,
        signature: &str,
        config: Option<&str>,
        by: &str,
    ) -> Result<ComponentEntry, Failure> {
        ringside_wasm::verify(file, signature, &self.trusted).map_err(|error| refused(error.to_string()))?;
        let (host, bytes, config) = (self.host.clone(), file.clone(), config.unwrap_or_default().to_owned());
        let checked = tokio::task::spawn_blocking(move || host.check(&bytes, &config))
            .await
            .map_err(|error| Failure::new(Problem::Internal, error.to_string()))?
            .map_err(|error| refused(error.to_string()))?;
        let entry = ComponentEntry {
            digest: checked.digest.clone(),
            name: checked.name.clone(),
            version: checked.version.clone(),
            world: checked.world,
            signature: signature.to_owned(),
            by: by.to_owned(),
            at_ms: self.clock.now_ms(),
        };
        self.releases.store(entry.clone(), file.clone()).await.map_err(|error| failed(&error))?;
        Ok(entry)
    }

    async fn change(
        &self,
        current: u64,
        slots: Vec<Slot>,
        note: String,
        by: &str,
        started: Instant,
    ) -> Result<Pushed, Failure> {
        let release = Release {
            number: current + 1,
            slots,
            at_ms: self.clock.now_ms(),
            by: by.to_owned(),
            note: note.clone(),
        };
        let prepared = self.prepare(&release).await?;
        let prepare_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.releases.publish(release.clone()).await.map_err(|error| match error.kind {
            PortErrorKind::Conflict => Failure::new(
                Problem::Conflict,
                "another operator published at the same moment: look at the chain, then push again",
            ),
            _ => failed(&error),
        })?;
        let swap = Instant::now();
        self.host.publish(&prepared).map_err(|error| Failure::new(Problem::Internal, error.to_string()))?;
        let swap_us = u64::try_from(swap.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(generation = release.number, by, note, prepare_ms, swap_us, "a new generation runs");
        Ok(Pushed { generation: release.number, note, prepare_ms, swap_us })
    }

    async fn run(&self, release: &Release) -> Result<(), Failure> {
        let prepared = self.prepare(release).await.map_err(|failure| Failure {
            detail: format!("release {} cannot run: {}", release.number, failure.detail),
            ..failure
        })?;
        self.host.publish(&prepared).map_err(|error| Failure::new(Problem::Internal, error.to_string()))?;
        tracing::info!(generation = release.number, note = release.note, "the last release runs again");
        Ok(())
    }

    async fn prepare(&self, release: &Release) -> Result<Prepared, Failure> {
        let mut files = HashMap::new();
        for digest in self.host.missing(release) {
            let (_, file) = self.releases.component(&digest).await.map_err(|error| failed(&error))?;
            files.insert(digest, file);
        }
        self.host.prepare(release, &files).await.map_err(|error| refused(error.to_string()))
    }

    /// Records what the component host does by itself: when it goes back to the previous generation because a
    /// component keeps breaking, that becomes a release of its own. Until `stop`.
    pub(crate) async fn record_rollbacks(self: Arc<Self>, stop: CancellationToken) {
        let mut rollbacks = self.host.automatic_rollbacks();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                changed = rollbacks.changed() => if changed.is_err() { return },
            }
            let Some(rollback) = rollbacks.borrow_and_update().clone() else { continue };
            if let Err(failure) = self.record_rollback(&rollback).await {
                tracing::error!(%failure, "an automatic rollback could not be recorded; it holds until the host restarts");
            }
        }
    }

    async fn record_rollback(&self, rollback: &AutomaticRollback) -> Result<(), Failure> {
        let _turn = self.turn.lock().await;
        let started = Instant::now();
        let current = self.current().await?;
        if current.number != rollback.from.0 {
            return Ok(());
        }
        let kept = self.history(usize::MAX).await?;
        let target = kept.into_iter().find(|release| release.number == rollback.to.0);
        let target = target.ok_or_else(|| refused(format!("there is no release {}", rollback.to)))?;
        let note = format!(
            "automatic rollback to {}: slot {} kept breaking ({})",
            rollback.to, rollback.slot, rollback.reason
        );
        self.change(current.number, target.slots, note, "host", started).await.map(drop)
    }
}

fn check_name(name: &str) -> Result<(), Failure> {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(good) {
        return Err(refused(format!("`{name}` is no name for a slot: use 1 to 64 of a-z, 0-9 and `-`")));
    }
    Ok(())
}

fn no_slot(name: &str) -> Failure {
    Failure::new(
        Problem::NotFound,
        format!("there is no slot `{name}` in the chain: `ringside component list` shows them"),
    )
}

fn refused(detail: String) -> Failure {
    Failure::new(Problem::ComponentRefused, detail)
}

fn failed(error: &PortError) -> Failure {
    if error.is_transient() {
        Failure::retry(Problem::Unavailable, error.to_string(), std::time::Duration::from_secs(1))
    } else {
        Failure::new(Problem::Internal, error.to_string())
    }
}
