//! A host's parts for benchmarks: components and embedded stores, put together as the program does.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use ringside_core::{HostId, RegionId};
use ringside_embedded::Embedded;
use ringside_ports::releases::{Digest, OnFailure, Release, Slot, World};
use ringside_ports::{Audit, Catalog, Counters, Log, Store};
use ringside_roles::appender::Producer;
use ringside_roles::history::{self, History, HistoryServices};
use ringside_roles::intake::IntakeServices;
use ringside_roles::{Appender, Clock, Intake, IntakeOptions, RoleMetrics};
use ringside_wasm::{Compiler, ComponentHost, HostOptions, Metrics, digest_of};
use tokio_util::sync::CancellationToken;

use crate::figure::BenchError;

/// Every component of a host, with the throttle's limits lifted: a benchmark is a few users who say much.
const UNLIMITED: &str =
    r#"{"comments_per_minute":0,"reactions_per_minute":0,"emoji_per_minute":0,"edits_per_minute":0}"#;

/// What an intake stands on.
#[derive(Clone)]
pub(crate) struct Backends {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) counters: Arc<dyn Counters>,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) audit: Arc<dyn Audit>,
}

impl Backends {
    /// Embedded ones.
    pub(crate) fn embedded(embedded: &Embedded) -> Self {
        Self {
            store: embedded.store_port(),
            log: embedded.log.clone(),
            counters: embedded.counters.clone(),
            catalog: embedded.catalog.clone(),
            audit: embedded.audit.clone(),
        }
    }
}

/// The intake of a host that runs these components on these backends.
pub(crate) fn intake(
    backends: &Backends,
    components: &ComponentHost,
    metrics: RoleMetrics,
    stop: CancellationToken,
) -> Result<Arc<Intake>, BenchError> {
    let clock = Clock::system();
    let Backends { log, store, counters, catalog, audit } = backends.clone();
    let producer =
        Producer { region: RegionId::new("local")?, host: HostId::new("bench")?, seed: fastrand::u64(..) };
    let appender = Appender::start(log.clone(), &producer, &clock, &metrics);
    let history = HistoryServices {
        store: store.clone(),
        recent: None,
        log: log.clone(),
        clock: clock.clone(),
        metrics: metrics.clone(),
    };
    let services = IntakeServices {
        log,
        appender,
        store,
        history: Arc::new(History::new(history, history::LIFE)),
        catalog,
        audit,
        counters,
        policy: components.policy(),
        clock,
        metrics,
    };
    Ok(Intake::start(services, &IntakeOptions { open_streams: true }, stop))
}

fn component(name: &str) -> Result<(Digest, Bytes), BenchError> {
    let remedy = "`cargo xtask bench` builds the components and says where they are";
    let folder = std::env::var_os("RINGSIDE_COMPONENTS")
        .ok_or_else(|| format!("RINGSIDE_COMPONENTS is not set: {remedy}"))?;
    let path = PathBuf::from(folder).join(format!("{name}.wasm"));
    let file = std::fs::read(&path).map_err(|error| format!("{}: {error}: {remedy}", path.display()))?;
    Ok((digest_of(&file), file.into()))
}

/// A component host that runs these slots.
pub(crate) async fn components(cache: &Path, slots: &[(&str, World)]) -> Result<ComponentHost, BenchError> {
    let host = ComponentHost::start(&HostOptions::new(cache, Compiler::InProcess), &Metrics::default())?;
    let mut files = HashMap::new();
    let mut release =
        Release { number: 1, slots: Vec::new(), at_ms: 0, by: "bench".into(), note: String::new() };
    for (name, world) in slots {
        let (digest, file) = component(name)?;
        files.insert(digest.clone(), file);
        release.slots.push(Slot {
            name: (*name).to_owned(),
            world: *world,
            component: digest,
            config: if *world == World::Throttle { UNLIMITED.into() } else { String::new() },
            on_failure: OnFailure::Hold,
        });
    }
    let prepared = host.prepare(&release, &files).await?;
    host.publish(&prepared)?;
    Ok(host)
}
