//! Who calls, from the request's bearer token, and what was sent, from its body.

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use ringside_core::error::Problem;
use ringside_core::{Author, CommentId, Failure, StreamId};
use ringside_ports::catalog::StreamEntry;
use ringside_ports::store::Reader;
use serde::de::DeserializeOwned;

use super::HttpServices;
use super::problem::ProblemResponse;
use crate::auth::Identity;

/// The caller: signed in, or nobody in particular.
pub(super) struct Caller(pub(super) Option<Identity>);

impl FromRequestParts<HttpServices> for Caller {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, services: &HttpServices) -> Result<Self, ProblemResponse> {
        let Some(header) = parts.headers.get(AUTHORIZATION) else { return Ok(Self(None)) };
        let token = header
            .to_str()
            .ok()
            .and_then(|value| value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer ")))
            .ok_or_else(|| {
                ProblemResponse::new(
                    Problem::InvalidToken,
                    "the header must be `Authorization: Bearer TOKEN`",
                )
            })?;
        let now_ms = (services.now_ms)();
        let identity = services.verifier.verify(token.trim(), now_ms)?;
        let ban = services.audit.banned(now_ms, &identity.author.id).await;
        if let Some(ban) = ban.map_err(|error| unavailable(&error))? {
            return Err(ProblemResponse::new(
                Problem::Banned,
                format!("`{}` is banned: {}", ban.user, ban.reason),
            ));
        }
        Ok(Self(Some(identity)))
    }
}

impl Caller {
    /// The signed-in user.
    ///
    /// # Errors
    /// `Unauthenticated`, or `Forbidden` when the token is for other streams.
    pub(super) fn user(&self, stream: &StreamId) -> Result<&Author, Failure> {
        let identity = self.0.as_ref().ok_or_else(|| {
            Failure::new(Problem::Unauthenticated, "send a token: `Authorization: Bearer TOKEN`")
        })?;
        if !identity.allows(stream) {
            return Err(Failure::new(Problem::Forbidden, format!("this token is not for stream `{stream}`")));
        }
        Ok(&identity.author)
    }

    /// What the caller may read of a stream.
    ///
    /// # Errors
    /// `Unauthenticated` where the stream is for signed-in users, `Forbidden` when the token is for other streams.
    pub(super) fn reader(&self, entry: &StreamEntry) -> Result<Reader, Failure> {
        match &self.0 {
            None if entry.settings.anonymous_read => Ok(Reader::Public),
            _ => {
                let user = self.user(&entry.id)?;
                Ok(if user.role.moderates() { Reader::Moderator } else { Reader::User(user.id.clone()) })
            }
        }
    }

    /// True where the answer depends on who asks, and so must not be kept by caches.
    pub(super) fn is_signed_in(&self) -> bool {
        self.0.is_some()
    }
}

/// What stands in the path's places, as text. One that is no UTF-8 is told so like any other wrong field.
pub(crate) struct Place<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Place<T> {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ProblemResponse> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(places)) => Ok(Self(places)),
            Err(rejection) => Err(ProblemResponse::new(
                Problem::InvalidField,
                format!(
                    "the path cannot be read ({}): write it as UTF-8, percent-encoded",
                    rejection.body_text()
                ),
            )),
        }
    }
}

/// The query's parameters; `known` names them for who sent others.
///
/// # Errors
/// `InvalidField` with what is wrong.
pub(crate) fn query<T>(params: Result<Query<T>, QueryRejection>, known: &str) -> Result<T, ProblemResponse> {
    params.map(|Query(params)| params).map_err(|rejection| {
        ProblemResponse::new(
            Problem::InvalidField,
            format!("the query cannot be read ({}): it takes {known}", rejection.body_text()),
        )
    })
}

/// A JSON body; unknown fields, wrong types and too many bytes are told by name.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ProblemResponse;

    async fn from_request(request: Request, state: &S) -> Result<Self, ProblemResponse> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
                ProblemResponse::new(Problem::TooLarge, "the body is larger than this route takes")
            } else {
                ProblemResponse::new(Problem::Malformed, "the body ended before it was complete")
            }
        })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            ProblemResponse::new(Problem::Malformed, format!("the body is not what it should be: {error}"))
        })
    }
}

/// A comment's id from the path.
pub(super) fn comment_id(text: &str) -> Result<CommentId, Failure> {
    text.parse().map_err(|error| Failure::new(Problem::InvalidField, format!("{error}")))
}

/// A backend that does not answer.
pub(super) fn unavailable(error: &ringside_ports::PortError) -> Failure {
    tracing::warn!(%error, "a request failed because a backend did");
    let after = error.retry_after.unwrap_or(std::time::Duration::from_secs(1));
    Failure::retry(Problem::Unavailable, "a backend does not answer just now", after)
}
