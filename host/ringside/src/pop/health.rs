//! `/healthz`: the process lives. `/readyz`: whether viewers may come, and which part is away since when.
//!
//! A host whose log or store is away stays ready: all hosts of its region are in the same place, so taking it out of the
//! load balancer helps nobody, and what it still does (reading without a store, history without a log) is better than no
//! host at all. What it cannot do is in the body. Not ready is a process that starts or drains.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use ringside_ports::log::Topic;
use ringside_roles::Workers;
use ringside_roles::parts::{self, Parts};
use ringside_roles::workers::WorkerState;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backends::Backends;

const STARTING: u8 = 0;
const SERVING: u8 = 1;
const DRAINING: u8 = 2;

/// How this process does.
#[derive(Clone)]
pub(crate) struct Health {
    phase: Arc<AtomicU8>,
    parts: Parts,
    workers: Workers,
    is_host: bool,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// Anyone: what failed inside is not their business.
    Public,
    /// Operators and their machines.
    Operator,
}

impl Health {
    /// Not ready yet.
    pub(crate) fn new(parts: Parts, workers: Workers, is_host: bool) -> Self {
        Self { phase: Arc::new(AtomicU8::new(STARTING)), parts, workers, is_host }
    }

    /// Viewers may come.
    pub(crate) fn serve(&self) {
        self.phase.store(SERVING, Ordering::Release);
    }

    /// Viewers must go elsewhere.
    pub(crate) fn drain(&self) {
        self.phase.store(DRAINING, Ordering::Release);
    }

    fn report(&self, asker: Asker) -> (StatusCode, serde_json::Value) {
        let mut parts = self.parts.list();
        let workers = self.workers.list();
        let failing = workers.iter().filter(|worker| worker.state == WorkerState::Failing).count();
        let degraded = failing > 0 || parts.iter().any(|part| !part.up);
        let (code, status) = match self.phase.load(Ordering::Acquire) {
            STARTING => (StatusCode::SERVICE_UNAVAILABLE, "starting"),
            SERVING if degraded => (StatusCode::OK, "degraded"),
            SERVING => (StatusCode::OK, "ready"),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        };
        if asker == Asker::Public {
            parts.iter_mut().for_each(|part| part.error = None);
        }
        let mut body = json!({
            "status": status,
            "parts": parts,
            "workers": { "running": workers.len() - failing, "failing": failing },
        });
        if self.is_host
            && let Some(body) = body.as_object_mut()
        {
            // New viewers need the log to join, and those that are there to see what is said.
            body.insert("watching".into(), self.parts.is_up("log").into());
            body.insert("commenting".into(), self.parts.is_up("log").into());
            body.insert("history".into(), self.parts.is_up("store").into());
        }
        (code, body)
    }
}

/// Watches what a process stands on.
pub(super) fn watch(parts: &Parts, backends: &Backends, tasks: &TaskTracker, stop: &CancellationToken) {
    let (log, store) = (backends.log.clone(), backends.store.clone());
    let (catalog, relay) = (backends.catalog.clone(), backends.relay.health());
    let ask_log = move || {
        let log = log.clone();
        async move { log.extent(Topic::RoomEvents, 0).await.map(drop) }
    };
    let ask_store = move || {
        let store = store.clone();
        async move { store.checkpoint(0).await.map(drop) }
    };
    let ask_catalog = move || {
        let catalog = catalog.clone();
        async move { catalog.streams(None, 1).await.map(drop) }
    };
    let ask_relay = move || {
        let is_up = relay.borrow().is_up;
        async move { if is_up { Ok(()) } else { Err(parts::away("relay.health", "it does not answer")) } }
    };
    tasks.spawn(parts.clone().watch("log", ask_log, stop.clone()));
    tasks.spawn(parts.clone().watch("store", ask_store, stop.clone()));
    tasks.spawn(parts.clone().watch("catalog", ask_catalog, stop.clone()));
    tasks.spawn(parts.clone().watch("relay", ask_relay, stop.clone()));
}

/// The two routes.
pub(crate) fn router(health: Health, asker: Asker) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(move |State(health): State<Health>| async move { ready(&health, asker) }))
        .with_state(health)
}

fn ready(health: &Health, asker: Asker) -> Response {
    let (code, body) = health.report(asker);
    (code, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
