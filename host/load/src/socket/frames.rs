//! WebSocket frames of a host, read in pieces as they come from the network.
//!
//! tungstenite reads the headers; its own reader is not used, since it keeps a buffer for each connection and copies
//! each message into it. Here all connections of a thread share one buffer, a message that lies in it whole is
//! handed over where it is, and one that is only counted is stepped over.

use std::io::Cursor;

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::Gone;

/// Longest header of a frame: two bytes, eight of length, four of mask.
const HEADER_BYTES_MAX: usize = 14;
/// Longest message that is put together. A join's reply with 200 comments takes some 100 KB.
const MESSAGE_BYTES_MAX: u64 = 4 << 20;
/// A buffer for pieces of messages that grew past this is given back.
const KEPT_BYTES_MAX: usize = 4_096;

/// What is found in the bytes of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A whole message.
    Message {
        /// Its payload.
        payload: &'a [u8],
        /// It must be inflated.
        compressed: bool,
    },
    /// A ping to be answered with the same payload.
    Ping(&'a [u8]),
}

/// Reads the frames of one connection.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// A header that came in part.
    header: [u8; HEADER_BYTES_MAX],
    header_bytes: u8,
    current: Option<Current>,
    /// Messages that came in part, and after them a control frame that came in part.
    partial: Vec<u8>,
    /// The message in `partial` is compressed.
    compressed: bool,
    /// A message has begun and not ended.
    fragmented: bool,
    /// Messages are stepped over.
    counting: bool,
}

/// A frame whose payload is being read.
#[derive(Debug, Clone, Copy)]
struct Current {
    code: OpCode,
    is_final: bool,
    rsv1: bool,
    /// Bytes that are still to come.
    left: u64,
    /// Where its payload begins in `partial`.
    start: usize,
}

impl Frames {
    /// From now on messages are only counted.
    pub(crate) fn count_only(&mut self) {
        self.counting = true;
    }

    /// Reads bytes, and gives how many frames of messages ended in them.
    ///
    /// # Errors
    /// [`Gone`] when the host closes the connection or breaks the protocol.
    pub(crate) fn feed(
        &mut self,
        mut input: &[u8],
        on: &mut dyn FnMut(Piece<'_>) -> Result<(), Gone>,
    ) -> Result<u64, Gone> {
        let mut ended = 0;
        loop {
            let current = match self.current.take() {
                Some(current) => current,
                None => match self.header(&mut input)? {
                    Some(current) => current,
                    None => return Ok(ended),
                },
            };
            let available = usize::try_from(current.left).unwrap_or(usize::MAX).min(input.len());
            let (body, rest) = input.split_at(available);
            input = rest;
            let left = current.left - available as u64;
            let skipped = self.counting && matches!(current.code, OpCode::Data(_));
            if left > 0 {
                if !skipped {
                    self.partial.extend_from_slice(body);
                }
                self.current = Some(Current { left, ..current });
                return Ok(ended);
            }
            match current.code {
                OpCode::Control(control) => {
                    self.partial.extend_from_slice(body);
                    let payload = self.partial.split_off(current.start.min(self.partial.len()));
                    on_control(control, &payload, on)?;
                }
                OpCode::Data(_) => {
                    ended += 1;
                    if !skipped {
                        self.message(&current, body, on)?;
                    }
                }
            }
        }
    }

    /// The next header; none when more bytes are needed.
    fn header(&mut self, input: &mut &[u8]) -> Result<Option<Current>, Gone> {
        let stored = usize::from(self.header_bytes);
        let taken = input.len().min(HEADER_BYTES_MAX - stored);
        if let (Some(room), Some(bytes)) = (self.header.get_mut(stored..stored + taken), input.get(..taken)) {
            room.copy_from_slice(bytes);
        }
        let mut cursor = Cursor::new(self.header.get(..stored + taken).unwrap_or_default());
        let parsed = FrameHeader::parse(&mut cursor).map_err(|error| Gone::Broken(error.to_string()))?;
        let Some((header, length)) = parsed else {
            // Not even 14 bytes were enough only if fewer than 14 were there.
            self.header_bytes = u8::try_from(stored + taken).unwrap_or(0);
            *input = &[];
            return Ok(None);
        };
        let used = usize::try_from(cursor.position()).unwrap_or(0).saturating_sub(stored);
        *input = input.get(used..).unwrap_or_default();
        self.header_bytes = 0;
        let current = Current {
            code: header.opcode,
            is_final: header.is_final,
            rsv1: header.rsv1,
            left: length,
            start: self.partial.len(),
        };
        self.check(&header, &current)?;
        Ok(Some(current))
    }

    fn check(&mut self, header: &FrameHeader, current: &Current) -> Result<(), Gone> {
        let broken = |what: &str| Err(Gone::Broken(what.to_owned()));
        if header.mask.is_some() {
            return broken("a host's frame has a mask");
        }
        if header.rsv2 || header.rsv3 {
            return broken("a frame has reserved bits");
        }
        match current.code {
            OpCode::Control(_) if !current.is_final || current.left > 125 || current.rsv1 => {
                broken("a control frame is fragmented, compressed or too long")
            }
            OpCode::Data(Data::Continue) if !self.fragmented => broken("a fragment without its beginning"),
            OpCode::Data(Data::Text | Data::Binary) if self.fragmented => {
                broken("a message within another one")
            }
            OpCode::Data(code) => {
                if !self.counting && self.partial.len() as u64 + current.left > MESSAGE_BYTES_MAX {
                    return broken("a message is longer than 4 MiB");
                }
                if code != Data::Continue {
                    self.compressed = current.rsv1;
                }
                self.fragmented = !current.is_final;
                Ok(())
            }
            OpCode::Control(_) => Ok(()),
        }
    }

    fn message(
        &mut self,
        current: &Current,
        body: &[u8],
        on: &mut dyn FnMut(Piece<'_>) -> Result<(), Gone>,
    ) -> Result<(), Gone> {
        let compressed = self.compressed;
        if self.partial.is_empty() && current.is_final {
            return on(Piece::Message { payload: body, compressed });
        }
        self.partial.extend_from_slice(body);
        if !current.is_final {
            return Ok(());
        }
        let mut payload = std::mem::take(&mut self.partial);
        let done = on(Piece::Message { payload: &payload, compressed });
        if payload.capacity() <= KEPT_BYTES_MAX {
            payload.clear();
            self.partial = payload;
        }
        done
    }
}

fn on_control(
    control: Control,
    payload: &[u8],
    on: &mut dyn FnMut(Piece<'_>) -> Result<(), Gone>,
) -> Result<(), Gone> {
    match control {
        Control::Ping => on(Piece::Ping(payload)),
        Control::Close => Err(Gone::closed(payload)),
        Control::Pong | Control::Reserved(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
