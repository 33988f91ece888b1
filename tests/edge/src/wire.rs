//! A WebSocket by hand: frames that no library would write, and a reader that refuses every frame a server must not
//! send.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use ringside_testkit::wait::WAIT_MAX;

/// The first byte of an unfragmented text message.
pub const TEXT: u8 = 0x81;
/// The first byte of an unfragmented binary message.
pub const BINARY: u8 = 0x82;
/// The first byte of a close frame.
pub const CLOSE: u8 = 0x88;
/// The first byte of a ping.
pub const PING: u8 = 0x89;
/// The first byte of a pong.
pub const PONG: u8 = 0x8a;
/// Says in a first byte that this is the message's last frame.
pub const FIN: u8 = 0x80;
/// Says in a first byte that the message is compressed.
pub const RSV1: u8 = 0x40;

/// One read waits this long for bytes before the deadline is looked at.
const READ_WAIT: Duration = Duration::from_millis(20);
/// No server's answer is longer: a join with the longest history is a tenth of it.
const INFLATED_BYTES_MAX: usize = 4 << 20;

/// A client's frame; `first` is the whole first byte.
#[must_use]
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    masked(first, payload, [0xa1, 0x5b, 0x03, 0x77])
}

/// A client's frame with a mask of one's choice.
#[must_use]
pub fn masked(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut bytes = head(first, 0x80, payload.len());
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// A frame without a mask, as only a server may send it.
#[must_use]
pub fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    [head(first, 0, payload.len()), payload.to_vec()].concat()
}

