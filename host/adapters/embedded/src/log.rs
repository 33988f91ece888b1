//! A segmented append-only log with group commit.
//!
//! A partition is a folder of segments and a thread that writes. The thread takes what is queued, writes it with
//! one call, syncs once, and only then makes it visible and answers: under load groups form by themselves, alone a
//! record waits for one sync. Recovery cuts a torn tail and never what was acknowledged; see [`recovery`]. What is
//! damaged all the same is told by the reads that come to it, while everything else goes on.

mod commits;
mod damage;
mod header;
mod mark;
mod members;
mod partition;
mod record;
mod recovery;
mod retention;
mod segment;
mod shared;
mod writer;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use ringside_ports::log::{Durability, Extent, Membership, NewRecord, Record, Topic, check_records};
use serde::{Deserialize, Serialize};

use crate::{EmbeddedOptions, OpenError, files};
use commits::Commits;
use header::Owner;
use members::Members;
use partition::Partition;

/// Format of the folder: 2 since segments have headers.
const VERSION: u64 = 2;

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    version: u64,
    epoch: u64,
    partitions: u32,
}

/// The log of one process.
pub struct SegmentedLog {
    epoch: u64,
    rooms: Vec<Partition>,
    moderation: Partition,
    dead: Partition,
    commits: Commits,
    members: Members,
    /// Dropped last: the folder is free when all is written.
    _lock: Arc<File>,
}

impl SegmentedLog {
    /// Opens or makes a log in a folder that `lock` holds. `least` says for each partition of the room events how
    /// far the store has taken it in: new records get no lower offset than that, nor than any group's place, or
    /// they would be skipped as known.
    ///
    /// # Errors
    /// [`OpenError`] names the file and the remedy.
    pub(crate) fn open(
        folder: &Path,
        options: &EmbeddedOptions,
        lock: Arc<File>,
        least: impl Fn(u32) -> Result<u64, OpenError>,
    ) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Folder { path: folder.into(), source };
        files::make_folder(folder).map_err(unusable)?;
        files::discard_drafts(folder).map_err(unusable)?;
        let manifest = manifest(folder, options.partitions.max(1))?;
        let path = folder.join("commits.json");
        let commits = Commits::open(&path).map_err(|source| OpenError::Folder { path, source })?;
        let open = |topic: Topic, partition: u32, least: u64| {
            let least = least.max(commits.furthest(topic, partition));
            let owner = Owner { epoch: manifest.epoch, topic, partition };
            Partition::open(&folder.join(topic.name()).join(partition.to_string()), owner, least, options)
        };
        let rooms = (0..manifest.partitions)
            .map(|partition| open(Topic::RoomEvents, partition, least(partition)?))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            epoch: manifest.epoch,
            rooms,
            moderation: open(Topic::ModerationEvents, 0, 0)?,
            dead: open(Topic::DeadLetters, 0, 0)?,
            commits,
            members: Members::default(),
            _lock: lock,
        })
    }

    fn partition(&self, topic: Topic, partition: u32, operation: &'static str) -> PortResult<&Partition> {
        let found = match topic {
            Topic::RoomEvents => usize::try_from(partition).ok().and_then(|index| self.rooms.get(index)),
            Topic::ModerationEvents => (partition == 0).then_some(&self.moderation),
            Topic::DeadLetters => (partition == 0).then_some(&self.dead),
        };
        found.ok_or_else(|| {
            let detail = format!("topic {} has no partition {partition}", topic.name());
            PortError::new(PortErrorKind::Invalid, operation, detail)
        })
    }
}

fn manifest(folder: &Path, partitions: u32) -> Result<Manifest, OpenError> {
    let path = folder.join("manifest.json");
    let unusable = |source| OpenError::Folder { path: path.clone(), source };
    match std::fs::read(&path) {
        Ok(bytes) => {
            let manifest: Manifest =
                serde_json::from_slice(&bytes).map_err(|error| unusable(std::io::Error::other(error)))?;
            if manifest.version != VERSION {
                return Err(OpenError::Version { path, found: manifest.version, expected: VERSION });
            }
            Ok(manifest)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            // The manifest is the first file of a log: records without one have lost theirs, and with it how many
            // partitions their keys were spread over.
            if folder.join(Topic::RoomEvents.name()).exists() {
                return Err(unusable(std::io::Error::other("it is gone, but the log's records are there")));
            }
            let manifest = Manifest { version: VERSION, epoch: fastrand::u64(1..), partitions };
            let bytes =
                serde_json::to_vec(&manifest).map_err(|error| unusable(std::io::Error::other(error)))?;
            files::replace(&path, &bytes).map_err(unusable)?;
            Ok(manifest)
        }
        Err(error) => Err(unusable(error)),
    }
}

/// FNV-1a: the partition of a key must be the same in every version.
fn hash(key: &str) -> u64 {
    key.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[async_trait]
impl ringside_ports::Log for SegmentedLog {
    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn partitions(&self, topic: Topic) -> u32 {
        match topic {
            Topic::RoomEvents => u32::try_from(self.rooms.len()).unwrap_or(u32::MAX),
            Topic::ModerationEvents | Topic::DeadLetters => 1,
        }
    }

    fn partition_of(&self, topic: Topic, key: &str) -> u32 {
        u32::try_from(hash(key) % u64::from(self.partitions(topic))).unwrap_or(0)
    }

    async fn append(
        &self,
        topic: Topic,
        partition: u32,
        records: Vec<NewRecord>,
        durability: Durability,
    ) -> PortResult<u64> {
        let target = self.partition(topic, partition, "log.append")?;
        check_records(self, topic, partition, &records)?;
        target.append(records, durability).await
    }

    async fn read(
        &self,
        topic: Topic,
        partition: u32,
        from: u64,
        max_records: usize,
        max_bytes: usize,
    ) -> PortResult<Vec<Record>> {
        self.partition(topic, partition, "log.read")?.read(from, max_records, max_bytes).await
    }

    async fn wait_for(&self, topic: Topic, partition: u32, offset: u64) -> PortResult<()> {
        self.partition(topic, partition, "log.wait_for")?.wait_for(offset).await
    }

    async fn extent(&self, topic: Topic, partition: u32) -> PortResult<Extent> {
        Ok(self.partition(topic, partition, "log.extent")?.extent())
    }

    async fn join(&self, group: &str, topic: Topic) -> PortResult<Box<dyn Membership>> {
        self.members
            .join(group, topic, self.partitions(topic))
            .map(|member| Box::new(member) as Box<dyn Membership>)
    }

    async fn commit(&self, group: &str, topic: Topic, partition: u32, next: u64) -> PortResult<()> {
        self.partition(topic, partition, "log.commit")?;
        self.commits.set(group, topic, partition, next);
        Ok(())
    }

    async fn committed(&self, group: &str, topic: Topic, partition: u32) -> PortResult<Option<u64>> {
        self.partition(topic, partition, "log.committed")?;
        Ok(self.commits.get(group, topic, partition))
    }
}
