//! Routes about users.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ringside_core::error::Problem;
use ringside_core::{Author, RestrictionKind, UserId};
use ringside_edge::http::{JsonBody, ProblemResponse};
use ringside_ports::PortError;
use ringside_ports::audit::{By, Deed};
use ringside_ports::error::PortErrorKind;
use serde::Deserialize;

use super::OperatorServices;
use super::access::Moderator;

type Answer = Result<Response, ProblemResponse>;

fn user_id(text: &str) -> Result<UserId, ProblemResponse> {
    UserId::new(text).map_err(|error| ProblemResponse::new(Problem::InvalidField, error.to_string()))
}

fn refused(error: PortError) -> ProblemResponse {
    let problem = match error.kind {
        PortErrorKind::Conflict => Problem::Conflict,
        PortErrorKind::NotFound => Problem::NotFound,
        PortErrorKind::Invalid => Problem::InvalidField,
        _ => return ProblemResponse::new(Problem::Unavailable, error.to_string()),
    };
    ProblemResponse::new(problem, error.detail)
}

fn by(moderator: Author, at_ms: u64, reason: String) -> By {
    By { actor: moderator.id, role: moderator.role, at_ms, reason, reference: None }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BanBody {
    #[serde(default)]
    reason: String,
    /// How long, in seconds; left out: for good.
    seconds: Option<u64>,
}

/// Bans a user, in place of an earlier ban, and ends their connections to this host.
pub(super) async fn ban(
    State(services): State<OperatorServices>,
    Moderator(moderator): Moderator,
    Path(user): Path<String>,
    JsonBody(body): JsonBody<BanBody>,
) -> Answer {
    let user = user_id(&user)?;
    let now_ms = services.clock.now_ms();
    let until_ms = body.seconds.map(|seconds| now_ms.saturating_add(seconds.saturating_mul(1_000)));
    let reason = body.reason.chars().take(200).collect();
    let before = services.audit.banned(now_ms, &user).await.map_err(refused)?;
    let deed = Deed::Restrict { user: user.clone(), kind: RestrictionKind::Ban, stream: None, until_ms };
    let recorded =
        services.audit.record(by(moderator, now_ms, reason), deed, before.map(|ban| ban.entry)).await;
    let entry = recorded.map_err(refused)?;
    (services.disconnect)(&user);
    tracing::info!(%user, by = %entry.by.actor, until_ms, reason = entry.by.reason, "banned a user");
    Ok(Json(entry.restriction()).into_response())
}

pub(super) async fn unban(
    State(services): State<OperatorServices>,
    Moderator(moderator): Moderator,
    Path(user): Path<String>,
) -> Answer {
    let user = user_id(&user)?;
    let now_ms = services.clock.now_ms();
    let Some(ban) = services.audit.banned(now_ms, &user).await.map_err(refused)? else {
        return Err(ProblemResponse::new(Problem::NotFound, format!("`{user}` is not banned")));
    };
    let undone =
        services.audit.undo(by(moderator, now_ms, String::new()), ban.entry).await.map_err(refused)?;
    tracing::info!(%user, by = %undone.by.actor, "lifted a ban");
    Ok(StatusCode::NO_CONTENT.into_response())
}
