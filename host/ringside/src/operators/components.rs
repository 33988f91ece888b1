//! Routes about components and releases.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use ringside_core::Author;
use ringside_core::error::Problem;
use ringside_edge::http::{JsonBody, ProblemResponse};
use ringside_ports::releases::OnFailure;
use ringside_roles::deeds::{self, Change};
use serde::Deserialize;

use super::OperatorServices;
use super::access::Operator;
use crate::releaser::{Push, Pushed, Releaser};

type Answer = Result<Response, ProblemResponse>;

/// Releases shown at once.
const HISTORY_MAX: usize = 200;

pub(super) async fn list(State(services): State<OperatorServices>, _: Operator) -> Answer {
    let components = services.releaser.components().await?;
    Ok(Json(serde_json::json!({ "items": components })).into_response())
}

pub(super) async fn chain(State(services): State<OperatorServices>, _: Operator) -> Answer {
    Ok(Json(services.releaser.chain()).into_response())
}

/// Keeps a change of the chain in the audit log.
async fn note(services: &OperatorServices, operator: &Author, what: &str, subject: &str, pushed: &Pushed) {
    let change =
        Change { what, stream: None, subject, before: None, after: serde_json::to_value(pushed).ok() };
    deeds::note(&*services.audit, deeds::by(operator, services.clock.now_ms(), ""), change).await;
}

/// A component in a request: its file in base64, and the minisign signature as text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PushBody {
    file: String,
    signature: String,
    slot: Option<String>,
    config: Option<String>,
    on_failure: Option<OnFailure>,
}

pub(super) async fn push(
    State(services): State<OperatorServices>,
    Operator(operator): Operator,
    JsonBody(body): JsonBody<PushBody>,
) -> Answer {
    let file = Releaser::from_base64(&body.file).ok_or_else(|| {
        ProblemResponse::new(Problem::InvalidField, "field `file` is not the component's bytes in base64")
    })?;
    let subject = body.slot.clone();
    let push = Push {
        file: Bytes::from(file),
        signature: body.signature,
        slot: body.slot,
        config: body.config,
        on_failure: body.on_failure,
    };
    let pushed = services.releaser.push(push, operator.id.as_str()).await?;
    note(&services, &operator, "component.push", subject.as_deref().unwrap_or(&pushed.note), &pushed).await;
    Ok((StatusCode::CREATED, Json(pushed)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigureBody {
    config: Option<String>,
    on_failure: Option<OnFailure>,
}

pub(super) async fn configure(
    State(services): State<OperatorServices>,
    Operator(operator): Operator,
    Path(slot): Path<String>,
    JsonBody(body): JsonBody<ConfigureBody>,
) -> Answer {
    let pushed =
        services.releaser.configure(&slot, body.config, body.on_failure, operator.id.as_str()).await?;
    note(&services, &operator, "component.configure", &slot, &pushed).await;
    Ok(Json(pushed).into_response())
}

pub(super) async fn remove(
    State(services): State<OperatorServices>,
    Operator(operator): Operator,
    Path(slot): Path<String>,
) -> Answer {
    let pushed = services.releaser.remove(&slot, operator.id.as_str()).await?;
    note(&services, &operator, "component.remove", &slot, &pushed).await;
    Ok(Json(pushed).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryParams {
    most: Option<usize>,
}

pub(super) async fn history(
    State(services): State<OperatorServices>,
    _: Operator,
    Query(params): Query<HistoryParams>,
) -> Answer {
    let most = params.most.unwrap_or(20).clamp(1, HISTORY_MAX);
    let releases = services.releaser.history(most).await?;
    Ok(Json(serde_json::json!({ "items": releases })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RollbackBody {
    to: Option<u64>,
}

pub(super) async fn rollback(
    State(services): State<OperatorServices>,
    Operator(operator): Operator,
    JsonBody(body): JsonBody<RollbackBody>,
) -> Answer {
    let pushed = services.releaser.rollback(body.to, operator.id.as_str()).await?;
    note(&services, &operator, "component.rollback", &pushed.note, &pushed).await;
    Ok(Json(pushed).into_response())
}
