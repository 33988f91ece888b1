//! What is remembered of an entry for those who measure its delivery: when its events were accepted, and which of them
//! are traced.

use std::sync::Arc;

use ringside_ports::Trace;

use super::event::RoomEvent;
use super::log::Tier;

/// Events accepted within so many milliseconds count as one: a gathered entry has few moments, however many events.
const MOMENT_MS: u64 = 10;
/// Traced events of one entry whose sending is recorded: more are traced only where an operator traces all.
pub(super) const TRACED_MAX: usize = 64;

/// When events were accepted, in milliseconds since 1970, and how many just then.
pub(crate) type Moments = Arc<[(u64, u32)]>;

/// When the events that a tier sees were accepted.
pub(super) fn moments(events: &[RoomEvent], tier: Tier) -> Moments {
    let mut moments: Vec<(u64, u32)> = Vec::with_capacity(4);
    for event in events.iter().filter(|event| tier.sees(event.audience)) {
        match moments.last_mut() {
            Some((at_ms, count)) if event.at_ms.abs_diff(*at_ms) < MOMENT_MS => *count += 1,
            _ => moments.push((event.at_ms, 1)),
        }
    }
    moments.into()
}

/// Events there are at all of these moments.
pub(super) fn count(moments: &[(u64, u32)]) -> usize {
    moments.iter().map(|(_, count)| *count as usize).sum()
}

/// A traced event of an entry.
#[derive(Debug, Clone)]
pub struct Traced {
    /// Its place in the log.
    pub offset: u64,
    /// Where sends begin their spans.
    pub trace: Trace,
}
