//! The log on Kafka passes the suite, against the broker in `RINGSIDE_TEST_KAFKA`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::sync::Arc;

use async_trait::async_trait;
use ringside_conformance::Place;
use ringside_kafka::{KafkaLog, KafkaOptions, Topics};
use ringside_ports::Log;

/// Topics of its own.
struct Cluster(KafkaOptions);

#[async_trait]
impl Place<dyn Log> for Cluster {
    async fn fresh() -> Self {
        let servers = std::env::var("RINGSIDE_TEST_KAFKA")
            .expect("RINGSIDE_TEST_KAFKA is not set: run cargo xtask services up, or cargo xtask test");
        let options = KafkaOptions {
            prefix: format!("conformance-{:016x}.", fastrand::u64(..)),
            topics: Topics::of_one_broker(3),
            ..KafkaOptions::at(servers)
        };
        KafkaLog::create_topics(&options).await.expect("topics");
        Self(options)
    }

    async fn open(&self) -> Arc<dyn Log> {
        Arc::new(KafkaLog::connect(&self.0).await.expect("connected"))
    }
}

mod log {
    ringside_conformance::log_tests!(super::Cluster);
}
