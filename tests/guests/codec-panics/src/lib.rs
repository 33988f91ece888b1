//! JSON, but panics on a frame that contains `panic`, in either direction.

use ringside_codec::wire::{DecodeError, Example, Format, Message, Request};
use ringside_codec::{Codec, Description};
use ringside_json::Json;

pub struct Wire;

impl Codec for Wire {
    fn description() -> Description {
        Description {
            name: "codec-panics".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "JSON, but panics on a frame that contains `panic`, in either direction.".into(),
        }
    }

    fn format() -> Format {
        Format { subprotocol: "ringside.v1.panics".into(), text: true }
    }

    fn encode(message: &Message) -> Vec<u8> {
        let frame = Json::encode(message);
        assert!(!contains(&frame, b"panic"), "told to panic");
        frame
    }

    fn decode(frame: &[u8]) -> Result<Request, DecodeError> {
        assert!(!contains(frame, b"panic"), "told to panic");
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
