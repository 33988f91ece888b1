//! Real services on loopback for development and tests: starts them, waits until they truly answer, and ends them.
//!
//! Three users: `cargo xtask services` (a developer's set, which lasts), `cargo xtask test` (one set for the whole run)
//! and fault tests, each of which owns what it breaks:
//!
//! ```no_run
//! use ringside_services::{Folder, kafka};
//! # fn main() -> Result<(), ringside_services::Error> {
//! let folder = Folder::temporary()?;
//! let mut broker = kafka::start(&folder, "kafka", &kafka::Options::default())?;
//! println!("{} is process {}", broker.address(), broker.pid());
//! broker.kill()?; // SIGKILL
//! broker.restart()?; // the same folder, the same port; returns when it answers
//! broker.stop()?; // SIGSTOP: it hangs, as a server does that does not answer any more
//! broker.go_on()?;
//! # Ok(())
//! # } // dropped: the broker ends, then its folder goes
//! ```
//!
//! Everything blocks; a test on an asynchronous runtime starts services before it, or on a blocking thread.
//! Nothing here uses a client library: xtask is built from this crate and every verb waits for that, so the few
//! requests that readiness needs are written by hand.

pub mod cassandra;
pub mod kafka;
pub mod mirror_maker;
pub mod postgres;
pub mod redis;
pub mod set;

mod cache;
mod error;
mod folder;
mod java;
mod port;
mod process;
mod proxy;
mod record;
mod server;
mod wire;

pub use cache::{Cache, missing};
pub use error::Error;
pub use folder::Folder;
pub use proxy::Proxy;
pub use server::Server;

/// What every part of this crate answers with.
pub type Result<T> = std::result::Result<T, Error>;
