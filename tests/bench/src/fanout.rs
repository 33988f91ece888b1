//! `fanout`: what it costs to send a stream's comments to 10,000 members, against a bare loop of `send` over as many
//! sockets in the same run.
//!
//! The server and the bare loop run on one processor, the crowd that receives on another. Cost is the process' time on
//! a processor, encoding and all, by delivery: one comment to one member. The bare loop sends a frame of the same size
//! to each socket, paced as the comments are.

mod bare;
mod server;

use std::time::Duration;

use crate::figure::{BenchResult, Figure};
use crate::processor;
use crate::{Ask, Effort};

/// Members of the one room.
const MEMBERS: usize = 10_000;
/// Bytes of a comment's text.
const TEXT_BYTES: usize = 100;
/// A rate at which there is nothing to coalesce.
const SLOW: u32 = 10;
/// A rate at which sweeps would take more than the processor has.
const FAST: u32 = 100;

/// What a run cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// Time on a processor for one delivery.
    us: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// Bytes of one comment's frame.
    frame_bytes: usize,
    /// Deliveries that did not arrive.
    missing: f64,
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Extent {
    members: usize,
    time: Duration,
}

pub(crate) fn run(ask: &Ask) -> BenchResult {
    let extent = match ask.effort {
        Effort::Full => Extent { members: processor::affordable(MEMBERS), time: Duration::from_secs(15) },
        Effort::Quick => Extent { members: 500, time: Duration::from_secs(2) },
    };
    let (here, there) = processor::two()?;
    processor::pin(here)?;
    let slow = server::measure(extent, SLOW, there)?;
    let fast = server::measure(extent, FAST, there)?;
    // The loop comes last, as it needs the size of a frame, and again, as machines change under other load.
    let loops = [
        bare::measure(extent, SLOW, slow.frame_bytes, there)?,
        bare::measure(extent, SLOW, slow.frame_bytes, there)?,
    ];
    let bare_us = loops.iter().map(|cost| cost.us).sum::<f64>() / loops.len() as f64;
    Ok(vec![
        Figure::new("send_cost_ratio", slow.us / bare_us, "x"),
        Figure::new("send_us", slow.us, "us/delivery").against(bare_us),
        Figure::new("p50_ms", slow.p50_ms, "ms"),
        Figure::new("p99_ms", slow.p99_ms, "ms")
            .against(loops.iter().map(|cost| cost.p99_ms).fold(0.0, f64::max)),
        Figure::new("coalesced_cost_ratio", fast.us / bare_us, "x"),
        Figure::new("coalesced_us", fast.us, "us/delivery").against(bare_us),
        Figure::new("coalesced_p50_ms", fast.p50_ms, "ms"),
        Figure::new("coalesced_p99_ms", fast.p99_ms, "ms"),
        Figure::new("frame_bytes", slow.frame_bytes as f64, "bytes"),
        Figure::new("missing", slow.missing + fast.missing, "deliveries"),
    ])
}
