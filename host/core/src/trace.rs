//! Which trace an event belongs to, so that one comment can be followed from process to process.
//!
//! Few comments are traced. For those the context is part of the event, in the log as on the relay; for all others
//! nothing is written, and a reader that does not know it passes over it.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A place in a trace that is recorded. Written as W3C's `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// The trace.
    pub trace: NonZeroU128,
    /// The span within it that what comes next is a child of.
    pub span: NonZeroU64,
}

impl TraceContext {
    /// Reads a `traceparent`. None where it is none, or says that its trace is not recorded.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        // A later version may say more behind these four, version 0 may not; version ff is none.
        let known = hex(version, 2)? != 0xff && (version != "00" || parts.next().is_none());
        let recorded = hex(flags, 2)? & 1 == 1;
        let context = Self {
            trace: hex(trace, 32)?.try_into().ok()?,
            span: u64::try_from(hex(span, 16)?).ok()?.try_into().ok()?,
        };
        (known && recorded).then_some(context)
    }

    /// The trace as people look it up: 32 digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }
}

/// Lower case, as the specification has it.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (text.len() == digits && text.bytes().all(is_hex)).then(|| u128::from_str_radix(text, 16).ok())?
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-01", self.trace, self.span)
    }
}

impl Serialize for TraceContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads an event's context. What cannot be read is none: a trace is never worth a comment.
pub(crate) fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TraceContext>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.as_deref().and_then(TraceContext::parse))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_recorded_traceparent_reads_back_and_no_other() {
        let context = TraceContext::parse(TEXT).unwrap();
        assert_eq!(context.to_string(), TEXT);
        let later = TEXT.replacen("00", "01", 1) + "-more";
        assert_eq!(TraceContext::parse(&later), Some(context));
        for bad in [
            "",
            "00",
            &TEXT.replace("-01", "-00"),
            &TEXT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &TEXT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &TEXT.replace("4bf9", "4BF9"),
            &TEXT.replace("4bf9", "+bf9"),
            &TEXT.replacen("00", "ff", 1),
            &format!("{TEXT}-more"),
            &TEXT[1..],
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
    }
}
