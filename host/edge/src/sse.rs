//! Server-sent events: reading live where WebSocket is blocked (R2). The objects are those of the JSON subprotocol.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use ringside_core::error::Problem;
use ringside_core::wire::{Message, Outcome};
use ringside_core::{Failure, Position, limits};
use ringside_ports::store::Reader;
use serde::Deserialize;

use crate::auth::Identity;
use crate::http::{Place, ProblemResponse, method_not_allowed, query};
use crate::room::{RoomReader, Rooms, Tier, Viewer};
use crate::services::{Services, now_ms};

/// The codec whose objects are sent.
const SUBPROTOCOL: &str = "ringside.v1.json";
/// A comment line this often keeps proxies from closing a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

#[derive(Clone)]
struct SseState {
    services: Services,
    rooms: Rooms,
}

/// The route of event streams.
pub fn router(services: Services, rooms: Rooms) -> Router {
    Router::new()
        .route("/v1/streams/{stream}/events", get(events))
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(SseState { services, rooms })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    token: Option<String>,
    position: Option<String>,
    history: Option<u32>,
}

async fn events(
    State(state): State<SseState>,
    Place(stream): Place<String>,
    params: Result<Query<Params>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ProblemResponse> {
    let params = query(params, "token, position and history")?;
    let services = &state.services;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = header(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    let identity = bearer
        .or(params.token.as_deref())
        .map(|token| services.verifier.verify(token.trim(), now_ms()))
        .transpose()?;
    let entry = services.comments.stream(&stream).await?;
    match &identity {
        None if !entry.settings.anonymous_read => {
            return Err(ProblemResponse::new(
                Problem::Unauthenticated,
                "this stream is for signed-in users: send a token",
            ));
        }
        Some(identity) if !identity.allows(&entry.id) => {
            let detail = format!("this token is not for stream `{}`", entry.id);
            return Err(ProblemResponse::new(Problem::Forbidden, detail));
        }
        Some(identity) => banned(services, identity).await?,
        None => {}
    }
    let position = header("last-event-id")
        .or(params.position.as_deref())
        .map(str::parse::<Position>)
        .transpose()
        .map_err(|error| ProblemResponse::new(Problem::InvalidField, error.to_string()))?;
    let history = params.history.unwrap_or(limits::PAGE_SIZE).min(limits::PAGE_SIZE_MAX);
    let expires_at_ms = identity.as_ref().map(|identity| identity.expires_at_ms);
    let viewer = viewer(identity.as_ref());
    let (joined, reader) = state.rooms.reader(&entry.id, viewer, position, history).await?;
    let first = Message::Reply { id: 0, outcome: Outcome::Joined(Box::new(joined)) };
    let live = Live { services: state.services, reader, next: Some(first), expires_at_ms };
    let events = stream::unfold(live, |mut live| async move { Some((live.event().await?, live)) });
    let response = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // Proxies that gather a response before they pass it on would make live chat late.
    Ok(([(CACHE_CONTROL.as_str(), "no-store"), ("x-accel-buffering", "no")], response).into_response())
}

fn viewer(identity: Option<&Identity>) -> Viewer {
    match identity {
        Some(identity) if identity.author.role.moderates() => {
            Viewer { tier: Tier::Full, reader: Reader::Moderator }
        }
        Some(identity) => Viewer { tier: Tier::Sampled, reader: Reader::User(identity.author.id.clone()) },
        None => Viewer { tier: Tier::Sampled, reader: Reader::Public },
    }
}

async fn banned(services: &Services, identity: &Identity) -> Result<(), ProblemResponse> {
    let ban =
        services.audit.banned(now_ms(), &identity.author.id).await.map_err(|error| {
            Failure::retry(Problem::Unavailable, error.to_string(), Duration::from_secs(1))
        })?;
    match ban {
        Some(ban) => {
            Err(ProblemResponse::new(Problem::Banned, format!("`{}` is banned: {}", ban.user, ban.reason)))
        }
        None => Ok(()),
    }
}

/// One event stream.
struct Live {
    services: Services,
    reader: RoomReader,
    next: Option<Message>,
    expires_at_ms: Option<u64>,
}

impl Live {
    /// The next event; none ends the stream, and the browser comes back with the last position.
    async fn event(&mut self) -> Option<Result<Event, Infallible>> {
        loop {
            let message = match self.next.take() {
                Some(message) => message,
                None => self.wait().await?,
            };
            let (name, position) = match &message {
                Message::Reply { outcome: Outcome::Joined(joined), .. } => {
                    ("joined", Some(joined.position.clone()))
                }
                Message::Batch(batch) => ("batch", Some(batch.position.clone())),
                _ => ("notice", None),
            };
            let encoded = self.services.codecs.encode(&Arc::from(SUBPROTOCOL), vec![message]).await;
            // A message that breaks the codec is left out, as it is for WebSockets; without the codec the stream ends.
            let Some(payload) = encoded.ok()?.pop().flatten() else { continue };
            let event = Event::default().event(name).data(String::from_utf8_lossy(&payload));
            return Some(Ok(match position {
                Some(position) => event.id(position),
                None => event,
            }));
        }
    }

    async fn wait(&mut self) -> Option<Message> {
        let Some(expires_at_ms) = self.expires_at_ms else { return self.reader.next().await.ok() };
        let left = Duration::from_millis(expires_at_ms.saturating_sub(now_ms()));
        tokio::time::timeout(left, self.reader.next()).await.ok()?.ok()
    }
}
