//! Bugs around the log.

use std::sync::Arc;

use async_trait::async_trait;
use ringside_ports::log::{Durability, Extent, Membership, NewRecord, Record, Share, Topic};
use ringside_ports::{Log, PortResult, Store};

use crate::WINDOW;

/// What is wrong.
pub(crate) enum Bug {
    /// Says that records are in the log, and appends them after that.
    AnswersFirst,
    /// Keeps this group's place at what was read, before anything was done with it.
    CommitsAtRead(&'static str),
    /// When partitions go to another process, keeps the store's place at the log's end, whatever was still to be done.
    DropsWhenTaken(Arc<dyn Store>),
}

/// A log with a bug.
pub(crate) struct FaultyLog {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) bug: Bug,
}

#[async_trait]
impl Log for FaultyLog {
    fn epoch(&self) -> u64 {
        self.log.epoch()
    }

    fn partitions(&self, topic: Topic) -> u32 {
        self.log.partitions(topic)
    }

    fn partition_of(&self, topic: Topic, key: &str) -> u32 {
        self.log.partition_of(topic, key)
    }

    async fn append(
        &self,
        topic: Topic,
        partition: u32,
        records: Vec<NewRecord>,
        durability: Durability,
    ) -> PortResult<u64> {
        if !matches!(self.bug, Bug::AnswersFirst) {
            return self.log.append(topic, partition, records, durability).await;
        }
        let next = self.log.extent(topic, partition).await?.next;
        let log = self.log.clone();
        tokio::spawn(async move {
            tokio::time::sleep(WINDOW).await;
            log.append(topic, partition, records, durability).await
        });
        Ok(next)
    }

    async fn read(
        &self,
        topic: Topic,
        partition: u32,
        from: u64,
        max_records: usize,
        max_bytes: usize,
    ) -> PortResult<Vec<Record>> {
        let records = self.log.read(topic, partition, from, max_records, max_bytes).await?;
        if let (Bug::CommitsAtRead(group), Some(last)) = (&self.bug, records.last()) {
            self.log.commit(group, topic, partition, last.offset + 1).await?;
        }
        Ok(records)
    }

    async fn wait_for(&self, topic: Topic, partition: u32, offset: u64) -> PortResult<()> {
        self.log.wait_for(topic, partition, offset).await
    }

    async fn extent(&self, topic: Topic, partition: u32) -> PortResult<Extent> {
        self.log.extent(topic, partition).await
    }

    async fn join(&self, group: &str, topic: Topic) -> PortResult<Box<dyn Membership>> {
        let member = self.log.join(group, topic).await?;
        match &self.bug {
            Bug::DropsWhenTaken(store) => {
                Ok(Box::new(Dropping { member, topic, log: self.log.clone(), store: store.clone() }))
            }
            _ => Ok(member),
        }
    }

    async fn commit(&self, group: &str, topic: Topic, partition: u32, next: u64) -> PortResult<()> {
        self.log.commit(group, topic, partition, next).await
    }

    async fn committed(&self, group: &str, topic: Topic, partition: u32) -> PortResult<Option<u64>> {
        self.log.committed(group, topic, partition).await
    }
}

struct Dropping {
    member: Box<dyn Membership>,
    topic: Topic,
    log: Arc<dyn Log>,
    store: Arc<dyn Store>,
}

#[async_trait]
impl Membership for Dropping {
    async fn next(&mut self) -> Option<Share> {
        let share = self.member.next().await;
        if let Some(Share::Taken(partitions)) = &share {
            for partition in partitions {
                if let Ok(extent) = self.log.extent(self.topic, *partition).await {
                    // A failure would only make the bug smaller.
                    let _ = self.store.apply(*partition, &[], extent.next).await;
                }
            }
        }
        share
    }
}
