//! A PoP in one process, put together from top to bottom: everything is started here in order, and stopped in the
//! reverse.

mod backends;
mod health;
pub(crate) mod keys;
mod public;
mod upkeep;
mod viewers;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use ringside_core::HostId;
use ringside_edge::Services;
use ringside_ports::log::Topic;
use ringside_ports::{Log, Recent};
use ringside_roles::breaker::{BreakerRelay, BreakerServices};
use ringside_roles::circuit::{GuardedCatalog, GuardedRecent, GuardedStore};
use ringside_roles::coordinator::CoordinatorServices;
use ringside_roles::history::watched::WatchedRelay;
use ringside_roles::history::{self, History, HistoryServices};
use ringside_roles::intake::IntakeServices;
use ringside_roles::parts::Parts;
use ringside_roles::restrictions::{self, FollowedAudit};
use ringside_roles::{
    Appender, Clock, Intake, IntakeOptions, LogRole, RoleMetrics, RoleServices, Workers, appender,
};
use ringside_wasm::{Compiler, ComponentHost, HostOptions, TrustedKey};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

use crate::Around;
use crate::config::{Config, Role};
use crate::exit::{Exit, Outcome};
use crate::operators::{self, OperatorServices};
use crate::region::Region;
use crate::releaser::{Bundle, Releaser};
use crate::telemetry;
pub use backends::Backends;
use health::{Asker, Health};
use viewers::Viewers;

/// The store must have taken in the log that was there at the start before viewers come: R84's readiness.
const CATCH_UP_MAX: Duration = Duration::from_secs(600);
/// How often the start looks whether it has.
const CATCH_UP_LOOK: Duration = Duration::from_millis(10);
/// Roles have this long to end after they were told.
const STOP_MAX: Duration = Duration::from_secs(5);

/// Serves until SIGINT or SIGTERM.
pub(crate) fn serve(config: Config, around: Around) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("roles")
        .build()
        .map_err(|error| Exit::Failed(format!("no threads could be started: {error}")))?;
    let result = runtime.block_on(run(config, around));
    // Blocking work that hangs (a disk that went away) must not hold the process.
    runtime.shutdown_timeout(STOP_MAX);
    result
}

/// This host's name, and the name of this run of it: a producer's numbers begin anew with each run.
fn names(config: &Config) -> Result<(HostId, HostId), Exit> {
    let failed = |error: ringside_core::ids::InvalidId| Exit::Failed(error.to_string());
    let host = match &config.host {
        Some(host) => host.clone(),
        None => HostId::new(&format!("host-{:08x}", fastrand::u32(..))).map_err(failed)?,
    };
    let short: String = host.as_str().chars().take(48).collect();
    let run = HostId::new(&format!("{short}.{:08x}", fastrand::u32(..))).map_err(failed)?;
    Ok((host, run))
}

fn trusted_keys(config: &Config, bundle: &Bundle) -> Result<Vec<TrustedKey>, Exit> {
    let configured = config.components.trusted_keys.iter().cloned();
    configured
        .chain(bundle.public_keys())
        .map(|text| TrustedKey::parse(&text).map_err(|error| Exit::Usage(error.to_string())))
        .collect()
}

