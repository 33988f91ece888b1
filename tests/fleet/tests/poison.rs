//! Records that nobody can read stand in the way of nobody: they are kept with the reason, what is said goes on, and what
//! can be read later is put back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use ringside_testkit::{Client, Region, Services, eventually};
use serde_json::json;

/// Longest wait for a broker's answer.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Key and payload of a record, and a part of the reason for which it is kept.
type Poison<'p> = (Option<&'p str>, Option<&'p [u8]>, &'static str);

/// A region's topics, as someone sees them who writes what should not be there.
struct Topics {
    producer: BaseProducer,
    consumer: BaseConsumer,
    prefix: String,
}

impl Topics {
    fn of(region: &Region, services: &Services) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &services.kafka).set("group.id", "nobody");
        Self {
            producer: config.create().unwrap(),
            consumer: config.create().unwrap(),
            prefix: format!("{}.", region.name()),
        }
    }

    /// Partition and payload of the record that has this text in it.
    fn find(&self, topic: &str, text: &str) -> (i32, Vec<u8>) {
        let topic = format!("{}{topic}", self.prefix);
        let metadata = self.consumer.fetch_metadata(Some(&topic), ANSWER_MAX).unwrap();
        let mut from_the_start = TopicPartitionList::new();
        for partition in metadata.topics()[0].partitions() {
            from_the_start.add_partition_offset(&topic, partition.id(), Offset::Beginning).unwrap();
        }
        self.consumer.assign(&from_the_start).unwrap();
        loop {
            let message = self.consumer.poll(ANSWER_MAX).expect("a record").unwrap();
            let payload = message.payload().unwrap_or_default();
            if payload.windows(text.len()).any(|window| window == text.as_bytes()) {
                return (message.partition(), payload.to_vec());
            }
        }
    }

    /// Writes a record as it is given: no payload is a tombstone.
    fn write(&self, topic: &str, partition: i32, key: Option<&str>, payload: Option<&[u8]>) {
        let topic = format!("{}{topic}", self.prefix);
        let mut record: BaseRecord<'_, str, [u8]> = BaseRecord::to(&topic).partition(partition);
        record.key = key;
        record.payload = payload;
        self.producer.send(record).unwrap();
        self.producer.flush(ANSWER_MAX).unwrap();
    }
}

/// The bytes with one word in the place of another as long.
fn with(bytes: &[u8], word: &[u8], other: &[u8]) -> Vec<u8> {
    assert_eq!(word.len(), other.len());
    let at = bytes.windows(word.len()).position(|window| window == word).expect("the word");
    [&bytes[..at], other, &bytes[at + word.len()..]].concat()
}

#[test]
fn poison_of_every_kind_is_kept_with_its_reason_delays_nobody_and_is_put_back_when_it_can_be_read() {
    let services = Services::shared();
    let region = Region::on(&services);
    let host = region.process("host");
    let _roles = region.process("coordinator,writer,judge,reconciler");
    let mut ann = Client::join(&host, "ann", "moderator", "a");
    let mut bob = Client::join(&host, "bob", "viewer", "a");
    let first = ann.comment("the first of all");
    assert_eq!(bob.event("comment")["id"], first.as_str());

    let topics = Topics::of(&region, &services);
    let (partition, good) = topics.find("room-events", "the first of all");
    let later = [&[99], &good[1..]].concat();
    let unknown = with(&good, b"CommentAccepted", b"CommentWhispers");
    let poison: [Poison<'_>; 7] = [
        (Some("a"), None, "is empty"),
        (Some("a"), Some(b""), "is empty"),
        (Some("a"), Some(b"{\"json\":true}"), "format version 123"),
        (Some("a"), Some(&later), "format version 99"),
        (Some("a"), Some(&good[..good.len() / 2]), "cannot be read"),
        (Some("b"), Some(&good), "kept as one of stream `b`"),
        (None, Some(&good), "kept as one of stream ``"),
    ];
    let mut said = vec![first];
    for (key, payload, _) in poison {
        topics.write("room-events", partition, key, payload);
        said.push(ann.comment("between poison"));
        // In order, and each as if nothing were there.
        assert_eq!(bob.event("comment")["id"], said[said.len() - 1].as_str());
    }
    // A kind of event that a later version writes is passed over, and no dead letter.
    topics.write("room-events", partition, Some("a"), Some(&unknown));
    said.push(ann.comment("after an unknown kind"));
    assert_eq!(bob.event("comment")["id"], said[said.len() - 1].as_str());

    let operator = host.operator();
    let letters = eventually("all poison to be kept", || {
        let items = operator.get("/v1/dead-letters").expect(200).body["items"].clone();
        let items = items.as_array().unwrap().clone();
        (items.len() >= poison.len()).then_some(items)
    });
    assert_eq!(letters.len(), poison.len(), "{letters:?}");
    for ((key, payload, reason), letter) in poison.iter().zip(&letters) {
        assert!(letter["reason"].as_str().unwrap().contains(reason), "{letter}");
        assert_eq!(letter["key"], key.unwrap_or_default());
        assert_eq!(letter["payload"], STANDARD.encode(payload.unwrap_or_default()));
        assert_eq!((&letter["topic"], &letter["partition"]), (&json!("room-events"), &json!(partition)));
    }
    let replayed = operator.call("POST", "/v1/dead-letters/replay", None).expect(200).body;
    assert_eq!(replayed, json!({ "replayed": 0, "unreadable": poison.len() }));

    // What an earlier version could not read and this one can, and what was never a dead letter.
    let lost = with(&good, b"the first of all", b"lost and is back");
    let id = u128::from_str_radix(&said[0].replace('-', ""), 16).unwrap();
    let lost = with(&lost, &id.to_be_bytes(), &(id + 1).to_be_bytes());
    let letter = json!({
        "topic": "room-events", "partition": partition, "offset": 0, "key": "a", "reason": "too new",
        "payload": STANDARD.encode(&lost),
    });
    topics.write("dead-letters", 0, None, Some(b"no letter at all"));
    topics.write("dead-letters", 0, Some("a"), Some(letter.to_string().as_bytes()));
    eventually("the letter to be listed", || {
        let items = operator.get("/v1/dead-letters").expect(200).body["items"].clone();
        items.as_array().unwrap().iter().any(|item| item["reason"] == "too new").then_some(())
    });
    let replayed = operator.call("POST", "/v1/dead-letters/replay", None).expect(200).body;
    assert_eq!(replayed, json!({ "replayed": 1, "unreadable": poison.len() + 1 }));
    let back = bob.event("comment");
    assert_eq!(back["text"], "lost and is back");
    // By its id it was said right after the first.
    said.insert(1, back["id"].as_str().unwrap().to_owned());

    // Nothing was stored twice, and nothing that was not said.
    said.push(ann.comment("the last"));
    eventually("the last to be stored", || {
        let stored = host.rest().all_comments("a");
        let ids: Vec<&str> = stored.iter().rev().map(|item| item["id"].as_str().unwrap()).collect();
        (ids == said).then_some(())
    });
}
