//! What the wire formats share: the shape of every message and command, and the export layer.
//!
//! A format brings a [`Sink`], which says how maps, texts and numbers are written, and a reader that makes a
//! [`Value`] of a frame. Which fields a message has is said once, here: [`message`] writes what the server
//! sends, [`command`] reads what clients send. So two formats cannot drift apart.

#[allow(missing_docs, unsafe_code, unreachable_pub, clippy::all, clippy::pedantic)]
pub mod bindings {
    //! Generated from `wit/world.wit`.
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "codec",
        pub_export_macro: true,
        default_bindings_module: "ringside_codec::bindings",
        export_macro_name: "export_world",
        additional_derives: [PartialEq],
    });
}

pub mod client;
pub mod command;
mod comment;
mod event;
mod export;
pub mod id;
pub mod message;
mod outcome;
pub mod sample;
mod settings;
mod sink;
pub mod value;

pub use bindings::ringside::edge::types::{Author, Description, Role, Settings};
pub use bindings::ringside::edge::wire;
pub use ringside_arena::Arena;
pub use sink::{Fields, Key, Sink};
pub use value::Value;

use wire::{DecodeError, Example, Format, Message, Request};

/// Largest id that a client may use: the largest whole number that every JSON reader keeps exact.
pub const ID_MAX: u64 = (1 << 53) - 1;

/// One wire format.
pub trait Codec {
    /// Name, version and summary for operators.
    fn description() -> Description;
    /// Subprotocol, and whether frames are text.
    fn format() -> Format;
    /// The payload of one frame.
    fn encode(message: &Message) -> Vec<u8>;
    /// Reads one frame of a client.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] where the frame is not of this format at all, [`DecodeError::Invalid`]
    /// where it is, and does not hold a command; the text names the field and says what to do.
    fn decode(frame: &[u8]) -> Result<Request, DecodeError>;
    /// The self-test.
    fn examples() -> Vec<Example>;
}
