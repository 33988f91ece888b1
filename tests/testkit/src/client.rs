//! A client of the JSON subprotocol, written from `docs/protocol.md` and nothing else.

use std::collections::VecDeque;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::{Message, WebSocket};

use crate::pop::Pop;
use crate::wait::WAIT_MAX;

/// A connection.
pub struct Client {
    socket: WebSocket<TcpStream>,
    next_id: u64,
    waiting: VecDeque<Value>,
    /// The position after the last batch or join.
    pub position: Option<String>,
    /// Why the server closed, once it has.
    pub closed: Option<u16>,
}

impl Client {
    /// Connects without signing in.
    #[must_use]
    pub fn connect(pop: &Pop) -> Self {
        Self::try_connect(pop.address()).unwrap()
    }

    /// Connects without signing in; none where nobody answers, or answers something else.
    #[must_use]
    pub fn try_connect(address: &str) -> Option<Self> {
        let mut request = format!("ws://{address}/v1/connect").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "ringside.v1.json".parse().unwrap());
        let stream = TcpStream::connect_timeout(&address.parse().unwrap(), Duration::from_secs(5)).ok()?;
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let (socket, response) = tungstenite::client(request, stream).ok()?;
        assert_eq!(response.headers()["sec-websocket-protocol"], "ringside.v1.json");
        socket.get_ref().set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        Some(Self { socket, next_id: 1, waiting: VecDeque::new(), position: None, closed: None })
    }

    /// Connects, signs in and joins, from a position where there is one; gives the reply to the join. None where the host
    /// does not answer that.
    #[must_use]
    pub fn try_join(
        address: &str,
        token: &str,
        stream: &str,
        position: Option<&str>,
    ) -> Option<(Self, Value)> {
        let mut client = Self::try_connect(address)?;
        let signed_in = client.send(json!({ "type": "authenticate", "token": token }));
        client.try_reply(signed_in).filter(|reply| reply["status"] == "authenticated")?;
        let mut join = json!({ "type": "join", "stream": stream });
        if let Some(position) = position {
            join["position"] = json!(position);
        }
        let joined = client.send(join);
        let reply = client.try_reply(joined).filter(|reply| reply["status"] == "joined")?;
        client.position = reply["position"].as_str().map(str::to_owned);
        Some((client, reply))
    }

    fn try_reply(&mut self, id: u64) -> Option<Value> {
        let started = Instant::now();
        while self.closed.is_none() && started.elapsed() < Duration::from_secs(15) {
            let is_it = |value: &Value| value["type"] == "reply" && value["id"] == id;
            if let Some(index) = self.waiting.iter().position(is_it) {
                return self.waiting.remove(index);
            }
            self.read();
        }
        None
    }

    /// Connects, signs in and joins.
    #[must_use]
    pub fn join(pop: &Pop, user: &str, role: &str, stream: &str) -> Self {
        // Before the connection, which is given five seconds to sign in.
        let token = pop.token(user, role);
        let mut client = Self::connect(pop);
        client.command(json!({ "type": "authenticate", "token": token }), "authenticated");
        client.command(json!({ "type": "join", "stream": stream }), "joined");
        client
    }

    /// Sends a command without waiting for its reply; gives its id.
    pub fn send(&mut self, mut command: Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        command["id"] = json!(id);
        self.send_text(&command.to_string());
        id
    }

    /// Sends a text frame as it is.
    pub fn send_text(&mut self, text: &str) {
        self.socket.get_ref().set_read_timeout(Some(WAIT_MAX)).unwrap();
        // A connection that the server closed is found by the next read.
        let _ = self.socket.send(Message::text(text));
        self.socket.get_ref().set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    }

    /// Sends a command and gives its reply.
    pub fn ask(&mut self, command: Value) -> Value {
        let id = self.send(command);
        self.reply(id)
    }

    /// Sends a command and fails unless its reply has this status.
    pub fn command(&mut self, command: Value, status: &str) -> Value {
        let reply = self.ask(command.clone());
        assert_eq!(reply["status"], status, "{command} answered {reply}");
        reply
    }

    /// The reply to a command that was sent.
    pub fn reply(&mut self, id: u64) -> Value {
        let reply =
            self.wait(&format!("the reply to {id}"), |value| value["type"] == "reply" && value["id"] == id);
        if let Some(position) = reply["position"].as_str() {
            self.position = Some(position.to_owned());
        }
        reply
    }

    /// Posts a comment and gives its id.
    pub fn comment(&mut self, text: &str) -> String {
        let reply = self.command(json!({ "type": "comment", "text": text }), "accepted");
        reply["comment"].as_str().unwrap().to_owned()
    }

    /// The next event of a type, from a batch; other events of the batch stay for later calls.
    pub fn event(&mut self, kind: &str) -> Value {
        self.event_where(kind, |_| true)
    }

    /// The next event of a type that fits.
    pub fn event_where(&mut self, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.wait(&format!("an event `{kind}`"), |value| value["type"] == kind && fits(value))
    }

    /// The next notice of a kind.
    pub fn notice(&mut self, kind: &str) -> Value {
        self.wait(&format!("a notice `{kind}`"), |value| value["type"] == "notice" && value["kind"] == kind)
    }

    /// What comes within `time`, beside what was waited for before.
    pub fn drain(&mut self, time: Duration) -> Vec<Value> {
        let started = Instant::now();
        while started.elapsed() < time && self.closed.is_none() {
            self.read();
        }
        self.waiting.drain(..).collect()
    }

    /// Waits until the server closes, and gives the code.
    pub fn close_code(&mut self) -> u16 {
        let started = Instant::now();
        while self.closed.is_none() {
            assert!(started.elapsed() < WAIT_MAX, "the server did not close");
            self.read();
        }
        self.closed.unwrap()
    }

    /// Takes the first waiting value that fits, reading until there is one.
    fn wait(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            if let Some(index) = self.waiting.iter().position(&fits) {
                return self.waiting.remove(index).unwrap();
            }
            let seen: Vec<&Value> = self.waiting.iter().rev().take(10).collect();
            assert!(self.closed.is_none(), "closed with {:?} instead of {what}; seen {seen:?}", self.closed);
            assert!(started.elapsed() < WAIT_MAX, "waited in vain for {what}; seen {seen:?}");
            self.read();
        }
    }

    /// Reads one message; a batch becomes its events, each comment with its `at` and its author in full.
    fn read(&mut self) {
        match self.socket.read() {
            Ok(Message::Text(text)) => self.take_in(serde_json::from_str(&text).unwrap()),
            Ok(Message::Close(frame)) => {
                self.closed = Some(frame.map_or(1005, |frame| frame.code.into()));
            }
            Ok(_) => {}
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => self.closed = self.closed.or(Some(1006)),
        }
    }

    fn take_in(&mut self, message: Value) {
        if message["type"] != "batch" {
            self.waiting.push_back(message);
            return;
        }
        self.position = Some(message["position"].as_str().unwrap().to_owned());
        self.waiting.extend(events(message));
    }
}

