//! A WebSocket client's bytes through a real socket, into a whole PoP.
//!
//! The first byte says how: bit 0 the subprotocol (0 JSON, 1 MessagePack), bit 1 compression, bit 2 the first bytes
//! go out with the request, bit 3 in small writes, bit 4 signed in by the request. The rest is what the client sends
//! behind its request. Then it sends a ping and a close frame and reads to the end.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use fastrand::Rng;
use ringside_core::close::{CloseCode, TABLE};
use ringside_core::{Role, limits};
use ringside_edge::frame::assembler::Rules;
use ringside_edge::frame::deflate::Inflater;
use ringside_edge::frame::{Assembler, Incoming, Violation, is_close_code};
use serde_json::Value;

use crate::stage::components::Failures;
use crate::stage::frames::{COMPRESSED, FIN, deflate, frame, reframe};
use crate::stage::pop::Pop;
use crate::stage::tokens::token;
use crate::targets::commands::{WORDS, samples};
use crate::{Shape, Target};

const PACKED: u8 = 1;
const DEFLATE: u8 = 2;
const EARLY: u8 = 4;
const SMALL_WRITES: u8 = 8;
const SIGNED_IN: u8 = 16;
/// Bytes of a small write: frames' heads are cut, too.
const SMALL: usize = 7;
/// Longest wait for the end of a connection; the target's own bound is past it, so this tells what was missing.
const END_MAX: Duration = Duration::from_secs(15);
/// Largest answer to one input: 60 commands' replies and the events they cause.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// What the client sends last, to see that all before it was read.
const LAST_PING: &[u8] = b"the last ping";

pub(super) struct Connections {
    pop: Pop,
    token: String,
    failures: Failures,
}

impl Connections {
    pub(super) fn start() -> Self {
        Self { pop: Pop::start(), token: token("ann", Role::Moderator), failures: Failures::default() }
    }

    fn connect(&self, flags: u8, early: &[u8]) -> Connection {
        let subprotocol = if flags & PACKED != 0 { "ringside.v1.msgpack" } else { "ringside.v1.json" };
        let mut request = format!(
            "GET /v1/connect HTTP/1.1\r\nHost: fuzz\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: {subprotocol}\r\n"
        );
        if flags & DEFLATE != 0 {
            request.push_str("Sec-WebSocket-Extensions: permessage-deflate\r\n");
        }
        if flags & SIGNED_IN != 0 {
            request.push_str(&format!("Authorization: Bearer {}\r\n", self.token));
        }
        request.push_str("\r\n");
        let mut connection = Connection::open(self.pop.edge.address());
        connection.write(&[request.as_bytes(), early].concat());
        let head = connection
            .until(|input| input.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4));
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        connection
    }
}

struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    begun: Instant,
    error: Option<ErrorKind>,
}

impl Connection {
    fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        stream.set_write_timeout(Some(END_MAX)).unwrap();
        Self { stream, input: Vec::new(), begun: Instant::now(), error: None }
    }

    /// A server that has closed takes no more; what it said stands in the input.
    fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Reads what there is; false at the end.
    fn fill(&mut self) -> bool {
        assert!(
            self.begun.elapsed() < END_MAX,
            "the server neither goes on nor closes; so far {:02x?}",
            self.input
        );
        assert!(self.input.len() <= ANSWER_BYTES_MAX, "more than {ANSWER_BYTES_MAX} bytes of answers");
        let mut buffer = [0; 16 << 10];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(n) => {
                self.input.extend_from_slice(&buffer[..n]);
                true
            }
            Err(error) => {
                let waits = [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::Interrupted];
                let waits = waits.contains(&error.kind());
                self.error = (!waits).then(|| error.kind());
                waits
            }
        }
    }

    /// Takes input up to where `end` finds one.
    fn until(&mut self, end: impl Fn(&[u8]) -> Option<usize>) -> Vec<u8> {
        loop {
            if let Some(end) = end(&self.input) {
                return self.input.drain(..end).collect();
            }
            assert!(self.fill(), "the connection ended early: {:02x?}", self.input);
        }
    }

    /// The next frame, held to RFC 6455; none at the end.
    fn frame(&mut self, flags: u8) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((first, len, head)) = parse(&self.input)
                && self.input.len() >= head + len
            {
                check_head(first, len, head, flags);
                let payload = self.input[head..head + len].to_vec();
                self.input.drain(..head + len);
                return Some((first, payload));
            }
            if !self.fill() {
                assert!(self.input.is_empty(), "it ended within a frame: {:02x?}", self.input);
                return None;
            }
        }
    }
}

/// First byte, length of the payload and of the head.
fn parse(input: &[u8]) -> Option<(u8, usize, usize)> {
    let [first, second, rest @ ..] = input else { return None };
    assert!(second & 0x80 == 0, "a server's frame must not be masked");
    Some(match second {
        126 => (*first, usize::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
        127 => (*first, usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).unwrap(), 10),
        len => (*first, usize::from(*len), 2),
    })
}

