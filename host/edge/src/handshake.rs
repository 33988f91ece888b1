//! The upgrade of `GET /v1/connect` to a WebSocket (RFC 6455, 4.2).

use axum::body::Body;
use axum::http::header::{
    AUTHORIZATION, CONNECTION, HOST, HeaderMap, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{Method, Response, StatusCode, Version};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ringside_core::Failure;
use ringside_core::error::Problem;
use ringside_ports::codecs::Format;
use sha1::{Digest, Sha1};

use crate::http::ProblemResponse;

pub mod extension;

/// What a request to upgrade asks for, found to be possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// The value of `Sec-WebSocket-Accept`.
    accept: String,
    /// The format both sides know.
    pub format: Format,
    /// The value of `Sec-WebSocket-Extensions`, where compression was agreed on.
    pub extension: Option<String>,
    /// The bearer token, if there is one.
    pub token: Option<String>,
}

/// A request that cannot be upgraded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The answer's status where it is not the problem's own.
    status: Option<StatusCode>,
    failure: Failure,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self { status: None, failure }
    }
}

impl Refused {
    fn malformed(detail: impl Into<String>) -> Self {
        Failure::new(Problem::Malformed, detail).into()
    }

    fn upgrade_required(detail: impl Into<String>) -> Self {
        Self { status: Some(StatusCode::UPGRADE_REQUIRED), failure: Failure::new(Problem::Malformed, detail) }
    }

    /// The answer, as problem+json; a 426 names the protocol and version to upgrade to.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        let mut response = ProblemResponse(self.failure).into_response();
        if let Some(status) = self.status {
            *response.status_mut() = status;
            let headers = response.headers_mut();
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        response
    }
}

/// Checks a request against what this host speaks.
///
/// # Errors
/// [`Refused`] with a remedy: the names of the subprotocols there are, the version, the header that is missing.
pub fn check(
    method: &Method,
    version: Version,
    headers: &HeaderMap,
    formats: &[Format],
    origins: &[String],
) -> Result<Upgrade, Refused> {
    if method != Method::GET {
        let detail = format!("{method} is not for /v1/connect: a WebSocket begins with GET");
        return Err(Failure::new(Problem::MethodNotAllowed, detail).into());
    }
    if version < Version::HTTP_11 {
        return Err(Refused::upgrade_required(format!("a WebSocket begins with HTTP/1.1, not {version:?}")));
    }
    if !has_token(headers, &UPGRADE, "websocket") || !has_token(headers, &CONNECTION, "upgrade") {
        return Err(Refused::upgrade_required(
            "this is the address of a WebSocket: send `Connection: upgrade` and `Upgrade: websocket`",
        ));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(Refused::upgrade_required("`Sec-WebSocket-Version` must be 13"));
    }
    if !headers.contains_key(HOST) {
        return Err(Refused::malformed("`Host` is missing: send the name that you connect to"));
    }
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter().map(HeaderValue::as_bytes);
    let key = keys.next().unwrap_or_default();
    if keys.next().is_some() {
        return Err(Refused::malformed("`Sec-WebSocket-Key` must come once"));
    }
    if STANDARD.decode(key).map_or(0, |key| key.len()) != 16 {
        return Err(Refused::malformed("`Sec-WebSocket-Key` must be 16 bytes in base64"));
    }
    check_origin(headers, origins)?;
    Ok(Upgrade {
        accept: accept(key),
        format: choose(headers, formats)?.clone(),
        extension: extension::agree(
            headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().filter_map(|value| value.to_str().ok()),
        ),
        token: bearer(headers)?,
    })
}

impl Upgrade {
    /// `101 Switching Protocols`.
    ///
    /// # Errors
    /// When a format's name is not one that HTTP allows in a header.
    pub fn response(&self) -> Result<Response<Body>, axum::http::Error> {
        let mut response = Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header(UPGRADE, "websocket")
            .header(CONNECTION, "upgrade")
            .header(SEC_WEBSOCKET_ACCEPT, &self.accept)
            .header(SEC_WEBSOCKET_PROTOCOL, &*self.format.subprotocol);
        if let Some(extension) = &self.extension {
            response = response.header(SEC_WEBSOCKET_EXTENSIONS, extension);
        }
        response.body(Body::empty())
    }
}

/// The first format that the client offers and the host has: the order of preference is the client's.
fn choose<'f>(headers: &HeaderMap, formats: &'f [Format]) -> Result<&'f Format, Refused> {
    let offered: Vec<&str> = headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    offered
        .iter()
        .find_map(|offer| formats.iter().find(|format| *format.subprotocol == **offer))
        .ok_or_else(|| {
            let known: Vec<&str> = formats.iter().map(|format| &*format.subprotocol).collect();
            let offered = if offered.is_empty() { "none".to_owned() } else { format!("`{}`", offered.join("`, `")) };
            Refused::malformed(format!(
                "no subprotocol in common: offered {offered}, this host speaks `{}`; name one in `Sec-WebSocket-Protocol`",
                known.join("`, `")
            ))
        })
}

