//! What the roles and the edge ask of backends and of each other, as object-safe traits.
//!
//! The doc comment of a method is its contract: order, atomicity, idempotence, limits. Every backend port has
//! an embedded adapter, which is the default and not a mock, and one conformance suite that each adapter must
//! pass. Calls take batches, so that an adapter over a network needs one round trip.

pub mod audit;
pub mod catalog;
pub mod codecs;
pub mod comments;
pub mod counters;
pub mod directory;
pub mod error;
pub mod log;
pub mod policy;
pub mod recent;
pub mod relay;
pub mod releases;
pub mod store;
pub mod traces;

pub use audit::Audit;
pub use catalog::Catalog;
pub use codecs::Codecs;
pub use comments::Comments;
pub use counters::Counters;
pub use directory::Directory;
pub use error::{PortError, PortResult};
pub use log::Log;
pub use policy::Policy;
pub use recent::Recent;
pub use relay::Relay;
pub use releases::Releases;
pub use store::Store;
pub use traces::{Span, Trace, Traces};
