//! The workers between the log and everything else.
//!
//! The [`intake`] brings comments into the log; everything else reads it: the [`coordinator`] relays it to
//! rooms, the [`writer`] keeps it in the store, the [`judge`] judges what was let through unjudged, the
//! [`reconciler`] counts reactions anew. Each works on this process's [`shares`] of the log, and is listed among the
//! [`workers`]. [`presence`] counts viewers. What viewers
//! read goes through the [`history`].

pub mod appender;
pub mod breaker;
pub mod circuit;
pub mod clock;
pub mod consumer;
pub mod coordinator;
pub mod dead_letters;
pub mod deeds;
pub mod history;
pub mod intake;
pub mod judge;
pub mod limits;
pub mod metrics;
mod newest;
pub mod pace;
pub mod parts;
pub mod presence;
pub mod reconciler;
pub mod restrictions;
pub mod role;
pub mod shares;
pub mod workers;
pub mod writer;

pub use appender::Appender;
pub use clock::Clock;
pub use intake::{Intake, IntakeOptions};
pub use metrics::RoleMetrics;
pub use role::{LogRole, RoleServices};
pub use workers::Workers;
