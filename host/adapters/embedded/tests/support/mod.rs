//! What the tests of the embedded adapters share.
#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic fails the test")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ringside_core::{
    Author, Comment, CommentId, CommentIds, Event, EventKind, HostId, Judgement, RegionId, Role, StreamId,
    UserId, Visibility,
};
use ringside_embedded::{Embedded, EmbeddedOptions, OpenError};
use ringside_ports::log::{Durability, NewRecord, Record, Topic};
use ringside_ports::{Log, PortResult};

pub const ROOMS: Topic = Topic::RoomEvents;

pub fn open(folder: &Path) -> Embedded {
    open_with(folder, &EmbeddedOptions::default())
}

/// Opens a folder that this test let go of. Another test may be starting a process just then, which has a copy of
/// the lock from its fork to its exec, so this waits.
pub fn open_with(folder: &Path, options: &EmbeddedOptions) -> Embedded {
    let begun = Instant::now();
    loop {
        match Embedded::open(folder, options) {
            Err(OpenError::Locked(_)) if begun.elapsed() < Duration::from_secs(60) => {
                std::thread::sleep(Duration::from_millis(5));
            }
            result => return result.expect("opened"),
        }
    }
}

pub fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("log/room-events/0")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "segment"));
    paths.sort();
    paths
}

/// Where the note lies of how far the log was acknowledged.
pub fn mark(folder: &Path) -> PathBuf {
    folder.join("log/room-events/0/acknowledged")
}

pub fn record(payload: impl Into<Bytes>) -> NewRecord {
    NewRecord { key: "stream".into(), payload: payload.into() }
}

pub async fn append(log: &Arc<dyn Log>, payload: impl Into<Bytes>) -> PortResult<u64> {
    log.append(ROOMS, 0, vec![record(payload)], Durability::Durable).await
}

pub async fn all(log: &Arc<dyn Log>) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let from = records.last().map_or(0, |last| last.offset + 1);
        let more = log.read(ROOMS, 0, from, 10_000, 64 << 20).await.expect("read");
        if more.is_empty() {
            return records;
        }
        records.extend(more);
    }
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

/// Set in the other process that a test starts: the folder to work on.
const FOLDER: &str = "RINGSIDE_TEST_FOLDER";

/// The folder, in the process that [`again`] started.
pub fn folder_of_child() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// Runs a test of this binary once more in a process of its own, behind a line of shell.
pub fn again(test: &str, folder: &Path, shell: &str) -> Child {
    Command::new("sh")
        .args(["-c", &format!("{shell} exec \"$0\" --exact \"$1\" --nocapture --test-threads 1")])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("sh starts")
}

pub fn stream() -> StreamId {
    StreamId::new("stream").unwrap()
}

pub fn comment_id(n: u64) -> CommentId {
    CommentIds::new(1).next(1_700_000_000_000 + n)
}

pub fn comment(n: u64) -> Comment {
    Comment {
        id: comment_id(n),
        stream: stream(),
        author: Author {
            id: UserId::new("ann").unwrap(),
            name: "Ann".into(),
            role: Role::Viewer,
            member: false,
        },
        text: format!("comment {n}"),
        reply_to: None,
        mentions: Vec::new(),
        reference: None,
        at_ms: n,
        edited_at_ms: None,
        visibility: Visibility::Shown,
        judgement: Judgement::unjudged(),
    }
}

pub fn event(sequence: u64, kind: EventKind) -> Event {
    Event {
        stream: stream(),
        origin: RegionId::new("local").unwrap(),
        producer: HostId::new("h1").unwrap(),
        sequence,
        at_ms: 1,
        trace: None,
        kind,
    }
}
