//! Routes about users: where they are, and what they may not do.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ringside_core::error::Problem;
use ringside_core::{Author, Restriction, RestrictionKind, StreamId, UserId};
use ringside_edge::http::{JsonBody, ProblemResponse};
use ringside_ports::audit::{AuditEntry, AuditQuery, Deed};
use ringside_roles::deeds::{by, refused};
use serde::Deserialize;
use serde_json::json;

use super::access::Moderator;
use super::{OperatorServices, audit, fields};

type Answer = Result<Response, ProblemResponse>;

/// Longest restriction that ends by itself: ten years. Left out, it holds until it is undone.
const SECONDS_MAX: u64 = 10 * 365 * 24 * 3_600;

/// When something that lasts so many seconds from now on is over.
fn until_ms(now_ms: u64, seconds: Option<u64>) -> Result<Option<u64>, ProblemResponse> {
    let Some(seconds) = seconds else { return Ok(None) };
    if !(1..=SECONDS_MAX).contains(&seconds) {
        return Err(fields::invalid(format!(
            "field `seconds`: {seconds} is not from 1 to {SECONDS_MAX}; leave it out for what holds until it is undone"
        )));
    }
    Ok(Some(now_ms + seconds * 1_000))
}

async fn record(
    services: &OperatorServices,
    moderator: &Author,
    deed: Deed,
    reason: &str,
    instead_of: Option<u64>,
) -> Result<AuditEntry, ProblemResponse> {
    let by = by(moderator, services.clock.now_ms(), reason);
    let entry = services.audit.record(by, deed, instead_of).await.map_err(|error| refused(&error))?;
    if let Deed::Restrict { user, kind, stream, until_ms } = &entry.deed {
        let (kind, stream) = (kind.as_str(), stream.as_ref().map(StreamId::as_str));
        tracing::info!(%user, kind, stream, until_ms, by = %moderator.id, reason, "restricted a user");
    }
    Ok(entry)
}

/// The hosts a user was seen on in the last five minutes.
pub(super) async fn hosts(
    State(services): State<OperatorServices>,
    _: Moderator,
    Path(user): Path<String>,
) -> Answer {
    let user: UserId = fields::id("user", &user)?;
    let found = services.directory.hosts_of(services.clock.now_ms(), &user).await;
    Ok(Json(json!({ "items": found.map_err(|error| refused(&error))? })).into_response())
}

/// What a user may not do.
pub(super) async fn restrictions(
    State(services): State<OperatorServices>,
    _: Moderator,
    Path(user): Path<String>,
) -> Answer {
    let user: UserId = fields::id("user", &user)?;
    let found = services.audit.restrictions(services.clock.now_ms(), &user).await;
    Ok(Json(json!({ "items": found.map_err(|error| refused(&error))? })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RestrictBody {
    kind: String,
    stream: Option<String>,
    seconds: Option<u64>,
    reason: String,
    /// The entry whose place this takes.
    instead_of: Option<u64>,
}

/// Takes something away from a user.
pub(super) async fn restrict(
    State(services): State<OperatorServices>,
    Moderator(moderator): Moderator,
    Path(user): Path<String>,
    JsonBody(body): JsonBody<RestrictBody>,
) -> Answer {
    let kind = RestrictionKind::ALL.into_iter().find(|kind| kind.as_str() == body.kind).ok_or_else(|| {
        let detail = format!("field `kind`: `{}` is none of time-out, shadow-ban and ban", body.kind);
        fields::invalid(detail)
    })?;
    let reason = fields::reason(&body.reason)?;
    if reason.is_empty() {
        return Err(fields::invalid("field `reason` is empty: say why, for the audit log and the user"));
    }
    let deed = Deed::Restrict {
        user: fields::id("user", &user)?,
        kind,
        stream: fields::optional_id("stream", body.stream.as_ref())?,
        until_ms: until_ms(services.clock.now_ms(), body.seconds)?,
    };
    let entry = record(&services, &moderator, deed, reason, body.instead_of).await?;
    Ok((StatusCode::CREATED, Json(audit::shown(&entry))).into_response())
}

/// The ban of a user that holds, as the audit log itself has it.
async fn standing_ban(
    services: &OperatorServices,
    user: &UserId,
) -> Result<Option<Restriction>, ProblemResponse> {
    let query = AuditQuery {
        user: Some(user.clone()),
        kind: Some("user.ban".into()),
        most: 1,
        ..AuditQuery::default()
    };
    let page = services.audit.page(query).await.map_err(|error| refused(&error))?;
    let latest = page.entries.into_iter().next();
    let stands = latest.filter(|entry| entry.undoes.is_none() && entry.undone_by.is_none());
    let ban = stands.and_then(|entry| entry.restriction());
    Ok(ban.filter(|ban| ban.holds_at(services.clock.now_ms())))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BanBody {
    #[serde(default)]
    reason: String,
    /// How long, in seconds; left out: for good.
    seconds: Option<u64>,
}

/// Bans a user, in place of an earlier ban.
pub(super) async fn ban(
    State(services): State<OperatorServices>,
    Moderator(moderator): Moderator,
    Path(user): Path<String>,
    JsonBody(body): JsonBody<BanBody>,
) -> Answer {
    let user: UserId = fields::id("user", &user)?;
    let until_ms = until_ms(services.clock.now_ms(), body.seconds)?;
    let before = standing_ban(&services, &user).await?;
    let deed = Deed::Restrict { user, kind: RestrictionKind::Ban, stream: None, until_ms };
    let reason = fields::reason(&body.reason)?;
    let entry = record(&services, &moderator, deed, reason, before.map(|ban| ban.entry)).await?;
    Ok(Json(entry.restriction()).into_response())
}

/// Lifts a ban.
pub(super) async fn unban(
    State(services): State<OperatorServices>,
    Moderator(moderator): Moderator,
    Path(user): Path<String>,
) -> Answer {
    let user: UserId = fields::id("user", &user)?;
    let Some(ban) = standing_ban(&services, &user).await? else {
        return Err(ProblemResponse::new(Problem::NotFound, format!("`{user}` is not banned")));
    };
    let undone = services.intake.undo(&moderator, ban.entry, "").await?;
    tracing::info!(%user, by = %undone.by.actor, "lifted a ban");
    Ok(StatusCode::NO_CONTENT.into_response())
}
