//! The REST side of the public address: everything a client can do without a WebSocket.
//!
//! Errors are `application/problem+json` with the number of the protocol's error table. Commands go the same way
//! as those of a WebSocket: through [`Comments`].

mod cached;
mod caller;
mod comments;
mod problem;
mod render;
mod streams;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post, put};
use ringside_core::{HostId, RegionId, limits};
use ringside_ports::{Audit, Comments, Directory, Store, Traces};

use crate::auth::Verifier;
pub use caller::Body as JsonBody;
pub(crate) use caller::{Place, query};
pub use problem::ProblemResponse;
pub(crate) use problem::method_not_allowed;

/// What the routes work with.
#[derive(Clone)]
pub struct HttpServices {
    /// Commands and reads.
    pub comments: Arc<dyn Comments>,
    /// One's own reactions.
    pub store: Arc<dyn Store>,
    /// Bans.
    pub audit: Arc<dyn Audit>,
    /// Viewers.
    pub directory: Arc<dyn Directory>,
    /// Tokens.
    pub verifier: Arc<Verifier>,
    /// Which comments are traced.
    pub traces: Traces,
    /// Milliseconds since 1970.
    pub now_ms: fn() -> u64,
    /// This host.
    pub host: HostId,
    /// Its region.
    pub region: RegionId,
    /// Where viewers reach this PoP, such as `https://eu1.chat.example`.
    pub public_url: Arc<str>,
}

/// The routes under `/v1`, without `/v1/connect` and the event stream.
pub fn router(services: HttpServices) -> Router {
    Router::new()
        .route("/v1/pops", get(streams::pops))
        .route("/v1/streams/{stream}", get(streams::show).patch(streams::change))
        .route("/v1/streams/{stream}/emoji", post(streams::emoji))
        .route("/v1/streams/{stream}/pin", put(streams::pin).delete(streams::unpin))
        .route("/v1/streams/{stream}/viewers", get(streams::viewers))
        .route("/v1/streams/{stream}/popular", get(comments::popular))
        .route("/v1/streams/{stream}/reactions", get(comments::own_reactions))
        .route("/v1/streams/{stream}/comments", get(comments::list).post(comments::create))
        .route(
            "/v1/streams/{stream}/comments/{comment}",
            get(comments::show).patch(comments::edit).delete(comments::delete),
        )
        .route("/v1/streams/{stream}/comments/{comment}/replies", get(comments::replies))
        .route(
            "/v1/streams/{stream}/comments/{comment}/reaction",
            put(comments::react).delete(comments::unreact),
        )
        .route("/v1/streams/{stream}/comments/{comment}/review", post(comments::review))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES_MAX))
        .with_state(services)
}

/// The answer to a path that is no route of this host.
pub async fn no_such_route(uri: axum::http::Uri) -> ProblemResponse {
    problem::no_such_route(&uri)
}

/// A page of comments as REST shows it; `for_moderator` adds why each was held or flagged.
#[must_use]
pub fn page_body(page: ringside_ports::store::Page, for_moderator: bool) -> impl serde::Serialize {
    render::PageBody::new(page, for_moderator)
}
