//! Who may use the operators' address.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use ringside_core::error::Problem;
use ringside_core::{Author, Role};
use ringside_edge::http::ProblemResponse;

use super::OperatorServices;

/// A caller who is an operator.
pub(super) struct Operator(pub(super) Author);

/// A caller who is a moderator or an operator.
pub(super) struct Moderator(pub(super) Author);

fn caller(parts: &Parts, services: &OperatorServices, least: Role) -> Result<Author, ProblemResponse> {
    let token = parts
        .headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or_else(|| {
            ProblemResponse::new(
                Problem::Unauthenticated,
                "send `Authorization: Bearer TOKEN`; `ringside token --user me --role operator` prints a token",
            )
        })?;
    let identity = services.verifier.verify(token.trim(), services.clock.now_ms())?;
    if identity.author.role < least {
        return Err(ProblemResponse::new(
            Problem::Forbidden,
            format!(
                "this needs role {}, `{}` is a {}",
                least.as_str(),
                identity.author.id,
                identity.author.role.as_str()
            ),
        ));
    }
    Ok(identity.author)
}

impl FromRequestParts<OperatorServices> for Operator {
    type Rejection = ProblemResponse;

    async fn from_request_parts(
        parts: &mut Parts,
        services: &OperatorServices,
    ) -> Result<Self, ProblemResponse> {
        caller(parts, services, Role::Operator).map(Self)
    }
}

impl FromRequestParts<OperatorServices> for Moderator {
    type Rejection = ProblemResponse;

    async fn from_request_parts(
        parts: &mut Parts,
        services: &OperatorServices,
    ) -> Result<Self, ProblemResponse> {
        caller(parts, services, Role::Moderator).map(Self)
    }
}
