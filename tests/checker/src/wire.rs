//! The WebSocket's JSON subprotocol, as far as a viewer needs it.

use std::borrow::Cow;
use std::io;

use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// What is read at once; the library's default of 128 KiB a viewer is for few connections.
const READ_BYTES: usize = 32 << 10;

/// What a host sends: a reply, a batch or a notice, in one shape, since each leaves out what is not its own.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FromHost<'a> {
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) status: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) position: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) resumed: Cow<'a, str>,
    pub(crate) history: Vec<Event<'a>>,
    pub(crate) events: Vec<Event<'a>>,
    pub(crate) left_out: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Event<'a> {
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
}

/// A viewer's connection.
pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    pub(crate) async fn connect(address: &str) -> io::Result<Self> {
        let url = format!("ws://{address}/v1/connect");
        let mut request = url.into_client_request().map_err(io::Error::other)?;
        let subprotocol = HeaderValue::from_static("ringside.v1.json");
        request.headers_mut().insert("sec-websocket-protocol", subprotocol);
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(READ_BYTES);
        let connected = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await;
        Ok(Self(connected.map_err(io::Error::other)?.0))
    }

    /// Signs in and joins, from a position where there is one; the reply to the join.
    pub(crate) async fn join(
        &mut self,
        token: &str,
        stream: &str,
        position: Option<&str>,
    ) -> io::Result<String> {
        self.send(json!({ "type": "authenticate", "id": 1, "token": token })).await?;
        self.reply("authenticated").await?;
        let mut join = json!({ "type": "join", "id": 2, "stream": stream });
        if let (Some(position), Some(fields)) = (position, join.as_object_mut()) {
            fields.insert("position".into(), position.into());
        }
        self.send(join).await?;
        self.reply("joined").await
    }

    async fn send(&mut self, command: Value) -> io::Result<()> {
        self.0.send(Message::text(command.to_string())).await.map_err(io::Error::other)
    }

    /// The next reply, which must have this status.
    async fn reply(&mut self, status: &str) -> io::Result<String> {
        loop {
            let text = self.next().await?;
            if text.is_empty() {
                continue;
            }
            let message: FromHost<'_> = serde_json::from_str(&text)?;
            if message.kind == "reply" {
                let fits = message.status == status;
                return if fits { Ok(text) } else { Err(io::Error::other(text)) };
            }
        }
    }

    /// The next message; an empty text for another sign of life, such as a ping, which is answered.
    pub(crate) async fn next(&mut self) -> io::Result<String> {
        match self.0.next().await {
            Some(Ok(Message::Text(text))) => Ok(text.as_str().to_owned()),
            Some(Ok(Message::Close(_))) | None => Err(io::ErrorKind::ConnectionAborted.into()),
            Some(Ok(_)) => Ok(String::new()),
            Some(Err(error)) => Err(io::Error::other(error)),
        }
    }
}
