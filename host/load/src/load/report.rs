//! What a load came to.

use std::fmt;

use serde::Serialize;

use crate::latency::Percentiles;
use crate::tally::Reason;

/// The figures of a load. Shown as text, or as one JSON object where `--json` asked for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoadReport {
    /// Address of the host.
    pub url: String,
    /// The streams.
    pub streams: Vec<String>,
    /// The WebSocket's subprotocol.
    pub subprotocol: String,
    /// Viewers offered permessage-deflate.
    pub compression: bool,
    /// Time of the measurement in seconds, without connecting and without the wait for the last comments.
    pub seconds: f64,
    /// It was stopped before the end.
    pub stopped: bool,
    /// Connections.
    pub connections: ConnectionsReport,
    /// Comments; `done` are accepted ones.
    pub comments: CommandReport,
    /// Likes.
    pub reactions: CommandReport,
    /// Emoji.
    pub emoji: CommandReport,
    /// From sending a comment to a viewer's socket, over all viewers who read.
    pub seen: Percentiles,
    /// From the reply to its sender to a viewer's socket: about what the way from the log to viewers takes, as the reply
    /// leaves when the log has the comment. 0 where a viewer saw it first.
    pub seen_after_reply: Percentiles,
    /// Viewers who read what they were sent; the others count frames and bytes.
    pub viewers_reading: u64,
    /// Accepted comments that a reading viewer did not see within 10 s, once for each such viewer; without what
    /// sampling left out.
    pub lost: u64,
    /// Comments that a reading viewer was shown once more than once.
    pub duplicates: u64,
    /// Comments that sampling left out, once for each reading viewer, as the host says.
    pub left_out: u64,
    /// Comments that came later than 10 s, or once more after that; counted as lost when they were due.
    pub late: u64,
    /// What viewers were sent during the measurement.
    pub delivered: DeliveredReport,
    /// CPU time of this process over the time of the measurement, in percent of one core. Near what the machine
    /// has, latencies are those of the load generator.
    pub load_cpu_percent: f64,
    #[serde(skip)]
    pub(super) json: bool,
}

/// Connections of a load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConnectionsReport {
    /// Viewers asked for.
    pub viewers: u64,
    /// Senders needed for the rates.
    pub senders: u64,
    /// Connections that joined.
    pub joined: u64,
    /// Tries that failed and were followed by another one; each connection has three.
    pub retried: u64,
    /// The most frequent reasons of those.
    pub retried_reasons: Vec<Reason>,
    /// Connections that did not.
    pub failed: u64,
    /// The most frequent reasons of those.
    pub failed_reasons: Vec<Reason>,
    /// From the beginning of the try that succeeded to `101 Switching Protocols`.
    pub upgrade: Percentiles,
    /// From the beginning of the try that succeeded to the reply to `join`.
    pub join: Percentiles,
    /// Connections that ended before the run did.
    pub dropped: u64,
    /// The most frequent reasons of those: close code and what it means.
    pub dropped_reasons: Vec<Reason>,
}

/// Commands of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CommandReport {
    /// Sent.
    pub sent: u64,
    /// Sent in a second.
    pub sent_per_second: f64,
    /// Accepted, or done.
    pub done: u64,
    /// Waiting for a moderator.
    pub held: u64,
    /// Not taken.
    pub rejected: u64,
    /// The most frequent reasons of those.
    pub rejected_reasons: Vec<Reason>,
    /// Too fast for one user.
    pub rate_limited: u64,
    /// Answered with an error.
    pub failed: u64,
    /// The most frequent errors.
    pub failed_reasons: Vec<Reason>,
    /// Sent and never answered.
    pub unanswered: u64,
    /// Due and not sent.
    pub skipped: u64,
    /// The most frequent reasons of those.
    pub skipped_reasons: Vec<Reason>,
    /// From sending to the reply.
    pub acknowledged: Percentiles,
    /// How late they were sent: the load generator's own delay, which is in no other figure.
    pub behind: Percentiles,
}

/// What viewers were sent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DeliveredReport {
    /// Viewers that were connected, on the average of start and end.
    pub viewers: f64,
    /// Frames.
    pub frames: u64,
    /// Bytes of frames with their headers, without TCP and IP.
    pub bytes: u64,
    /// Frames that one viewer got in a second.
    pub frames_per_viewer_per_second: f64,
    /// Bytes that one viewer got in a second.
    pub bytes_per_viewer_per_second: f64,
}

impl LoadReport {
    /// The report as one JSON object.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = &self.connections;
        let stopped = if self.stopped { ", stopped before the end" } else { "" };
        writeln!(
            f,
            "{} for {:.1} s with {} viewers and {} senders ({}{}){stopped}",
            self.url,
            self.seconds,
            of.viewers,
            of.senders,
            self.subprotocol,
            if self.compression { ", compressed" } else { "" },
        )?;
        writeln!(
            f,
            "connected     {} joined, {} failed, {} dropped, {} tried again",
            of.joined, of.failed, of.dropped, of.retried
        )?;
        reasons(f, &of.retried_reasons)?;
        reasons(f, &of.failed_reasons)?;
        reasons(f, &of.dropped_reasons)?;
        writeln!(f, "  upgrade       {}", of.upgrade)?;
        writeln!(f, "  join          {}", of.join)?;
        for (name, done, commands) in [
            ("comments", "accepted", &self.comments),
            ("reactions", "done", &self.reactions),
            ("emoji", "done", &self.emoji),
        ] {
            if commands.sent + commands.skipped > 0 {
                commands.table(f, name, done)?;
            }
        }
        if self.comments.sent > 0 {
            writeln!(f, "seen by others  {}", self.seen)?;
            writeln!(f, "  after reply   {}", self.seen_after_reply)?;
            writeln!(
                f,
                "  {} viewers read: {} lost, {} duplicates, {} left out by sampling, {} late",
                self.viewers_reading, self.lost, self.duplicates, self.left_out, self.late
            )?;
        }
        writeln!(
            f,
            "delivered     {:.1} frames and {:.0} bytes a second to each viewer, {} frames and {} bytes in all",
            self.delivered.frames_per_viewer_per_second,
            self.delivered.bytes_per_viewer_per_second,
            self.delivered.frames,
            self.delivered.bytes,
        )?;
        writeln!(f, "this process  {:.0} % of one core", self.load_cpu_percent)
    }
}

impl CommandReport {
    fn table(&self, f: &mut fmt::Formatter<'_>, name: &str, done: &str) -> fmt::Result {
        writeln!(
            f,
            "{name:<13} {} sent ({:.1} a second): {} {done}, {} held, {} rejected, {} rate-limited, {} failed, {} unanswered, {} not sent",
            self.sent,
            self.sent_per_second,
            self.done,
            self.held,
            self.rejected,
            self.rate_limited,
            self.failed,
            self.unanswered,
            self.skipped,
        )?;
        reasons(f, &self.rejected_reasons)?;
        reasons(f, &self.failed_reasons)?;
        reasons(f, &self.skipped_reasons)?;
        writeln!(f, "  acknowledged  {}", self.acknowledged)?;
        writeln!(f, "  sent late by  {}", self.behind)
    }
}

fn reasons(f: &mut fmt::Formatter<'_>, reasons: &[Reason]) -> fmt::Result {
    reasons.iter().try_for_each(|reason| writeln!(f, "  {:>12}  {}", reason.count, reason.reason))
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.json { writeln!(f, "{}", self.to_json()) } else { self.table(f) }
    }
}
