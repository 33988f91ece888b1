//! Fuzz targets for all that comes in from outside, and the loop that drives them on stable Rust.
//!
//! A [`Target`] takes bytes, does with them what the host would do, and panics where a property does not hold:
//! nothing panics, every refusal says why, what must be closed is closed with a documented code, what is answered
//! is within its bound. [`run`](run::run) changes known inputs, keeps those that made the code do something new,
//! and catches panics on every thread, hangs, and memory that grows. [`supervise`] runs each target in a process of
//! its own, so that an abort or an overflowing stack is a finding as well, and keeps the input.
//!
//! Why a loop of ours: cargo-fuzz needs a nightly compiler. `bolero` runs on stable, but its coverage comes from
//! libFuzzer, which needs instrumented code, and so a second build of everything with wasmtime; without it bolero
//! draws random bytes, knows no corpus, no dictionary and no checksum, and misses hangs and aborts. Here a target
//! tells in what way it went ([`Shape`]): which refusal, which status, which event. An input with a new shape joins
//! the corpus and is changed further, which is feedback without instrumentation; and a target mends inputs
//! ([`Target::mend`]), so that checksums, masks and signatures do not stop everything at the door. That is some 500
//! lines and no new dependency.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a finding is a panic: the loop catches it and keeps the input"
)]

pub mod mutate;
pub mod run;
mod stage;
pub mod supervise;
pub mod target;
pub mod targets;

pub use target::{Shape, Target};
