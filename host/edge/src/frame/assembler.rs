//! From a client's bytes, cut anywhere, to whole messages.
//!
//! An [`Assembler`] holds what is incomplete and nothing else: where the bytes end with a frame and no message
//! is open, it [is idle](Assembler::is_idle) and can be dropped.

use ringside_core::limits::FRAME_BYTES_MAX;

use super::deflate::Inflater;
use super::{CONTROL_BYTES_MAX, Opcode, Violation, is_close_code};

/// Two bytes, eight of length, four of mask.
const HEAD_BYTES_MAX: usize = 14;

/// What a client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A whole message, inflated, and checked to be UTF-8 where it is text.
    Message(Vec<u8>),
    /// To be answered with the same payload.
    Ping(Vec<u8>),
    /// A sign of life.
    Pong,
    /// The end, with the client's code if it gave one. Nothing after it counts.
    Close(Option<u16>),
}

/// What was agreed on in the handshake.
#[derive(Debug)]
pub struct Rules<'a> {
    /// The subprotocol's messages are text.
    pub text: bool,
    /// permessage-deflate was agreed on.
    pub deflate: Option<&'a mut Inflater>,
}

#[derive(Debug, Clone, Copy)]
struct Head {
    fin: bool,
    compressed: bool,
    opcode: Opcode,
    len: usize,
    mask: [u8; 4],
}

#[derive(Debug)]
struct Open {
    head: Head,
    read: usize,
}

/// The incomplete part of a connection's input; at most a message and a control frame.
#[derive(Debug, Default)]
pub struct Assembler {
    head: [u8; HEAD_BYTES_MAX],
    head_len: usize,
    frame: Option<Open>,
    control: Vec<u8>,
    message: Vec<u8>,
    /// A message is open; true when it is compressed.
    fragmented: Option<bool>,
    closed: bool,
}

impl Assembler {
    /// True where nothing is incomplete.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.head_len == 0 && self.frame.is_none() && self.fragmented.is_none() && !self.closed
    }

    /// Takes bytes in; pushes what they complete.
    ///
    /// # Errors
    /// [`Violation`]; the connection must be closed, the assembler is of no more use.
    pub fn feed(
        &mut self,
        mut input: &[u8],
        rules: &mut Rules<'_>,
        out: &mut Vec<Incoming>,
    ) -> Result<(), Violation> {
        while !self.closed {
            if self.frame.is_none() {
                let (head, rest) = self.take_head(input)?;
                input = rest;
                let Some(head) = head else { return Ok(()) };
                self.begin(&head, rules)?;
                self.frame = Some(Open { head, read: 0 });
            }
            let Some(open) = &mut self.frame else { return Ok(()) };
            let (part, rest) = input.split_at(input.len().min(open.head.len - open.read));
            let body = if open.head.opcode.is_control() { &mut self.control } else { &mut self.message };
            unmask(part, open.head.mask, open.read, body);
            open.read += part.len();
            input = rest;
            if open.read < open.head.len {
                return Ok(());
            }
            let head = open.head;
            self.frame = None;
            self.end(&head, rules, out)?;
        }
        Ok(())
    }

    /// Reads a head once all of it is there.
    fn take_head<'i>(&mut self, mut input: &'i [u8]) -> Result<(Option<Head>, &'i [u8]), Violation> {
        loop {
            let have = self.head.get(..self.head_len).unwrap_or(&[]);
            let need = match have {
                [] | [_] => 2,
                // A client's frame has a mask; without one the frame is refused as soon as this is known.
                [_, second, ..] => match second {
                    0..128 => return Err(Violation::Protocol("a client's frame must be masked")),
                    254 => 8,
                    255 => 14,
                    _ => 6,
                },
            };
            if self.head_len == need {
                let head = parse_head(have)?;
                self.head_len = 0;
                return Ok((Some(head), input));
            }
            let (part, rest) = input.split_at(input.len().min(need - self.head_len));
            if part.is_empty() {
                return Ok((None, rest));
            }
            if let Some(free) = self.head.get_mut(self.head_len..self.head_len + part.len()) {
                free.copy_from_slice(part);
            }
            self.head_len += part.len();
            input = rest;
        }
    }

    /// What can be refused before the payload has come.
    fn begin(&mut self, head: &Head, rules: &Rules<'_>) -> Result<(), Violation> {
        if head.opcode.is_control() {
            return match head {
                Head { compressed: true, .. } => {
                    Err(Violation::Protocol("a control frame is never compressed"))
                }
                Head { fin: false, .. } => Err(Violation::Protocol("a control frame is never fragmented")),
                Head { len, .. } if *len > CONTROL_BYTES_MAX => {
                    Err(Violation::Protocol("a control frame has at most 125 bytes"))
                }
                _ => Ok(()),
            };
        }
        if head.compressed && (rules.deflate.is_none() || head.opcode == Opcode::Continuation) {
            return Err(Violation::Protocol("RSV1 is set where compression was not agreed on"));
        }
        match (head.opcode, self.fragmented) {
            (Opcode::Continuation, None) => Err(Violation::Protocol("a continuation of no message"))?,
            (Opcode::Continuation, Some(_)) => {}
            (_, Some(_)) => Err(Violation::Protocol("a new message within a fragmented one"))?,
            (Opcode::Text, None) if !rules.text => Err(Violation::WrongKind)?,
            (Opcode::Binary, None) if rules.text => Err(Violation::WrongKind)?,
            (_, None) => self.fragmented = Some(head.compressed),
        }
        if self.message.len() + head.len > FRAME_BYTES_MAX {
            return Err(Violation::TooBig);
        }
        // All at once where the head told the length: one allocation a message.
        self.message.reserve_exact(head.len);
        Ok(())
    }

    fn end(&mut self, head: &Head, rules: &mut Rules<'_>, out: &mut Vec<Incoming>) -> Result<(), Violation> {
        match head.opcode {
            Opcode::Ping => out.push(Incoming::Ping(std::mem::take(&mut self.control))),
            Opcode::Pong => {
                self.control = Vec::new();
                out.push(Incoming::Pong);
            }
            Opcode::Close => {
                let payload = std::mem::take(&mut self.control);
                self.closed = true;
                out.push(Incoming::Close(close_code(&payload)?));
            }
            _ if head.fin => {
                let mut message = std::mem::take(&mut self.message);
                if self.fragmented.take() == Some(true)
                    && let Some(inflater) = rules.deflate.as_deref_mut()
                {
                    message = inflater.inflate(&message, FRAME_BYTES_MAX)?;
                }
                if rules.text && std::str::from_utf8(&message).is_err() {
                    return Err(Violation::Payload("a text message must be UTF-8"));
                }
                out.push(Incoming::Message(message));
            }
            _ => {}
        }
        Ok(())
    }
}

