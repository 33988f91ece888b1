//! A reader of the log goes past what is damaged, and past nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use prometheus_client::registry::Registry;
use ringside_core::{Event, EventKind, HostId, RegionId, StreamId, encoding};
use ringside_ports::Log;
use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use ringside_ports::log::{Durability, Extent, Membership, NewRecord, Record, Topic};
use ringside_roles::consumer::{Consumer, OnPoison};
use ringside_roles::metrics::{ConsumerLabel, RoleMetrics};
use ringside_roles::{Clock, Workers};
use tokio_util::sync::CancellationToken;

/// Offsets 0 to 9, of which 3 to 5 are damaged; the disk is away for the first reads at 8.
struct Damaged {
    away: AtomicU32,
}

const COUNT: u64 = 10;

fn record(offset: u64) -> Record {
    let event = Event {
        stream: StreamId::new("stream").unwrap(),
        origin: RegionId::new("local").unwrap(),
        producer: HostId::new("h1").unwrap(),
        sequence: offset,
        at_ms: 1,
        trace: None,
        kind: EventKind::Viewers(1),
    };
    Record { offset, key: "stream".into(), payload: encoding::encode(&event).into() }
}

#[async_trait]
impl Log for Damaged {
    fn epoch(&self) -> u64 {
        1
    }

    fn partitions(&self, _: Topic) -> u32 {
        1
    }

    fn partition_of(&self, _: Topic, _: &str) -> u32 {
        0
    }

    async fn append(&self, _: Topic, _: u32, _: Vec<NewRecord>, _: Durability) -> PortResult<u64> {
        panic!("nothing is appended")
    }

    async fn read(&self, _: Topic, _: u32, from: u64, _: usize, _: usize) -> PortResult<Vec<Record>> {
        let error = |kind| PortError::new(kind, "log.read", "as the test has it");
        match from {
            0..3 => Ok((from..3).map(record).collect()),
            3..6 => Err(error(PortErrorKind::Corrupt).resuming_at(6)),
            6..8 => Ok((from..8).map(record).collect()),
            _ if self
                .away
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                .is_ok() =>
            {
                Err(error(PortErrorKind::Unavailable))
            }
            _ => Ok((from..COUNT).map(record).collect()),
        }
    }

    async fn wait_for(&self, _: Topic, _: u32, offset: u64) -> PortResult<()> {
        assert!(offset < COUNT, "the test reads no further");
        Ok(())
    }

    async fn extent(&self, _: Topic, _: u32) -> PortResult<Extent> {
        Ok(Extent { first: 0, next: COUNT })
    }

    async fn join(&self, _: &str, _: Topic) -> PortResult<Box<dyn Membership>> {
        panic!("nobody joins")
    }

    async fn commit(&self, _: &str, _: Topic, _: u32, _: u64) -> PortResult<()> {
        Ok(())
    }

    async fn committed(&self, _: &str, _: Topic, _: u32) -> PortResult<Option<u64>> {
        Ok(None)
    }
}

#[tokio::test]
async fn damaged_records_are_passed_and_counted_and_every_other_one_is_read() {
    let metrics = RoleMetrics::register(&mut Registry::default());
    let log = Arc::new(Damaged { away: AtomicU32::new(2) });
    let stop = CancellationToken::new();
    let workers = Workers::new(Clock::system(), metrics.clone());
    let worker = Arc::new(workers.enlist("writer", 0));
    let mut consumer = Consumer::new(log.clone(), 0, OnPoison::Keep, worker, stop);
    let mut offsets = Vec::new();
    while offsets.last() != Some(&(COUNT - 1)) {
        let chunk = tokio::time::timeout(Duration::from_secs(60), consumer.next()).await;
        let chunk = chunk.expect("it goes on").expect("it is not stopped");
        offsets.extend(chunk.events.iter().map(|(offset, _)| *offset));
        assert_eq!(chunk.next, offsets[offsets.len() - 1] + 1);
    }
    assert_eq!(offsets, [0, 1, 2, 6, 7, 8, 9]);
    assert_eq!(log.away.load(Ordering::Relaxed), 0, "a disk that is away is waited for");
    assert_eq!(metrics.damaged.get_or_create(&ConsumerLabel { role: "writer" }).get(), 3);
}
