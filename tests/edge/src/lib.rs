//! What the edge's tests share: frames written by hand and a reader that forgives nothing ([`wire`]), tables of cases
//! against a real PoP ([`conformance`]), and clients of other makers as child processes ([`foreign`]).
//!
//! Nothing here knows the product's code: what is expected comes from RFC 6455, RFC 7692 and `docs/protocol.md`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails here, and reads best with the values in the call"
)]

pub mod conformance;
pub mod foreign;
pub mod wire;
