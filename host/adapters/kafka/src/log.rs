//! The port on top of it all: which of the parts answers what.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use ringside_ports::log::{Durability, Extent, Log, Membership, NewRecord, Record, Topic, check_records};
use sha2::{Digest as _, Sha256};

use crate::catch_up::{CatchUp, Wanted};
use crate::client::ANSWER_MAX;
use crate::error::ConnectError;
use crate::groups::Groups;
use crate::options::KafkaOptions;
use crate::producer::{Producer, Written};
use crate::questions::Questions;
use crate::tail::{Follower, Found, Partition, Used};
use crate::{failure, partition, topics};

/// How old the broker's word on a followed partition's extent may be. What is appended comes to the follower within
/// milliseconds, so this is how far behind it is told when the follower is stuck, and how late retention is.
const EXTENT_AGE_MAX: Duration = Duration::from_secs(1);
/// How long the follower may take to bring what was acknowledged to this process, before it is asked for directly.
const FOLLOW_MAX: Duration = Duration::from_secs(1);
/// How often who waits looks whether something was acknowledged that the follower does not bring.
const WAIT_LOOK: Duration = Duration::from_secs(5);

/// The log of a region.
pub struct KafkaLog {
    epoch: u64,
    topics: Vec<OneTopic>,
    questions: Questions,
    follower: Arc<Follower>,
    catch_up: Arc<CatchUp>,
    groups: Groups,
}

struct OneTopic {
    topic: Topic,
    producer: Arc<Producer>,
    partitions: Vec<OnePartition>,
}

struct OnePartition {
    /// By the names of the cluster.
    name: Partition,
    written: Written,
    /// What the broker said last, and when.
    extent: Mutex<Option<(Instant, Extent)>>,
}

impl OnePartition {
    /// Up to here whoever reads finds what was acknowledged, or told as the partition's extent.
    fn promised(&self) -> u64 {
        let told =
            self.extent.lock().unwrap_or_else(PoisonError::into_inner).map_or(0, |(_, extent)| extent.next);
        self.written.next().max(told)
    }
}

/// What is in memory and on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Records that wait to be acknowledged.
    pub in_flight_records: usize,
    /// Their bytes, key and payload.
    pub in_flight_bytes: usize,
    /// Records that nobody waited for ([`Durability::Queued`]) and that did not get into the log, since the start.
    pub queued_lost: u64,
    /// Partitions whose end is followed.
    pub followed_partitions: usize,
    /// Bytes of the newest records that are kept for readers.
    pub tail_bytes: usize,
}

impl KafkaLog {
    /// Makes the topics that are missing, and returns their names. Safe to run twice, and by two at once.
    ///
    /// # Errors
    /// [`ConnectError`]; what is there and does not fit is not changed.
    pub async fn create_topics(options: &KafkaOptions) -> Result<Vec<String>, ConnectError> {
        topics::create(options).await
    }

    /// Connects, holds the topics against what the options ask for, and returns when the first append would be as
    /// quick as all others. Takes about a second.
    ///
    /// # Errors
    /// [`ConnectError`] within some seconds.
    pub async fn connect(options: &KafkaOptions) -> Result<Self, ConnectError> {
        let wrong = |error| ConnectError::options(&error);
        let mut producers: Vec<Arc<Producer>> = Vec::new();
        for topic in Topic::ALL {
            let compression = options.topics.get(topic).compression;
            if !producers.iter().any(|one| one.compression() == compression) {
                producers.push(Arc::new(Producer::start(options, compression).map_err(wrong)?));
            }
        }
        let asked = (options.clone(), producers.clone());
        let looked = tokio::task::spawn_blocking(move || look(&asked.0, &asked.1)).await;
        let (cluster, found) = looked.map_err(|error| ConnectError::Options(error.to_string()))??;
        topics::check_settings(options).await?;
        for producer in &producers {
            if !producer.warm().await {
                let error = rdkafka::error::KafkaError::Canceled;
                return Err(ConnectError::unreachable(options, &error, &producer.reporter()));
            }
        }
        let questions = Questions::default();
        Ok(Self {
            epoch: epoch(&cluster, &options.topic_name(Topic::RoomEvents)),
            topics: found,
            follower: Arc::new(Follower::start(options).map_err(wrong)?),
            catch_up: Arc::new(CatchUp::new(options)),
            groups: Groups::new(options, &questions),
            questions,
        })
    }

