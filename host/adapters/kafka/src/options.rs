//! What an operator says about the cluster: where it is, who we are there, and what the topics are like.

use std::fmt;
use std::time::Duration;

use ringside_ports::log::{RECORD_BYTES_MAX, Topic};

/// Most bytes that Kafka adds to a payload of [`RECORD_BYTES_MAX`]: key, headers of record and batch. Together they
/// are a broker's default for `max.message.bytes`, so that topics which somebody else made fit too.
pub(crate) const MESSAGE_BYTES_MAX: usize = RECORD_BYTES_MAX + 48_588;

/// Where the cluster is and how it is used.
///
/// TLS and SCRAM need OpenSSL, which this program is not built with: end TLS beside the host, or keep the brokers in a
/// private network. With `user` and `password` the connection is SASL/PLAIN over plain TCP.
#[derive(Clone)]
pub struct KafkaOptions {
    /// `host:port`, several with commas between: any of the cluster's brokers; the others are found through them.
    pub servers: String,
    /// Put before every topic's and group's name. Empty in production; keeps tests on one cluster apart.
    pub prefix: String,
    /// Who logs in. None where brokers take everybody.
    pub user: Option<String>,
    /// The password to it.
    pub password: Option<String>,
    /// How this process is called in the brokers' logs and quotas.
    pub client_id: String,
    /// What each topic is like: [`TopicSpec::of`] unless the operator says otherwise.
    pub topics: Topics,
}

/// The password is not shown.
impl fmt::Debug for KafkaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaOptions")
            .field("servers", &self.servers)
            .field("prefix", &self.prefix)
            .field("user", &self.user)
            .field("client_id", &self.client_id)
            .field("topics", &self.topics)
            .finish_non_exhaustive()
    }
}

impl KafkaOptions {
    /// A cluster at these addresses, with the topics of a region in production.
    #[must_use]
    pub fn at(servers: impl Into<String>) -> Self {
        Self {
            servers: servers.into(),
            prefix: String::new(),
            user: None,
            password: None,
            client_id: "ringside".to_owned(),
            topics: Topics::default(),
        }
    }

    /// A topic's name in the cluster.
    #[must_use]
    pub fn topic_name(&self, topic: Topic) -> String {
        format!("{}{}", self.prefix, topic.name())
    }

    /// A consumer group's id in the cluster. The topic is part of it, since a group's members share one topic.
    #[must_use]
    pub fn group_id(&self, group: &str, topic: Topic) -> String {
        format!("{}ringside.{group}.{}", self.prefix, topic.name())
    }
}

/// What every topic is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics([TopicSpec; Topic::ALL.len()]);

impl Default for Topics {
    fn default() -> Self {
        Self(Topic::ALL.map(TopicSpec::of))
    }
}

impl Topics {
    /// The topics of one broker on a developer's machine: no copies, and few partitions.
    #[must_use]
    pub fn of_one_broker(partitions: u32) -> Self {
        Self(Topic::ALL.map(|topic| {
            let spec = TopicSpec::of(topic);
            TopicSpec { partitions: spec.partitions.min(partitions), replication: 1, in_sync: 1, ..spec }
        }))
    }

    /// What this topic is like.
    #[must_use]
    pub fn get(&self, topic: Topic) -> &TopicSpec {
        let [first, ..] = &self.0;
        Topic::ALL.iter().zip(&self.0).find(|(one, _)| **one == topic).map_or(first, |(_, spec)| spec)
    }

    /// To change what this topic is like.
    pub fn get_mut(&mut self, topic: Topic) -> Option<&mut TopicSpec> {
        Topic::ALL.iter().zip(&mut self.0).find(|(one, _)| **one == topic).map(|(_, spec)| spec)
    }
}

/// What a topic is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// How many partitions it is made with. One that has more is taken as it is, one that has fewer is refused: keys
    /// were spread over them, so a topic's partitions are never added to.
    pub partitions: u32,
    /// Copies of each record.
    pub replication: u16,
    /// Copies that must be written before a record is acknowledged (`min.insync.replicas`).
    pub in_sync: u16,
    /// How producers compress.
    pub compression: Compression,
    /// How long records are kept.
    pub keep_for: Duration,
}

impl TopicSpec {
    /// R40: room events in 100 partitions, snappy, 24 h; moderation events in 20, gzip, 7 d; three copies of each. Dead
    /// letters are few, and are looked at days later.
    #[must_use]
    pub fn of(topic: Topic) -> Self {
        const HOUR: Duration = Duration::from_secs(3_600);
        let copied = |partitions, compression, keep_for| Self {
            partitions,
            replication: 3,
            in_sync: 2,
            compression,
            keep_for,
        };
        match topic {
            Topic::RoomEvents => copied(100, Compression::Snappy, 24 * HOUR),
            Topic::ModerationEvents => copied(20, Compression::Gzip, 7 * 24 * HOUR),
            Topic::DeadLetters => copied(1, Compression::Snappy, 30 * 24 * HOUR),
        }
    }

    /// What the topic is made with, in Kafka's own words.
    pub(crate) fn settings(&self) -> [(&'static str, String); 5] {
        [
            ("min.insync.replicas", self.in_sync.to_string()),
            ("retention.ms", self.keep_for.as_millis().to_string()),
            ("max.message.bytes", MESSAGE_BYTES_MAX.to_string()),
            // As the producer compressed: a broker must not spend its time on doing it again.
            ("compression.type", "producer".to_owned()),
            // A copy that is behind must not become the one that counts: that would lose what was acknowledged.
            ("unclean.leader.election.enable", "false".to_owned()),
        ]
    }
}

/// How producers compress a topic's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// Quick, about half the size for comments.
    Snappy,
    /// Quick too, a little smaller.
    Lz4,
    /// Slow and small.
    Gzip,
}

impl Compression {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Gzip => "gzip",
        }
    }
}
