//! What is counted about a comment, by who counted it.
//!
//! Reactions to a comment come through the logs of several regions. Each region's writer adds up in a share of its
//! own, so that no two writers change one cell; the total is the sum. A share says how far in its log it counted: an
//! event at or below its version is in it already, which makes repetition harmless.

use std::collections::{BTreeMap, HashMap};

use ringside_core::CommentId;
use ringside_core::event::Totals;
use scylla::value::CqlValue;

/// Where what was corrected by counting anew is kept; no region has this name.
pub(crate) const CORRECTION: &str = "*";

/// What one writer counted. Numbers may be negative: a like that was given in one region may be taken back in another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Share {
    /// Of the last event that is in it.
    pub(crate) version: i64,
    /// Of the log that its writer reads.
    pub(crate) partition: i32,
    pub(crate) likes: i32,
    pub(crate) dislikes: i32,
    pub(crate) replies: i32,
}

/// As the driver gives it.
pub(crate) type Columns = HashMap<String, (i64, i32, i32, i32, i32)>;

/// The shares of one comment, by region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts(pub(crate) BTreeMap<String, Share>);

impl Counts {
    pub(crate) fn of(columns: Option<Columns>) -> Self {
        let shares = columns.unwrap_or_default().into_iter();
        Self(
            shares
                .map(|(region, (version, partition, likes, dislikes, replies))| {
                    (region, Share { version, partition, likes, dislikes, replies })
                })
                .collect(),
        )
    }

    /// Takes over what is newer in another row of the same comment.
    pub(crate) fn merge(&mut self, other: Self) {
        for (region, share) in other.0 {
            let known = self.0.entry(region).or_insert(share);
            if known.version < share.version {
                *known = share;
            }
        }
    }

    fn sum(&self, of: impl Fn(&Share) -> i32) -> u32 {
        let sum: i64 = self.0.values().map(|share| i64::from(of(share))).sum();
        u32::try_from(sum.max(0)).unwrap_or(u32::MAX)
    }

    pub(crate) fn likes(&self) -> u32 {
        self.sum(|share| share.likes)
    }

    pub(crate) fn dislikes(&self) -> u32 {
        self.sum(|share| share.dislikes)
    }

    pub(crate) fn replies(&self) -> u32 {
        self.sum(|share| share.replies)
    }

    pub(crate) fn totals(&self, comment: CommentId) -> Totals {
        Totals { comment, likes: self.likes(), dislikes: self.dislikes() }
    }

    /// Of the newest share.
    pub(crate) fn version(&self) -> i64 {
        self.0.values().map(|share| share.version).max().unwrap_or(0)
    }

    /// All shares, to be written.
    pub(crate) fn value(&self) -> CqlValue {
        CqlValue::Map(self.0.iter().map(|(region, share)| share.entry(region)).collect())
    }
}

impl Share {
    fn entry(self, region: &str) -> (CqlValue, CqlValue) {
        let columns = [
            CqlValue::BigInt(self.version),
            CqlValue::Int(self.partition),
            CqlValue::Int(self.likes),
            CqlValue::Int(self.dislikes),
            CqlValue::Int(self.replies),
        ];
        (CqlValue::Text(region.to_owned()), CqlValue::Tuple(columns.into_iter().map(Some).collect()))
    }

    /// This share alone, to be written.
    pub(crate) fn value(self, region: &str) -> CqlValue {
        CqlValue::Map(vec![self.entry(region)])
    }
}
