//! The baseline: a loop of `send` over sockets, and nothing else.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::{Cost, Extent};
use crate::crowd::{Crowd, DIGITS, MARK, Order};
use crate::figure::BenchError;
use crate::processor;

pub(super) fn measure(
    extent: Extent,
    per_second: u32,
    frame_bytes: usize,
    there: usize,
) -> Result<Cost, BenchError> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let order = Order {
        address: listener.local_addr()?.to_string(),
        connections: extent.members,
        hello: Vec::new(),
        until: String::new(),
        tokens: Vec::new(),
        processor: Some(there),
    };
    let mut crowd = Crowd::start(&order)?;
    let mut sockets: Vec<TcpStream> = Vec::with_capacity(extent.members);
    while sockets.len() < extent.members {
        let (socket, _) = listener.accept()?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        sockets.push(socket);
    }
    crowd.ready()?;
    let gap = Duration::from_secs(1) / per_second;
    let warm = sweeps(&mut sockets, frame_bytes, gap, Duration::from_secs(1));
    crowd.report()?;
    let before = processor::time_of_process();
    let sent = sweeps(&mut sockets, frame_bytes, gap, extent.time);
    let took = processor::time_of_process() - before;
    let report = crowd.report()?;
    if warm == 0 || sent == 0 {
        return Err("the bare loop sent nothing".into());
    }
    let expected = sent as f64 / extent.members as f64 * report.sampled as f64;
    Ok(Cost {
        us: took.as_secs_f64() * 1e6 / sent as f64,
        p50_ms: report.p50_ms,
        p99_ms: report.p99_ms,
        frame_bytes,
        missing: expected - report.messages as f64,
    })
}

/// Sends to all sockets again and again, each sweep `gap` after the last began or at once if that has passed; sends.
fn sweeps(sockets: &mut [TcpStream], frame_bytes: usize, gap: Duration, time: Duration) -> usize {
    let start = Instant::now();
    let mut due = start;
    let mut sent = 0;
    while start.elapsed() < time {
        let mut frame = MARK.to_vec();
        frame.extend(format!("{:0width$}", processor::monotonic_ns(), width = DIGITS).bytes());
        frame.resize(frame_bytes, b'x');
        for socket in sockets.iter_mut() {
            sent += usize::from(socket.write(&frame).is_ok_and(|n| n == frame.len()));
        }
        due += gap;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    sent
}
