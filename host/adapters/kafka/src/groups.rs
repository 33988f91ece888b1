//! Consumer groups: who is a member, which partitions it has, and the groups' places.
//!
//! A place is kept through the member that has the partition, so that the broker refuses one that was given up for
//! lost meanwhile; in a group without members through a client that only keeps places.

mod member;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use ringside_ports::log::{Membership, Topic};

use crate::client::{self, ANSWER_MAX, Consumer, Reporter, aside};
use crate::failure;
use crate::options::KafkaOptions;
use crate::questions::Questions;
use crate::tail::{Partition, offset};
use member::{Joined, Member};

/// Groups whose places one process keeps: each role has one, and replays. Each costs a client.
const GROUPS_MAX: usize = 32;

/// A group of the port: its name and its topic.
type Name = (String, Topic);
/// The groups that are joined now. Their threads hold them.
type AllJoined = Arc<Mutex<HashMap<Name, Weak<Joined>>>>;

/// The groups this process has to do with.
pub(crate) struct Groups {
    options: KafkaOptions,
    joined: AllJoined,
    keepers: Mutex<HashMap<Name, Keeper>>,
    questions: Questions,
}

/// Keeps a group's places without being a member. One after the other, so that a late one does not overtake.
#[derive(Clone)]
struct Keeper {
    consumer: Arc<Consumer>,
    turns: Questions,
}

/// Whose client keeps a place.
enum Through {
    Member(Arc<Joined>),
    Keeper(Keeper),
}

impl Groups {
    pub(crate) fn new(options: &KafkaOptions, questions: &Questions) -> Self {
        Self {
            options: options.clone(),
            joined: Arc::default(),
            keepers: Mutex::default(),
            questions: questions.clone(),
        }
    }

    fn joined(&self) -> MutexGuard<'_, HashMap<Name, Weak<Joined>>> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn join(&self, group: &str, topic: Topic, partitions: u32) -> PortResult<Box<dyn Membership>> {
        let name = (group.to_owned(), topic);
        let mut joined = self.joined();
        if joined.contains_key(&name) {
            let detail = format!("group `{group}` of topic {} is joined already", topic.name());
            return Err(PortError::new(PortErrorKind::Conflict, "log.join", detail));
        }
        let (one, member) = Member::join(&self.options, name.clone(), partitions, self.joined.clone())
            .map_err(|error| failure::of("log.join", &format!("group `{group}`"), &error))?;
        joined.insert(name, one);
        Ok(Box::new(member))
    }

    fn through(&self, operation: &'static str, group: &str, topic: Topic) -> PortResult<Through> {
        let name = (group.to_owned(), topic);
        if let Some(joined) = self.joined().get(&name).and_then(Weak::upgrade) {
            return Ok(Through::Member(joined));
        }
        let mut keepers = self.keepers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keeper) = keepers.get(&name) {
            return Ok(Through::Keeper(keeper.clone()));
        }
        if keepers.len() >= GROUPS_MAX {
            let detail = format!("group `{group}`: {GROUPS_MAX} groups are kept already");
            return Err(PortError::new(PortErrorKind::Invalid, operation, detail));
        }
        let consumer = client::places(&self.options, &self.options.group_id(group, topic))
            .create_with_context(Reporter::default())
            .map_err(|error| failure::of(operation, &format!("group `{group}`"), &error))?;
        let keeper = Keeper { consumer: Arc::new(consumer), turns: Questions::new(1) };
        keepers.insert(name, keeper.clone());
        Ok(Through::Keeper(keeper))
    }

    /// Keeps the next offset that a group will read.
    pub(crate) async fn commit(
        &self,
        group: &str,
        topic: Topic,
        at: &Partition,
        next: u64,
    ) -> PortResult<()> {
        const OPERATION: &str = "log.commit";
        let what = format!("group `{group}`, {}/{}", at.topic, at.number);
        let place = at.list(offset(next)).map_err(|error| failure::of(OPERATION, &what, &error))?;
        let number = at.number;
        match self.through(OPERATION, group, topic)? {
            Through::Member(joined) => {
                let turns = joined.turns.clone();
                let keeps = move || {
                    if !joined.has(number) {
                        let detail = format!("{what}: the partition is not this member's");
                        return Err(PortError::new(PortErrorKind::Conflict, OPERATION, detail));
                    }
                    let kept = joined.consumer.commit(&place, CommitMode::Sync);
                    kept.map_err(|error| failure::of(OPERATION, &what, &error))
                };
                turns.ask(OPERATION, keeps).await
            }
            Through::Keeper(Keeper { consumer, turns }) => {
                let keeps = move || {
                    consumer.commit(&place, CommitMode::Sync).map_err(|error| {
                        let members = error.rdkafka_error_code() == Some(RDKafkaErrorCode::UnknownMemberId);
                        let why =
                            if members { ": the group has members, and this process is none" } else { "" };
                        failure::of(OPERATION, &format!("{what}{why}"), &error)
                    })
                };
                turns.ask(OPERATION, keeps).await
            }
        }
    }

    /// The next offset that a group will read.
    pub(crate) async fn committed(
        &self,
        group: &str,
        topic: Topic,
        at: &Partition,
    ) -> PortResult<Option<u64>> {
        const OPERATION: &str = "log.committed";
        let what = format!("group `{group}`, {}/{}", at.topic, at.number);
        let through = self.through(OPERATION, group, topic)?;
        let at = at.clone();
        let asks = move || {
            let failed = |error| failure::of(OPERATION, &what, &error);
            let mut list = TopicPartitionList::with_capacity(1);
            list.add_partition(&at.topic, at.number);
            let answer = match through {
                Through::Member(joined) => joined.consumer.committed_offsets(list, ANSWER_MAX),
                Through::Keeper(keeper) => keeper.consumer.committed_offsets(list, ANSWER_MAX),
            };
            let answer = answer.map_err(failed)?;
            let Some(place) = answer.find_partition(&at.topic, at.number) else { return Ok(None) };
            place.error().map_err(failed)?;
            match place.offset() {
                Offset::Offset(next) => Ok(u64::try_from(next).ok()),
                _ => Ok(None),
            }
        };
        self.questions.ask(OPERATION, asks).await
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for joined in self.joined().values().filter_map(Weak::upgrade) {
            joined.leave();
        }
        aside(std::mem::take(&mut *self.keepers.lock().unwrap_or_else(PoisonError::into_inner)));
    }
}
