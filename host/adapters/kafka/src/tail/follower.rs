//! The one consumer that follows the ends of all partitions that are read in this process, on a thread of its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message as _, Offset, TopicPartitionList};
use ringside_ports::log::Record;
use tracing::{debug, warn};

use super::Tail;
use crate::client::{self, Consumer, POLL, Reporter};
use crate::options::KafkaOptions;

/// Newest records kept in memory, of all partitions together: eight seconds of 20,000 comments/s of 400 bytes, so that
/// only who fell behind asks the cluster.
const TAIL_BYTES_MAX: usize = 64 << 20;
/// What is let go of at once from the partition that holds the most: a part that is not looked for again soon.
const FORGOTTEN_BYTES: usize = 4 << 20;
/// Records taken in before their readers are woken: about a millisecond of work.
const ROUND_RECORDS_MAX: usize = 512;
/// A partition that nobody read for so long is not followed any more. Roles ask all the time; a room's catching up
/// comes once.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// How often is looked for those.
const SWEEP: Duration = Duration::from_secs(10);

/// A partition of a topic, by the names of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Partition {
    pub(crate) topic: Arc<str>,
    pub(crate) number: i32,
}

impl Partition {
    /// A list of it alone.
    pub(crate) fn list(&self, offset: Offset) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition_offset(&self.topic, self.number, offset)?;
        Ok(list)
    }
}

/// Kafka's place of one of the port's offsets.
pub(crate) fn offset(offset: u64) -> Offset {
    Offset::Offset(i64::try_from(offset).unwrap_or(i64::MAX))
}

/// As the port has it. Another tool may have written a key that is no text, or a record without a payload.
pub(crate) fn record(message: &BorrowedMessage<'_>) -> Record {
    Record {
        offset: u64::try_from(message.offset()).unwrap_or(0),
        key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
        // The memory it came in is that of a whole fetch.
        payload: Bytes::copy_from_slice(message.payload().unwrap_or_default()),
    }
}

/// Follows partitions for as long as somebody reads them.
pub(crate) struct Follower {
    shared: Arc<Shared>,
}

struct Shared {
    consumer: Consumer,
    followed: Mutex<Followed>,
    /// Held while what is followed changes, here and in the consumer.
    changing: Mutex<()>,
    stop: AtomicBool,
}

#[derive(Default)]
struct Followed {
    topics: HashMap<Arc<str>, HashMap<i32, Arc<Tail>>>,
}

/// A tail that is kept for as long as this is held.
pub(crate) struct Used(Arc<Tail>);

impl Used {
    /// With the lock of what is followed held, so that it is not given up in between.
    fn new(tail: &Arc<Tail>) -> Self {
        tail.users.fetch_add(1, Ordering::AcqRel);
        Self(tail.clone())
    }
}

impl std::ops::Deref for Used {
    type Target = Tail;

