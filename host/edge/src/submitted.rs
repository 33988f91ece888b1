//! What the first span of a comment's trace says, whichever way it came in.

use ringside_core::{Failure, HostId, StreamId};
use ringside_ports::Span;
use ringside_ports::comments::Posted;

/// Says where a comment came in and what became of it.
pub(crate) fn submitted(
    span: &mut Span,
    host: &HostId,
    stream: &StreamId,
    by: &'static str,
    posted: &Result<Posted, Failure>,
) {
    span.set("ringside.host", host.as_str());
    span.set("ringside.stream", stream.as_str());
    span.set("ringside.by", by);
    let outcome = match posted {
        Ok(Posted::Accepted(comment)) => {
            span.about(comment);
            "accepted"
        }
        Ok(Posted::Held(comment)) => {
            span.about(comment);
            "held"
        }
        Ok(Posted::Rejected(_)) => "rejected",
        Ok(Posted::RateLimited(_)) => "rate-limited",
        Err(failure) => {
            span.fail(failure);
            "failed"
        }
    };
    span.set("ringside.outcome", outcome);
}
