//! The wire format `ringside.v1.json`: text frames, one JSON object each. `codec-json/README.md` lists every field.

mod read;
mod write;

use ringside_codec::wire::{DecodeError, Example, Format, Message, Request};
use ringside_codec::{Codec, Description, client, command, message, sample};

pub use read::value;
pub use write::JsonSink;

/// The format.
#[derive(Debug)]
pub struct Json;

impl Codec for Json {
    fn description() -> Description {
        Description {
            name: "codec-json".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Frames as JSON text, for clients that speak ringside.v1.json.".into(),
        }
    }

    fn format() -> Format {
        Format { subprotocol: "ringside.v1.json".into(), text: true }
    }

    fn encode(message: &Message) -> Vec<u8> {
        let mut sink = JsonSink::with_capacity(message::size_hint(message));
        message::write(&mut sink, message);
        sink.into_bytes()
    }

    fn decode(frame: &[u8]) -> Result<Request, DecodeError> {
        command::read(read::value(frame).map_err(DecodeError::Malformed)?)
    }

    fn examples() -> Vec<Example> {
        let by_hand = Example {
            frame: br#" { "id" : 7 , "type":"comment", "text":"caf\u00e9 \ud83e\udd80" } "#.to_vec(),
            request: Request {
                id: 7,
                command: ringside_codec::wire::Command::Comment(ringside_codec::wire::Post {
                    text: "café \u{1F980}".into(),
                    reply_to: None,
                    reference: None,
                }),
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
    let mut sink = JsonSink::with_capacity(128);
    client::write(&mut sink, request);
    sink.into_bytes()
}

#[cfg(test)]
mod tests;
