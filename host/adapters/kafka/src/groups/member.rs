//! A member of a group. It reads nothing itself: what it gets are the partitions whose work is this process's.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc as handed};
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use ringside_ports::log::{LET_GO_MS_MAX, Membership, Share};
use tokio::sync::mpsc;
use tracing::{debug, error, warn};

use super::{AllJoined, Name};
use crate::client::{self, POLL};
use crate::options::KafkaOptions;
use crate::questions::Questions;

/// Changes that wait for whoever has the membership: past it the member does not go on, and loses its partitions.
const CHANGES_MAX: usize = 64;

/// A member of a group, as commits see it.
pub(super) struct Joined {
    pub(super) consumer: BaseConsumer<Shares>,
    /// Commits come one after the other.
    pub(super) turns: Questions,
    has: Arc<Mutex<BTreeSet<i32>>>,
    left: Arc<AtomicBool>,
}

impl Joined {
    /// True for a partition that is this member's now.
    pub(super) fn has(&self, partition: i32) -> bool {
        self.has.lock().unwrap_or_else(PoisonError::into_inner).contains(&partition)
    }

    /// Ends the membership; the group hears of it within a moment.
    pub(super) fn leave(&self) {
        self.left.store(true, Ordering::Relaxed);
    }
}

/// A change, and what is dropped once the member has ended its work on what is taken.
type Change = (Share, Option<handed::Sender<()>>);

/// The member's own side.
pub(super) struct Member {
    name: Name,
    changes: mpsc::Receiver<Change>,
    /// Held while work on what was taken ends.
    holds: Option<handed::Sender<()>>,
    joined: AllJoined,
    this: Weak<Joined>,
}

impl Member {
    pub(super) fn join(
        options: &KafkaOptions,
        name: Name,
        partitions: u32,
        joined: AllJoined,
    ) -> KafkaResult<(Weak<Joined>, Self)> {
        let (group, topic) = (options.group_id(&name.0, name.1), options.topic_name(name.1));
        let (sender, changes) = mpsc::channel(CHANGES_MAX);
        let (has, left) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let shares = Shares {
            group: group.clone(),
            partitions: i32::try_from(partitions).unwrap_or(i32::MAX),
            changes: sender,
            has: Arc::clone(&has),
            left: left.clone(),
        };
        let consumer: BaseConsumer<Shares> = client::member(options, &group).create_with_context(shares)?;
        consumer.subscribe(&[&topic])?;
        let serves = Arc::new(Joined { consumer, turns: Questions::new(1), has, left });
        let this = Arc::downgrade(&serves);
        // Whoever drops the client takes leave of the group, which may take a while: this thread does.
        let serve = move || {
            while !serves.left.load(Ordering::Relaxed) {
                match serves.consumer.poll(POLL) {
                    // What was fetched before the partition was paused.
                    Some(Ok(_)) | None => {}
                    Some(Err(error)) => debug!(group, %error, "a member of a group"),
                }
            }
        };
        std::thread::Builder::new()
            .name("kafka-member".into())
            .spawn(serve)
            .map_err(|error| KafkaError::ClientCreation(format!("no thread: {error}")))?;
        Ok((this.clone(), Self { name, changes, holds: None, joined, this }))
    }
}

#[async_trait]
impl Membership for Member {
    async fn next(&mut self) -> Option<Share> {
        self.holds = None;
        let (share, holds) = self.changes.recv().await?;
        self.holds = holds;
        Some(share)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(this) = self.this.upgrade() {
            this.leave();
        }
        self.joined.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

/// Hears which partitions the group gives and takes.
pub(super) struct Shares {
    group: String,
    /// Of the topic, as this process knows it.
    partitions: i32,
    changes: mpsc::Sender<Change>,
    has: Arc<Mutex<BTreeSet<i32>>>,
    left: Arc<AtomicBool>,
}

impl Shares {
    fn has(&self) -> MutexGuard<'_, BTreeSet<i32>> {
        self.has.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the member, unless it is gone.
    fn tell(&self, share: Share, holds: Option<handed::Sender<()>>) {
        if self.left.load(Ordering::Relaxed) {
            return;
        }
        let _ = self.changes.blocking_send((share, holds));
    }

    fn give(&self, consumer: &BaseConsumer<Self>, list: &mut TopicPartitionList) -> KafkaResult<()> {
        // Nothing is fetched, so no place needs to be looked up.
        list.set_all_offsets(Offset::End)?;
        consumer.incremental_assign(list)?;
        if let Err(error) = consumer.pause(list) {
            warn!(group = self.group, %error, "a member fetches what it does not read");
        }
        let given = self.known(list);
        self.has().extend(given.iter().copied());
        if !given.is_empty() {
            self.tell(Share::Given(numbers(&given)), None);
        }
        Ok(())
    }

    fn take(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> KafkaResult<()> {
        let taken = self.known(list);
        let lost = consumer.assignment_lost();
        if !taken.is_empty() && lost {
            self.has().retain(|partition| !taken.contains(partition));
            self.tell(Share::Lost(numbers(&taken)), None);
        } else if !taken.is_empty() {
            let (holds, let_go) = handed::channel();
            self.tell(Share::Taken(numbers(&taken)), Some(holds));
            if let_go.recv_timeout(Duration::from_millis(LET_GO_MS_MAX))
                == Err(handed::RecvTimeoutError::Timeout)
            {
                warn!(group = self.group, partitions = ?taken, "partitions go to another member before their work has ended");
            }
        }
        self.has().retain(|partition| !taken.contains(partition));
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(list),
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.unassign(),
        }
    }

    /// Those that this process knows: partitions that were added to a topic while it runs belong to no key here.
    fn known(&self, list: &TopicPartitionList) -> Vec<i32> {
        let all = list
            .elements()
            .iter()
            .map(rdkafka::topic_partition_list::TopicPartitionListElem::partition)
            .collect::<Vec<_>>();
        let known: Vec<i32> = all.iter().copied().filter(|partition| *partition < self.partitions).collect();
        if known.len() < all.len() {
            error!(
                group = self.group,
                partitions = self.partitions,
                ?all,
                "the topic has got partitions since this process began: restart it"
            );
        }
        known
    }
}

fn numbers(partitions: &[i32]) -> Vec<u32> {
    partitions.iter().map(|partition| partition.cast_unsigned()).collect()
}

impl ClientContext for Shares {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        debug!(group = self.group, %error, reason, "a member of a group reports a failure");
    }
}

impl ConsumerContext for Shares {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let done = match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.give(consumer, list),
            _ => self.take(consumer, list),
        };
        if let Err(error) = done {
            error!(group = self.group, %error, "a change of a group's shares failed");
        }
    }
}
