//! The door of a shard: accepts TCP connections, serves HTTP on them, and hands those that become WebSockets to the
//! hub.

use std::cell::RefCell;
use std::convert::Infallible;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use ringside_core::Failure;
use ringside_core::error::Problem;
use ringside_ports::codecs::Format;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::auth::Identity;
use crate::config::EdgeConfig;
use crate::formats::Formats;
use crate::handshake::{self, Upgrade};
use crate::http::ProblemResponse;
use crate::hub::Hub;
use crate::services::Services;
use crate::session::check;

/// Where WebSockets begin.
pub(crate) const CONNECT_PATH: &str = "/v1/connect";
/// Handshakes of a shard that are under way at once: beyond it they wait, so that a crowd that returns does not
/// starve those who are connected.
const HANDSHAKES_MAX: usize = 64;
/// TCP connections of a shard that are served over HTTP: requests under way, event streams, and those that have sent
/// nothing yet. Each takes up to 20 KB, so this is 80 MB; beyond it connections wait in the kernel.
const HTTP_MAX: usize = 4_096;
/// Longest head of a request: a token and some cookies.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// An open HTTP connection is closed when no request comes for this long.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// Wait after `accept` failed, as when the process has no more descriptors.
const ACCEPT_WAIT: Duration = Duration::from_millis(50);

/// What a shard needs to let viewers in.
pub(crate) struct Door {
    pub(crate) hub: Rc<RefCell<Hub>>,
    pub(crate) services: Services,
    pub(crate) config: Arc<EdgeConfig>,
    pub(crate) formats: Arc<Formats>,
    pub(crate) release: watch::Receiver<Arc<[Format]>>,
    pub(crate) router: Router,
    pub(crate) handshakes: Arc<Semaphore>,
    pub(crate) http: Arc<Semaphore>,
}

impl Door {
    pub(crate) fn new(
        hub: Rc<RefCell<Hub>>,
        services: Services,
        config: Arc<EdgeConfig>,
        formats: Arc<Formats>,
        router: Router,
    ) -> Self {
        let release = services.codecs.formats();
        Self {
            hub,
            services,
            config,
            formats,
            release,
            router,
            handshakes: Arc::new(Semaphore::new(HANDSHAKES_MAX)),
            http: Arc::new(Semaphore::new(HTTP_MAX)),
        }
    }
}

/// Accepts until `stop`; then the listener is closed.
pub(crate) async fn accept(door: Rc<Door>, listener: TcpListener, stop: CancellationToken) {
    loop {
        let accepted = async {
            let permit = door.http.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = stop.cancelled() => return,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let door = door.clone();
                tokio::task::spawn_local(async move {
                    serve(door, stream, peer).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_WAIT).await;
            }
        }
    }
}

/// Serves HTTP on a connection until it ends or is upgraded.
async fn serve(door: Rc<Door>, stream: TcpStream, peer: std::net::SocketAddr) {
    let timeout = door.config.timings.handshake;
    let first = Rc::new(Notify::new());
    let came = first.clone();
    let router = TowerToHyperService::new(door.router.clone());
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (door, router) = (door.clone(), router.clone());
        came.notify_one();
        async move {
            if request.uri().path() == CONNECT_PATH {
                return Ok::<_, Infallible>(connect(door, request).await);
            }
            request.extensions_mut().insert(ConnectInfo(peer));
            router.call(request.map(Body::new)).await
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(KEEP_ALIVE)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        asked = tokio::time::timeout(timeout, first.notified()) => match asked {
            Ok(()) => connection.await,
            // Nothing that looks like a request came in time.
            Err(_) => return,
        },
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an HTTP connection ended");
    }
}

/// Answers a request to upgrade, and takes the socket over behind the answer.
async fn connect(door: Rc<Door>, mut request: Request<Incoming>) -> Response<Body> {
    let Ok(permit) = door.handshakes.clone().acquire_owned().await else { return shutting_down() };
    let formats = door.release.borrow().clone();
    let (method, version, headers) = (request.method(), request.version(), request.headers());
    let upgrade = match handshake::check(method, version, headers, &formats, &door.config.origins) {
        Ok(upgrade) => upgrade,
        Err(refused) => return refused.into_response(),
    };
    let identity = match identify(&door, &upgrade).await {
        Ok(identity) => identity,
        Err(failure) => return ProblemResponse(failure).into_response(),
    };
    let response = match upgrade.response() {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, subprotocol = %upgrade.format.subprotocol, "not a name for a header");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::task::spawn_local(async move {
        match upgraded.await {
            Ok(upgraded) => adopt(&door, upgraded, &upgrade, identity),
            Err(error) => tracing::debug!(%error, "a client went during the handshake"),
        }
        drop(permit);
    });
    response
}

async fn identify(door: &Door, upgrade: &Upgrade) -> Result<Option<Identity>, Failure> {
    let Some(token) = upgrade.token.clone() else { return Ok(None) };
    let services = door.services.clone();
    // A signature takes up to 150 µs and a ban a round trip: not on the shard.
    let checked = door.services.runtime.spawn(async move { check(&services, &token).await }).await;
    match checked {
        Ok(Ok(identity)) => Ok(Some(identity)),
        Ok(Err((failure, _))) => Err(failure),
        Err(_) => Err(Failure::new(Problem::Internal, "the token could not be checked")),
    }
}

fn adopt(door: &Door, upgraded: Upgraded, upgrade: &Upgrade, identity: Option<Identity>) {
    let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else { return };
    // Out of tokio's poll, into the hub's. What came behind the request is in the buffer and must not be lost.
    let stream = match parts.io.into_inner().into_std() {
        Ok(stream) => stream,
        Err(error) => {
            tracing::warn!(%error, "a socket could not be taken over");
            return;
        }
    };
    let Some(format) = door.formats.intern(&upgrade.format) else { return };
    let codecs = &door.services.codecs;
    Hub::serve_format(&door.hub, format, &door.formats, codecs);
    let deflate = upgrade.extension.is_some();
    let most = door.config.connections_max;
    door.hub.borrow_mut().adopt(OwnedFd::from(stream), &parts.read_buf, format, deflate, identity, most);
}

fn shutting_down() -> Response<Body> {
    let wait = Duration::from_secs(1);
    ProblemResponse(Failure::retry(Problem::Unavailable, "the host is shutting down: reconnect", wait))
        .into_response()
}
