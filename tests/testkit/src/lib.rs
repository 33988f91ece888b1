//! What the tests share: a real PoP on loopback, a client written from the protocol page alone, and waits that end.
//!
//! Nothing here knows the product's code: it starts the program `ringside` and speaks its public protocol.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::print_stderr,
    reason = "a test that cannot go on fails here, and reads best with the values in the call"
)]

pub mod client;
pub mod collector;
pub mod pop;
pub mod region;
pub mod rest;
pub mod talk;
pub mod wait;

pub use client::Client;
pub use pop::{Pop, PopOptions};
pub use region::{Region, Services};
pub use rest::{Answer, Rest};
pub use talk::Talk;
pub use wait::eventually;
