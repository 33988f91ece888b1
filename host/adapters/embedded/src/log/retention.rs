//! When a segment is finished, and when it goes.
//!
//! By space: the oldest go while all of them take too much. By age: a segment is finished after a quarter of the time
//! that records are kept, however little it holds, and goes when the one behind it is older than that time. So a
//! record of a quiet log goes at the latest after five quarters of it, and none goes sooner than asked for.

use super::segment::Segment;
use crate::EmbeddedOptions;

/// Segments that the time of retention is cut into.
const SEGMENTS_IN_TIME: u64 = 4;

/// True when the segment that is written to has had its time.
pub(super) fn is_finished(segment: &Segment, now_ms: u64, options: &EmbeddedOptions) -> bool {
    now_ms.saturating_sub(segment.begun_ms) > keep_ms(options) / SEGMENTS_IN_TIME
}

/// How many of the oldest segments are past their time or over the space; never the newest.
pub(super) fn expired<'a>(
    segments: impl DoubleEndedIterator<Item = &'a Segment> + ExactSizeIterator + Clone,
    now_ms: u64,
    options: &EmbeddedOptions,
) -> usize {
    let length = |segment: &Segment| segment.file.metadata().map_or(0, |meta| meta.len());
    let mut total: u64 = segments.clone().map(length).sum();
    let oldest_ms = now_ms.saturating_sub(keep_ms(options));
    let behind = segments.clone().skip(1);
    let mut count = 0;
    for (segment, next) in segments.zip(behind) {
        // Nothing was written to it since the next one was begun.
        let is_old = next.begun_ms < oldest_ms;
        if !is_old && total <= options.keep_bytes {
            break;
        }
        total = total.saturating_sub(length(segment));
        count += 1;
    }
    count
}

fn keep_ms(options: &EmbeddedOptions) -> u64 {
    u64::try_from(options.keep_for.as_millis()).unwrap_or(u64::MAX)
}
