//! A small host that takes comments over REST as docs/protocol.md says, and keeps what it was sent.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A comment as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Came {
    pub(crate) user: String,
    pub(crate) name: String,
    pub(crate) text: String,
}

#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) came: Vec<Came>,
    pub(crate) references: HashSet<String>,
    pub(crate) in_flight: usize,
    pub(crate) in_flight_most: usize,
}

#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) url: String,
    pub(crate) seen: Arc<Mutex<Seen>>,
    /// Milliseconds until a comment is answered.
    delay_ms: u64,
}

impl Host {
    pub(crate) async fn start(delay_ms: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let host = Self { url: format!("http://{address}"), seen: Arc::default(), delay_ms };
        let app = Router::new()
            .route("/v1/streams/{stream}", get(stream))
            .route("/v1/streams/{stream}/comments", post(comment))
            .with_state(host.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        host
    }

    pub(crate) fn came(&self) -> Vec<Came> {
        self.seen.lock().unwrap().came.clone()
    }
}

fn problem(status: u16, number: u16, detail: &str) -> Response {
    let body = json!({
        "type": format!("urn:ringside:error:{number}"), "title": "a title", "status": status, "detail": detail,
        "number": number, "retry_after_ms": (status == 429).then_some(1_500),
    });
    let headers = [("content-type", "application/problem+json")];
    (StatusCode::from_u16(status).unwrap(), headers, body.to_string()).into_response()
}

/// The user and name of a token of these tests: `good USER NAME`.
fn caller(headers: &HeaderMap) -> Option<(String, String)> {
    let token = headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer good ")?;
    let (user, name) = token.split_once(' ')?;
    Some((user.to_owned(), name.to_owned()))
}

async fn stream(headers: HeaderMap, Path(stream): Path<String>) -> Response {
    match (caller(&headers), stream.as_str()) {
        (None, _) => problem(401, 102, "the signature does not fit"),
        (Some(_), "demo") => Json(json!({"id": "demo"})).into_response(),
        (Some(_), _) => problem(404, 202, "there is no such stream"),
    }
}

async fn comment(
    State(host): State<Host>,
    headers: HeaderMap,
    Path(stream): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    assert_eq!(stream, "demo");
    let (user, name) = caller(&headers).unwrap();
    let text = body["text"].as_str().unwrap().to_owned();
    let number = {
        let mut seen = host.seen.lock().unwrap();
        assert!(
            seen.references.insert(body["reference"].as_str().unwrap().to_owned()),
            "each has its own reference"
        );
        seen.came.push(Came { user, name, text: text.clone() });
        seen.in_flight += 1;
        seen.in_flight_most = seen.in_flight_most.max(seen.in_flight);
        seen.came.len()
    };
    tokio::time::sleep(std::time::Duration::from_millis(host.delay_ms)).await;
    host.seen.lock().unwrap().in_flight -= 1;
    let comment = json!({"id": format!("c{number}"), "text": text});
    match text.split(' ').next() {
        Some("hold") => (StatusCode::ACCEPTED, Json(comment)).into_response(),
        Some("reject") => problem(422, 210, "not here"),
        Some("fast") => problem(429, 301, "wait 1500 ms"),
        Some("long") => problem(422, 204, "the text has 501 characters"),
        Some("break") => StatusCode::BAD_GATEWAY.into_response(),
        // The connection ends with the answer: the next call must open another one.
        Some("bye") => (StatusCode::CREATED, [("connection", "close")], Json(comment)).into_response(),
        _ => (StatusCode::CREATED, Json(comment)).into_response(),
    }
}
