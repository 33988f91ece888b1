//! `ingest`: comments of one stream through the whole intake (checks, counters, components, log) until they are
//! acknowledged, which is when they are durable. The baseline is a bare loop that writes as many bytes in groups as
//! large and syncs each: what the disk gives. With `--region` log, counters, store and catalog are a region's real
//! services, and the baseline is the bare producer of Kafka's client library.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use ringside_core::{Author, Role, StreamId, UserId};
use ringside_embedded::{Embedded, EmbeddedOptions};
use ringside_ports::Comments as _;
use ringside_ports::comments::{NewComment, Posted};
use ringside_ports::log::Topic;
use ringside_ports::releases::World;
use ringside_roles::RoleMetrics;
use tokio_util::sync::CancellationToken;

use crate::figure::{BenchError, BenchResult, Figure};
use crate::pop::Backends;
use crate::{Ask, Effort, chat, pop, region};

mod kafka;

/// Users who each post again as soon as they are answered: as many as are under way at once on a busy host.
const USERS: u32 = 2_000;
/// Records that are looked at again for their size, and sent again by the bare producer.
const PAYLOADS: usize = 2_000;
/// The repetition rule is left out: made-up users say more in a second than anyone does in an hour.
const SLOTS: [(&str, World); 3] =
    [("throttle-standard", World::Throttle), ("words", World::Moderator), ("links", World::Moderator)];

pub(crate) fn run(ask: &Ask) -> BenchResult {
    let time = if ask.effort == Effort::Full { Duration::from_secs(10) } else { Duration::from_secs(1) };
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (measured, baseline) = if ask.region {
        let region = runtime.block_on(region::Connected::new())?;
        let measured = runtime.block_on(measure(folder.path(), region.backends.clone(), time))?;
        let baseline = kafka::bare(&region.kafka, &measured.payloads, USERS, time)?;
        (measured, baseline)
    } else {
        let data = folder.path().join("data");
        let backends = Backends::embedded(&Embedded::open(&data, &EmbeddedOptions::default())?);
        let mut measured = runtime.block_on(measure(folder.path(), backends, time))?;
        // With what the log writes around them.
        measured.record_bytes = folder_bytes(&data.join("log"))? as f64 / measured.records as f64;
        let baseline = bare(folder.path(), measured.group, measured.record_bytes, time)?;
        (measured, baseline)
    };
    Ok(vec![
        Figure::new("acknowledged_per_second", measured.per_second, "comments/s").against(baseline),
        Figure::new("rejected_percent", measured.rejected_percent, "%"),
        Figure::new("group_records", measured.group, "records"),
        Figure::new("record_bytes", measured.record_bytes, "bytes"),
    ])
}

struct Measured {
    per_second: f64,
    rejected_percent: f64,
    group: f64,
    record_bytes: f64,
    /// In the log.
    records: u64,
    /// Of some of them.
    payloads: Vec<Bytes>,
}

async fn measure(folder: &Path, backends: Backends, time: Duration) -> Result<Measured, BenchError> {
    let components = pop::components(&folder.join("compiled"), &SLOTS).await?;
    let mut registry = Registry::default();
    let metrics = RoleMetrics::register(&mut registry);
    let stop = CancellationToken::new();
    let intake = pop::intake(&backends, &components, metrics, stop.clone())?;
    let stream = StreamId::new("final")?;
    intake.stream(stream.as_str()).await.map_err(|failure| failure.to_string())?;
    let mut rng = fastrand::Rng::with_seed(1);
    let bad_words = chat::bad_words(&mut rng);
    let lines = chat::lines(&mut rng, 20_000, USERS, &bad_words).into_iter().map(|line| line.text);
    let lines: Arc<Vec<String>> = Arc::new(lines.collect());
    let (accepted, rejected) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let started = Instant::now();
    let mut tasks = Vec::new();
    for user in 0..USERS {
        let author = Author {
            id: UserId::new(&format!("user-{user}"))?,
            name: format!("User {user}"),
            role: Role::Viewer,
            member: false,
        };
        let (intake, stream, lines) = (intake.clone(), stream.clone(), lines.clone());
        let (accepted, rejected) = (accepted.clone(), rejected.clone());
        tasks.push(tokio::spawn(async move {
            let mut at = usize::try_from(user).unwrap_or(0) * 7;
            while started.elapsed() < time {
                let Some(text) = lines.get(at % lines.len()) else { return };
                at += 1;
                let new = NewComment { text: text.clone(), reply_to: None, reference: None, trace: None };
                match intake.post(&author, &stream, new).await {
                    Ok(Posted::Accepted(_) | Posted::Held(_)) => accepted.fetch_add(1, Ordering::Relaxed),
                    Ok(_) => rejected.fetch_add(1, Ordering::Relaxed),
                    // A full queue asks to try again: so does a client.
                    Err(_) => {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        continue;
                    }
                };
            }
        }));
    }
    for task in tasks {
        task.await?;
    }
    let seconds = started.elapsed().as_secs_f64();
    stop.cancel();
    let accepted = accepted.load(Ordering::Relaxed) as f64;
    let rejected = rejected.load(Ordering::Relaxed) as f64;
    let partition = backends.log.partition_of(Topic::RoomEvents, stream.as_str());
    let extent = backends.log.extent(Topic::RoomEvents, partition).await?;
    let some = backends.log.read(Topic::RoomEvents, partition, extent.first, PAYLOADS, usize::MAX).await?;
    let payloads: Vec<Bytes> = some.into_iter().map(|record| record.payload).collect();
    Ok(Measured {
        per_second: accepted / seconds,
        rejected_percent: 100.0 * rejected / (accepted + rejected).max(1.0),
        group: mean(&registry, "ringside_append_group_records")?,
        record_bytes: payloads.iter().map(Bytes::len).sum::<usize>() as f64 / payloads.len().max(1) as f64,
        records: extent.next.max(1),
        payloads,
    })
}

/// The mean of a histogram.
fn mean(registry: &Registry, name: &str) -> Result<f64, BenchError> {
    let mut text = String::new();
    encode(&mut text, registry)?;
    let value = |suffix: &str| -> Result<f64, BenchError> {
        let start = format!("{name}_{suffix} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&start));
        Ok(line.ok_or_else(|| format!("there is no {start}among the metrics"))?.parse()?)
    };
    Ok(value("sum")? / value("count")?.max(1.0))
}

fn folder_bytes(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        bytes +=
            if entry.file_type()?.is_dir() { folder_bytes(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

/// Records a second that a bare loop of write and sync reaches.
fn bare(folder: &Path, group: f64, record_bytes: f64, time: Duration) -> std::io::Result<f64> {
    let mut file = std::fs::File::create(folder.join("bare"))?;
    let buffer = vec![7; (group * record_bytes) as usize];
    let started = Instant::now();
    let mut groups = 0.0;
    while started.elapsed() < time {
        file.write_all(&buffer)?;
        file.sync_data()?;
        groups += 1.0;
    }
    Ok(groups * group / started.elapsed().as_secs_f64())
}
