//! Frames of RFC 6455 as bytes: what the server writes, and what may go wrong in what clients write.
//!
//! The parser is our own because the known ones refuse the bit RSV1, which browsers set on every message once
//! permessage-deflate is agreed on, and because an idle connection must not hold a parser ([`assembler`]).

use bytes::Bytes;
use ringside_core::close::CloseCode;

pub mod assembler;
pub mod deflate;

pub use assembler::{Assembler, Incoming};

/// What a frame is, as its low four bits say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// Goes on with the message before.
    Continuation = 0,
    /// A message of UTF-8.
    Text = 1,
    /// A message of bytes.
    Binary = 2,
    /// The end.
    Close = 8,
    /// Answered with a pong.
    Ping = 9,
    /// The answer to a ping.
    Pong = 10,
}

impl Opcode {
    /// From the low four bits of a frame's first byte; none for reserved ones.
    #[must_use]
    pub fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    /// Close, ping and pong: short, whole, and allowed between fragments.
    #[must_use]
    pub fn is_control(self) -> bool {
        self as u8 >= 8
    }
}

/// Longest payload of a control frame (RFC 6455, 5.5).
pub const CONTROL_BYTES_MAX: usize = 125;

/// How a client broke the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The frame breaks RFC 6455.
    #[error("{0}")]
    Protocol(&'static str),
    /// Text for a binary subprotocol, or the other way round.
    #[error("wrong kind of frame for the subprotocol")]
    WrongKind,
    /// Not UTF-8, or not deflate.
    #[error("{0}")]
    Payload(&'static str),
    /// Over [`ringside_core::limits::FRAME_BYTES_MAX`].
    #[error("message over the limit")]
    TooBig,
}

impl Violation {
    /// The close code that tells the client.
    #[must_use]
    pub fn close(self) -> CloseCode {
        match self {
            Self::Protocol(_) => CloseCode::ProtocolError,
            Self::WrongKind => CloseCode::UnsupportedData,
            Self::Payload(_) => CloseCode::InvalidPayload,
            Self::TooBig => CloseCode::TooBig,
        }
    }
}

/// One unmasked, unfragmented frame, as a server sends it. `compressed` sets RSV1.
#[must_use]
pub fn frame(opcode: Opcode, compressed: bool, payload: &[u8]) -> Bytes {
    let mut bytes = Vec::with_capacity(payload.len() + 10);
    bytes.push(0x80 | if compressed { 0x40 } else { 0 } | opcode as u8);
    if let Ok(short) =
        u8::try_from(payload.len()).map_err(drop).and_then(|n| if n < 126 { Ok(n) } else { Err(()) })
    {
        bytes.push(short);
    } else if let Ok(middle) = u16::try_from(payload.len()) {
        bytes.push(126);
        bytes.extend_from_slice(&middle.to_be_bytes());
    } else {
        bytes.push(127);
        bytes.extend_from_slice(&(payload.len() as u64).to_be_bytes());
    }
    bytes.extend_from_slice(payload);
    bytes.into()
}

/// A close frame with the code's reason.
#[must_use]
pub fn close(code: CloseCode) -> Bytes {
    let mut payload = code.number().to_be_bytes().to_vec();
    payload.extend_from_slice(code.reason().as_bytes());
    frame(Opcode::Close, false, &payload)
}

/// The answer to a client's close frame: its own code back, or nothing where it gave none.
#[must_use]
pub fn close_echo(code: Option<u16>) -> Bytes {
    match code {
        Some(code) => frame(Opcode::Close, false, &code.to_be_bytes()),
        None => frame(Opcode::Close, false, &[]),
    }
}

/// True for codes that a client may send (RFC 6455, 7.4, and the registry of IANA).
#[must_use]
pub fn is_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_in_the_shortest_form() {
        for (len, head) in [
            (0, vec![0x82, 0]),
            (125, vec![0x82, 125]),
            (126, vec![0x82, 126, 0, 126]),
            (65_535, vec![0x82, 126, 0xff, 0xff]),
            (65_536, vec![0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let bytes = frame(Opcode::Binary, false, &vec![7; len]);
            assert_eq!(bytes[..head.len()], head, "{len}");
            assert_eq!(bytes.len(), head.len() + len);
        }
        assert_eq!(frame(Opcode::Text, true, b"x")[..], [0xc1, 1, b'x']);
    }

    #[test]
    fn every_close_frame_fits_a_control_frame() {
        for row in ringside_core::close::TABLE {
            let bytes = close(row.code);
            assert!(bytes.len() <= 2 + CONTROL_BYTES_MAX, "{row:?}");
            assert_eq!(bytes[2..4], row.code.number().to_be_bytes());
        }
    }
}