fn check_head(first: u8, len: usize, head: usize, flags: u8) {
    let opcode = first & 0x0f;
    let data = if flags & PACKED != 0 { 2 } else { 1 };
    assert!(
        first & FIN != 0 && first & 0x30 == 0 && [data, 8, 9, 10].contains(&opcode),
        "first byte {first:02x}"
    );
    assert!(first & COMPRESSED == 0 || (flags & DEFLATE != 0 && opcode == data), "RSV1 in {first:02x}");
    let shortest = match len {
        0..126 => 2,
        126..65_536 => 4,
        _ => 10,
    };
    assert_eq!(head, shortest, "a length of {len} in its shortest form");
    assert!(opcode < 8 || len <= 125, "a control frame of {len} bytes");
}

/// What the bytes are as far as RFC 6455 goes, which the socket must tell the client, too.
struct Expected {
    messages: usize,
    pings: usize,
    close: Option<Option<u16>>,
    violation: Option<Violation>,
    /// The client goes on behind its own close frame, which RFC 6455 forbids.
    goes_on: bool,
}

fn expected(bytes: &[u8], flags: u8) -> Expected {
    let (mut assembler, mut inflater, mut out) = (Assembler::default(), Inflater::default(), Vec::new());
    let deflate = (flags & DEFLATE != 0).then_some(&mut inflater);
    let mut rules = Rules { text: flags & PACKED == 0, deflate };
    let is_close = |out: &[Incoming]| matches!(out.last(), Some(Incoming::Close(_)));
    let (mut violation, mut read) = (None, 0);
    for byte in bytes.chunks(1) {
        read += 1;
        violation = assembler.feed(byte, &mut rules, &mut out).err();
        if violation.is_some() || is_close(&out) {
            break;
        }
    }
    let count = |kind: fn(&Incoming) -> bool| out.iter().filter(|incoming| kind(incoming)).count();
    Expected {
        messages: count(|incoming| matches!(incoming, Incoming::Message(_))),
        pings: count(|incoming| matches!(incoming, Incoming::Ping(_))),
        close: out.iter().find_map(|incoming| match incoming {
            Incoming::Close(code) => Some(*code),
            _ => None,
        }),
        violation,
        goes_on: is_close(&out) && read < bytes.len(),
    }
}

/// What came, up to the end.
#[derive(Debug, Default)]
struct Came {
    pongs: Vec<Vec<u8>>,
    messages: Vec<Value>,
    close: Option<Option<u16>>,
    /// What the system said at the end, where it was not simply the end.
    error: Option<ErrorKind>,
}

fn read_all(connection: &mut Connection, flags: u8) -> Came {
    let mut came = Came::default();
    let mut inflater = Inflater::default();
    while let Some((first, payload)) = connection.frame(flags) {
        assert!(came.close.is_none(), "a frame behind the close frame");
        match first & 0x0f {
            8 => {
                came.close = Some(payload.first_chunk().map(|code| u16::from_be_bytes(*code)));
                // As RFC 6455 wants it: the answer, and then the end.
                connection.write(&frame(FIN | 8, [0; 4], payload.get(..2).unwrap_or_default()));
                let _ = connection.stream.shutdown(Shutdown::Write);
            }
            9 => connection.write(&frame(FIN | 10, [0; 4], &payload)),
            10 => came.pongs.push(payload),
            _ => {
                let payload = match first & COMPRESSED {
                    0 => payload,
                    _ => inflater.inflate(&payload, ANSWER_BYTES_MAX).expect("it inflates"),
                };
                let message: Value = match flags & PACKED {
                    0 => serde_json::from_slice(&payload).expect("JSON"),
                    _ => rmp_serde::from_slice(&payload).expect("MessagePack"),
                };
                let kind = message["type"].as_str().unwrap_or_default();
                assert!(["reply", "batch", "notice"].contains(&kind), "{message}");
                came.messages.push(message);
            }
        }
    }
    came.error = connection.error;
    came
}

