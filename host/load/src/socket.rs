//! A client's WebSocket to a host, made to be had by the ten thousands: no task, no buffer and no timer of its own.

use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use ringside_core::close;
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tungstenite::Bytes;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::wire::{Codec, Command};

mod frames;
mod inflate;
mod upgrade;

use frames::{Frames, Piece};
pub(crate) use upgrade::{ConnectError, connect};

/// What is read at once, by all connections of a thread in turn.
const READ_BYTES: usize = 1 << 16;
/// A frame of a closing handshake with code 1000, masked with zeros.
const CLOSE_FRAME: [u8; 8] = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8];

thread_local! {
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());
}

/// What came over a group of connections.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Bytes of frames, headers included.
    pub(crate) bytes: AtomicU64,
    /// Frames of messages.
    pub(crate) frames: AtomicU64,
}

/// Why a connection has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gone {
    /// The host closed it.
    Closed { code: u16, reason: String },
    /// It ended without a close frame, or the system says why.
    Lost(String),
    /// The host sent what no host may send.
    Broken(String),
}

impl Gone {
    /// From the payload of a close frame; none is code 1005.
    fn closed(payload: &[u8]) -> Self {
        let (code, reason) = match payload {
            [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
            _ => (1005, &[][..]),
        };
        Self::Closed { code, reason: String::from_utf8_lossy(reason).into_owned() }
    }
}

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { code, reason } => {
                let row = close::TABLE.iter().find(|row| row.code.number() == *code);
                let reason = row.map_or(reason.as_str(), |row| row.reason);
                write!(f, "closed with {code} {reason}")?;
                row.map_or(Ok(()), |row| write!(f, ": {}", row.client))
            }
            Self::Lost(why) => write!(f, "lost: {why}"),
            Self::Broken(why) => write!(f, "the host broke the protocol: {why}"),
        }
    }
}

impl From<io::Error> for Gone {
    fn from(error: io::Error) -> Self {
        Self::Lost(error.to_string())
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    pub(crate) codec: Codec,
    frames: Frames,
    /// What came with the answer to the handshake.
    early: Vec<u8>,
    /// What is still to be sent.
    out: Vec<u8>,
    meter: Arc<Meter>,
}

impl Socket {
    fn new(stream: TcpStream, codec: Codec, early: Vec<u8>, meter: Arc<Meter>) -> Self {
        Self { stream, codec, frames: Frames::default(), early, out: Vec::new(), meter }
    }

    /// From now on what comes is counted and not handed over.
    pub(crate) fn count_only(&mut self) {
        self.frames.count_only();
    }

    /// Puts a command into the queue.
    pub(crate) fn queue(&mut self, command: &Command<'_>) {
        let code = if self.codec.is_text() { Data::Text } else { Data::Binary };
        self.queue_frame(Frame::message(self.codec.encode(command), OpCode::Data(code), true));
    }

    fn queue_frame(&mut self, mut frame: Frame) {
        // A client must mask; only what lies in between could be misled, and that needs no strong random numbers.
        frame.header_mut().mask = Some(fastrand::u32(..).to_be_bytes());
        // Writing to memory does not fail.
        let _ = frame.format(&mut self.out);
    }

    /// Sends what is in the queue. May be dropped while it waits: nothing is sent twice.
    ///
    /// # Errors
    /// [`Gone::Lost`].
    pub(crate) async fn flush(&mut self) -> Result<(), Gone> {
        while !self.out.is_empty() {
            let sent = self.stream.write(&self.out).await?;
            if sent == 0 {
                return Err(Gone::Lost("it takes no more bytes".into()));
            }
            self.out.drain(..sent);
        }
        // Commands are rare; the memory is not needed until the next one.
        self.out = Vec::new();
        Ok(())
    }

    /// Waits for bytes and hands over the messages that end in them, inflated where they are compressed. Pings are
    /// answered. May be dropped while it waits: nothing is lost.
    ///
    /// # Errors
    /// [`Gone`] when the connection has ended.
    pub(crate) async fn read(&mut self, mut on: impl FnMut(&[u8]) -> Result<(), Gone>) -> Result<(), Gone> {
        if self.early.is_empty() {
            poll_fn(|cx| {
                READ_BUFFER.with_borrow_mut(|buffer| {
                    let mut buffer = ReadBuf::new(buffer);
                    match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                        Poll::Pending => Poll::Pending,
                        Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
                        Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
                            Poll::Ready(Err(Gone::Lost("ended without a close frame".into())))
                        }
                        Poll::Ready(Ok(())) => Poll::Ready(self.feed(buffer.filled(), &mut on)),
                    }
                })
            })
            .await?;
        } else {
            let early = std::mem::take(&mut self.early);
            self.feed(&early, &mut on)?;
        }
        self.flush().await
    }

    fn feed(&mut self, bytes: &[u8], on: &mut dyn FnMut(&[u8]) -> Result<(), Gone>) -> Result<(), Gone> {
        let mut pongs = Vec::new();
        let fed = self.frames.feed(bytes, &mut |piece| match piece {
            Piece::Ping(payload) => {
                pongs.push(Frame::pong(Bytes::copy_from_slice(payload)));
                Ok(())
            }
            Piece::Message { payload, compressed: false } => on(payload),
            Piece::Message { payload, compressed: true } => {
                inflate::inflate(payload, &mut *on).map_err(Gone::Broken)?
            }
        });
        self.meter.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.meter.frames.fetch_add(*fed.as_ref().unwrap_or(&0), Ordering::Relaxed);
        pongs.into_iter().for_each(|pong| self.queue_frame(pong));
        fed.map(|_| ())
    }
}

impl Drop for Socket {
    /// Says goodbye where that is possible without waiting.
    fn drop(&mut self) {
        let _ = self.stream.try_write(&CLOSE_FRAME);
    }
}
