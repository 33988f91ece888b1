//! Tables of cases, after the manner of the Autobahn suite: what is sent, in which writes, and what must come back.
//!
//! Every case runs on a connection of its own, with the bytes of each step in one write and, where they are few, byte
//! by byte. All failures of a table are told at once.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, Weak};

use ringside_testkit::Pop;
use serde::Deserialize;
use serde_json::json;

use crate::wire::{Came, Connection, PING, frame, request};

/// Steps of more bytes than this are not sent byte by byte: nothing new would be cut.
const BYTE_BY_BYTE_MAX: usize = 600;

/// The protocol page, from which the closes' reasons are taken.
const PROTOCOL: &str = include_str!("../../../docs/protocol.md");

/// What a connection offers in its handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// JSON, no compression.
    Json,
    /// MessagePack, no compression.
    Msgpack,
    /// JSON with permessage-deflate.
    Deflate,
    /// MessagePack with permessage-deflate.
    MsgpackDeflate,
}

impl Offer {
    /// The request's headers for it.
    #[must_use]
    pub fn headers(self) -> &'static str {
        match self {
            Self::Json => "Sec-WebSocket-Protocol: ringside.v1.json\r\n",
            Self::Msgpack => "Sec-WebSocket-Protocol: ringside.v1.msgpack\r\n",
            Self::Deflate => {
                "Sec-WebSocket-Protocol: ringside.v1.json\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
            }
            Self::MsgpackDeflate => {
                "Sec-WebSocket-Protocol: ringside.v1.msgpack\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
            }
        }
    }

    fn compresses(self) -> bool {
        matches!(self, Self::Deflate | Self::MsgpackDeflate)
    }
}

/// What must come back next, and nothing before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Back {
    /// The reply to the command with this id.
    Reply(u64),
    /// A pong with this payload.
    Pong(Vec<u8>),
    /// A close frame of the server's own, with the reason that the protocol page has for this code; then the end.
    Refused(u16),
    /// The answer to the client's close frame: the same code, or none; then the end.
    Closed(Option<u16>),
}

/// One step of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Bytes to the server.
    Send(Vec<u8>),
    /// What must have come before the next step.
    Await(Back),
}

/// The PoP of the tables that run now. A start takes longer than most tables, and each case has its own connection;
/// who drops the PoP last ends its process.
static SHARED: Mutex<Weak<Pop>> = Mutex::new(Weak::new());

/// A PoP under test, and what failed so far.
pub struct Suite {
    pop: Arc<Pop>,
    token: String,
    ran: usize,
    failures: Vec<String>,
}

impl Default for Suite {
    fn default() -> Self {
        Self::start()
    }
}

impl Suite {
    /// Starts a PoP, or takes part in the one that runs.
    #[must_use]
    pub fn start() -> Self {
        // A start that failed in another test fails here, too, with its own words.
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let pop = shared.upgrade().unwrap_or_else(|| Arc::new(Pop::start()));
        *shared = Arc::downgrade(&pop);
        drop(shared);
        let token = pop.token("ann", "viewer");
        Self { pop, token, ran: 0, failures: Vec::new() }
    }

    /// The PoP.
    #[must_use]
    pub fn pop(&self) -> &Pop {
        &self.pop
    }

    /// A connection of a user who is signed in: so no case is cut short by the time that signing in may take.
    ///
    /// # Errors
    /// Where the handshake is refused, or does not agree on what was offered.
    pub fn connect(&self, offer: Offer) -> Result<Connection, String> {
        let headers = format!("{}Authorization: Bearer {}\r\n", offer.headers(), self.token);
        let connection = Connection::open(self.pop.address(), request(&headers).as_bytes())?;
        let agreed = connection.head.contains("permessage-deflate");
        if connection.status() != "101" || agreed != offer.compresses() {
            return Err(format!("the handshake was answered {}", connection.head));
        }
        Ok(connection)
    }

    /// Runs a case of one write.
    pub fn case(&mut self, offer: Offer, name: impl Into<String>, bytes: Vec<u8>, back: &[Back]) {
        let steps: Vec<Step> =
            [Step::Send(bytes)].into_iter().chain(back.iter().cloned().map(Step::Await)).collect();
        self.steps(offer, name, &steps);
    }

    /// Runs a case.
    pub fn steps(&mut self, offer: Offer, name: impl Into<String>, steps: &[Step]) {
        let name = name.into();
        let longest = steps.iter().map(|step| match step {
            Step::Send(bytes) => bytes.len(),
            Step::Await(_) => 0,
        });
        let pieces: &[usize] =
            if longest.sum::<usize>() <= BYTE_BY_BYTE_MAX { &[usize::MAX, 1] } else { &[usize::MAX] };
        for piece in pieces {
            self.ran += 1;
            if let Err(failure) =
                self.connect(offer).and_then(|connection| run(connection, offer, steps, *piece))
            {
                let way = if *piece == 1 { ", byte by byte" } else { "" };
                self.failures.push(format!("{offer:?}: {name}{way}: {failure}"));
            }
        }
    }