fn head(first: u8, mask: u8, len: usize) -> Vec<u8> {
    let mut bytes = vec![first];
    match len {
        0..126 => bytes.push(mask | u8::try_from(len).unwrap()),
        126..65_536 => {
            bytes.push(mask | 126);
            bytes.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
        _ => {
            bytes.push(mask | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes
}

/// A client's close frame.
#[must_use]
pub fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// A message as frames, cut before each of these bytes; `first` is its first byte if it were one frame.
#[must_use]
pub fn split(first: u8, payload: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut from = 0;
    for (n, to) in cuts.iter().copied().chain([payload.len()]).enumerate() {
        let opcode = if n == 0 { first & !FIN } else { 0 };
        let fin = if n == cuts.len() { FIN } else { 0 };
        bytes.extend(frame(opcode | fin, &payload[from..to]));
        from = to;
    }
    bytes
}

/// A message's payload for permessage-deflate.
#[must_use]
pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    deflate_with(&mut Compress::new(Compression::default(), false), bytes)
}

/// The same with a window of one's choice, which may know what went before.
#[must_use]
pub fn deflate_with(compress: &mut Compress, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1_024);
    compress.compress_vec(bytes, &mut out, FlushCompress::Sync).unwrap();
    assert!(out.ends_with(&[0, 0, 0xff, 0xff]));
    out.truncate(out.len() - 4);
    out
}

fn inflate(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(INFLATED_BYTES_MAX);
    let input = [bytes, &[0, 0, 0xff, 0xff]].concat();
    let mut window = Decompress::new(false);
    window
        .decompress_vec(&input, &mut out, FlushDecompress::Sync)
        .map_err(|error| format!("a message does not inflate by itself: {error}"))?;
    if window.total_in() != input.len() as u64 {
        return Err(format!("a message does not inflate within {INFLATED_BYTES_MAX} bytes"));
    }
    Ok(out)
}

/// What a server sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A ping.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// A close frame with its code, if it has one, and its reason.
    Close(Option<u16>, String),
    /// The end of the TCP connection.
    End,
}

/// A connection past its handshake.
pub struct Connection {
    stream: TcpStream,
    /// The handshake's answer.
    pub head: String,
    input: Vec<u8>,
    deflate: bool,
    /// Messages that came compressed.
    pub inflated: usize,
}

/// A request to upgrade with these headers beside the necessary ones, each ended by CR LF. Its key is that of RFC 6455,
/// 1.3.
#[must_use]
pub fn request(headers: &str) -> String {
    format!(
        "GET /v1/connect HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

impl Connection {
    /// Connects to `host:port`, sends a whole request (and what may stand behind it), reads the answer's head.
    ///
    /// # Errors
    /// Says so where no whole head comes.
    pub fn open(address: &str, request: &[u8]) -> Result<Self, String> {
        let stream = TcpStream::connect(address).map_err(|error| format!("no connection: {error}"))?;
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(READ_WAIT)).unwrap();
        let mut connection =
            Self { stream, head: String::new(), input: Vec::new(), deflate: false, inflated: 0 };
        connection.write(request);
        let started = Instant::now();
        let end = loop {
            if let Some(at) = connection.input.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if !connection.fill() || started.elapsed() > WAIT_MAX {
                return Err(format!("no answer to the handshake, only {:?}", connection.input));
            }
        };
        let rest = connection.input.split_off(end);
        let head = std::mem::replace(&mut connection.input, rest);
        connection.head = String::from_utf8(head).map_err(|_| "a head that is not text")?;
        connection.deflate = connection.head.to_lowercase().contains("\r\nsec-websocket-extensions:");
        Ok(connection)
    }

    /// The status of the handshake's answer.
    #[must_use]
    pub fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// What came behind the head, up to the end of the connection or of `Content-Length`.
    pub fn body(&mut self) -> String {
        let head = self.head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(usize::MAX, |length| length.trim().parse().unwrap());
        let started = Instant::now();
        while self.input.len() < length && started.elapsed() < WAIT_MAX && self.fill() {}
        String::from_utf8_lossy(&self.input).into_owned()
    }

    /// Sends bytes in one write. That the server ended the connection is found by reading.
    pub fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// What comes next, beside the server's own pings: those may come at any time, and no case lasts until an answer
    /// is due.
    ///
    /// # Errors
    /// Names the rule that the server broke, or says that nothing came within [`WAIT_MAX`].
    pub fn read(&mut self) -> Result<Came, String> {
        let started = Instant::now();
        loop {
            match self.take()? {
                Some(Came::Ping(_)) => continue,
                Some(came) => return Ok(came),
                None => {}
            }
            if started.elapsed() > WAIT_MAX {
                return Err(format!("nothing came within {WAIT_MAX:?}"));
            }
            if !self.fill() {
                let cut = self.input.len();
                return if cut == 0 { Ok(Came::End) } else { Err(format!("{cut} bytes of a cut frame")) };
            }
        }
    }

    /// Reads what there is; false at the end.
    fn fill(&mut self) -> bool {
        let mut buffer = [0; 16_384];
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

    /// The frame at the front, if all of it is there.
    fn take(&mut self) -> Result<Option<Came>, String> {
        let Some((first, len, at)) = server_head(&self.input)? else { return Ok(None) };
        if self.input.len() < at + len {
            return Ok(None);
        }
        let payload: Vec<u8> = self.input.drain(..at + len).skip(at).collect();
        let compressed = first & RSV1 != 0;
        if compressed && !(self.deflate && first & 0x0f < 8) {
            return Err(format!("a frame {first:02x} is compressed, which was not agreed on"));
        }
        let payload = if compressed { inflate(&payload)? } else { payload };
        self.inflated += usize::from(compressed);
        let text =
            |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| format!("frame {first:02x}: no UTF-8"));
        Ok(Some(match first & 0x0f {
            1 => Came::Text(text(payload)?),
            2 => Came::Binary(payload),
            9 => Came::Ping(payload),
            10 => Came::Pong(payload),
            8 => match payload.as_slice() {
                [] => Came::Close(None, String::new()),
                [high, low, reason @ ..] => {
                    Came::Close(Some(u16::from_be_bytes([*high, *low])), text(reason.to_vec())?)
                }
                [_] => return Err("a close frame with half a code".into()),
            },
            opcode => return Err(format!("a server's frame of opcode {opcode}")),
        }))
    }
}

/// First byte, length and start of the payload of a server's frame, if its head is there.
fn server_head(input: &[u8]) -> Result<Option<(u8, usize, usize)>, String> {
    let [first, second, rest @ ..] = input else { return Ok(None) };
    if first & 0x30 != 0 {
        return Err(format!("RSV2 or RSV3 is set in {first:02x}"));
    }
    // RFC 6455 lets a server cut its messages; the protocol page says one object a frame.
    if first & FIN == 0 {
        return Err(format!("a fragment: {first:02x}"));
    }
    let (len, at) = match (second, rest) {
        (0..126, _) => (u64::from(*second), 2),
        (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 4),
        (127, [a, b, c, d, e, f, g, h, ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 10),
        (126 | 127, _) => return Ok(None),
        _ => return Err("a server's frame has a mask".into()),
    };
    let shortest = match at {
        2 => 0,
        4 => 126,
        _ => 65_536,
    };
    if len < shortest {
        return Err(format!("a length of {len} in {at} bytes of head"));
    }
    if first & 0x0f >= 8 && len > 125 {
        return Err(format!("a control frame of {len} bytes"));
    }
    Ok(Some((*first, usize::try_from(len).map_err(|_| format!("a length of {len}"))?, at)))
}
