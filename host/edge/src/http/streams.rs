//! Routes about streams and this PoP.

use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use ringside_core::{CommentId, SettingsPatch, limits};
use ringside_ports::comments::Beside;
use serde::Deserialize;
use std::collections::BTreeMap;

use super::HttpServices;
use super::cached::{self, Keep};
use super::caller::{Body, Caller, Place, unavailable};
use super::comments::reacted;
use super::problem::ProblemResponse;
use super::render::CommentBody;

type Answer = Result<Response, ProblemResponse>;

/// The PoPs a client may choose from; this host knows itself.
pub(super) async fn pops(State(services): State<HttpServices>) -> Response {
    let pop = serde_json::json!({
        "id": services.host.as_str(),
        "region": services.region.as_str(),
        "url": services.public_url.as_ref(),
        "healthy": true,
    });
    ([(CACHE_CONTROL, "public, max-age=30")], Json(serde_json::json!({ "items": [pop] }))).into_response()
}

/// Settings and counts of a stream.
pub(super) async fn show(
    State(services): State<HttpServices>,
    caller: Caller,
    asked: HeaderMap,
    Place(stream): Place<String>,
) -> Answer {
    let entry = services.comments.stream(&stream).await?;
    caller.reader(&entry)?;
    let now_ms = (services.now_ms)();
    let viewers = services.directory.viewers(now_ms, &entry.id).await.map_err(|error| unavailable(&error))?;
    let Beside { emoji, pinned } = services.comments.beside(&entry.id).await?;
    let body = serde_json::json!({
        "id": entry.id,
        "title": entry.title,
        "settings": entry.settings,
        "version": entry.version,
        "viewers": viewers,
        "emoji": emoji.into_iter().collect::<BTreeMap<_, _>>(),
        "pinned": pinned.map(|stored| CommentBody::new(stored, false)),
    });
    let keep = if caller.is_signed_in() { Keep::No } else { Keep::Briefly };
    Ok(cached::answer(&asked, keep, &body))
}

/// How many watch a stream, and who, where they are few enough for a list.
pub(super) async fn viewers(
    State(services): State<HttpServices>,
    caller: Caller,
    Place(stream): Place<String>,
) -> Answer {
    let entry = services.comments.stream(&stream).await?;
    caller.user(&entry.id)?;
    let (now_ms, most) = ((services.now_ms)(), limits::ONLINE_LISTED_MAX);
    let viewers = services.directory.viewers(now_ms, &entry.id).await.map_err(|error| unavailable(&error))?;
    let online = if viewers <= u64::from(most) {
        let online =
            services.directory.online(now_ms, &entry.id, usize::try_from(most).unwrap_or(usize::MAX)).await;
        Some(online.map_err(|error| unavailable(&error))?)
    } else {
        None
    };
    Ok(Json(serde_json::json!({ "viewers": viewers, "online": online })).into_response())
}

/// Changes settings (moderators).
pub(super) async fn change(
    State(services): State<HttpServices>,
    caller: Caller,
    Place(stream): Place<String>,
    Body(patch): Body<SettingsPatch>,
) -> Answer {
    let entry = services.comments.stream(&stream).await?;
    let user = caller.user(&entry.id)?;
    let settings = services.comments.change_settings(user, &entry.id, patch).await?;
    Ok(Json(settings).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EmojiBody {
    emoji: String,
    count: Option<u32>,
}

pub(super) async fn emoji(
    State(services): State<HttpServices>,
    caller: Caller,
    Place(stream): Place<String>,
    Body(body): Body<EmojiBody>,
) -> Answer {
    let entry = services.comments.stream(&stream).await?;
    let user = caller.user(&entry.id)?;
    reacted(&services.comments.emoji(user, &entry.id, body.emoji, body.count.unwrap_or(1)).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PinBody {
    comment: CommentId,
}

pub(super) async fn pin(
    State(services): State<HttpServices>,
    caller: Caller,
    Place(stream): Place<String>,
    Body(body): Body<PinBody>,
) -> Answer {
    set_pin(&services, &caller, &stream, Some(body.comment)).await
}

pub(super) async fn unpin(
    State(services): State<HttpServices>,
    caller: Caller,
    Place(stream): Place<String>,
) -> Answer {
    set_pin(&services, &caller, &stream, None).await
}

async fn set_pin(services: &HttpServices, caller: &Caller, stream: &str, id: Option<CommentId>) -> Answer {
    let entry = services.comments.stream(stream).await?;
    services.comments.pin(caller.user(&entry.id)?, &entry.id, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
