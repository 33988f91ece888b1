//! A checker from outside: posters who offer comments at a fixed rate, viewers who reconnect and resume, and a judge who
//! holds what each was told and saw against what is stored and what the log has.
//!
//! It knows `docs/protocol.md` and nothing else: no crate of the product, no crate of its tests. Whoever breaks things
//! meanwhile says when ([`Crowd::fault`]); what must hold whatever is broken:
//!
//! - every acknowledged comment is in the log and stored, and what is stored is what the log has;
//! - each viewer saw each comment at most once, in the log's order, and everything but what an announced gap or
//!   announced sampling left out;
//! - of two comments on a stream, one acknowledged before the other was said comes first;
//! - after each fault, comments are acknowledged and seen again within [`RECOVERY_MAX`].

mod clock;
mod crowd;
mod doors;
mod http;
mod judge;
mod pages;
mod poster;
mod record;
mod report;
mod viewer;
mod wire;

use std::time::Duration;

pub use crowd::{Crowd, Plan};
pub use doors::Doors;
pub use judge::judge;
pub use pages::stored;
pub use record::{Account, Fault, Id, Logged};
pub use report::{Finding, Report, Wrong};

/// From the moment that what was broken is let work again, to the first comment that is acknowledged on each stream and
/// the first that each viewer sees: R71's bound for a part that dies.
pub const RECOVERY_MAX: Duration = Duration::from_secs(30);