    fn deref(&self) -> &Tail {
        &self.0
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        self.0.lock().used_at = Instant::now();
        self.0.users.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Follower {
    pub(crate) fn start(options: &KafkaOptions) -> KafkaResult<Self> {
        let shared = Arc::new(Shared {
            consumer: client::tail(options).create_with_context(Reporter::default())?,
            followed: Mutex::default(),
            changing: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let follows = shared.clone();
        std::thread::Builder::new()
            .name("kafka-tail".into())
            .spawn(move || follows.follow())
            .map_err(|error| KafkaError::ClientCreation(format!("no thread: {error}")))?;
        Ok(Self { shared })
    }

    /// The end of a partition that is followed already.
    pub(crate) fn find(&self, partition: &Partition) -> Option<Used> {
        self.shared.followed().find(&partition.topic, partition.number).map(Used::new)
    }

    /// Begins to follow a partition, whose end is at `end` or was a moment ago. Blocks for some milliseconds.
    pub(crate) fn begin(&self, partition: &Partition, end: u64) -> KafkaResult<Used> {
        let _changing = self.shared.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let used = {
            let mut followed = self.shared.followed();
            if let Some(tail) = followed.find(&partition.topic, partition.number) {
                return Ok(Used::new(tail));
            }
            let tail = Arc::new(Tail::new(end));
            let used = Used::new(&tail);
            followed.topics.entry(partition.topic.clone()).or_default().insert(partition.number, tail);
            used
        };
        let begun =
            partition.list(offset(end)).and_then(|list| self.shared.consumer.incremental_assign(&list));
        if let Err(error) = begun {
            self.shared.followed().remove(partition);
            return Err(error);
        }
        Ok(used)
    }

    /// Bytes of all that is kept, and how many partitions are followed.
    pub(crate) fn kept(&self) -> (usize, usize) {
        let followed = self.shared.followed();
        (followed.bytes(), followed.topics.values().map(HashMap::len).sum())
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

impl Followed {
    fn find(&self, topic: &str, partition: i32) -> Option<&Arc<Tail>> {
        self.topics.get(topic)?.get(&partition)
    }

    fn remove(&mut self, partition: &Partition) {
        if let Some(of_topic) = self.topics.get_mut(&partition.topic) {
            of_topic.remove(&partition.number);
        }
    }

    fn tails(&self) -> impl Iterator<Item = &Arc<Tail>> {
        self.topics.values().flat_map(HashMap::values)
    }

    fn bytes(&self) -> usize {
        self.tails().map(|tail| tail.bytes()).sum()
    }

    /// Those that nobody has read for so long.
    fn idle(&self, unread_for: Duration) -> Vec<Partition> {
        let mut idle = Vec::new();
        for (topic, of_topic) in &self.topics {
            let unread = of_topic.iter().filter(|(_, tail)| {
                tail.users.load(Ordering::Acquire) == 0 && tail.lock().used_at.elapsed() >= unread_for
            });
            idle.extend(unread.map(|(number, _)| Partition { topic: topic.clone(), number: *number }));
        }
        idle
    }
}

/// Records of one partition that came together.
#[derive(Default)]
struct Run {
    partition: Option<(Arc<Tail>, String, i32)>,
    records: Vec<Record>,
}

impl Run {
    fn end(&mut self) {
        let records = std::mem::take(&mut self.records);
        if let Some((tail, ..)) = self.partition.as_ref().filter(|_| !records.is_empty()) {
            tail.push(records);
        }
    }
}

impl Shared {
    fn followed(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow(&self) {
        let mut swept = Instant::now();
        while !self.stop.load(Ordering::Relaxed) {
            if let Some(first) = self.consumer.poll(POLL) {
                self.take(first);
                self.bound();
            }
            if swept.elapsed() > SWEEP {
                self.give_up_idle(IDLE_MAX);
                swept = Instant::now();
            }
        }
    }

    /// Takes in what came, and what came with it.
    fn take(&self, first: KafkaResult<BorrowedMessage<'_>>) {
        let mut run = Run::default();
        let mut came = Some(first);
        for _ in 0..ROUND_RECORDS_MAX {
            match came {
                Some(Ok(message)) => self.add(&message, &mut run),
                // The client goes on by itself; readers are told what concerns them where they ask for it.
                Some(Err(error)) => debug!(%error, "following the log's ends"),
                None => break,
            }
            came = self.consumer.poll(Duration::ZERO);
        }
        if let Some(Ok(message)) = came {
            self.add(&message, &mut run);
        }
        run.end();
    }

    fn add(&self, message: &BorrowedMessage<'_>, run: &mut Run) {
        let (topic, number) = (message.topic(), message.partition());
        let goes_on = |(_, of, at): &(Arc<Tail>, String, i32)| of == topic && *at == number;
        if !run.partition.as_ref().is_some_and(goes_on) {
            run.end();
            run.partition =
                self.followed().find(topic, number).map(|tail| (tail.clone(), topic.to_owned(), number));
        }
        if run.partition.is_some() {
            run.records.push(record(message));
        }
    }

    /// Keeps all tails together within their bound.
    fn bound(&self) {
        let followed = self.followed();
        while followed.bytes() > TAIL_BYTES_MAX {
            let Some(largest) = followed.tails().max_by_key(|tail| tail.bytes()) else { return };
            largest.forget(FORGOTTEN_BYTES);
        }
    }

    /// Stops following what was not read for so long.
    fn give_up_idle(&self, unread_for: Duration) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = {
            let mut followed = self.followed();
            let idle = followed.idle(unread_for);
            for partition in &idle {
                followed.remove(partition);
            }
            idle
        };
        for partition in idle {
            let given_up =
                partition.list(Offset::Invalid).and_then(|list| self.consumer.incremental_unassign(&list));
            if let Err(error) = given_up {
                warn!(topic = %partition.topic, partition = partition.number, %error, "an idle partition is still followed");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::ClientConfig;
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

    use super::super::Found;
    use super::*;

    fn produce(servers: &str, payload: &str) {
        let producer: BaseProducer =
            ClientConfig::new().set("bootstrap.servers", servers).set("linger.ms", "0").create().unwrap();
        producer.send(BaseRecord::to("rooms").partition(0).key("k").payload(payload)).unwrap();
        producer.flush(Duration::from_secs(30)).unwrap();
    }

    async fn reads(tail: &Tail, from: u64, payload: &str) {
        tokio::time::timeout(Duration::from_secs(60), tail.wait(from)).await.expect("it comes");
        let Found::Records(records) = tail.read(from, 10, 1_000) else { panic!("it waited for it") };
        assert_eq!(records[0].payload, payload);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_partition_that_nobody_reads_is_given_up_and_followed_again_from_its_end() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("rooms", 1, 1).unwrap();
        let servers = cluster.bootstrap_servers();
        let follower = Follower::start(&KafkaOptions::at(&servers)).unwrap();
        let rooms = Partition { topic: "rooms".into(), number: 0 };
        let used = follower.begin(&rooms, 0).unwrap();
        produce(&servers, "first");
        reads(&used, 0, "first").await;
        follower.shared.give_up_idle(Duration::ZERO);
        assert!(follower.find(&rooms).is_some(), "it is being read");
        drop(used);
        follower.shared.give_up_idle(Duration::ZERO);
        assert_eq!(follower.kept(), (0, 0));
        produce(&servers, "unseen");
        let used = follower.begin(&rooms, 2).unwrap();
        produce(&servers, "third");
        reads(&used, 2, "third").await;
        assert_eq!(used.read(1, 10, 1_000), Found::Older);
    }
}
