//! What becomes of each comment, counted and written down.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::source::Cue;
use crate::error::Error;
use crate::http::Answer;
use crate::latency::Latency;
use crate::recording::Author;
use crate::tally::Tally;

/// Numbers of the protocol's table of errors.
const REJECTED: u16 = 210;
const RATE_LIMITED: u16 = 301;

/// What became of a comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(super) enum Outcome {
    /// It is stored and shown.
    Accepted { comment: String },
    /// It waits for a moderator.
    Held { comment: String },
    /// It was not taken.
    Rejected { reason: String },
    /// It came too fast.
    RateLimited { retry_after_ms: u64 },
    /// Neither: an error, or no answer.
    Failed { reason: String },
}

#[derive(Deserialize)]
struct Posted {
    id: String,
}

impl Outcome {
    /// Reads a host's answer, or that there is none.
    pub(super) fn of(answer: &std::io::Result<Answer>) -> Self {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Self::Failed { reason: format!("no answer: {error}") },
        };
        let posted = serde_json::from_slice::<Posted>(&answer.body);
        match (answer.status, posted) {
            (201, Ok(posted)) => return Self::Accepted { comment: posted.id },
            (202, Ok(posted)) => return Self::Held { comment: posted.id },
            (200..=299, _) => {
                return Self::Failed {
                    reason: format!("HTTP status {} without a comment's id", answer.status),
                };
            }
            _ => {}
        }
        let problem = answer.problem();
        match problem.number {
            REJECTED => Self::Rejected { reason: problem.detail },
            RATE_LIMITED => Self::RateLimited { retry_after_ms: problem.retry_after_ms.unwrap_or(0) },
            0 => Self::Failed { reason: problem.title },
            number => Self::Failed { reason: format!("{number} {}", problem.title) },
        }
    }
}

/// Counts of all outcomes so far.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) posted: u64,
    pub(super) accepted: u64,
    pub(super) held: u64,
    pub(super) rate_limited: u64,
    pub(super) rejected: Tally,
    pub(super) failed: Tally,
    /// From sending to the answer, of all that were answered.
    pub(super) latency: Latency,
    /// How late comments were sent.
    pub(super) behind: Latency,
    /// When a host answered last.
    pub(super) answered_at: Instant,
    /// The last failure to reach one, since then.
    pub(super) unanswered: Option<String>,
}

/// Where tasks note outcomes.
pub(super) struct Outcomes {
    counts: Mutex<Counts>,
    verdicts: Option<Mutex<BufWriter<File>>>,
}

/// A line of the file of verdicts.
#[derive(Serialize)]
struct Verdict<'a> {
    file: &'a str,
    line: u64,
    user: &'a str,
    name: &'a str,
    text: &'a str,
    #[serde(flatten)]
    outcome: &'a Outcome,
    answered_ms: f64,
}

impl Outcomes {
    /// # Errors
    /// `Usage` when the file of verdicts cannot be written.
    pub(super) fn new(verdicts: Option<&Path>) -> Result<Self, Error> {
        let verdicts = verdicts
            .map(|path| {
                File::create(path).map(|file| Mutex::new(BufWriter::new(file))).map_err(|error| {
                    Error::Usage(format!("--verdicts `{}` cannot be written: {error}", path.display()))
                })
            })
            .transpose()?;
        let counts = Counts {
            posted: 0,
            accepted: 0,
            held: 0,
            rate_limited: 0,
            rejected: Tally::default(),
            failed: Tally::default(),
            latency: Latency::new(),
            behind: Latency::new(),
            answered_at: Instant::now(),
            unanswered: None,
        };
        Ok(Self { counts: Mutex::new(counts), verdicts })
    }

    pub(super) fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one and writes it down.
    ///
    /// # Errors
    /// `Failed` when the file of verdicts cannot be written any more.
    pub(super) fn note(
        &self,
        file: &str,
        cue: &Cue,
        author: &Author,
        answer: &std::io::Result<Answer>,
        took: Duration,
    ) -> Result<(), Error> {
        let outcome = Outcome::of(answer);
        let mut counts = self.counts();
        counts.posted += 1;
        match &outcome {
            Outcome::Accepted { .. } => counts.accepted += 1,
            Outcome::Held { .. } => counts.held += 1,
            Outcome::RateLimited { .. } => counts.rate_limited += 1,
            Outcome::Rejected { reason } => counts.rejected.add(reason),
            Outcome::Failed { reason } => counts.failed.add(reason),
        }
        match answer {
            Ok(_) => {
                counts.latency.record(took);
                counts.answered_at = Instant::now();
                counts.unanswered = None;
            }
            Err(error) => counts.unanswered = Some(error.to_string()),
        }
        drop(counts);
        let Some(verdicts) = &self.verdicts else { return Ok(()) };
        let verdict = Verdict {
            file,
            line: cue.line,
            user: &author.user,
            name: &author.name,
            text: &cue.said.text,
            outcome: &outcome,
            answered_ms: (took.as_secs_f64() * 1e4).round() / 10.0,
        };
        let mut out = verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::to_writer(&mut *out, &verdict)
            .map_err(std::io::Error::from)
            .and_then(|()| out.write_all(b"\n"))
            .map_err(|error| unwritable(&error))
    }

    /// Writes out what is still in memory.
    ///
    /// # Errors
    /// `Failed` when the file of verdicts cannot be written any more.
    pub(super) fn flush(&self) -> Result<(), Error> {
        self.verdicts.as_ref().map_or(Ok(()), |verdicts| {
            verdicts
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .flush()
                .map_err(|error| unwritable(&error))
        })
    }
}

fn unwritable(error: &std::io::Error) -> Error {
    Error::Failed(format!(
        "the file of --verdicts cannot be written any more: {error}: make room, or leave it out"
    ))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn each_answer_is_read_as_what_became_of_the_comment() {
        let problem = |number: u16, detail: &str| {
            format!(
                r#"{{"type":"x","title":"a title","status":0,"detail":"{detail}","number":{number},"retry_after_ms":1200}}"#
            )
        };
        for (status, body, expected) in [
            (201, r#"{"id":"c1","text":"x"}"#.to_owned(), r#"{"outcome":"accepted","comment":"c1"}"#),
            (202, r#"{"id":"c1","held":true}"#.to_owned(), r#"{"outcome":"held","comment":"c1"}"#),
            (422, problem(210, "no links here"), r#"{"outcome":"rejected","reason":"no links here"}"#),
            (429, problem(301, "wait"), r#"{"outcome":"rate_limited","retry_after_ms":1200}"#),
            (422, problem(204, "612 characters"), r#"{"outcome":"failed","reason":"204 a title"}"#),
            (502, "<html>".to_owned(), r#"{"outcome":"failed","reason":"HTTP status 502"}"#),
            (
                200,
                "{}".to_owned(),
                r#"{"outcome":"failed","reason":"HTTP status 200 without a comment's id"}"#,
            ),
        ] {
            let outcome = Outcome::of(&Ok(Answer { status, body: Bytes::from(body.clone()) }));
            assert_eq!(serde_json::to_string(&outcome).unwrap(), expected, "{status} {body}");
        }
        let refused = Outcome::of(&Err(std::io::ErrorKind::ConnectionRefused.into()));
        assert!(matches!(refused, Outcome::Failed { reason } if reason.contains("no answer")));
    }
}
