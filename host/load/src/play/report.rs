//! What a played recording came to.

use std::fmt;

use serde::Serialize;

use super::source::FileReport;
use crate::latency::Percentiles;
use crate::tally::Reason;

/// What became of a recording. Shown as text, or as one JSON object where `--json` asked for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlayReport {
    /// Address of the host.
    pub url: String,
    /// The stream.
    pub stream: String,
    /// Time of playing, in seconds.
    pub seconds: f64,
    /// Comments sent.
    pub posted: u64,
    /// Comments sent in a second, on the average.
    pub posted_per_second: f64,
    /// Stored and shown.
    pub accepted: u64,
    /// Waiting for a moderator.
    pub held: u64,
    /// Not taken.
    pub rejected: u64,
    /// The most frequent reasons of those.
    pub rejected_reasons: Vec<Reason>,
    /// Too fast for one user.
    pub rate_limited: u64,
    /// Neither taken nor judged: errors, and no answers.
    pub failed: u64,
    /// The most frequent reasons of those.
    pub failed_reasons: Vec<Reason>,
    /// From sending to the answer.
    pub answered: Percentiles,
    /// How late comments were sent: more than some milliseconds means that the host, or this machine, is too slow
    /// for the rate.
    pub behind: Percentiles,
    /// What was in the files.
    pub files: Vec<FileReport>,
    /// It was stopped before the end.
    pub stopped: bool,
    /// What to do about what went wrong, where something did.
    pub hint: Option<String>,
    #[serde(skip)]
    pub(super) json: bool,
}

impl PlayReport {
    /// The report as one JSON object.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stopped = if self.stopped { ", stopped before the end" } else { "" };
        writeln!(
            f,
            "played {} comments into `{}` in {:.1} s ({:.1} a second){stopped}",
            self.posted, self.stream, self.seconds, self.posted_per_second
        )?;
        for (name, count, reasons) in [
            ("accepted", self.accepted, &Vec::new()),
            ("held", self.held, &Vec::new()),
            ("rejected", self.rejected, &self.rejected_reasons),
            ("rate-limited", self.rate_limited, &Vec::new()),
            ("failed", self.failed, &self.failed_reasons),
        ] {
            #[allow(clippy::cast_precision_loss, reason = "a share to show")]
            let percent = if self.posted == 0 { 0.0 } else { count as f64 * 100.0 / self.posted as f64 };
            writeln!(f, "  {name:<13}{count:>9}  {percent:>5.1} %")?;
            for reason in reasons {
                writeln!(f, "    {:>20}  {}", reason.count, reason.reason)?;
            }
        }
        writeln!(f, "answered  {}", self.answered)?;
        writeln!(f, "behind    {}", self.behind)?;
        for file in &self.files {
            writeln!(
                f,
                "{} ({}): {} comments, {} lines passed over, {} bad",
                file.file, file.format, file.comments, file.passed, file.bad
            )?;
            for bad in &file.first_bad {
                writeln!(f, "  {bad}")?;
            }
        }
        self.hint.as_ref().map_or(Ok(()), |hint| writeln!(f, "{hint}"))
    }
}

impl fmt::Display for PlayReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.json { writeln!(f, "{}", self.to_json()) } else { self.table(f) }
    }
}
