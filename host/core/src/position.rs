//! Where a client stands in a stream: opaque to it, given back to resume.

use std::fmt;
use std::str::FromStr;

/// A place in a stream's log, as a client holds it.
///
/// Offsets mean something only in the log they come from, so the log's epoch stands beside them; a host whose
/// log has another epoch (another region, or a log begun anew) cannot resume from the offset and says `gap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Identity of the log, drawn when it was made.
    pub epoch: u64,
    /// Partition of the stream.
    pub partition: u32,
    /// The next offset to read: all before it was seen.
    pub next: u64,
}

/// A text that is not a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a position: give back the one of the last batch, or leave it out to start afresh")]
pub struct InvalidPosition(String);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{:x}.{:x}", self.epoch, self.partition, self.next)
    }
}

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let invalid = || InvalidPosition(text.chars().take(80).collect());
        let mut parts = text.split('.');
        let mut part = || {
            let part = parts.next().filter(|p| (1..=16).contains(&p.len()))?;
            part.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u64::from_str_radix(part, 16).ok())?
        };
        let epoch = part().ok_or_else(invalid)?;
        let partition = part().and_then(|p| u32::try_from(p).ok()).ok_or_else(invalid)?;
        let next = part().ok_or_else(invalid)?;
        if parts.next().is_some() {
            return Err(invalid());
        }
        Ok(Self { epoch, partition, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_position_reads_back_what_it_wrote(epoch: u64, partition: u32, next: u64) {
            let position = Position { epoch, partition, next };
            prop_assert_eq!(position.to_string().parse::<Position>().unwrap(), position);
        }

        #[test]
        fn any_text_is_a_position_or_a_clear_error(text in ".{0,60}") {
            if let Err(error) = text.parse::<Position>() {
                prop_assert!(error.to_string().contains("is not a position"));
            }
        }
    }

    #[test]
    fn what_is_nearly_a_position_is_refused() {
        for bad in ["", "1.2", "1.2.3.4", "1..3", "+1.2.3", "g.1.1", "1.fffffffff.1", "00000000000000001.1.1"]
        {
            assert!(bad.parse::<Position>().is_err(), "{bad}");
        }
    }
}