fn parse_head(bytes: &[u8]) -> Result<Head, Violation> {
    const SHORT: Violation = Violation::Protocol("a length must be written in its shortest form");
    let (first, second, rest) = match bytes {
        [first, second, rest @ ..] => (*first, *second, rest),
        _ => return Err(Violation::Protocol("a frame's head is cut")),
    };
    if first & 0x30 != 0 {
        return Err(Violation::Protocol("RSV2 and RSV3 must be 0"));
    }
    let opcode = Opcode::from_bits(first & 0x0f).ok_or(Violation::Protocol("a reserved opcode"))?;
    let (len, mask) = match (second & 0x7f, rest) {
        (126, [a, b, mask @ ..]) => {
            let len = u16::from_be_bytes([*a, *b]);
            if len < 126 {
                return Err(SHORT);
            }
            (usize::from(len), mask)
        }
        (127, [a, b, c, d, e, f, g, h, mask @ ..]) => {
            let len = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
            if len >> 63 != 0 {
                return Err(Violation::Protocol("the highest bit of a length must be 0"));
            }
            if len < 65_536 {
                return Err(SHORT);
            }
            (usize::try_from(len).map_err(|_| Violation::TooBig)?, mask)
        }
        (len, mask) => (usize::from(len), mask),
    };
    let mask = <[u8; 4]>::try_from(mask).map_err(|_| Violation::Protocol("a frame's head is cut"))?;
    Ok(Head { fin: first & 0x80 != 0, compressed: first & 0x40 != 0, opcode, len, mask })
}

/// Appends `part`, which begins `at` bytes into the payload, without its mask.
fn unmask(part: &[u8], mask: [u8; 4], at: usize, out: &mut Vec<u8>) {
    let mut mask = mask;
    mask.rotate_left(at % 4);
    out.extend(part.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
}

fn close_code(payload: &[u8]) -> Result<Option<u16>, Violation> {
    match payload {
        [] => Ok(None),
        [_] => Err(Violation::Protocol("a close frame's code has two bytes")),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !is_close_code(code) {
                return Err(Violation::Protocol("a close code that may not be sent"));
            }
            if std::str::from_utf8(reason).is_err() {
                return Err(Violation::Payload("a close reason must be UTF-8"));
            }
            Ok(Some(code))
        }
    }
}

#[cfg(test)]
mod tests;
