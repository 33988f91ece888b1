//! Why the cluster cannot be used.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::client::{ANSWER_MAX, Reporter};
use crate::options::KafkaOptions;

/// Why the cluster cannot be used, with what to do about it. Passwords are not shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// An option is wrong: nobody was asked.
    #[error("kafka: {0}; correct the address or the setting")]
    Options(String),
    /// No broker answers.
    #[error(
        "no kafka broker answers at {servers} within {seconds} s ({reason}): start it, or correct the address"
    )]
    Unreachable {
        /// The addresses.
        servers: String,
        /// How long was waited.
        seconds: u64,
        /// What the client said last.
        reason: String,
    },
    /// The brokers do not let us in.
    #[error("kafka at {servers} refuses user `{user}` ({reason}): correct user or password")]
    Refused {
        /// The addresses.
        servers: String,
        /// Who asked.
        user: String,
        /// What the broker said.
        reason: String,
    },
    /// A topic is not there.
    #[error("kafka at {servers} has no topic `{topic}`: `ringside region migrate` makes it")]
    Missing {
        /// The topic.
        topic: String,
        /// The addresses.
        servers: String,
    },
    /// A topic cannot be made.
    #[error(
        "topic `{topic}` with {replication} copies cannot be made: {reason}; are there as many brokers as copies?"
    )]
    NotMade {
        /// The topic.
        topic: String,
        /// How many copies were asked for.
        replication: u16,
        /// What the broker said.
        reason: String,
    },
    /// A topic has fewer partitions than asked for. They cannot be added: keys are spread over them.
    #[error(
        "topic `{topic}` has {found} partitions, this region asks for {wanted}: ask for {found}, or make it anew (its records go)"
    )]
    Partitions {
        /// The topic.
        topic: String,
        /// How many it has.
        found: u32,
        /// How many were asked for.
        wanted: u32,
    },
    /// A topic has fewer copies than asked for.
    #[error(
        "topic `{topic}` has {found} copies, this region asks for {wanted}: reassign its partitions, or ask for {found}"
    )]
    Replication {
        /// The topic.
        topic: String,
        /// How many the first such partition has.
        found: usize,
        /// How many were asked for.
        wanted: u16,
    },
    /// Records are acknowledged with fewer copies than asked for.
    #[error(
        "topic `{topic}` has min.insync.replicas={found}, this region asks for {wanted}: set it with kafka-configs, or ask for {found}"
    )]
    InSync {
        /// The topic.
        topic: String,
        /// How it is set.
        found: String,
        /// How many were asked for.
        wanted: u16,
    },
    /// A partition has no leader: brokers are starting, or all that have it are down.
    #[error("topic `{topic}` has no leader for partition {partition}: start the brokers that have it")]
    Leaderless {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
    },
}

impl ConnectError {
    pub(crate) fn options(error: &KafkaError) -> Self {
        Self::Options(error.to_string())
    }

    /// A question without an answer; what the client reported says why.
    pub(crate) fn unreachable(options: &KafkaOptions, error: &KafkaError, reporter: &Reporter) -> Self {
        let servers = options.servers.clone();
        let (cause, reason) = reporter.last().unwrap_or_else(|| (error.clone(), error.to_string()));
        if cause.rdkafka_error_code() == Some(RDKafkaErrorCode::Authentication) {
            let user = options.user.clone().unwrap_or_default();
            return Self::Refused { servers, user, reason };
        }
        Self::Unreachable { servers, seconds: ANSWER_MAX.as_secs(), reason }
    }

    /// True where the same call may succeed without anybody changing the configuration: brokers that are down or start.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Leaderless { .. })
    }
}
