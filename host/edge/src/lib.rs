//! Viewers' way in and out: listener, hub of sockets, sessions, rooms, SSE and REST.

pub mod auth;
mod bell;
pub mod config;
mod door;
pub mod edge;
mod failure;
mod formats;
pub mod frame;
pub mod handshake;
pub mod http;
mod hub;
pub mod listener;
pub mod metrics;
mod pump;
pub mod room;
pub mod services;
mod session;
mod shard;
pub mod sse;
mod submitted;
pub mod tick;

pub use config::{EdgeConfig, Timings};
pub use edge::Edge;
pub use metrics::Metrics;
pub use room::{RoomReader, Rooms};
pub use services::{Services, now_ms};
