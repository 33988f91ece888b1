//! A crowd of viewers in a process of its own, so that what they cost is not counted as the server's.
//!
//! The process is this program again, told so by the environment variable [`CROWD`]. The first line on its standard
//! input is an [`Order`] as JSON. It says `ready` on its standard output when all are connected, and answers each
//! further line with a report, once nothing has come for [`QUIET`].

use std::collections::HashSet;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use serde::{Deserialize, Serialize};

use crate::figure::BenchError;
use crate::processor;

/// Set where this program runs as a crowd.
pub(crate) const CROWD: &str = "RINGSIDE_BENCH_CROWD";
/// What stands before the time in a message, in nanoseconds of the monotonic clock.
pub(crate) const MARK: &[u8] = b"sent=";
/// Digits of the time: until the machine has run for three years.
pub(crate) const DIGITS: usize = 17;
/// One connection in so many is looked at for latencies; the others' bytes are only counted.
const SAMPLED: usize = 20;
/// What was sent has arrived when nothing came for so long.
const QUIET: Duration = Duration::from_millis(400);
/// A report waits no longer than this for it.
const QUIET_WITHIN: Duration = Duration::from_secs(30);
/// Connections that are made at once.
const CONNECTING: usize = 8;

/// What a crowd is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The server, as `host:port`.
    pub(crate) address: String,
    /// How many.
    pub(crate) connections: usize,
    /// What each sends first; nothing where it only reads. `{n}` becomes its number.
    pub(crate) hello: Vec<String>,
    /// What each waits for before it counts as ready.
    pub(crate) until: String,
    /// Tokens, one for each connection, put where `{token}` stands.
    pub(crate) tokens: Vec<String>,
    /// The processor to run on.
    pub(crate) processor: Option<usize>,
}

/// What a crowd saw since the last report.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Connections that are still there.
    pub(crate) connected: usize,
    /// Bytes received by all.
    pub(crate) bytes: u64,
    /// Connections that were looked at.
    pub(crate) sampled: usize,
    /// Messages they received.
    pub(crate) messages: u64,
    /// From sending to receiving.
    pub(crate) p50_ms: f64,
    /// From sending to receiving.
    pub(crate) p99_ms: f64,
}

