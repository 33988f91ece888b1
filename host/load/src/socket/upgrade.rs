//! The way from a TCP connection to a WebSocket, by hyper: what came early is kept.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tungstenite::handshake::client::generate_key;
use tungstenite::handshake::derive_accept_key;

use super::{Meter, Socket};
use crate::http;
use crate::target::Target;
use crate::wire::Codec;

/// Longest wait for a connection and its upgrade. A host has 3 s for the latter.
const UPGRADE_WAIT_MAX: Duration = Duration::from_secs(10);
/// What is offered where compression is asked for, as browsers do, but without context takeover on our side.
const DEFLATE_OFFER: &str = "permessage-deflate; client_no_context_takeover; server_no_context_takeover";

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum ConnectError {
    /// The system's error.
    Io(io::Error),
    /// The host answered with something else than an upgrade.
    Refused(String),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Refused(why) => f.write_str(why),
        }
    }
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Connects and upgrades.
///
/// # Errors
/// [`ConnectError`], after 10 s at the latest.
pub(crate) async fn connect(
    target: &Target,
    codec: Codec,
    compression: bool,
    meter: Arc<Meter>,
) -> Result<Socket, ConnectError> {
    tokio::time::timeout(UPGRADE_WAIT_MAX, upgrade(target, codec, compression, meter)).await.unwrap_or_else(
        |_| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("no upgrade in {} s", UPGRADE_WAIT_MAX.as_secs()),
            )
            .into())
        },
    )
}

async fn upgrade(
    target: &Target,
    codec: Codec,
    compression: bool,
    meter: Arc<Meter>,
) -> Result<Socket, ConnectError> {
    let mut connection = http::open(target).await?;
    let key = generate_key();
    let mut request = Request::get("/v1/connect")
        .header(HOST, &target.authority)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, &key)
        .header(SEC_WEBSOCKET_PROTOCOL, codec.subprotocol());
    if compression {
        request = request.header(SEC_WEBSOCKET_EXTENSIONS, DEFLATE_OFFER);
    }
    let request = request.body(Full::<Bytes>::default()).map_err(io::Error::other)?;
    let response = connection.send_request(request).await.map_err(http::broken)?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let problem = http::read(response).await?.problem();
        return Err(ConnectError::Refused(
            format!("refused: {} {}", problem.title, problem.detail).trim_end().to_owned(),
        ));
    }
    check(response.headers(), &derive_accept_key(key.as_bytes()), codec, compression)?;
    let upgraded = hyper::upgrade::on(response).await.map_err(http::broken)?;
    let parts = upgraded
        .downcast::<TokioIo<TcpStream>>()
        .map_err(|_| ConnectError::Refused("the upgrade gave back another connection".into()))?;
    Ok(Socket::new(parts.io.into_inner(), codec, parts.read_buf.into(), meter))
}

/// Checks that the host agreed to what was asked, and to nothing else.
fn check(headers: &HeaderMap, accept: &str, codec: Codec, compression: bool) -> Result<(), ConnectError> {
    let is = |name: HeaderName, value: &str| headers.get(name).is_some_and(|found| found == value);
    let wrong = |what: &str| {
        Err(ConnectError::Refused(format!("the host's answer is no WebSocket handshake: {what}")))
    };
    if !is(SEC_WEBSOCKET_ACCEPT, accept) {
        return wrong("`Sec-WebSocket-Accept` does not fit the key");
    }
    if !is(SEC_WEBSOCKET_PROTOCOL, codec.subprotocol()) {
        return wrong("it took another subprotocol");
    }
    if !compression && headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
        return wrong("it took an extension that was not offered");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_what_was_asked_is_taken() {
        // The key and its answer are those of RFC 6455, 1.3.
        let accept = derive_accept_key(b"dGhlIHNhbXBsZSBub25jZQ==");
        for (found_accept, subprotocol, extension, asked, complaint) in [
            ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "ringside.v1.json", "", false, ""),
            ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "ringside.v1.json", "", true, ""),
            ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "ringside.v1.json", "permessage-deflate", true, ""),
            ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "ringside.v1.json", "permessage-deflate", false, "extension"),
            ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "ringside.v1.msgpack", "", false, "subprotocol"),
            ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "", "", false, "subprotocol"),
            ("", "ringside.v1.json", "", false, "Sec-WebSocket-Accept"),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [
                (SEC_WEBSOCKET_ACCEPT, found_accept),
                (SEC_WEBSOCKET_PROTOCOL, subprotocol),
                (SEC_WEBSOCKET_EXTENSIONS, extension),
            ] {
                if !value.is_empty() {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            let told =
                check(&headers, &accept, Codec::Json, asked).err().map_or(String::new(), |e| e.to_string());
            assert_eq!(told.is_empty(), complaint.is_empty(), "{headers:?}: {told}");
            assert!(told.contains(complaint), "{headers:?}: {told}");
        }
    }
}
