//! Spans on their way to a collector, over OTLP: HTTP with protobuf.
//!
//! Whoever records a span puts it into a bounded queue and goes on; a thread of its own sends what is there. A collector
//! that is slow or away costs spans, which are counted, and nothing else.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use ringside_core::{HostId, RegionId};
use ringside_ports::Traces;
use ringside_ports::traces::{Attribute, Ended, Spans};
use tracing::{info, warn};

use crate::config::Telemetry;
use crate::exit::Exit;

/// Spans that wait to be sent: 200 comments' way through one process, a megabyte.
const QUEUE_CAPACITY: usize = 2_048;
/// Spans in one request.
const BATCH_MAX: usize = 512;
/// What there is is sent this long after the first of it, so that the parts of a trace come together.
const GATHER: Duration = Duration::from_millis(500);
/// Longest time for one request, with what is tried again.
const EXPORT_MAX: Duration = Duration::from_secs(5);
/// How long the end of the process waits for the last spans.
const FLUSH_MAX: Duration = Duration::from_secs(2);

/// What became of spans.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    /// `exported`; `dropped`: the queue was full; `failed`: the collector did not take them.
    outcome: &'static str,
}

enum Message {
    Span(Box<SpanData>),
    Flush(SyncSender<()>),
}

struct Queue {
    sender: SyncSender<Message>,
    dropped: Counter,
}

impl Spans for Queue {
    fn take(&self, span: Ended) {
        if self.sender.try_send(Message::Span(Box::new(data(span)))).is_err() {
            self.dropped.inc();
        }
    }
}

/// The end of the way, to be flushed when the process ends.
pub(crate) struct Export(Option<SyncSender<Message>>);

impl Export {
    /// Sends what waits, for as long as the end of a process may wait.
    pub(crate) fn flush(&self) {
        let Some(sender) = &self.0 else { return };
        let (done, is_done) = sync_channel(1);
        if sender.try_send(Message::Flush(done)).is_ok() {
            let _late = is_done.recv_timeout(FLUSH_MAX);
        }
    }
}

/// Starts to send spans where a collector is configured.
///
/// # Errors
/// When the collector's address is none.
pub(crate) fn start(
    telemetry: &Telemetry,
    (region, host, roles): (&RegionId, &HostId, String),
    registry: &mut Registry,
) -> Result<(Traces, Export), Exit> {
    let Some(endpoint) = &telemetry.otlp_endpoint else { return Ok((Traces::off(), Export(None))) };
    let failed = |error: &dyn std::fmt::Display| {
        Exit::Usage(format!("configuration at `telemetry.otlp_endpoint`: `{endpoint}`: {error}"))
    };
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client::new())
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(EXPORT_MAX)
        .build()
        .map_err(|error| failed(&error))?;
    let resource = Resource::builder()
        .with_service_name("ringside")
        .with_attributes([
            KeyValue::new("service.namespace", region.to_string()),
            KeyValue::new("service.instance.id", host.to_string()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("ringside.roles", roles),
        ])
        .build();
    exporter.set_resource(&resource);

    let spans: Family<OutcomeLabel, Counter> = Family::default();
    registry.register("ringside_trace_spans", "Spans of traces, by what became of them", spans.clone());
    let of = |outcome| spans.get_or_create(&OutcomeLabel { outcome }).clone();
    let (sender, receiver) = sync_channel(QUEUE_CAPACITY);
    let sending = Sending { exporter, exported: of("exported"), failed: of("failed"), is_away: false };
    std::thread::Builder::new()
        .name("traces".into())
        .spawn(move || sending.run(&receiver))
        .map_err(|error| Exit::Failed(format!("the thread that sends traces could not start: {error}")))?;
    let queue = Queue { sender: sender.clone(), dropped: of("dropped") };
    info!(collector = %endpoint, ratio = telemetry.traces_ratio, "comments are traced");
    Ok((Traces::new(telemetry.traces_ratio, Arc::new(queue)), Export(Some(sender))))
}

struct Sending {
    exporter: SpanExporter,
    exported: Counter,
    failed: Counter,
    is_away: bool,
}

impl Sending {
    /// Sends until nobody records any more.
    fn run(mut self, queue: &Receiver<Message>) {
        loop {
            let mut batch = Vec::with_capacity(BATCH_MAX);
            let mut until: Option<Instant> = None;
            let flushed = loop {
                let wait =
                    until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
                match queue.recv_timeout(wait) {
                    Ok(Message::Span(span)) => batch.push(*span),
                    Ok(Message::Flush(done)) => break Some(done),
                    Err(RecvTimeoutError::Timeout) => break None,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                if batch.len() >= BATCH_MAX {
                    break None;
                }
                until.get_or_insert_with(|| Instant::now() + GATHER);
            };
            self.send(batch);
            if let Some(done) = flushed {
                let _gone = done.send(());
            }
        }
    }

    fn send(&mut self, batch: Vec<SpanData>) {
        if batch.is_empty() {
            return;
        }
        let count = batch.len() as u64;
        // The client below waits by itself; nothing here needs a runtime.
        match futures_util::FutureExt::now_or_never(self.exporter.export(batch)) {
            Some(Ok(())) => {
                self.exported.inc_by(count);
                if std::mem::take(&mut self.is_away) {
                    info!("traces are taken again");
                }
            }
            failed => {
                self.failed.inc_by(count);
                if !std::mem::replace(&mut self.is_away, true) {
                    let error = failed.map_or_else(String::new, |failed| {
                        failed.err().map_or_else(String::new, |error| error.to_string())
                    });
                    warn!(%error, "the collector does not take traces: they are lost, and counted, until it does");
                }
            }
        }
    }
}

fn data(span: Ended) -> SpanData {
    let value = |attribute: Attribute| match attribute {
        Attribute::Text(text) => Value::from(text),
        Attribute::Number(number) => Value::from(i64::try_from(number).unwrap_or(i64::MAX)),
    };
    let id = |id: std::num::NonZeroU64| SpanId::from(id.get());
    let trace = TraceId::from(span.context.trace.get());
    let context =
        SpanContext::new(trace, id(span.context.span), TraceFlags::SAMPLED, false, TraceState::default());
    SpanData {
        span_context: context,
        parent_span_id: span.parent.map_or(SpanId::INVALID, id),
        parent_span_is_remote: false,
        span_kind: match span.name {
            "submit" => SpanKind::Server,
            "append" => SpanKind::Producer,
            "relay" | "store" | "judge" | "room" => SpanKind::Consumer,
            _ => SpanKind::Internal,
        },
        name: span.name.into(),
        start_time: span.began,
        end_time: span.ended,
        attributes: span.attributes.into_iter().map(|(key, it)| KeyValue::new(key, value(it))).collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: span.error.map_or(Status::Unset, Status::error),
        instrumentation_scope: InstrumentationScope::builder("ringside").build(),
    }
}

/// The HTTP client that the program has already. It waits, on the thread that sends.
#[derive(Debug)]
struct Client(ureq::Agent);

impl Client {
    fn new() -> Self {
        let config =
            ureq::Agent::config_builder().timeout_global(Some(EXPORT_MAX)).http_status_as_error(false);
        Self(config.build().into())
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, body.to_vec());
        let (parts, mut body) = self.0.run(request)?.into_parts();
        Ok(Response::from_parts(parts, Bytes::from(body.read_to_vec()?)))
    }
}