/// A crowd from the benchmark's side. Dropping it ends the process.
pub(crate) struct Crowd {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Crowd {
    /// Starts a crowd; returns at once.
    pub(crate) fn start(order: &Order) -> Result<Self, BenchError> {
        let mut child = Command::new(std::env::current_exe()?)
            .env(CROWD, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut input = child.stdin.take().ok_or("the crowd has no standard input")?;
        let output = child.stdout.take().ok_or("the crowd has no standard output")?;
        let order = serde_json::to_string(order)?;
        input.write_all(order.as_bytes())?;
        input.write_all(b"\n")?;
        Ok(Self { child, input, output: BufReader::new(output) })
    }

    /// Waits until all are connected.
    pub(crate) fn ready(&mut self) -> Result<(), BenchError> {
        match self.line()?.trim() {
            "ready" => Ok(()),
            other => Err(format!("the crowd could not connect: {other}").into()),
        }
    }

    /// What it saw since the last report.
    pub(crate) fn report(&mut self) -> Result<Report, BenchError> {
        self.input.write_all(b"report\n")?;
        let line = self.line()?;
        Ok(serde_json::from_str(&line)?)
    }

    fn line(&mut self) -> Result<String, BenchError> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        if line.is_empty() {
            return Err("the crowd ended early".into());
        }
        Ok(line)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs as a crowd, where the environment says so; true if it did.
pub(crate) fn run_if_asked() -> Result<bool, BenchError> {
    if std::env::var_os(CROWD).is_none() {
        return Ok(false);
    }
    let mut order = String::new();
    io::stdin().read_line(&mut order)?;
    let order: Order = serde_json::from_str(&order)?;
    if let Some(processor) = order.processor {
        processor::pin(processor)?;
    }
    let streams = match connect_all(&order) {
        Ok(streams) => streams,
        Err(error) => {
            println!("{error}");
            return Ok(true);
        }
    };
    Watch::new(streams)?.run()?;
    Ok(true)
}

fn connect_all(order: &Order) -> Result<Vec<TcpStream>, BenchError> {
    let results: Vec<Result<Vec<TcpStream>, String>> = std::thread::scope(|scope| {
        let connect = |first| {
            let numbers = (first..order.connections).step_by(CONNECTING);
            numbers.map(|n| connect(order, n).map_err(|error| format!("connection {n}: {error}"))).collect()
        };
        let threads: Vec<_> = (0..CONNECTING).map(|first| scope.spawn(move || connect(first))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let mut streams = Vec::with_capacity(order.connections);
    for result in results {
        streams.extend(result?);
    }
    Ok(streams)
}

/// Connects and says hello; each part of it is answered before the next.
fn connect(order: &Order, number: usize) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(&order.address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    if order.hello.is_empty() {
        stream.set_nonblocking(true)?;
        return Ok(stream);
    }
    stream.write_all(
        b"GET /v1/connect HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
          Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
          Sec-WebSocket-Protocol: ringside.v1.json\r\n\r\n",
    )?;
    let mut seen = Vec::new();
    read_until(&mut stream, &mut seen, b"\r\n\r\n")?;
    let token = order.tokens.get(number).map_or("", String::as_str);
    for hello in &order.hello {
        let text = hello.replace("{n}", &number.to_string()).replace("{token}", token);
        stream.write_all(&masked(text.as_bytes()))?;
    }
    read_until(&mut stream, &mut seen, order.until.as_bytes())?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

fn read_until(stream: &mut TcpStream, seen: &mut Vec<u8>, wanted: &[u8]) -> io::Result<()> {
    let mut buffer = [0; 16_384];
    while !seen.windows(wanted.len()).any(|window| window == wanted) {
        match stream.read(&mut buffer)? {
            0 => {
                let seen = String::from_utf8_lossy(seen).into_owned();
                return Err(io::Error::other(format!("closed by the server after: {seen}")));
            }
            n => seen.extend(buffer.iter().take(n)),
        }
    }
    Ok(())
}

/// A masked text frame; the mask is nothing, as only its presence counts here.
fn masked(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u8::try_from(payload.len()) {
        Ok(short) if short < 126 => frame.push(0x80 | short),
        _ => {
            frame.push(0xfe);
            frame.extend(u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// Reads what comes.
struct Watch {
    streams: Vec<TcpStream>,
    poll: Poll,
    gone: HashSet<usize>,
    last_read: Instant,
    bytes: u64,
    messages: u64,
    latency_us: Histogram<u64>,
    /// The end of what a looked-at connection sent, where a mark may be cut.
    rest: Vec<Vec<u8>>,
}

impl Watch {
    fn new(streams: Vec<TcpStream>) -> Result<Self, BenchError> {
        let poll = Poll::new()?;
        for (index, stream) in streams.iter().enumerate() {
            poll.registry().register(&mut SourceFd(&stream.as_raw_fd()), Token(index), Interest::READABLE)?;
        }
        let rest = vec![Vec::new(); streams.len().div_ceil(SAMPLED)];
        let latency_us = Histogram::new_with_bounds(1, 120_000_000, 3)?;
        let (gone, last_read) = (HashSet::new(), Instant::now());
        Ok(Self { streams, poll, gone, last_read, bytes: 0, messages: 0, latency_us, rest })
    }

    fn run(mut self) -> Result<(), BenchError> {
        println!("ready");
        let questions = questions();
        let mut events = Events::with_capacity(4_096);
        let mut buffer = vec![0; 256 << 10];
        let mut asked: Option<Instant> = None;
        loop {
            self.poll.poll(&mut events, Some(Duration::from_millis(20)))?;
            for event in &events {
                self.read(event.token().0, &mut buffer);
            }
            match questions.try_recv() {
                Ok(()) => asked = Some(Instant::now()),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
            let waited = asked.map(|asked| (asked.elapsed(), asked.max(self.last_read).elapsed()));
            if waited.is_some_and(|(all, quiet)| quiet >= QUIET || all >= QUIET_WITHIN) {
                asked = None;
                println!("{}", serde_json::to_string(&self.report())?);
            }
        }
    }

    fn read(&mut self, index: usize, buffer: &mut [u8]) {
        let Some(mut stream) = self.streams.get(index) else { return };
        loop {
            match stream.read(buffer) {
                Ok(0) => {
                    self.gone.insert(index);
                    return;
                }
                Ok(n) => {
                    self.last_read = Instant::now();
                    self.bytes += n as u64;
                    let (bytes, all) = (buffer.get(..n).unwrap_or(&[]), n == buffer.len());
                    if index.is_multiple_of(SAMPLED) {
                        look(
                            self.rest.get_mut(index / SAMPLED),
                            bytes,
                            &mut self.latency_us,
                            &mut self.messages,
                        );
                    }
                    // A read that did not fill the buffer took all there was: the next edge tells of more.
                    if !all {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.gone.insert(index);
                    return;
                }
            }
        }
    }

    fn report(&mut self) -> Report {
        let quantile_ms = |quantile| self.latency_us.value_at_quantile(quantile) as f64 / 1_000.0;
        let report = Report {
            connected: self.streams.len() - self.gone.len(),
            bytes: self.bytes,
            sampled: self.rest.len(),
            messages: self.messages,
            p50_ms: quantile_ms(0.5),
            p99_ms: quantile_ms(0.99),
        };
        self.bytes = 0;
        self.messages = 0;
        self.latency_us.reset();
        report
    }
}

/// Finds the marks in a connection's bytes.
fn look(rest: Option<&mut Vec<u8>>, bytes: &[u8], latency_us: &mut Histogram<u64>, messages: &mut u64) {
    let Some(rest) = rest else { return };
    rest.extend(bytes);
    let now = processor::monotonic_ns();
    let mut from = 0;
    while let Some(at) = find(rest.get(from..).unwrap_or(&[])) {
        let digits = from + at + MARK.len();
        let Some(time) = rest.get(digits..digits + DIGITS) else {
            from += at;
            break;
        };
        let sent = time.iter().fold(0u64, |n, digit| n * 10 + u64::from(digit.saturating_sub(b'0')));
        latency_us.saturating_record(now.saturating_sub(sent) / 1_000);
        *messages += 1;
        from = digits + DIGITS;
    }
    // A mark may begin at the very end.
    let keep = from.max(rest.len().saturating_sub(MARK.len() + DIGITS));
    rest.drain(..keep.min(rest.len()));
}

fn find(bytes: &[u8]) -> Option<usize> {
    bytes.windows(MARK.len()).position(|window| window == MARK)
}

/// A line on standard input asks for a report; its end ends the crowd.
fn questions() -> Receiver<()> {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for _ in io::stdin().lines().map_while(Result::ok) {
            if sender.send(()).is_err() {
                return;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_once_however_the_bytes_are_cut() {
        let text = b"xx sent=00000000000000001 yy sent=00000000000000002sent=00000000000000003 zz";
        for cut in 0..text.len() {
            let (mut rest, mut messages) = (Vec::new(), 0);
            let mut histogram = Histogram::new(3).unwrap();
            for part in [&text[..cut], &text[cut..]] {
                look(Some(&mut rest), part, &mut histogram, &mut messages);
            }
            assert_eq!(messages, 3, "cut at {cut}");
        }
    }
}
