//! The log, read by a client of its own: what the topic has, by what is written of a record alone. A record's key is its
//! stream; its value is a byte with the version, 1, then a MessagePack map with `kind`, whose one key names the kind.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use ringside_checker::{Id, Logged};
use serde::Deserialize;
use serde::de::IgnoredAny;
use uuid::Uuid;

/// Longest wait for a broker's answer.
const ANSWER_MAX: Duration = Duration::from_secs(20);
/// Time for the whole topic.
const READ_MAX: Duration = Duration::from_secs(120);
const VERSION: u8 = 1;

#[derive(Deserialize)]
struct Named {
    kind: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct Accepted {
    kind: OfKind,
}

#[derive(Deserialize)]
struct OfKind {
    #[serde(rename = "CommentAccepted")]
    comment: Comment,
}

#[derive(Deserialize)]
struct Comment {
    id: Uuid,
    visibility: String,
}

/// The comments of these streams in a region's log, each stream's in its order. A comment that was taken and stands there
/// more than once is told as often.
///
/// # Panics
/// When the broker does not answer, or a record is not what is written of it.
#[must_use]
pub fn read(kafka: &str, region: &str, streams: &[String]) -> Vec<Vec<Logged>> {
    let topic = format!("{region}.room-events");
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka)
        .set("group.id", format!("{region}-checker"))
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "false")
        .create()
        .unwrap();
    let metadata = consumer.fetch_metadata(Some(&topic), ANSWER_MAX).unwrap();
    let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
    assert!(partitions > 0, "there is no topic {topic}");
    let mut found = vec![Vec::new(); streams.len()];
    let last = Instant::now() + READ_MAX;
    for partition in 0..i32::try_from(partitions).unwrap() {
        let (first, end) = consumer.fetch_watermarks(&topic, partition, ANSWER_MAX).unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&topic, partition, Offset::Offset(first)).unwrap();
        consumer.assign(&list).unwrap();
        let mut next = first;
        while next < end {
            assert!(Instant::now() < last, "{topic}/{partition} was read up to {next} of {end} only");
            let Some(record) = consumer.poll(Duration::from_secs(1)) else { continue };
            let record = record.unwrap();
            next = record.offset() + 1;
            let key = record.key().unwrap_or_default();
            let Some(at) = streams.iter().position(|stream| stream.as_bytes() == key) else { continue };
            found[at].extend(accepted(record.payload().unwrap_or_default()));
        }
    }
    found
}

/// A comment that was taken; none for a record of another kind.
fn accepted(value: &[u8]) -> Option<Logged> {
    let (version, body) = value.split_first().expect("a record has a version");
    assert_eq!(*version, VERSION, "a record of another version");
    let named: Named = rmp_serde::from_slice(body).unwrap();
    if !named.kind.contains_key("CommentAccepted") {
        return None;
    }
    let Accepted { kind: OfKind { comment } } = rmp_serde::from_slice(body).unwrap();
    Some(Logged { id: Id(comment.id.as_u128()), shown: comment.visibility == "shown" })
}
