//! Plays recorded chats into a PoP, and loads a PoP to measure it (R82): the library behind `ringside play` and
//! `ringside load`.
//!
//! Both talk to a host as anyone could: HTTP and WebSocket by `docs/protocol.md`, nothing else. Tokens come from a
//! [`TokenSource`], since only the binary knows the host's secret.

mod error;
mod http;
mod latency;
mod load;
mod pace;
mod play;
mod progress;
mod recording;
mod socket;
mod tally;
mod target;
mod token;
mod wire;

pub use error::Error;
pub use latency::Percentiles;
pub use load::{
    CommandReport, ConnectionsReport, DeliveredReport, LoadArgs, LoadReport, MaybeRate, SenderRole, load,
};
pub use pace::Rate;
pub use play::{FileReport, PlayArgs, PlayReport, Tempo, Users, play};
pub use recording::{Columns, Format};
pub use tally::Reason;
pub use target::TargetArgs;
pub use token::TokenSource;
pub use wire::Codec;