impl Target for Connections {
    fn seeds(&self) -> Vec<Vec<u8>> {
        let join = samples().into_iter().filter(|sample| sample["type"] == "join").map(|mut join| {
            join["position"] = Value::Null;
            join
        });
        let sign_in = serde_json::json!({"id": 20, "type": "authenticate", "token": self.token});
        let mut seeds = Vec::new();
        for flags in [0, PACKED, DEFLATE, PACKED | DEFLATE] {
            let written = |value: &Value| {
                let payload = match flags & PACKED {
                    0 => value.to_string().into_bytes(),
                    _ => rmp_serde::to_vec_named(value).unwrap(),
                };
                let opcode = if flags & PACKED == 0 { 1 } else { 2 };
                match flags & DEFLATE {
                    0 => frame(FIN | opcode, [1, 2, 3, 4], &payload),
                    _ => frame(FIN | COMPRESSED | opcode, [1, 2, 3, 4], &deflate(&payload)),
                }
            };
            for sample in samples() {
                let commands: Vec<u8> =
                    join.clone().chain([sample]).flat_map(|command| written(&command)).collect();
                seeds.push([vec![flags | SIGNED_IN], commands].concat());
            }
            seeds.push([vec![flags | EARLY | SMALL_WRITES], written(&sign_in)].concat());
            let close = frame(FIN | 8, [0; 4], &4_321u16.to_be_bytes());
            seeds.push([vec![flags], frame(FIN | 9, [0; 4], b"?"), close].concat());
        }
        seeds
    }

    fn words(&self) -> &'static [&'static [u8]] {
        WORDS
    }

    fn mend(&mut self, input: &mut Vec<u8>, random: &mut Rng) {
        if let Some((flags, bytes)) = input.split_first() {
            *input = [vec![*flags], reframe(bytes, random)].concat();
        }
    }

    fn take(&mut self, input: &[u8]) -> Shape {
        let Some((flags, bytes)) = input.split_first() else { return Shape::default() };
        let flags = *flags;
        let before = self.pop.edge.connections();
        let last =
            [frame(FIN | 9, [7; 4], LAST_PING), frame(FIN | 8, [7; 4], &1_000u16.to_be_bytes())].concat();
        let (early, rest) = bytes.split_at(if flags & EARLY != 0 { bytes.len().min(64) } else { 0 });
        let mut connection = self.connect(flags, early);
        if flags & SMALL_WRITES != 0 {
            rest.chunks(SMALL).take(200).for_each(|part| connection.write(part));
            connection.write(rest.get(200 * SMALL..).unwrap_or_default());
        } else {
            connection.write(rest);
        }
        connection.write(&last);
        // What never ends a frame would be waited for: the client says that nothing more comes.
        let expected = expected(&[bytes, &last].concat(), flags);
        if expected.close.is_none() && expected.violation.is_none() {
            let _ = connection.stream.shutdown(Shutdown::Write);
        }
        let came = read_all(&mut connection, flags);
        check_end(&expected, &came);
        drop(connection);
        let begun = Instant::now();
        while self.pop.edge.connections() > before {
            assert!(begun.elapsed() < END_MAX, "the server keeps a connection that has ended");
            std::thread::sleep(Duration::from_micros(200));
        }
        assert_eq!(self.failures.since(&self.pop.components), 0, "a frame broke a component");
        // Of codes that clients make up, the thousand; of ours, each.
        let is_ours = |code: u16| TABLE.iter().any(|row| row.code.number() == code);
        let close = came.close.map(|code| code.map(|code| if is_ours(code) { code } else { code / 1_000 }));
        let shape = Shape::default().with(flags & (PACKED | DEFLATE)).with(close);
        let shape = shape.with_count(came.pongs.len());
        came.messages.iter().take(3).fold(shape, |shape, message| {
            let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
            shape.with(text("type")).with(text("status")).with(message["number"].as_u64())
        })
    }
}

/// The end is the documented one, and the right one.
fn check_end(expected: &Expected, came: &Came) {
    assert!(came.pongs.len() <= expected.pings, "pongs to nothing: {:?}", came.pongs);
    let told = came.close.flatten();
    // A message is read behind the frames: what is wrong with it, or one too many, may be told before their end.
    let early =
        [CloseCode::Malformed, CloseCode::TooManyCommands, CloseCode::InvalidToken].map(CloseCode::number);
    if expected.messages > 0 && told.is_some_and(|code| early.contains(&code)) {
        // The client may have closed with such a code itself, which comes back to it.
        let is_own = expected.close == Some(told);
        assert!(is_own || told != Some(early[1]) || expected.messages > limits::COMMANDS_PER_MINUTE as usize);
        return;
    }
    match (expected.violation, expected.close) {
        (Some(violation), _) => {
            assert_eq!(told, Some(violation.close().number()), "for {violation}: {came:?}");
            assert!(TABLE.iter().any(|row| Some(row.code.number()) == told));
        }
        // The kernel answers what is left unread with a reset, which may overtake the close frame.
        (None, Some(_)) if expected.goes_on && came.close.is_none() => {}
        (None, Some(code)) => {
            assert_eq!(
                came.close,
                Some(code),
                "the client's close frame is answered with its code: {came:?}"
            );
            assert!(code.is_none_or(is_close_code));
            let queue = came.pongs.len() < expected.pings;
            assert!(!queue || expected.pings > 1 || expected.messages > 0, "the ping got no pong");
        }
        // Nobody closed: a frame took the last ones in, and the client went.
        (None, None) => assert!(came.close.is_none(), "{came:?}"),
    }
}