async fn run(config: Config, around: Around) -> Outcome {
    let failed = |failure: ringside_core::Failure| Exit::Failed(failure.to_string());
    let clock = Clock::system();
    let verifier = Arc::new(keys::verifier(&config)?);
    let (host, run) = names(&config)?;
    let region = match &config.region_file {
        Some(path) => Some(Region::load(path).map_err(|error| Exit::Usage(error.to_string()))?),
        None => None,
    };
    let backends = match &region {
        Some(region) => Box::pin(Backends::of_region(&config, region, &host)).await?,
        None => Backends::embedded(&config)?,
    };
    let backends = around(backends);
    let region = region.map_or_else(|| config.region.clone(), |region| region.region);
    let log = backends.log.clone();
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    // What is read for viewers: nobody waits for a backend that is known to be away.
    let store = Arc::new(GuardedStore::new(backends.store.clone(), clock.clone()));
    let catalog = Arc::new(GuardedCatalog::new(backends.catalog.clone(), clock.clone()));
    let (banned, bans) = mpsc::channel(restrictions::BANS_CAPACITY);
    let audit = FollowedAudit::start(backends.audit.clone(), clock.clone(), banned, stop.clone());

    // What is counted.
    let mut registry = Registry::default();
    let role_metrics = RoleMetrics::register(&mut registry);
    let roles = config.roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(",");
    let (traces, export) =
        telemetry::traces::start(&config.telemetry, (&region, &run, roles), &mut registry)?;
    let workers = Workers::new(clock.clone(), role_metrics.clone()).traced(traces.clone());
    let parts = Parts::new(clock.clone(), &mut registry);
    health::watch(&parts, &backends, &tasks, &stop);
    let health = Health::new(parts, workers.clone(), config.roles.contains(&Role::Host));
    let component_metrics = ringside_wasm::Metrics::default();
    component_metrics.register(&mut registry);

    // The policy.
    let exe = std::env::current_exe()
        .map_err(|error| Exit::Failed(format!("this program has no path: {error}")))?;
    let mut options = HostOptions::new(
        &config.compiled.clone().unwrap_or_else(|| config.data.join("compiled")),
        Compiler::Process { exe, args: vec!["compile-component".into()] },
    );
    options.workers = config.components.chain_threads;
    options.codec_workers = config.components.codec_threads;
    let components = ComponentHost::start(&options, &component_metrics)
        .map(Arc::new)
        .map_err(|error| Exit::Failed(error.to_string()))?;
    let bundle = Bundle::new(&config.bundle());
    let trusted = trusted_keys(&config, &bundle)?;
    let releaser = Releaser::start(
        components.clone(),
        backends.releases.clone(),
        trusted,
        clock.clone(),
        &bundle,
        config.development,
    )
    .await
    .map_err(failed)?;
    tasks.spawn(releaser.clone().record_rollbacks(stop.clone()));

    // What viewers read.
    let guard = |recent: &Arc<dyn Recent>| Arc::new(GuardedRecent::new(recent.clone(), clock.clone())) as _;
    let reads = HistoryServices {
        store: store.clone(),
        recent: backends.recent.as_ref().map(guard),
        log: log.clone(),
        clock: clock.clone(),
        metrics: role_metrics.clone(),
    };
    let history = Arc::new(History::new(reads, history::LIFE));

    // Into the log.
    let producer = appender::Producer { region: region.clone(), host: run, seed: fastrand::u64(..) };
    let appender = Appender::start(log.clone(), &producer, &clock, &role_metrics);
    let intake = Intake::start(
        IntakeServices {
            log: log.clone(),
            appender: appender.clone(),
            store: store.clone(),
            history: history.clone(),
            catalog: catalog.clone(),
            audit: audit.clone(),
            counters: backends.counters.clone(),
            policy: components.policy(),
            clock: clock.clone(),
            metrics: role_metrics.clone(),
        },
        &IntakeOptions { open_streams: config.development },
        stop.clone(),
    );

    // Out of the log.
    let services = RoleServices {
        log: log.clone(),
        appender: appender.clone(),
        store: backends.store.clone(),
        recent: backends.recent.clone(),
        relay: backends.relay.clone(),
        directory: backends.directory.clone(),
        policy: components.policy(),
        streams: intake.streams(),
        clock: clock.clone(),
    };
    for role in config.roles.iter().filter_map(|role| role.of_log()) {
        let work = ringside_roles::role::run(role, services.clone(), workers.clone(), stop.clone());
        let stop = stop.clone();
        tasks.spawn(async move {
            if let Err(error) = work.await {
                error!(role = role.name(), %error, "a role cannot start, stopping");
                stop.cancel();
            }
        });
    }
    if let Some(store) = backends.forgets.clone() {
        catch_up(&*log, &workers).await?;
        tasks.spawn(upkeep::prune(store, config.store.keep_days, clock.clone(), stop.clone()));
    }
    if config.roles.contains(&Role::Reconciler) {
        let forget = upkeep::forget(audit.clone(), config.audit.keep_days, clock.clone(), stop.clone());
        tasks.spawn(forget);
    }
    if let Some(url) = config.auth.jwks_url.clone() {
        tasks.spawn(upkeep::refresh_jwks(url, config.auth.jwks_refresh_s, verifier.clone(), stop.clone()));
    }

    // To viewers.
    let viewers = if config.roles.contains(&Role::Host) {
        let breaker = BreakerRelay::start(
            BreakerServices {
                far: backends.relay.clone(),
                near: ringside_embedded::local_relay(),
                coordinator: CoordinatorServices {
                    log: log.clone(),
                    relay: backends.relay.clone(),
                    policy: components.policy(),
                    directory: backends.directory.clone(),
                    clock: clock.clone(),
                },
                workers: workers.clone(),
            },
            stop.clone(),
        );
        let services = Services {
            codecs: components.codecs(),
            comments: intake.clone(),
            log: log.clone(),
            relay: Arc::new(WatchedRelay::new(breaker, history)),
            store: store.clone(),
            audit: audit.clone(),
            directory: backends.directory.clone(),
            verifier: verifier.clone(),
            region: region.clone(),
            host: host.clone(),
            traces,
            runtime: tokio::runtime::Handle::current(),
        };
        let viewers =
            Viewers::start(&config, &services, appender.clone(), clock.clone(), &health, &tasks, &stop)?;
        viewers.register(&mut registry);
        tasks.spawn(viewers.end_banned(bans));
        Some(viewers)
    } else {
        drop(bans);
        None
    };

    // To operators.
    let operators = operators::router(OperatorServices {
        verifier,
        clock: clock.clone(),
        releaser,
        catalog: catalog.clone(),
        audit: audit.clone(),
        directory: backends.directory.clone(),
        intake: intake.clone(),
        log: log.clone(),
        workers,
        refresh: viewers.as_ref().map_or_else(|| Arc::new(|| {}) as _, Viewers::refresh),
        registry: Arc::new(registry),
    })
    .merge(health::router(health.clone(), Asker::Operator));
    let listener = tokio::net::TcpListener::bind(config.operators.listen).await.map_err(|error| {
        let address = config.operators.listen;
        Exit::Usage(format!("configuration at `operators.listen`: {address} cannot be listened on: {error}"))
    })?;
    let operators_address = listener.local_addr().unwrap_or(config.operators.listen);
    let ended = stop.clone();
    tasks.spawn(async move {
        let serving = axum::serve(listener, operators).with_graceful_shutdown(ended.cancelled_owned());
        if let Err(error) = serving.await {
            error!(%error, "the operators' address ended");
        }
    });

    health.serve();
    let public = viewers.as_ref().map_or_else(|| "none".to_owned(), |viewers| viewers.address().to_string());
    info!(host = %host, %public, operators = %operators_address, data = %config.data.display(), "ready");
    wait_for_signal(&stop).await;

    // Viewers first, then what serves them.
    health.drain();
    if let Some(viewers) = &viewers {
        info!("stopping: viewers are asked to reconnect");
        viewers.drain().await;
    }
    stop.cancel();
    tasks.close();
    if tokio::time::timeout(STOP_MAX, tasks.wait()).await.is_err() {
        error!(
            "some roles did not end in time; what they had not done is done from the log at the next start"
        );
    }
    drop(viewers);
    let end = move || {
        components.shutdown();
        export.flush();
    };
    tokio::task::spawn_blocking(end).await.ok();
    info!("stopped");
    Ok(())
}

/// Waits until the store has taken in what is in the log now.
async fn catch_up(log: &dyn Log, workers: &Workers) -> Outcome {
    let last = tokio::time::Instant::now() + CATCH_UP_MAX;
    for partition in 0..log.partitions(Topic::RoomEvents) {
        let extent = log.extent(Topic::RoomEvents, partition).await;
        let end = extent.map_err(|error| Exit::Failed(error.to_string()))?.next;
        while workers.next_of(LogRole::Writer.name(), partition).is_none_or(|next| next < end) {
            if tokio::time::Instant::now() > last {
                return Err(Exit::Failed(format!(
                    "the store did not take in the log up to offset {end} within {} s: is its disk full?",
                    CATCH_UP_MAX.as_secs()
                )));
            }
            tokio::time::sleep(CATCH_UP_LOOK).await;
        }
    }
    Ok(())
}

async fn wait_for_signal(stop: &CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
        () = stop.cancelled() => {}
    }
}
