//! Conformance of the real program to RFC 6455 and RFC 7692, with frames that are written by hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

mod closes;
mod compression;
mod fragments;
mod frames;
mod handshake;
mod utf8;