fn check_origin(headers: &HeaderMap, origins: &[String]) -> Result<(), Refused> {
    let Some(origin) = headers.get(ORIGIN).filter(|_| !origins.is_empty()) else { return Ok(()) };
    if origins.iter().any(|allowed| origin.as_bytes().eq_ignore_ascii_case(allowed.as_bytes())) {
        return Ok(());
    }
    let shown: String = String::from_utf8_lossy(origin.as_bytes()).chars().take(80).collect();
    let detail = format!("pages of `{shown}` may not connect here: add it to the host's `origins`");
    Err(Failure::new(Problem::Forbidden, detail).into())
}

fn bearer(headers: &HeaderMap) -> Result<Option<String>, Refused> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    match token {
        Some(token) => Ok(Some(token)),
        None => {
            let detail = "`Authorization` must be `Bearer` and a token";
            Err(Failure::new(Problem::InvalidToken, detail).into())
        }
    }
}

fn has_token(headers: &HeaderMap, name: &axum::http::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

/// `Sec-WebSocket-Accept` for a key.
fn accept(key: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formats() -> Vec<Format> {
        vec![
            Format { subprotocol: "ringside.v1.json".into(), text: true },
            Format { subprotocol: "ringside.v1.msgpack".into(), text: false },
        ]
    }

    /// A good request with some headers replaced; an empty value removes one.
    fn request(changes: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "localhost"),
            ("upgrade", "WebSocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "ringside.v1.json"),
        ]
        .iter()
        .chain(changes)
        {
            headers.remove(*name);
            if !value.is_empty() {
                headers.insert(*name, value.parse().unwrap());
            }
        }
        headers
    }

    fn answer(changes: &[(&'static str, &str)]) -> Result<Upgrade, Refused> {
        check(
            &Method::GET,
            Version::HTTP_11,
            &request(changes),
            &formats(),
            &["https://tv.example".to_owned()],
        )
    }

    #[test]
    fn a_good_request_is_answered_as_the_standard_shows() {
        let upgrade = answer(&[]).unwrap();
        let response = upgrade.response().unwrap();
        assert_eq!(response.status(), 101);
        // The key and its answer are those of RFC 6455, 1.3.
        assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(response.headers()["sec-websocket-protocol"], "ringside.v1.json");
        assert!(!response.headers().contains_key("sec-websocket-extensions"));
        let full = answer(&[
            ("sec-websocket-protocol", "other, ringside.v1.msgpack, ringside.v1.json"),
            ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"),
            ("authorization", "bearer abc"),
            ("origin", "https://tv.example"),
        ])
        .unwrap();
        assert_eq!(&*full.format.subprotocol, "ringside.v1.msgpack");
        assert!(full.response().unwrap().headers().contains_key("sec-websocket-extensions"));
        assert_eq!(full.token.as_deref(), Some("abc"));
    }

    #[test]
    fn what_is_missing_is_named_with_its_remedy() {
        for (changes, status, remedy) in [
            (&[("upgrade", "")][..], 426, "Upgrade: websocket"),
            (&[("connection", "keep-alive")], 426, "Connection: upgrade"),
            (&[("sec-websocket-version", "8")], 426, "must be 13"),
            (&[("host", "")], 400, "`Host` is missing"),
            (&[("sec-websocket-key", "c2hvcnQ=")], 400, "16 bytes"),
            (&[("sec-websocket-protocol", "")], 400, "offered none, this host speaks `ringside.v1.json`"),
            (&[("sec-websocket-protocol", "chat")], 400, "offered `chat`"),
            (&[("origin", "https://evil.example")], 403, "https://evil.example"),
            (&[("authorization", "Basic x")], 401, "Bearer"),
        ] {
            let refused = answer(changes).unwrap_err();
            assert!(refused.failure.detail.contains(remedy), "{}", refused.failure.detail);
            let response = refused.into_response();
            assert_eq!(response.status(), status, "{changes:?}");
            assert_eq!(response.headers()["content-type"], "application/problem+json");
            assert_eq!(response.headers().contains_key("sec-websocket-version"), status == 426);
        }
        let of = |method, version| check(&method, version, &request(&[]), &formats(), &[]).unwrap_err();
        assert_eq!(of(Method::POST, Version::HTTP_11).into_response().status(), 405);
        assert_eq!(of(Method::GET, Version::HTTP_10).into_response().status(), 426);
    }
}