    /// Fails with all that failed, or where fewer cases ran than the table has.
    pub fn finish(self, cases_min: usize) {
        let mut told = String::new();
        for failure in &self.failures {
            let _ = writeln!(told, "{failure}");
        }
        let (failed, ran) = (self.failures.len(), self.ran);
        assert!(self.failures.is_empty(), "{failed} of {ran} runs failed:\n{told}");
        assert!(ran >= cases_min, "only {ran} cases ran of {cases_min}");
    }
}

fn run(mut connection: Connection, offer: Offer, steps: &[Step], piece: usize) -> Result<(), String> {
    let mut open = true;
    for step in steps {
        match step {
            Step::Send(bytes) => {
                for part in bytes.chunks(piece.min(bytes.len().max(1))) {
                    connection.write(part);
                }
            }
            Step::Await(back) => {
                await_one(&mut connection, offer, back)?;
                open = !matches!(back, Back::Refused(_) | Back::Closed(_));
            }
        }
    }
    if open {
        // Nothing more came, and the connection still works.
        connection.write(&frame(PING, b"still there?"));
        return await_one(&mut connection, offer, &Back::Pong(b"still there?".to_vec()));
    }
    match connection.read()? {
        Came::End => Ok(()),
        came => Err(format!("after the close frame came {came:?}")),
    }
}

fn await_one(connection: &mut Connection, offer: Offer, back: &Back) -> Result<(), String> {
    let mut read = || connection.read().map_err(|failure| format!("{failure}, where {back:?} was due"));
    let mut came = read()?;
    // What came before a violation may still be answered: whether it is depends on how quick its answer was.
    while matches!((back, &came), (Back::Refused(_), Came::Text(_) | Came::Binary(_)))
        && message(offer, &came)?.kind == "reply"
    {
        came = read()?;
    }
    let fits = match (back, &came) {
        (Back::Reply(id), Came::Text(_) | Came::Binary(_)) => {
            let reply = message(offer, &came)?;
            reply.kind == "reply" && reply.id == Some(*id)
        }
        (Back::Pong(payload), Came::Pong(came)) => payload == came,
        (Back::Refused(code), Came::Close(came, reason)) => {
            *came == Some(*code) && *reason == reason_of(*code)
        }
        (Back::Closed(code), Came::Close(came, reason)) => code == came && reason.is_empty(),
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("{came:?} came where {back:?} was due")) }
}

/// What the tests read of a message.
#[derive(Debug, Deserialize)]
pub struct Message {
    /// `reply`, `batch`, `notice`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of a reply: its command's.
    pub id: Option<u64>,
    /// Of a reply.
    pub status: Option<String>,
    /// Of a batch.
    #[serde(default)]
    pub events: Vec<Event>,
}

/// What the tests read of an event.
#[derive(Debug, Deserialize)]
pub struct Event {
    /// `comment` and others.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of a comment.
    pub text: Option<String>,
}

/// The message in a frame of the offered subprotocol.
///
/// # Errors
/// Where the frame is of the other kind, or its content is not of the subprotocol.
pub fn message(offer: Offer, came: &Came) -> Result<Message, String> {
    match (offer, came) {
        (Offer::Json | Offer::Deflate, Came::Text(text)) => {
            serde_json::from_str(text).map_err(|error| format!("{error} in {text}"))
        }
        (Offer::Msgpack | Offer::MsgpackDeflate, Came::Binary(bytes)) => {
            rmp_serde::from_slice(bytes).map_err(|error| format!("{error} in {bytes:?}"))
        }
        _ => Err(format!("{came:?} is not of the subprotocol of {offer:?}")),
    }
}

/// The reason that the protocol page gives for a close code.
fn reason_of(code: u16) -> &'static str {
    let mut rows = PROTOCOL.lines().filter_map(|line| line.strip_prefix(&format!("| {code} | ")));
    rows.next()
        .and_then(|row| row.split(" |").next())
        .unwrap_or_else(|| panic!("{code} is not on the protocol page"))
}

/// A command in JSON of exactly `len` bytes, 50 or more, that is answered with an error: its user has not joined.
#[must_use]
pub fn command(id: u64, len: usize) -> Vec<u8> {
    let with = |text: &str| format!(r#"{{"type":"comment","id":{id},"text":"{text}"}}"#).into_bytes();
    let command = with(&"x".repeat(len - with("").len()));
    assert_eq!(command.len(), len);
    command
}

/// The same in MessagePack, 300 bytes or more.
#[must_use]
pub fn packed_command(id: u64, len: usize) -> Vec<u8> {
    let with =
        |text: &str| rmp_serde::to_vec_named(&json!({ "type": "comment", "id": id, "text": text })).unwrap();
    // From 256 bytes on a text's length takes two bytes more than that of an empty one.
    let command = with(&"x".repeat(len - with("").len() - 2));
    assert_eq!(command.len(), len);
    command
}
