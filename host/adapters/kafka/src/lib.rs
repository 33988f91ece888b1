//! The log on Kafka: one cluster for a region, and all its hosts on the same topics.
//!
//! Appends go through an idempotent producer and are acknowledged by all in-sync copies. Whoever reads at a
//! partition's end shares one consumer and one buffer in the process; whoever reads further back takes a consumer of
//! his own for the call. Consumer groups only share out the work: who has a partition reads it the same way.

mod catch_up;
mod client;
mod error;
mod failure;
mod groups;
mod log;
mod options;
mod partition;
mod producer;
mod questions;
mod tail;
mod topics;

pub use error::ConnectError;
pub use log::{Figures, KafkaLog};
pub use options::{Compression, KafkaOptions, TopicSpec, Topics};
