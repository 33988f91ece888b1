//! A small host that speaks the WebSocket protocol of docs/protocol.md, and misbehaves where a test wants it to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// What the host does wrong, or strictly.
#[derive(Debug, Default, Clone)]
pub(crate) struct Manner {
    /// Every so many comments one is shown to nobody.
    pub(crate) loses_every: u64,
    /// Every so many comments one is shown twice.
    pub(crate) doubles_every: u64,
    /// Every so many comments one is left out by sampling, as it says.
    pub(crate) leaves_out_every: u64,
    /// Every so many comments one is rejected; the next one held, the next one rate-limited, the next an error.
    pub(crate) refuses_every: u64,
    /// Every so many comments one is not answered, but shown.
    pub(crate) forgets_every: u64,
    /// Viewers are closed with this code when the first comment comes.
    pub(crate) closes_with: u16,
    /// Of so many connections one is dropped without an answer.
    pub(crate) slams_every: u64,
    /// Connections are closed with this code before anything is said.
    pub(crate) greets_with: u16,
}

/// What a host has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) connections: AtomicU64,
    pub(crate) comments: AtomicU64,
    pub(crate) reactions: AtomicU64,
    pub(crate) emoji: AtomicU64,
    pub(crate) pongs: AtomicU64,
    pub(crate) byes: AtomicU64,
}

pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
}

struct Shared {
    manner: Manner,
    seen: Arc<Seen>,
    /// Events, each with the comments that were left out before it.
    room: broadcast::Sender<(Vec<Value>, u64)>,
}

impl Host {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let (room, _) = broadcast::channel(4_096);
        let shared = Arc::new(Shared { manner, seen: seen.clone(), room });
        tokio::spawn(async move {
            let mut number = 0_u64;
            while let Ok((stream, _)) = listener.accept().await {
                number += 1;
                // No number from 1 on is a multiple of 0.
                if number.is_multiple_of(shared.manner.slams_every) {
                    continue;
                }
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { address, seen }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut binary = false;
    #[allow(clippy::result_large_err, reason = "tungstenite's signature")]
    let choose = |request: &Request, mut response: Response| {
        let offered = request.headers()["sec-websocket-protocol"].clone();
        binary = offered == "ringside.v1.msgpack";
        response.headers_mut().insert("sec-websocket-protocol", offered);
        Ok(response)
    };
    let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, choose).await else { return };
    shared.seen.connections.fetch_add(1, Ordering::Relaxed);
    if shared.manner.greets_with != 0 {
        close(&mut socket, shared.manner.greets_with).await;
        return;
    }
    let mut room = shared.room.subscribe();
    let mut session = Session { binary, joined: false, sends: false };
    socket.send(Message::Ping("are you there".into())).await.unwrap();
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Pong(payload))) => {
                    assert_eq!(payload, "are you there");
                    shared.seen.pongs.fetch_add(1, Ordering::Relaxed);
                }
                Some(Ok(Message::Close(frame))) => {
                    assert_eq!(u16::from(frame.unwrap().code), 1000);
                    shared.seen.byes.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                Some(Ok(message)) => {
                    let command = session.decode(&message);
                    let Some(reply) = session.answer(&command, &shared) else { continue };
                    if reply["status"] == "close" {
                        close(&mut socket, 4502).await;
                        return;
                    }
                    if socket.send(session.encode(&reply)).await.is_err() { return }
                }
                _ => return,
            },
            events = room.recv() => {
                let (events, left_out) = events.unwrap();
                if !session.joined { continue }
                if shared.manner.closes_with != 0 && !session.sends {
                    close(&mut socket, shared.manner.closes_with).await;
                    return;
                }
                let mut batch = json!({"type": "batch", "stream": "demo", "position": "p", "events": events});
                if left_out > 0 { batch["left_out"] = left_out.into() }
                if socket.send(session.encode(&batch)).await.is_err() { return }
            }
        }
    }
}