    /// What is in memory and on its way.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let (tail_bytes, followed_partitions) = self.follower.kept();
        let mut figures = Figures { tail_bytes, followed_partitions, ..Figures::default() };
        let mut seen: Vec<&Arc<Producer>> = Vec::new();
        for one in &self.topics {
            if seen.iter().any(|other| Arc::ptr_eq(other, &one.producer)) {
                continue;
            }
            seen.push(&one.producer);
            let in_flight = one.producer.in_flight();
            figures.in_flight_records += in_flight.records();
            figures.in_flight_bytes += in_flight.bytes();
            figures.queued_lost += in_flight.lost();
        }
        figures
    }

    fn topic(&self, topic: Topic) -> Option<&OneTopic> {
        self.topics.iter().find(|one| one.topic == topic)
    }

    fn partition(
        &self,
        topic: Topic,
        number: u32,
        operation: &'static str,
    ) -> PortResult<(&OneTopic, &OnePartition)> {
        let of = self.topic(topic);
        let found = of.and_then(|of| Some((of, of.partitions.get(usize::try_from(number).ok()?)?)));
        found.ok_or_else(|| {
            let detail = format!("topic {} has no partition {number}", topic.name());
            PortError::new(PortErrorKind::Invalid, operation, detail)
        })
    }

    /// The end of a partition in memory; followed from now on if it was not.
    async fn follow(&self, of: &OneTopic, one: &OnePartition, operation: &'static str) -> PortResult<Used> {
        if let Some(used) = self.follower.find(&one.name) {
            return Ok(used);
        }
        let (producer, follower, name) = (of.producer.clone(), self.follower.clone(), one.name.clone());
        let begin = move || {
            let extent = ask_extent(&producer, &name, operation)?;
            let begun = follower.begin(&name, extent.next);
            begun.map_err(|error| failure::of(operation, &format!("{}/{}", name.topic, name.number), &error))
        };
        self.questions.ask(operation, begin).await
    }
}

/// Looks at the cluster through the first producer, and at what the topics are like. Blocks.
fn look(
    options: &KafkaOptions,
    producers: &[Arc<Producer>],
) -> Result<(String, Vec<OneTopic>), ConnectError> {
    let mut found = Vec::new();
    let mut cluster = None;
    for topic in Topic::ALL {
        let compression = options.topics.get(topic).compression;
        let Some(producer) = producers.iter().find(|one| one.compression() == compression) else { continue };
        let partitions = producer.ask(|client| topics::look(client, options, topic))?;
        if cluster.is_none() {
            cluster = producer.ask(|client| client.fetch_cluster_id(ANSWER_MAX));
        }
        let name: Arc<str> = options.topic_name(topic).into();
        let partitions = (0..i32::try_from(partitions).unwrap_or(i32::MAX)).map(|number| OnePartition {
            name: Partition { topic: name.clone(), number },
            written: Written::default(),
            extent: Mutex::default(),
        });
        found.push(OneTopic { topic, producer: producer.clone(), partitions: partitions.collect() });
    }
    let Some(cluster) = cluster else {
        let error = rdkafka::error::KafkaError::Canceled;
        let reporter = producers.first().map(|producer| producer.reporter()).unwrap_or_default();
        return Err(ConnectError::unreachable(options, &error, &reporter));
    };
    Ok((cluster, found))
}

/// The same on every host: of the cluster and of the topic's name in it. A topic that was made anew under its old name
/// has the old epoch, so give it another prefix.
fn epoch(cluster: &str, topic: &str) -> u64 {
    let digest = Sha256::digest(format!("{cluster}/{topic}"));
    digest.iter().take(8).fold(0, |epoch, byte| (epoch << 8) | u64::from(*byte)).max(1)
}

/// The offsets that the broker keeps. Blocks.
fn ask_extent(producer: &Producer, at: &Partition, operation: &'static str) -> PortResult<Extent> {
    let answer = producer.ask(|client| client.fetch_watermarks(&at.topic, at.number, ANSWER_MAX));
    let (first, next) =
        answer.map_err(|error| failure::of(operation, &format!("{}/{}", at.topic, at.number), &error))?;
    Ok(Extent { first: u64::try_from(first).unwrap_or(0), next: u64::try_from(next).unwrap_or(0) })
}