/// The events of a batch, each comment with its `at` and its author in full, and behind them, where some were left out,
/// an event `left_out` with their `count`.
#[must_use]
pub fn events(mut batch: Value) -> Vec<Value> {
    let mut events = std::mem::take(batch["events"].as_array_mut().unwrap());
    fill_in(events.iter_mut().filter(|event| event["type"] == "comment"));
    if batch["left_out"].as_u64().unwrap_or(0) > 0 {
        events.push(json!({ "type": "left_out", "count": batch["left_out"] }));
    }
    events
}

/// Gives comments of one batch, or of one `history`, the `at` and the author that were left out of them.
pub fn fill_in<'a>(comments: impl Iterator<Item = &'a mut Value>) {
    let mut authors = std::collections::HashMap::new();
    for comment in comments {
        if comment["at"].is_null() {
            comment["at"] = json!(id_ms(comment["id"].as_str().unwrap()));
        }
        if let Some(id) = comment["author"]["id"].as_str() {
            authors.insert(id.to_owned(), comment["author"].clone());
        } else {
            let id = comment["author"].as_str().unwrap();
            comment["author"] = authors[id].clone();
        }
    }
}

/// The time in a comment's id: its first 12 hex digits.
fn id_ms(id: &str) -> u64 {
    u64::from_str_radix(&[&id[..8], &id[9..13]].concat(), 16).unwrap()
}
