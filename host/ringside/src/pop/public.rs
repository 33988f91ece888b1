//! The routes of the public address: REST, the event stream, health, and the viewers' page.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::Next;
use axum::response::Response;
use ringside_edge::http::{self, HttpServices};
use ringside_edge::{Rooms, Services, sse};
use tower_http::cors::{Any, CorsLayer};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use super::health::{self, Asker, Health};
use crate::config::Config;

/// The page loads nothing from elsewhere and runs nothing that was written into it.
const PAGE_POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss: http: https:; img-src 'self' data:; \
                           style-src 'self' 'unsafe-inline'; frame-ancestors *; base-uri 'none'; form-action 'none'";

/// A year, which is the longest that caches honour.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// All of it.
pub(super) fn router(config: &Config, services: &Services, rooms: &Rooms, health: Health) -> Router {
    let url = config.public.url.clone().unwrap_or_else(|| format!("http://{}", config.public.listen));
    let http = HttpServices {
        comments: services.comments.clone(),
        store: services.store.clone(),
        audit: services.audit.clone(),
        directory: services.directory.clone(),
        verifier: services.verifier.clone(),
        traces: services.traces.clone(),
        now_ms: ringside_edge::now_ms,
        host: services.host.clone(),
        region: services.region.clone(),
        public_url: Arc::from(url),
    };
    // Tokens travel in headers, never in cookies: any page may call, and gains nothing by it.
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(Any)
        .allow_headers(Any)
        // All origins are answered alike, so a CDN need not keep one answer for each.
        .vary([])
        .max_age(std::time::Duration::from_secs(600));
    let api = http::router(http).merge(sse::router(services.clone(), rooms.clone())).layer(cors);
    let page = Router::new()
        .fallback_service(
            ServeDir::new(config.bundle().join("web"))
                .precompressed_gzip()
                .fallback(axum::handler::HandlerWithoutStateExt::into_service(http::no_such_route)),
        )
        .layer(axum::middleware::from_fn(cache_assets))
        .layer(SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .layer(SetResponseHeaderLayer::overriding(
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(PAGE_POLICY),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(SetResponseHeaderLayer::overriding(REFERRER_POLICY, HeaderValue::from_static("no-referrer")));
    api.merge(health::router(health, Asker::Public)).fallback_service(page)
}

/// Lets browsers and CDNs keep the page's assets: their names hold a digest of what is in them.
async fn cache_assets(request: Request, next: Next) -> Response {
    let is_asset = request.uri().path().starts_with("/assets/");
    let mut response = next.run(request).await;
    if is_asset && response.status().is_success() {
        response.headers_mut().insert(CACHE_CONTROL, FOREVER);
    }
    response
}
