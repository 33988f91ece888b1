//! The server: the edge with the real codec, and comments that come by the relay.

use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus_client::registry::Registry;
use ringside_core::ids::CommentIds;
use ringside_core::sampling::Plan;
use ringside_core::{
    Author, Comment, Event, EventKind, HostId, Judgement, RegionId, Role, StreamId, UserId, Visibility,
};
use ringside_edge::auth::{AuthOptions, Verifier};
use ringside_edge::{Edge, EdgeConfig, Services, now_ms};
use ringside_embedded::{Embedded, EmbeddedOptions};
use ringside_ports::Relay;
use ringside_ports::log::Topic;
use ringside_ports::relay::RelayBatch;
use ringside_ports::releases::World;
use ringside_roles::RoleMetrics;
use tokio_util::sync::CancellationToken;

use super::{Cost, Extent, TEXT_BYTES};
use crate::crowd::{Crowd, DIGITS, MARK, Order};
use crate::figure::BenchError;
use crate::pop::{self, Backends};
use crate::processor;

/// Codecs, and the throttle that every host has.
const SLOTS: [(&str, World); 2] = [("throttle-standard", World::Throttle), ("codec-json", World::Codec)];
/// Time to settle before it is measured: the tick finds its length.
const WARM: Duration = Duration::from_secs(3);

pub(super) fn measure(extent: Extent, per_second: u32, there: usize) -> Result<Cost, BenchError> {
    let folder = tempfile::tempdir()?;
    // Started from a thread that is pinned: all of the server shares the one processor.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let components = runtime.block_on(pop::components(&folder.path().join("compiled"), &SLOTS))?;
    let embedded = Embedded::open(&folder.path().join("data"), &EmbeddedOptions::default())?;
    let services = runtime.block_on(async { services(&embedded, &components, runtime.handle().clone()) })?;
    let stream = StreamId::new("final")?;
    let partition = services.log.partition_of(Topic::RoomEvents, stream.as_str());
    let config = EdgeConfig { shards: 1, ..EdgeConfig::new("127.0.0.1:0".parse()?) };
    let edge = Edge::start(config, &services, |_| Default::default())?;
    let mut crowd = Crowd::start(&Order {
        address: edge.address().to_string(),
        connections: extent.members,
        hello: vec![r#"{"type":"join","id":1,"stream":"final","history":0}"#.to_owned()],
        until: "joined".to_owned(),
        tokens: Vec::new(),
        processor: Some(there),
    })?;
    crowd.ready()?;
    let mut talk = Talk::new(stream, partition);
    runtime.block_on(talk.speak(&*services.relay, per_second, WARM))?;
    crowd.report()?;
    let before = processor::time_of_process();
    let comments = runtime.block_on(talk.speak(&*services.relay, per_second, extent.time))?;
    let report = crowd.report()?;
    let took = processor::time_of_process() - before;
    // One alone shows how many bytes a comment's frame has.
    runtime.block_on(talk.speak(&*services.relay, 1, Duration::from_millis(1)))?;
    let alone = crowd.report()?;
    runtime.block_on(edge.shutdown());
    components.shutdown();
    if report.connected < extent.members {
        return Err(
            format!("{} of {} members were lost", extent.members - report.connected, extent.members).into()
        );
    }
    let deliveries = comments as f64 * extent.members as f64;
    Ok(Cost {
        us: took.as_secs_f64() * 1e6 / deliveries,
        p50_ms: report.p50_ms,
        p99_ms: report.p99_ms,
        frame_bytes: usize::try_from(alone.bytes / extent.members as u64)?,
        missing: comments as f64 * report.sampled as f64 - report.messages as f64,
    })
}

fn services(
    embedded: &Embedded,
    components: &ringside_wasm::ComponentHost,
    runtime: tokio::runtime::Handle,
) -> Result<Services, BenchError> {
    let metrics = RoleMetrics::register(&mut Registry::default());
    let secret = AuthOptions { secret: Some(vec![b's'; 32]), ..AuthOptions::default() };
    Ok(Services {
        codecs: components.codecs(),
        comments: pop::intake(&Backends::embedded(embedded), components, metrics, CancellationToken::new())?,
        log: embedded.log.clone(),
        relay: embedded.relay.clone(),
        store: embedded.store_port(),
        audit: embedded.audit.clone(),
        directory: embedded.directory.clone(),
        verifier: Arc::new(Verifier::new(&secret)?),
        region: RegionId::new("local")?,
        host: HostId::new("bench")?,
        traces: ringside_ports::Traces::off(),
        runtime,
    })
}

/// Comments, one after the other.
struct Talk {
    stream: StreamId,
    partition: u32,
    ids: CommentIds,
    next: u64,
}

impl Talk {
    fn new(stream: StreamId, partition: u32) -> Self {
        Self { stream, partition, ids: CommentIds::new(fastrand::u64(..)), next: 0 }
    }

    /// Publishes at a steady rate; how many.
    async fn speak(&mut self, relay: &dyn Relay, per_second: u32, time: Duration) -> Result<u32, BenchError> {
        let gap = Duration::from_secs(1) / per_second;
        let start = Instant::now();
        let mut count = 0;
        while gap * count < time {
            tokio::time::sleep_until((start + gap * count).into()).await;
            relay.publish(Arc::new(self.batch()?)).await?;
            count += 1;
        }
        Ok(count)
    }

    fn batch(&mut self) -> Result<RelayBatch, BenchError> {
        let mut text = String::from_utf8(MARK.to_vec())?;
        text.push_str(&format!("{:0width$}", processor::monotonic_ns(), width = DIGITS));
        text.push_str(&"x".repeat(TEXT_BYTES - text.len()));
        let at_ms = now_ms();
        let author = Author {
            id: UserId::new(&format!("user-{:06}", self.next % 5_000))?,
            name: "A viewer".to_owned(),
            role: Role::Viewer,
            member: false,
        };
        let comment = Comment {
            id: self.ids.next(at_ms),
            stream: self.stream.clone(),
            author,
            text,
            reply_to: None,
            mentions: Vec::new(),
            reference: None,
            at_ms,
            edited_at_ms: None,
            visibility: Visibility::Shown,
            judgement: Judgement::unjudged(),
        };
        let offset = self.next;
        self.next += 1;
        let event = Event {
            stream: self.stream.clone(),
            origin: RegionId::new("local")?,
            producer: HostId::new("bench")?,
            sequence: offset,
            at_ms,
            trace: None,
            kind: EventKind::CommentAccepted(comment),
        };
        Ok(RelayBatch {
            stream: self.stream.clone(),
            partition: self.partition,
            from: offset,
            next: offset + 1,
            plan: Plan::default(),
            events: vec![(offset, Arc::new(event))],
        })
    }
}
