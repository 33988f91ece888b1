//! Routes about the audit log.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use ringside_core::error::Problem;
use ringside_edge::http::ProblemResponse;
use ringside_ports::audit::{AUDIT_PAGE_MAX, AuditEntry, AuditQuery};
use ringside_roles::deeds::refused;
use serde::Deserialize;
use serde_json::{Value, json};

use super::access::Moderator;
use super::{OperatorServices, fields};

type Answer = Result<Response, ProblemResponse>;

/// Entries in a page where the caller names no number.
const PAGE_SIZE: usize = 50;

/// An entry with its kind, which is what one filters by.
pub(super) fn shown(entry: &AuditEntry) -> Value {
    let mut body = serde_json::to_value(entry).unwrap_or_default();
    if let Some(body) = body.as_object_mut() {
        body.insert("kind".into(), entry.deed.kind().into());
    }
    body
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageParams {
    stream: Option<String>,
    user: Option<String>,
    comment: Option<String>,
    actor: Option<String>,
    kind: Option<String>,
    since_ms: Option<String>,
    until_ms: Option<String>,
    before: Option<String>,
    most: Option<String>,
}

impl PageParams {
    fn query(self) -> Result<AuditQuery, ProblemResponse> {
        let number = |field, text: Option<String>, least, most| {
            text.map(|text| fields::number(field, &text, least, most)).transpose()
        };
        let most = number("most", self.most, 1, AUDIT_PAGE_MAX as u64)?;
        Ok(AuditQuery {
            stream: fields::optional_id("stream", self.stream.as_ref())?,
            user: fields::optional_id("user", self.user.as_ref())?,
            comment: fields::optional_id("comment", self.comment.as_ref())?,
            actor: fields::optional_id("actor", self.actor.as_ref())?,
            kind: self.kind,
            since_ms: number("since_ms", self.since_ms, 0, u64::MAX)?,
            until_ms: number("until_ms", self.until_ms, 0, u64::MAX)?,
            before: number("before", self.before, 1, u64::MAX)?,
            most: most.and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE_SIZE),
        })
    }
}

/// A page of the audit log, newest first; `next` is the `before` of the next.
pub(super) async fn page(
    State(services): State<OperatorServices>,
    _: Moderator,
    params: Result<Query<PageParams>, QueryRejection>,
) -> Answer {
    let Query(params) = params.map_err(|rejection| {
        fields::invalid(format!(
            "the query cannot be read ({}): it takes stream, user, comment, actor, kind, since_ms, until_ms, before and most",
            rejection.body_text()
        ))
    })?;
    let page = services.audit.page(params.query()?).await.map_err(|error| refused(&error))?;
    let items: Vec<Value> = page.entries.iter().map(shown).collect();
    Ok(Json(json!({ "items": items, "next": page.next })).into_response())
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct UndoBody {
    #[serde(default)]
    reason: String,
}

/// Undoes what an entry did; the body may be left out.
pub(super) async fn undo(
    State(services): State<OperatorServices>,
    Moderator(moderator): Moderator,
    Path(number): Path<String>,
    body: Bytes,
) -> Answer {
    let number = fields::number("number", &number, 0, u64::MAX)?;
    let body: UndoBody = if body.is_empty() {
        UndoBody::default()
    } else {
        serde_json::from_slice(&body).map_err(|error| {
            let detail = format!("the body is not what it should be ({error}): it may have a `reason`");
            ProblemResponse::new(Problem::Malformed, detail)
        })?
    };
    let undone = services.intake.undo(&moderator, number, fields::reason(&body.reason)?).await?;
    tracing::info!(number, by = %undone.by.actor, kind = undone.deed.kind(), "undid a decision");
    Ok(Json(shown(&undone)).into_response())
}