#[async_trait]
impl Log for KafkaLog {
    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn partitions(&self, topic: Topic) -> u32 {
        self.topic(topic).map_or(1, |of| u32::try_from(of.partitions.len()).unwrap_or(u32::MAX))
    }

    fn partition_of(&self, topic: Topic, key: &str) -> u32 {
        partition::of(key, self.partitions(topic))
    }

    async fn append(
        &self,
        topic: Topic,
        partition: u32,
        records: Vec<NewRecord>,
        durability: Durability,
    ) -> PortResult<u64> {
        let (of, one) = self.partition(topic, partition, "log.append")?;
        check_records(self, topic, partition, &records)?;
        of.producer.append(&one.name.topic, one.name.number, &one.written, &records, durability).await
    }

    async fn read(
        &self,
        topic: Topic,
        partition: u32,
        from: u64,
        max_records: usize,
        max_bytes: usize,
    ) -> PortResult<Vec<Record>> {
        let (of, one) = self.partition(topic, partition, "log.read")?;
        let tail = self.follow(of, one, "log.read").await?;
        match tail.read(from, max_records, max_bytes) {
            Found::Records(records) => return Ok(records),
            Found::End if from >= one.promised() => return Ok(Vec::new()),
            Found::Older => {}
            // It is on its way here.
            Found::End => {
                let came = tokio::time::timeout(FOLLOW_MAX, tail.wait(from)).await;
                if came.is_ok()
                    && let Found::Records(records) = tail.read(from, max_records, max_bytes)
                {
                    return Ok(records);
                }
            }
        }
        let wanted = Wanted { partition: one.name.clone(), from, max_records, max_bytes };
        let records = self.catch_up.read(wanted).await?;
        if !records.is_empty() {
            return Ok(records);
        }
        tail.cover(from);
        match tail.read(from, max_records, max_bytes) {
            Found::Records(records) => Ok(records),
            Found::End | Found::Older => Ok(Vec::new()),
        }
    }

    async fn wait_for(&self, topic: Topic, partition: u32, offset: u64) -> PortResult<()> {
        let (of, one) = self.partition(topic, partition, "log.wait_for")?;
        let tail = self.follow(of, one, "log.wait_for").await?;
        // What was acknowledged and does not come, a damaged batch at the very end, is told by the read.
        while tokio::time::timeout(WAIT_LOOK, tail.wait(offset)).await.is_err() {
            if offset < one.written.next() {
                break;
            }
        }
        Ok(())
    }

    async fn extent(&self, topic: Topic, partition: u32) -> PortResult<Extent> {
        let (of, one) = self.partition(topic, partition, "log.extent")?;
        let followed = self.follower.find(&one.name);
        let newest = one.written.next().max(followed.as_ref().map_or(0, |tail| tail.end()));
        let known = *one.extent.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = known.filter(|(at, _)| followed.is_some() && at.elapsed() < EXTENT_AGE_MAX);
        let extent = if let Some((_, extent)) = fresh {
            extent
        } else {
            let (producer, name) = (of.producer.clone(), one.name.clone());
            let asked = Instant::now();
            let asks = move || ask_extent(&producer, &name, "log.extent");
            let extent = self.questions.ask("log.extent", asks).await?;
            *one.extent.lock().unwrap_or_else(PoisonError::into_inner) = Some((asked, extent));
            extent
        };
        Ok(Extent { first: extent.first, next: extent.next.max(newest) })
    }

    async fn join(&self, group: &str, topic: Topic) -> PortResult<Box<dyn Membership>> {
        self.groups.join(group, topic, self.partitions(topic))
    }

    async fn commit(&self, group: &str, topic: Topic, partition: u32, next: u64) -> PortResult<()> {
        let (_, one) = self.partition(topic, partition, "log.commit")?;
        self.groups.commit(group, topic, &one.name, next).await
    }

    async fn committed(&self, group: &str, topic: Topic, partition: u32) -> PortResult<Option<u64>> {
        let (_, one) = self.partition(topic, partition, "log.committed")?;
        self.groups.committed(group, topic, &one.name).await
    }
}
