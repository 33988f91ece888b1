//! JSON, but never returns from a frame that contains `loop`, in either direction.

use ringside_codec::wire::{DecodeError, Example, Format, Message, Request};
use ringside_codec::{Codec, Description};
use ringside_json::Json;

pub struct Wire;

impl Codec for Wire {
    fn description() -> Description {
        Description {
            name: "codec-loops".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "JSON, but never returns from a frame that contains `loop`, in either direction.".into(),
        }
    }

    fn format() -> Format {
        Format { subprotocol: "ringside.v1.loops".into(), text: true }
    }

    fn encode(message: &Message) -> Vec<u8> {
        let frame = Json::encode(message);
        while contains(&frame, b"loop") {
            std::hint::black_box(&frame);
        }
        frame
    }

    fn decode(frame: &[u8]) -> Result<Request, DecodeError> {
        while contains(frame, b"loop") {
            std::hint::black_box(frame);
        }
        Json::decode(frame)
    }

    fn examples() -> Vec<Example> {
        Vec::new()
    }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

ringside_codec::export_codec!(crate::Wire);
