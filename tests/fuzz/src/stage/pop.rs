//! A PoP in this process, put together as the program does, on embedded stores: what stands behind REST and sockets.

use std::sync::Arc;

use axum::Router;
use prometheus_client::registry::Registry;
use ringside_core::{HostId, RegionId};
use ringside_edge::http::{self, HttpServices};
use ringside_edge::{Edge, EdgeConfig, Services, sse};
use ringside_embedded::{Embedded, EmbeddedOptions};
use ringside_ports::releases::World;
use ringside_ports::{Log, Store};
use ringside_roles::appender::Producer;
use ringside_roles::history::{self, History, HistoryServices};
use ringside_roles::intake::IntakeServices;
use ringside_roles::{Appender, Clock, Intake, IntakeOptions, LogRole, RoleMetrics, RoleServices, Workers};
use ringside_wasm::ComponentHost;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::{components, folder, runtime, tokens};

/// A fuzzer writes for a minute; this much of it is kept.
const LOG_BYTES_MAX: u64 = 64 << 20;

pub(crate) struct Pop {
    pub(crate) edge: Edge,
    /// The routes of the public address.
    pub(crate) router: Router,
    pub(crate) components: Arc<ComponentHost>,
    pub(crate) runtime: Runtime,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Pop {
    pub(crate) fn start() -> Self {
        let (runtime, folder, stop) = (runtime(), folder(), CancellationToken::new());
        let (edge, router, components) = runtime.block_on(put_together(folder.path(), &stop));
        Self { edge, router, components, runtime, stop, _folder: folder }
    }
}

impl Drop for Pop {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn put_together(
    folder: &std::path::Path,
    stop: &CancellationToken,
) -> (Edge, Router, Arc<ComponentHost>) {
    let clock = Clock::system();
    let options = EmbeddedOptions {
        keep_bytes: LOG_BYTES_MAX,
        segment_bytes: LOG_BYTES_MAX / 8,
        ..EmbeddedOptions::default()
    };
    let embedded = Embedded::open(folder, &options).unwrap();
    let log: Arc<dyn Log> = embedded.log.clone();
    let store: Arc<dyn Store> = embedded.store_port();
    let metrics = RoleMetrics::register(&mut Registry::default());
    let components = components::running(&[
        ("throttle-standard", World::Throttle),
        ("words", World::Moderator),
        ("links", World::Moderator),
        ("repetition", World::Moderator),
        ("codec-json", World::Codec),
        ("codec-msgpack", World::Codec),
    ])
    .await;
    let components = Arc::new(components);
    let (region, host) = (RegionId::new("local").unwrap(), HostId::new("fuzz").unwrap());
    let producer = Producer { region: region.clone(), host: host.clone(), seed: 1 };
    let appender = Appender::start(log.clone(), &producer, &clock, &metrics);
    let history = HistoryServices {
        store: store.clone(),
        recent: None,
        log: log.clone(),
        clock: clock.clone(),
        metrics: metrics.clone(),
    };
    let services = IntakeServices {
        log: log.clone(),
        appender: appender.clone(),
        store: store.clone(),
        history: Arc::new(History::new(history, history::LIFE)),
        catalog: embedded.catalog.clone(),
        audit: embedded.audit.clone(),
        counters: embedded.counters.clone(),
        policy: components.policy(),
        clock: clock.clone(),
        metrics: metrics.clone(),
    };
    let intake = Intake::start(services, &IntakeOptions { open_streams: true }, stop.clone());
    let services = RoleServices {
        log: log.clone(),
        appender,
        store: store.clone(),
        recent: None,
        relay: embedded.relay.clone(),
        directory: embedded.directory.clone(),
        policy: components.policy(),
        streams: intake.streams(),
        clock: clock.clone(),
    };
    let workers = Workers::new(clock, metrics);
    for role in LogRole::ALL {
        tokio::spawn(ringside_roles::role::run(role, services.clone(), workers.clone(), stop.clone()));
    }
    let services = Services {
        codecs: components.codecs(),
        comments: intake.clone(),
        log,
        relay: embedded.relay.clone(),
        store,
        audit: embedded.audit.clone(),
        directory: embedded.directory.clone(),
        verifier: Arc::new(tokens::verifier()),
        region,
        host,
        traces: ringside_ports::Traces::off(),
        runtime: tokio::runtime::Handle::current(),
    };
    let mut config = EdgeConfig::new("127.0.0.1:0".parse().unwrap());
    config.shards = 1;
    let mut made = None;
    let edge = Edge::start(config, &services, |rooms| {
        let http = HttpServices {
            comments: services.comments.clone(),
            store: services.store.clone(),
            audit: services.audit.clone(),
            directory: services.directory.clone(),
            verifier: services.verifier.clone(),
            traces: ringside_ports::Traces::off(),
            now_ms: ringside_edge::now_ms,
            host: services.host.clone(),
            region: services.region.clone(),
            public_url: Arc::from("http://127.0.0.1"),
        };
        let router = http::router(http)
            .merge(sse::router(services.clone(), rooms.clone()))
            .fallback(http::no_such_route);
        made.insert(router).clone()
    });
    (edge.unwrap(), made.unwrap(), components)
}
