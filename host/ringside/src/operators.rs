//! The operators' address: components and releases, streams, review, restrictions, audit log, dead letters, metrics.
//!
//! Never open: each route asks for a token whose role allows it. Viewers cannot reach it, it has an address of its
//! own.

mod access;
mod audit;
mod components;
mod dead_letters;
mod fields;
mod review;
mod streams;
mod users;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post, put};
use axum::{Json, Router};
use prometheus_client::registry::Registry;
use ringside_edge::auth::Verifier;
use ringside_edge::http::ProblemResponse;
use ringside_ports::{Audit, Catalog, Directory, Log};
use ringside_roles::{Clock, Intake, Workers};

use crate::releaser::Releaser;
use access::Operator;

/// Largest body: a component of 32 MiB in base64, and its signature.
const BODY_BYTES_MAX: usize = 48 << 20;

/// What the routes work with.
#[derive(Clone)]
pub(crate) struct OperatorServices {
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) clock: Clock,
    pub(crate) releaser: Arc<Releaser>,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) audit: Arc<dyn Audit>,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) intake: Arc<Intake>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) workers: Workers,
    /// Brings gauges up to date before they are read.
    pub(crate) refresh: Arc<dyn Fn() + Send + Sync>,
    pub(crate) registry: Arc<Registry>,
}

/// All routes of the operators' address.
pub(crate) fn router(services: OperatorServices) -> Router {
    Router::new()
        .route("/v1/components", get(components::list).post(components::push))
        .route("/v1/components/{slot}", put(components::configure).delete(components::remove))
        .route("/v1/chain", get(components::chain))
        .route("/v1/releases", get(components::history))
        .route("/v1/releases/rollback", post(components::rollback))
        .route("/v1/streams", get(streams::list).post(streams::create))
        .route("/v1/streams/{stream}", patch(streams::change))
        .route("/v1/review", get(review::list).post(review::decide))
        .route("/v1/users/{user}/ban", put(users::ban).delete(users::unban))
        .route("/v1/users/{user}/hosts", get(users::hosts))
        .route("/v1/users/{user}/restrictions", get(users::restrictions).post(users::restrict))
        .route("/v1/audit", get(audit::page))
        .route("/v1/audit/{number}/undo", post(audit::undo))
        .route("/v1/dead-letters", get(dead_letters::list))
        .route("/v1/dead-letters/replay", post(dead_letters::replay))
        .route("/v1/workers", get(workers))
        .route("/metrics", get(metrics))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(services)
        .fallback(ringside_edge::http::no_such_route)
}

async fn workers(State(services): State<OperatorServices>, _: Operator) -> Json<serde_json::Value> {
    Json(serde_json::json!({ "items": services.workers.list() }))
}

async fn metrics(State(services): State<OperatorServices>, _: Operator) -> Result<Response, ProblemResponse> {
    (services.refresh)();
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &services.registry).map_err(|_| {
        ProblemResponse::new(ringside_core::error::Problem::Internal, "the metrics could not be written")
    })?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}
