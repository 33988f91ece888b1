//! Bytes of a WebSocket client, as they come from the socket: cut anywhere, well or badly made.
//!
//! The first byte says what was agreed on (bit 0 text, bit 1 permessage-deflate), the second seeds where the rest is
//! cut.

use std::io::{Cursor, Read, Write};

use fastrand::Rng;
use ringside_core::close;
use ringside_core::limits::FRAME_BYTES_MAX;
use ringside_edge::frame::assembler::Rules;
use ringside_edge::frame::deflate::{Deflater, Inflater};
use ringside_edge::frame::{Assembler, CONTROL_BYTES_MAX, Incoming, Violation};
use tungstenite::protocol::{Role, WebSocket};

use crate::stage::frames::{COMPRESSED, FIN, deflate, frame, reframe};
use crate::{Shape, Target};

const TEXT: u8 = 1;
const DEFLATE: u8 = 2;
/// Up to so many bytes the input is also fed byte by byte.
const BY_BYTE_MAX: usize = 600;

#[derive(Debug, Default)]
pub(super) struct Frames;

/// What came of bytes: messages, then perhaps a violation, and whether anything is incomplete.
type Fed = (Vec<Incoming>, Result<(), Violation>, bool);

fn feed<'p>(parts: impl Iterator<Item = &'p [u8]>, flags: u8) -> Fed {
    let (mut assembler, mut inflater, mut out) = (Assembler::default(), Inflater::default(), Vec::new());
    for part in parts {
        let deflate = (flags & DEFLATE != 0).then_some(&mut inflater);
        let mut rules = Rules { text: flags & TEXT != 0, deflate };
        if let Err(violation) = assembler.feed(part, &mut rules, &mut out) {
            return (out, Err(violation), false);
        }
    }
    (out, Ok(()), assembler.is_idle())
}

impl Target for Frames {
    fn seeds(&self) -> Vec<Vec<u8>> {
        let (mask, text) = ([1, 2, 3, 4], "{\"id\":1,\"type\":\"leave\"} ä €".as_bytes());
        let close = [&4_000u16.to_be_bytes()[..], b"bye"].concat();
        let bomb = deflate(&vec![b'a'; FRAME_BYTES_MAX + 1]);
        let full = vec![b'x'; FRAME_BYTES_MAX];
        let seeds = [
            (TEXT, vec![frame(FIN | 1, mask, text)]),
            (0, vec![frame(FIN | 2, mask, &[0x81, 0xa2])]),
            (
                TEXT,
                vec![frame(1, mask, &text[..26]), frame(FIN | 9, mask, b"?"), frame(FIN, mask, &text[26..])],
            ),
            (TEXT | DEFLATE, vec![frame(FIN | COMPRESSED | 1, mask, &deflate(text))]),
            (
                DEFLATE,
                vec![frame(COMPRESSED | 2, mask, &deflate(text)[..9]), frame(FIN, mask, &deflate(text)[9..])],
            ),
            (TEXT | DEFLATE, vec![frame(FIN | COMPRESSED | 1, mask, &bomb)]),
            (TEXT, vec![frame(FIN | 10, mask, b""), frame(FIN | 8, mask, &close)]),
            (0, vec![frame(FIN | 2, mask, &full), frame(FIN | 8, mask, b"")]),
        ];
        seeds.into_iter().map(|(flags, frames)| [vec![flags, 7], frames.concat()].concat()).collect()
    }

