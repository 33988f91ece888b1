//! Routes about users.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ringside_core::UserId;
use ringside_core::error::Problem;
use ringside_edge::http::{JsonBody, ProblemResponse};
use ringside_ports::catalog::Ban;
use serde::Deserialize;

use super::OperatorServices;
use super::access::Moderator;

type Answer = Result<Response, ProblemResponse>;

fn user_id(text: &str) -> Result<UserId, ProblemResponse> {
    UserId::new(text).map_err(|error| ProblemResponse::new(Problem::InvalidField, error.to_string()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BanBody {
    #[serde(default)]
    reason: String,
    /// How long, in seconds; left out: for good.
    seconds: Option<u64>,
}

/// Bans a user and ends their connections to this host.
pub(super) async fn ban(
    State(services): State<OperatorServices>,
    Moderator(moderator): Moderator,
    Path(user): Path<String>,
    JsonBody(body): JsonBody<BanBody>,
) -> Answer {
    let user = user_id(&user)?;
    let now_ms = services.clock.now_ms();
    let ban = Ban {
        user: user.clone(),
        until_ms: body.seconds.map(|seconds| now_ms.saturating_add(seconds.saturating_mul(1_000))),
        reason: body.reason.chars().take(200).collect(),
        by: moderator.id,
    };
    let kept = services.catalog.ban(ban.clone()).await;
    kept.map_err(|error| ProblemResponse::new(Problem::Unavailable, error.to_string()))?;
    (services.disconnect)(&user);
    tracing::info!(user = %ban.user, by = %ban.by, until_ms = ban.until_ms, reason = ban.reason, "banned a user");
    Ok(Json(ban).into_response())
}

pub(super) async fn unban(
    State(services): State<OperatorServices>,
    Moderator(moderator): Moderator,
    Path(user): Path<String>,
) -> Answer {
    let user = user_id(&user)?;
    let lifted = services.catalog.unban(&user).await;
    if !lifted.map_err(|error| ProblemResponse::new(Problem::Unavailable, error.to_string()))? {
        return Err(ProblemResponse::new(Problem::NotFound, format!("`{user}` is not banned")));
    }
    tracing::info!(%user, by = %moderator.id, "lifted a ban");
    Ok(StatusCode::NO_CONTENT.into_response())
}
