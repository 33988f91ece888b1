//! Failures as `application/problem+json` (RFC 9457).

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use ringside_core::Failure;
use ringside_core::error::Problem;
use serde::Serialize;

/// Of a detail, so many characters are sent: it is for people, and what it quotes of a request may be as long as that.
const DETAIL_CHARS_MAX: usize = 500;

/// A failure on its way to an HTTP client.
#[derive(Debug, Clone)]
pub struct ProblemResponse(pub Failure);

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    number: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl From<Failure> for ProblemResponse {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl ProblemResponse {
    /// A failure that stays one until the request changes.
    #[must_use]
    pub fn new(problem: Problem, detail: impl Into<String>) -> Self {
        Self(Failure::new(problem, detail))
    }
}

impl IntoResponse for ProblemResponse {
    fn into_response(self) -> Response {
        let Self(failure) = self;
        let problem = failure.problem;
        let retry_after_ms =
            failure.retry_after.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        let detail = match failure.detail.char_indices().nth(DETAIL_CHARS_MAX) {
            Some((end, _)) => failure.detail.get(..end).unwrap_or_default(),
            None => &failure.detail,
        };
        let body = Body {
            r#type: format!("urn:ringside:error:{}", problem.number()),
            title: problem.title(),
            status: problem.status(),
            detail,
            number: problem.number(),
            retry_after_ms,
        };
        let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, serde_json::to_vec(&body).unwrap_or_default()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(ms) = retry_after_ms {
            // Whole seconds, rounded up: earlier would be refused again.
            headers.insert(RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
        }
        response
    }
}

/// The path is a route, the method is not for it.
pub(crate) async fn method_not_allowed(method: axum::http::Method, uri: Uri) -> ProblemResponse {
    ProblemResponse::new(Problem::MethodNotAllowed, format!("{method} is not for {}", uri.path()))
}

/// The path is no route.
pub(super) fn no_such_route(uri: &Uri) -> ProblemResponse {
    ProblemResponse::new(
        Problem::NotFound,
        format!("there is no `{}` here: docs/protocol.md lists the routes", uri.path()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_detail_is_cut_where_it_quotes_a_long_request() {
        let detail = format!("unknown field `{}`", "ä".repeat(8_000));
        let response = ProblemResponse::new(Problem::Malformed, detail).into_response();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.starts_with("unknown field `ä") && detail.chars().count() == 500, "{detail}");
    }
}
