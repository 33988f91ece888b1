//! A collector of traces: takes them over OTLP, as HTTP with protobuf, and keeps them for the test to look at.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use prost::Message as _;

use crate::wait::eventually;

/// A span as it was sent.
#[derive(Debug, Clone)]
pub struct Span {
    /// What was done.
    pub name: String,
    /// Which process did it, by its roles.
    pub roles: String,
    /// Its name within the fleet.
    pub instance: String,
    /// The trace, as 32 digits.
    pub trace: String,
    /// Itself, as 16 digits.
    pub id: String,
    /// What it is part of; empty for the first.
    pub parent: String,
    /// About what, numbers as text.
    pub attributes: BTreeMap<String, String>,
}

impl Span {
    /// An attribute, empty where it is missing.
    #[must_use]
    pub fn get(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }
}

/// A running collector; its thread ends with the test's process.
pub struct Collector {
    address: String,
    taken: Arc<Mutex<(Vec<Span>, Vec<u8>)>>,
}

impl Default for Collector {
    fn default() -> Self {
        Self::start()
    }
}

impl Collector {
    /// Listens on a free port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let taken = Arc::<Mutex<(Vec<Span>, Vec<u8>)>>::default();
        let shared = taken.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let taken = shared.clone();
                std::thread::spawn(move || while take(&stream, &taken).is_some() {});
            }
        });
        Self { address, taken }
    }

    /// What processes are to be configured with.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Spans of a trace so far.
    #[must_use]
    pub fn trace(&self, trace: &str) -> Vec<Span> {
        self.taken.lock().unwrap().0.iter().filter(|span| span.trace == trace).cloned().collect()
    }

    /// All spans so far.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.taken.lock().unwrap().0.clone()
    }

    /// Waits for a span of a trace.
    #[must_use]
    pub fn wait_for(&self, trace: &str, what: &str, is_it: impl Fn(&Span) -> bool) -> Span {
        eventually(&format!("the span `{what}` of trace {trace}"), || {
            self.trace(trace).into_iter().find(|span| span.name == what && is_it(span))
        })
    }

    /// True where these words were sent in any place.
    #[must_use]
    pub fn was_sent(&self, words: &str) -> bool {
        self.taken.lock().unwrap().1.windows(words.len()).any(|some| some == words.as_bytes())
    }
}

/// Takes one request; none when there are no more.
fn take(stream: &TcpStream, taken: &Mutex<(Vec<Span>, Vec<u8>)>) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(120))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    assert_eq!(line.trim(), "POST /v1/traces HTTP/1.1");
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "content-type" => assert_eq!(value.trim(), "application/x-protobuf"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
    {
        let mut taken = taken.lock().unwrap();
        taken.1.extend_from_slice(&body);
        for part in request.resource_spans {
            let resource = attributes(&part.resource.unwrap_or_default().attributes);
            let of = |key: &str| resource.get(key).cloned().unwrap_or_default();
            taken.0.extend(part.scope_spans.into_iter().flat_map(|scope| scope.spans).map(|span| Span {
                name: span.name,
                roles: of("ringside.roles"),
                instance: of("service.instance.id"),
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                attributes: attributes(&span.attributes),
            }));
        }
    }
    let mut answer = stream;
    answer
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")
        .ok()
}

fn attributes(all: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let value = |one: &KeyValue| one.value.as_ref().and_then(|value| value.value.as_ref()).map(text);
    all.iter().map(|one| (one.key.clone(), value(one).unwrap_or_default())).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
