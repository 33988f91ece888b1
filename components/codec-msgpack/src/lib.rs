//! The wire format `ringside.v1.msgpack`: binary frames, one MessagePack map each.
//!
//! The same maps with the same names as in `ringside.v1.json`; only a comment's id is 16 bytes instead of a
//! text. Whole numbers take as few bytes as they need.

mod read;
mod write;

use ringside_codec::wire::{Command, DecodeError, Example, Format, Message, Post, Request};
use ringside_codec::{Codec, Description, client, command, message, sample};

pub use read::value;
pub use write::MsgpackSink;

/// The format.
#[derive(Debug)]
pub struct Msgpack;

impl Codec for Msgpack {
    fn description() -> Description {
        Description {
            name: "codec-msgpack".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Frames as MessagePack, for clients that speak ringside.v1.msgpack.".into(),
        }
    }

    fn format() -> Format {
        Format { subprotocol: "ringside.v1.msgpack".into(), text: false }
    }

    fn encode(message: &Message) -> Vec<u8> {
        let mut sink = MsgpackSink::with_capacity(message::size_hint(message));
        message::write(&mut sink, message);
        sink.into_bytes()
    }

    fn decode(frame: &[u8]) -> Result<Request, DecodeError> {
        command::read(read::value(frame).map_err(DecodeError::Malformed)?)
    }

    fn examples() -> Vec<Example> {
        let by_hand = Example {
            frame: b"\x83\xa2id\x07\xa4type\xa7comment\xa4text\xa2hi".to_vec(),
            request: Request {
                id: 7,
                command: Command::Comment(Post { text: "hi".into(), reply_to: None, reference: None }),
            },
        };
        let written =
            sample::requests().into_iter().map(|request| Example { frame: client_frame(&request), request });
        std::iter::once(by_hand).chain(written).collect()
    }
}

/// The frame that a client sends for `request`.
#[must_use]
pub fn client_frame(request: &Request) -> Vec<u8> {
    let mut sink = MsgpackSink::with_capacity(128);
    client::write(&mut sink, request);
    sink.into_bytes()
}

ringside_codec::export_codec!(crate::Msgpack);
