//! The Redis adapters pass the suite, on a single server and on a cluster.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a panic fails the test"
)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ringside_conformance::Place;
use ringside_ports::{Counters, Directory, Recent, Relay};
use ringside_redis::{Redis, RedisOptions};

/// Longest time of a call: the suite asks for what is right, and the machine may be busy.
const CALL_MAX: Duration = Duration::from_secs(20);

/// Keys and channels of one test.
fn options(variable: &str, cluster: bool) -> RedisOptions {
    let Ok(addresses) = std::env::var(variable) else {
        panic!("{variable} is not set: run `cargo xtask services up`, or `cargo xtask test`");
    };
    RedisOptions {
        addresses: addresses.split(',').map(str::to_owned).collect(),
        cluster,
        user: None,
        password: None,
        prefix: format!("test:{:016x}", fastrand::u64(..)),
    }
}

struct Single(RedisOptions);
struct Cluster(RedisOptions);

macro_rules! places {
    ($place:ident($variable:literal, $cluster:literal): $($port:ident $field:ident),*) => {
        $(
            #[async_trait]
            impl Place<dyn $port> for $place {
                async fn fresh() -> Self {
                    Self(options($variable, $cluster))
                }

                async fn open(&self) -> Arc<dyn $port> {
                    let redis = Redis::open_within(self.0.clone(), CALL_MAX).expect("options");
                    redis.check().await.expect("connected");
                    redis.$field
                }
            }
        )*
    };
}
places!(Single("RINGSIDE_TEST_REDIS", false): Relay relay, Counters counters, Directory directory, Recent recent);
places!(Cluster("RINGSIDE_TEST_REDIS_CLUSTER", true): Relay relay, Counters counters, Directory directory, Recent recent);

mod single {
    mod relay {
        ringside_conformance::relay_tests!(crate::Single);
    }
    mod counters {
        ringside_conformance::counters_tests!(crate::Single);
    }
    mod directory {
        ringside_conformance::directory_tests!(crate::Single);
    }
    mod recent {
        ringside_conformance::recent_tests!(crate::Single);
    }
}

mod cluster {
    mod relay {
        ringside_conformance::relay_tests!(crate::Cluster);
    }
    mod counters {
        ringside_conformance::counters_tests!(crate::Cluster);
    }
    mod directory {
        ringside_conformance::directory_tests!(crate::Cluster);
    }
    mod recent {
        ringside_conformance::recent_tests!(crate::Cluster);
    }
}
