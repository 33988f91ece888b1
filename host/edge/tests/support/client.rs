//! A WebSocket client of raw sockets, so that tests can send what no library would.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use serde_json::{Value, json};

use super::WAIT;

/// A frame as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub first: u8,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn opcode(&self) -> u8 {
        self.first & 0x0f
    }
}

pub struct Client {
    pub stream: TcpStream,
    pub head: String,
    pub deflate: bool,
    input: Vec<u8>,
    next_id: u64,
    /// Messages that came and nobody asked for yet.
    pub seen: Vec<Value>,
}

const MASK: [u8; 4] = [0xa1, 0x5b, 0x03, 0x77];

/// A masked frame; `first` is the whole first byte.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..126 => bytes.push(0x80 | u8::try_from(len).unwrap()),
        len @ 126..65_536 => {
            bytes.push(0xfe);
            bytes.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
        len => {
            bytes.push(0xff);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(b, m)| b ^ m));
    bytes
}

pub fn request(extra: &str) -> String {
    format!(
        "GET /v1/connect HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extra}\r\n"
    )
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        Self::with(address, "Sec-WebSocket-Protocol: test.json\r\n", &[])
    }

    pub fn deflating(address: SocketAddr) -> Self {
        let headers = "Sec-WebSocket-Protocol: test.json\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";
        let mut client = Self::with(address, headers, &[]);
        assert!(client.head.to_lowercase().contains("permessage-deflate"), "{}", client.head);
        client.deflate = true;
        client
    }

    /// Connects with these headers; `early` goes out in one piece with the request.
    pub fn with(address: SocketAddr, headers: &str, early: &[u8]) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut client = Self {
            stream,
            head: String::new(),
            deflate: false,
            input: Vec::new(),
            next_id: 1,
            seen: Vec::new(),
        };
        client.raw(&[request(headers).as_bytes(), early].concat());
        let start = Instant::now();
        let end = loop {
            if let Some(at) = client.input.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(start.elapsed() < WAIT, "no answer to the handshake");
            assert!(client.fill(), "closed in the handshake");
        };
        let rest = client.input.split_off(end);
        client.head = String::from_utf8(std::mem::replace(&mut client.input, rest)).unwrap();
        client
    }

    /// Sends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        // A connection that the server ended is found by reading.
        let _ = self.stream.write_all(bytes);
    }

    /// Reads what there is; false at the end.
    pub fn fill(&mut self) -> bool {
        let mut buffer = [0; 65_536];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(n) => {
                self.input.extend_from_slice(&buffer[..n]);
                true
            }
            Err(error) => {
                matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
            }
        }
    }

    fn take_frame(&mut self) -> Option<Frame> {
        let [first, second, rest @ ..] = self.input.as_slice() else { return None };
        assert!(second & 0x80 == 0, "a server's frame must not be masked");
        let (head, len) = match second {
            126 => (4, usize::from(u16::from_be_bytes(rest.get(..2)?.try_into().unwrap()))),
            127 => (10, usize::try_from(u64::from_be_bytes(rest.get(..8)?.try_into().unwrap())).unwrap()),
            len => (2, usize::from(*len)),
        };
        let payload = self.input.get(head..head + len)?.to_vec();
        let frame = Frame { first: *first, payload };
        self.input.drain(..head + len);
        Some(frame)
    }

    /// The next frame; none at the end of the connection.
    pub fn frame(&mut self) -> Option<Frame> {
        let start = Instant::now();
        loop {
            if let Some(frame) = self.take_frame() {
                return Some(frame);
            }
            assert!(start.elapsed() < WAIT, "waited in vain for a frame");
            if !self.fill() {
                return self.take_frame();
            }
        }
    }

    /// A frame if one comes within `time`.
    pub fn frame_within(&mut self, time: Duration) -> Option<Frame> {
        let start = Instant::now();
        loop {
            match self.take_frame() {
                Some(frame) => return Some(frame),
                None if start.elapsed() >= time || !self.fill() => return self.take_frame(),
                None => {}
            }
        }
    }

    /// The code of the close frame that comes, whatever comes before it; 1006 where the connection ends without one,
    /// 1005 where it has no code.
    pub fn close_code(&mut self) -> u16 {
        while let Some(frame) = self.frame() {
            if frame.opcode() == 8 {
                return match frame.payload.as_slice() {
                    [high, low, ..] => u16::from_be_bytes([*high, *low]),
                    _ => 1005,
                };
            }
        }
        1006
    }

    pub fn text(&mut self, text: &str) {
        if self.deflate {
            let compressed = deflate(text.as_bytes());
            self.raw(&frame(0xc1, &compressed));
        } else {
            self.raw(&frame(0x81, text.as_bytes()));
        }
    }

    /// Sends a command; gives its id.
    pub fn send(&mut self, mut command: Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        command["id"] = json!(id);
        self.text(&command.to_string());
        id
    }

    /// Sends a command and gives its reply.
    pub fn ask(&mut self, command: Value) -> Value {
        let id = self.send(command);
        self.reply(id)
    }

    pub fn reply(&mut self, id: u64) -> Value {
        self.wait(&format!("the reply to {id}"), |m| m["type"] == "reply" && m["id"] == id)
    }

    pub fn sign_in(&mut self, token: &str) -> Value {
        let reply = self.ask(json!({"type": "authenticate", "token": token}));
        assert_eq!(reply["status"], "authenticated", "{reply}");
        reply
    }

    pub fn join(&mut self, stream: &str) -> Value {
        let reply = self.ask(json!({"type": "join", "stream": stream}));
        assert_eq!(reply["status"], "joined", "{reply}");
        reply
    }

    /// The next message that fits; others stay for later.
    pub fn wait(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        let mut from = 0;
        loop {
            if let Some(at) = self.seen.iter().skip(from).position(&fits) {
                return self.seen.remove(from + at);
            }
            from = self.seen.len();
            assert!(start.elapsed() < WAIT, "waited in vain for {what}; seen {:?}", self.seen);
            let Some(frame) = self.frame() else { panic!("closed instead of {what}; seen {:?}", self.seen) };
            self.keep(&frame);
        }
    }

    fn keep(&mut self, frame: &Frame) {
        match frame.opcode() {
            1 | 2 => self.seen.push(message(frame)),
            9 => self.raw(&self::frame(0x8a, &frame.payload)),
            8 => panic!("closed with {:?}; seen {:?}", frame.payload, self.seen),
            _ => {}
        }
    }

    /// What comes within `time`, beside what was asked for before.
    pub fn all_within(&mut self, time: Duration) -> Vec<Value> {
        let start = Instant::now();
        while start.elapsed() < time {
            if let Some(frame) = self.frame_within(time.saturating_sub(start.elapsed())) {
                self.keep(&frame);
            }
        }
        std::mem::take(&mut self.seen)
    }

    /// The next comment in a batch with this text.
    pub fn comment(&mut self, text: &str) -> Value {
        self.wait(&format!("the comment `{text}`"), |m| texts(m).iter().any(|t| t == text))
    }

    /// Reads until `count` comments have come in batches; their texts in order.
    pub fn comments(&mut self, count: usize) -> Vec<String> {
        let mut texts_seen = Vec::new();
        while texts_seen.len() < count {
            let batch = self
                .wait(&format!("{count} comments, so far {}", texts_seen.len()), |m| m["type"] == "batch");
            texts_seen.extend(texts(&batch));
        }
        texts_seen
    }
}

/// The texts of a batch's comments.
pub fn texts(message: &Value) -> Vec<String> {
    let Some(events) = message["events"].as_array() else { return Vec::new() };
    events.iter().filter(|e| e["type"] == "comment").map(|e| e["text"].as_str().unwrap().to_owned()).collect()
}

/// The message of a data frame.
pub fn message(frame: &Frame) -> Value {
    let payload = if frame.first & 0x40 != 0 { inflate(&frame.payload) } else { frame.payload.clone() };
    serde_json::from_slice(&payload).unwrap()
}

pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1_000);
    Compress::new(Compression::default(), false).compress_vec(bytes, &mut out, FlushCompress::Sync).unwrap();
    assert!(out.ends_with(&[0, 0, 0xff, 0xff]));
    out.truncate(out.len() - 4);
    out
}

pub fn inflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4_000_000);
    let input = [bytes, &[0, 0, 0xff, 0xff]].concat();
    Decompress::new(false).decompress_vec(&input, &mut out, FlushDecompress::Sync).unwrap();
    out
}