async fn close(socket: &mut WebSocketStream<TcpStream>, code: u16) {
    let _ = socket.close(Some(CloseFrame { code: code.into(), reason: "".into() })).await;
    // Read on until the client has gone too, or the close frame might be lost with the connection.
    while let Some(Ok(_)) = socket.next().await {}
}

struct Session {
    binary: bool,
    joined: bool,
    sends: bool,
}

impl Session {
    fn decode(&self, message: &Message) -> Value {
        match message {
            Message::Text(text) if !self.binary => serde_json::from_str(text).unwrap(),
            Message::Binary(bytes) if self.binary => rmp_serde::from_slice(bytes).unwrap(),
            other => panic!("a frame of the wrong kind: {other:?}"),
        }
    }

    fn encode(&self, value: &Value) -> Message {
        if self.binary {
            Message::binary(rmp_serde::to_vec_named(value).unwrap())
        } else {
            Message::text(value.to_string())
        }
    }

    fn answer(&mut self, command: &Value, shared: &Shared) -> Option<Value> {
        let id = command["id"].as_u64().unwrap();
        let reply = |status: &str, more: Value| {
            let mut reply = json!({"type": "reply", "id": id, "status": status});
            reply.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Some(reply)
        };
        match command["type"].as_str().unwrap() {
            "authenticate" => {
                let token = command["token"].as_str().unwrap();
                // Senders are called so by the load generator.
                self.sends = token.contains("-s");
                let status = if token.starts_with("good ") { "authenticated" } else { "close" };
                reply(status, json!({"user": {"id": "u"}, "expires_at": 9}))
            }
            "join" if command["stream"].as_str().unwrap().starts_with("demo") => {
                self.joined = true;
                reply("joined", json!({"stream": "demo", "position": "p", "resumed": "fresh", "history": []}))
            }
            "join" => reply(
                "error",
                json!({"number": 202, "title": "not found", "detail": "there is no such stream"}),
            ),
            "comment" => self
                .comment(command["text"].as_str().unwrap(), shared)
                .and_then(|(status, more)| reply(status, more)),
            "react" => {
                assert_eq!(command["reaction"], "like");
                shared.seen.reactions.fetch_add(1, Ordering::Relaxed);
                reply("done", json!({}))
            }
            "emoji" => {
                assert_eq!(command["count"], 1);
                shared.seen.emoji.fetch_add(1, Ordering::Relaxed);
                reply("done", json!({}))
            }
            other => panic!("unknown command {other}"),
        }
    }

    fn comment(&self, text: &str, shared: &Shared) -> Option<(&'static str, Value)> {
        let number = shared.seen.comments.fetch_add(1, Ordering::Relaxed) + 1;
        let is = |every: u64, rest: u64| every > 0 && number % every == rest;
        let manner = &shared.manner;
        for (rest, status, more) in [
            (0, "rejected", json!({"reason": "not here"})),
            (1, "held", json!({"comment": id(number)})),
            (2, "rate_limited", json!({"retry_after_ms": 100})),
            (3, "error", json!({"number": 501, "title": "try again", "detail": "busy"})),
        ] {
            if is(manner.refuses_every, rest) {
                return Some((status, more));
            }
        }
        let event = json!({"type": "comment", "author": {"id": "u"}, "id": id(number), "text": text});
        if is(manner.leaves_out_every, 0) {
            let _ = shared.room.send((Vec::new(), 1));
        } else if !is(manner.loses_every, 0) {
            // Another user's comment beside it must change no figure.
            let other =
                json!({"type": "comment", "author": "u", "id": id(number), "text": "hello [1-2]", "at": 5});
            let _ = shared.room.send((vec![other, event.clone()], 0));
            if is(manner.doubles_every, 0) {
                let _ = shared.room.send((vec![event], 0));
            }
        }
        (!is(manner.forgets_every, 0)).then(|| ("accepted", json!({"comment": id(number)})))
    }
}

fn id(number: u64) -> String {
    format!("0197e0f5-7f3a-7c31-b3ad-{number:012x}")
}
