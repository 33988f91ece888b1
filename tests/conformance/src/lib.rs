//! One suite that every adapter of a port must pass.
//!
//! For each port there is a module of checks, each named by what must hold, and a macro that makes a test of each:
//!
//! ```ignore
//! struct Kafka(Cluster);
//! #[async_trait]
//! impl Place<dyn Log> for Kafka {
//!     async fn fresh() -> Self { Self(Cluster::with_new_topics().await) }
//!     async fn open(&self) -> Arc<dyn Log> { Arc::new(KafkaLog::connect(&self.0).await) }
//! }
//! ringside_conformance::log_tests!(Kafka);
//! ```
//!
//! The checks hold an adapter to the doc comments of `ringside-ports` and to nothing else. A backend that is not
//! there is a failure of `fresh`, never a silent pass.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    missing_docs,
    reason = "a check that does not hold panics, which fails its test; its name says what it checks"
)]

pub mod audit;
pub mod catalog;
pub mod counters;
pub mod directory;
pub mod log;
pub mod recent;
pub mod relay;
pub mod releases;
pub mod samples;
pub mod store;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

/// Where an adapter of the port `P` keeps what it keeps: a folder, a database, a set of topics.
#[async_trait]
pub trait Place<P: ?Sized>: Send + Sync + Sized {
    /// An empty place that nobody else uses.
    async fn fresh() -> Self;

    /// The adapter on this place. Called again after all that it gave was dropped, it is a restart.
    async fn open(&self) -> Arc<P>;
}

/// Longest time that a check waits for what must come: long enough for a busy machine, and a bound.
pub const WAIT_MAX: Duration = Duration::from_secs(60);

/// The outcome of what must come to an end.
pub async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(WAIT_MAX, what).await.expect("it did not come in 60 s")
}

/// Defines the list of a module's checks once: `suite` runs them all, the exported macro makes a test of each.
macro_rules! checks {
    ($d:tt $module:ident $tests:ident [$($place:tt)*] { $($check:ident),* $(,)? }) => {
        /// Runs every check, one after the other.
        pub async fn suite<P: $($place)*>() {
            $( $check::<P>().await; )*
        }

        /// Makes a test of each check of this port, for one place.
        #[macro_export]
        macro_rules! $tests {
            ($d place:ty) => {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $check() {
                        ::ringside_conformance::$module::$check::<$d place>().await;
                    }
                )*
            };
        }
    };
}
pub(crate) use checks;