    fn words(&self) -> &'static [&'static [u8]] {
        &[
            &[0x81, 0x80, 0, 0, 0, 0],
            &[0x01, 0x81, 0, 0, 0, 0],
            &[0x80, 0x80, 0, 0, 0, 0],
            &[0x89, 0x80, 0, 0, 0, 0],
            &[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8],
            &[0x82, 0xfe, 0x10, 0x00],
            &[0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0],
            &[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0],
            &[0x00, 0x00, 0xff, 0xff],
            &[0x03, 0x00],
            &[0xe2, 0x82],
            &[0xed, 0xa0, 0x80],
        ]
    }

    fn mend(&mut self, input: &mut Vec<u8>, random: &mut Rng) {
        if let Some((head, bytes)) = input.split_at_checked(2) {
            *input = [head, &reframe(bytes, random)].concat();
        }
    }

    fn take(&mut self, input: &[u8]) -> Shape {
        let [flags, cuts, bytes @ ..] = input else { return Shape::default() };
        let whole = feed(std::iter::once(bytes), *flags);
        let mut random = Rng::with_seed(u64::from(*cuts));
        let mut rest = bytes;
        let pieces = std::iter::from_fn(|| {
            let (piece, more) = rest.split_at(random.usize(..40).min(rest.len()));
            rest = more;
            (!piece.is_empty() || !more.is_empty()).then_some(piece)
        });
        assert_eq!(feed(pieces, *flags), whole, "a cut changes what comes of the bytes");
        if bytes.len() <= BY_BYTE_MAX {
            assert_eq!(feed(bytes.chunks(1), *flags), whole, "bytes one by one come to something else");
        }
        let (messages, outcome, idle) = whole;
        for message in &messages {
            check(message, *flags);
        }
        if let Err(violation) = outcome {
            let code = violation.close();
            assert!(close::TABLE.iter().any(|row| row.code == code), "{code:?} is not documented");
            assert!(!violation.to_string().is_empty());
        } else if idle {
            // Nothing is left over that the next frame would stumble on.
            let next = frame(FIN | 9, [9; 4], b"next");
            let (more, outcome, _) = feed([bytes, &next].into_iter(), *flags);
            assert_eq!((more.last(), outcome), (Some(&Incoming::Ping(b"next".to_vec())), Ok(())));
        }
        if flags & DEFLATE == 0 {
            compare(bytes, &messages);
        }
        let shape = Shape::default().with(flags & 3).with(idle).with(messages.len().min(3));
        // Lengths by the form in which a head writes them, and the longest.
        let class = |bytes: &[u8]| match bytes.len() {
            0 => 0,
            1..126 => 1,
            126..FRAME_BYTES_MAX => 2,
            _ => 3,
        };
        let kinds = messages.last().into_iter().fold(shape, |shape, message| match message {
            Incoming::Message(bytes) => shape.with('m').with(class(bytes)),
            Incoming::Ping(bytes) => shape.with('p').with(class(bytes)),
            Incoming::Pong => shape.with('o'),
            Incoming::Close(code) => shape.with('c').with(code.map(|code| code / 1_000)),
        });
        match outcome {
            Ok(()) => kinds,
            Err(violation) => kinds.with(violation.close().number()).with_message(&violation.to_string()),
        }
    }
}

/// What a message may be at most, and that it inflates to itself once more.
fn check(message: &Incoming, flags: u8) {
    match message {
        Incoming::Message(bytes) => {
            assert!(bytes.len() <= FRAME_BYTES_MAX, "a message of {} bytes", bytes.len());
            assert!(flags & TEXT == 0 || std::str::from_utf8(bytes).is_ok(), "text that is not UTF-8");
            if flags & DEFLATE != 0
                && let Some(compressed) = Deflater::default().deflate(bytes)
            {
                let again = Inflater::default().inflate(&compressed, FRAME_BYTES_MAX);
                assert_eq!(again.as_ref(), Ok(bytes), "it does not inflate to itself");
            }
        }
        Incoming::Ping(bytes) => assert!(bytes.len() <= CONTROL_BYTES_MAX),
        Incoming::Close(code) => {
            assert!(code.is_none_or(|code| (1_000..5_000).contains(&code) && !matches!(code, 1004..=1006)));
        }
        Incoming::Pong => {}
    }
}

/// What a client sent, and nobody to answer.
struct OneWay<'b>(Cursor<&'b [u8]>);

impl Read for OneWay<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for OneWay<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A parser that others wrote reads the same, as far as ours reads: ours may refuse more, never take other bytes for
/// a message.
fn compare(bytes: &[u8], ours: &[Incoming]) {
    let mut theirs = WebSocket::from_raw_socket(OneWay(Cursor::new(bytes)), Role::Server, None);
    for (number, message) in ours.iter().enumerate() {
        let read = match theirs.read() {
            Ok(read) => read,
            // It refuses text at the first fragment that is not UTF-8, ours at the last: control frames may stand
            // in between, a message may not.
            Err(tungstenite::Error::Utf8(_)) => {
                let rest = &ours[number..];
                assert!(
                    !rest.iter().any(|one| matches!(one, Incoming::Message(_))),
                    "ours takes it for text"
                );
                return;
            }
            Err(error) => panic!("message {number}: tungstenite says {error}"),
        };
        let read = match read {
            tungstenite::Message::Text(text) => Incoming::Message(text.as_bytes().to_vec()),
            tungstenite::Message::Binary(bytes) => Incoming::Message(bytes.to_vec()),
            tungstenite::Message::Ping(bytes) => Incoming::Ping(bytes.to_vec()),
            tungstenite::Message::Pong(_) => Incoming::Pong,
            tungstenite::Message::Close(frame) => Incoming::Close(frame.map(|frame| frame.code.into())),
            tungstenite::Message::Frame(_) => panic!("tungstenite gives no frames when it reads"),
        };
        // Which codes may be sent is an older list there.
        if let (Incoming::Close(_), Incoming::Close(_)) = (&read, message) {
            return;
        }
        assert_eq!(read, *message, "tungstenite reads message {number} otherwise");
    }
}
