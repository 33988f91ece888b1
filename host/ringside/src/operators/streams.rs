//! Routes about streams.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ringside_core::error::Problem;
use ringside_core::{Settings, SettingsPatch, StreamId};
use ringside_edge::http::{JsonBody, ProblemResponse};
use ringside_ports::Comments as _;
use ringside_ports::catalog::StreamEntry;
use ringside_ports::error::PortErrorKind;
use ringside_roles::deeds::{self, Change};
use serde::Deserialize;

use super::OperatorServices;
use super::access::{Moderator, Operator};

type Answer = Result<Response, ProblemResponse>;

/// Longest title in bytes.
const TITLE_BYTES_MAX: usize = 200;
/// Streams shown at once.
const STREAMS_MAX: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    after: Option<StreamId>,
}

pub(super) async fn list(
    State(services): State<OperatorServices>,
    _: Moderator,
    Query(params): Query<ListParams>,
) -> Answer {
    let items = services.catalog.streams(params.after.as_ref(), STREAMS_MAX).await;
    let items = items.map_err(|error| ProblemResponse::new(Problem::Unavailable, error.to_string()))?;
    let next = (items.len() == STREAMS_MAX).then(|| items.last().map(|entry| entry.id.clone())).flatten();
    Ok(Json(serde_json::json!({ "items": items, "next": next, "previous": null })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateBody {
    id: StreamId,
    title: Option<String>,
    #[serde(default)]
    settings: SettingsPatch,
}

pub(super) async fn create(
    State(services): State<OperatorServices>,
    Operator(operator): Operator,
    JsonBody(body): JsonBody<CreateBody>,
) -> Answer {
    let title = body.title.unwrap_or_else(|| body.id.to_string());
    if title.is_empty() || title.len() > TITLE_BYTES_MAX {
        let detail = format!("the title has {} bytes, not 1 to {TITLE_BYTES_MAX}", title.len());
        return Err(ProblemResponse::new(Problem::InvalidField, detail));
    }
    let settings = body
        .settings
        .apply(&Settings::default())
        .map_err(|error| ProblemResponse::new(Problem::InvalidSettings, error.to_string()))?;
    let entry =
        StreamEntry { id: body.id, title, settings, version: 1, created_at_ms: services.clock.now_ms() };
    services.catalog.create(entry.clone()).await.map_err(|error| match error.kind {
        PortErrorKind::Conflict => ProblemResponse::new(
            Problem::Conflict,
            format!("stream `{}` is registered already; change its settings with PATCH", entry.id),
        ),
        _ => ProblemResponse::new(Problem::Unavailable, error.to_string()),
    })?;
    let change = Change {
        what: "stream.create",
        stream: Some(&entry.id),
        subject: entry.id.as_str(),
        before: None,
        after: serde_json::to_value(&entry).ok(),
    };
    deeds::note(&*services.audit, deeds::by(&operator, entry.created_at_ms, ""), change).await;
    Ok((StatusCode::CREATED, Json(entry)).into_response())
}

pub(super) async fn change(
    State(services): State<OperatorServices>,
    Moderator(moderator): Moderator,
    Path(stream): Path<String>,
    JsonBody(patch): JsonBody<SettingsPatch>,
) -> Answer {
    let entry = services.intake.stream(&stream).await?;
    let settings = services.intake.change_settings(&moderator, &entry.id, patch).await?;
    Ok(Json(settings).into_response())
}
