//! A third wire format that works: JSON, with the texts of comments in capitals.

use ringside_codec::wire::{DecodeError, Event, Example, Format, Message, Request};
use ringside_codec::{Codec, Description};
use ringside_json::Json;

pub struct Wire;

impl Codec for Wire {
    fn description() -> Description {
        Description {
            name: "codec-upper".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "A third wire format that works: JSON, with the texts of comments in capitals.".into(),
        }
    }

    fn format() -> Format {
        Format { subprotocol: "ringside.v1.upper".into(), text: true }
    }

    fn encode(message: &Message) -> Vec<u8> {
        let mut message = message.clone();
        if let Message::Batch(batch) = &mut message {
            for event in &mut batch.events {
                if let Event::Comment(comment) = event {
                    comment.text = comment.text.to_uppercase();
                }
            }
        }
        Json::encode(&message)
    }

    fn decode(frame: &[u8]) -> Result<Request, DecodeError> {
        Json::decode(frame)
    }

    fn examples() -> Vec<Example> {
        Json::examples()
    }
}

ringside_codec::export_codec!(crate::Wire);
