//! Calls over HTTP with kept-alive connections, and the upgrade to a WebSocket.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Deserialize;

use crate::target::Target;

/// Longest wait for an answer.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);
/// Largest answer that is read: a comment and its author take a few hundred bytes.
const ANSWER_BYTES_MAX: usize = 1 << 16;

/// A host's answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Bytes,
}

/// The body of an answer that is an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    /// Row of the protocol's table of errors; 0 where the answer is no problem+json.
    pub(crate) number: u16,
    pub(crate) title: String,
    pub(crate) detail: String,
    pub(crate) retry_after_ms: Option<u64>,
}

impl Answer {
    /// The body read as an error; of any other body only the status is told.
    pub(crate) fn problem(&self) -> Problem {
        serde_json::from_slice(&self.body)
            .ok()
            .filter(|problem: &Problem| problem.number != 0)
            .unwrap_or_else(|| Problem {
                title: format!("HTTP status {}", self.status),
                ..Problem::default()
            })
    }
}

/// A pool of connections to one host. Each call takes one that is free, or opens one: there are never more than
/// calls at a time.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) target: Target,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl Client {
    pub(crate) fn new(target: Target) -> Self {
        Self { target, idle: Mutex::new(Vec::new()) }
    }

    /// Makes a call and waits for its answer. A call that fails on a connection which was used before is made once
    /// more on a new one, since the host may just have closed it: only calls that may be repeated go this way.
    ///
    /// # Errors
    /// When there is no connection, or no answer within 30 s.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: &str,
    ) -> io::Result<Answer> {
        let call = async {
            if let Some(mut kept) = self.take_idle()
                && let Ok(answer) = self.send(&mut kept, &method, path, token, body).await
            {
                self.keep(kept);
                return Ok(answer);
            }
            let mut fresh = open(&self.target).await?;
            let answer = self.send(&mut fresh, &method, path, token, body).await?;
            self.keep(fresh);
            Ok(answer)
        };
        tokio::time::timeout(ANSWER_WAIT_MAX, call).await.unwrap_or_else(|_| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("no answer in {} s", ANSWER_WAIT_MAX.as_secs()),
            ))
        })
    }

    fn take_idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(connection) = idle.pop() {
            if connection.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    fn keep(&self, connection: SendRequest<Full<Bytes>>) {
        if !connection.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }

    async fn send(
        &self,
        connection: &mut SendRequest<Full<Bytes>>,
        method: &Method,
        path: &str,
        token: &str,
        body: &str,
    ) -> io::Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.target.authority)
            .header(AUTHORIZATION, format!("Bearer {token}"));
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::from(body.to_owned())).map_err(io::Error::other)?;
        connection.ready().await.map_err(broken)?;
        let response = connection.send_request(request).await.map_err(broken)?;
        read(response).await
    }
}

/// Reads an answer to its end, so that its connection can be used again.
pub(crate) async fn read(response: Response<Incoming>) -> io::Result<Answer> {
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
        .collect()
        .await
        .map_err(|error| io::Error::other(format!("the answer broke off: {error}")))?;
    Ok(Answer { status, body: body.to_bytes() })
}

/// A new connection, driven by a task of its own until one side closes it.
pub(crate) async fn open(target: &Target) -> io::Result<SendRequest<Full<Bytes>>> {
    let stream = target.connect().await?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Its errors come out of the call that they break.
    tokio::spawn(connection.with_upgrades());
    Ok(sender)
}

/// hyper's message alone says little ("connection error", "operation was canceled"): what is beneath is the system's,
/// or the host's doing.
pub(crate) fn broken(error: hyper::Error) -> io::Error {
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<io::Error>());
    match source {
        Some(source) => io::Error::new(source.kind(), source.to_string()),
        None if error.is_canceled() || error.is_closed() || error.is_incomplete_message() => io::Error::new(
            io::ErrorKind::ConnectionAborted,
            "the host closed the connection without an answer",
        ),
        None => io::Error::other(error),
    }
}
