//! Routes about the review queue: what waits with who held it, and decisions.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ringside_core::wire::Review;
use ringside_core::{CommentId, StreamId, limits};
use ringside_edge::http::{JsonBody, ProblemResponse, page_body};
use ringside_ports::Comments as _;
use ringside_ports::store::{Anchor, PageOf, PageQuery, Reader};
use serde::Deserialize;
use serde_json::{Value, json};

use super::access::Moderator;
use super::{OperatorServices, fields};
use crate::releaser::Releaser;

type Answer = Result<Response, ProblemResponse>;

/// Releases in which a deciding slot is looked up: what waits for review was judged in one of the latest.
const RELEASES_MAX: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    stream: String,
    cursor: Option<String>,
}

/// Held and flagged comments of a stream, newest first, each with the slot that decided, what ran in it, and why.
pub(super) async fn list(
    State(services): State<OperatorServices>,
    _: Moderator,
    Query(params): Query<ListParams>,
) -> Answer {
    let cursor = fields::optional_id("cursor", params.cursor.as_ref())?;
    let query = PageQuery {
        stream: fields::id("stream", &params.stream)?,
        of: PageOf::Review,
        reader: Reader::Moderator,
        anchor: cursor.map_or(Anchor::Newest, Anchor::Before),
        size: limits::PAGE_SIZE,
    };
    let page = services.intake.page(query).await?.page;
    let mut body = serde_json::to_value(page_body(page, true)).unwrap_or_default();
    name_components(&services.releaser, &mut body).await;
    Ok(Json(body).into_response())
}

/// Names the component, its version and digest, that stood in the deciding slot of the generation that judged. What no
/// component decided (a setting, a moderator), and what ran in a release that is not kept, stays as it is.
async fn name_components(releaser: &Releaser, page: &mut Value) {
    let items = page.get_mut("items").and_then(Value::as_array_mut);
    let mut judgements: Vec<&mut Value> =
        items.into_iter().flatten().filter_map(|item| item.get_mut("judgement")).collect();
    if judgements.is_empty() {
        return;
    }
    let (Ok(releases), Ok(components)) = (releaser.history(RELEASES_MAX).await, releaser.components().await)
    else {
        return;
    };
    let slots: HashMap<(u64, &str), _> = releases
        .iter()
        .flat_map(|release| {
            release.slots.iter().map(|slot| ((release.number, slot.name.as_str()), &slot.component))
        })
        .collect();
    for judgement in &mut judgements {
        let generation = judgement.get("generation").and_then(Value::as_u64);
        let slot = judgement.get("slot").and_then(Value::as_str);
        let digest = generation.zip(slot).and_then(|place| slots.get(&place));
        let Some(entry) = digest.and_then(|digest| components.iter().find(|entry| entry.digest == **digest))
        else {
            continue;
        };
        let (name, version, digest) = (entry.name.clone(), entry.version.clone(), entry.digest.to_string());
        if let Some(judgement) = judgement.as_object_mut() {
            judgement.insert("component".into(), name.into());
            judgement.insert("version".into(), version.into());
            judgement.insert("digest".into(), digest.into());
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DecideBody {
    stream: String,
    comment: String,
    review: String,
    #[serde(default)]
    reason: String,
}

/// Approves a comment or takes it away.
pub(super) async fn decide(
    State(services): State<OperatorServices>,
    Moderator(moderator): Moderator,
    JsonBody(body): JsonBody<DecideBody>,
) -> Answer {
    let stream: StreamId = fields::id("stream", &body.stream)?;
    let comment: CommentId = fields::id("comment", &body.comment)?;
    let review = match body.review.as_str() {
        "approve" => Review::Approve,
        "remove" => Review::Remove,
        other => {
            let detail = format!("field `review`: `{other}` is neither `approve` nor `remove`");
            return Err(fields::invalid(detail));
        }
    };
    let reason = fields::reason(&body.reason)?;
    services.intake.decide(&moderator, &stream, comment, review, reason).await?;
    tracing::info!(%stream, %comment, by = %moderator.id, review = body.review, reason, "decided on a comment");
    Ok((StatusCode::OK, Json(json!({ "stream": stream, "comment": comment, "review": body.review })))
        .into_response())
}
