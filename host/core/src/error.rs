//! One table of errors: number, HTTP status and title. Replies, problem+json and `docs/protocol.md` come from it.

use std::time::Duration;

/// What went wrong, as a row of the protocol's error table. Numbers of 100 are the client's sign-in, 200 its
/// input, 300 its pace, 500 ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Problem {
    /// No token where one is needed.
    Unauthenticated = 101,
    /// The token is damaged, of an unknown key or expired.
    InvalidToken = 102,
    /// The role does not allow it.
    Forbidden = 103,
    /// The user is banned.
    Banned = 104,
    /// The user may read and nothing else, for as long as a moderator said.
    TimeOut = 105,
    /// A command or body that cannot be read.
    Malformed = 200,
    /// A field with an impossible value.
    InvalidField = 201,
    /// No such stream, comment or route.
    NotFound = 202,
    /// The command needs a joined stream.
    NotJoined = 203,
    /// The text is empty or too long.
    InvalidText = 204,
    /// A setting outside its range.
    InvalidSettings = 205,
    /// An emoji that is too long, too many, or one kind too many.
    InvalidEmoji = 206,
    /// The body is too large.
    TooLarge = 207,
    /// What was asked for conflicts with what is there.
    Conflict = 208,
    /// The method is not for this route.
    MethodNotAllowed = 209,
    /// A comment was not taken; the detail says why.
    Rejected = 210,
    /// A component was refused; the detail says which check failed.
    ComponentRefused = 211,
    /// Too fast; the reply says how long to wait.
    RateLimited = 301,
    /// Too many commands wait for their answer.
    TooManyInFlight = 302,
    /// A queue is full or a backend is away; try again.
    Unavailable = 501,
    /// A fault of ours.
    Internal = 500,
}

/// A row of the error table.
#[derive(Debug, Clone, Copy)]
pub struct ProblemRow {
    /// The error.
    pub problem: Problem,
    /// Status over HTTP.
    pub status: u16,
    /// Short and constant.
    pub title: &'static str,
}

const fn row(problem: Problem, status: u16, title: &'static str) -> ProblemRow {
    ProblemRow { problem, status, title }
}

/// Every error.
pub const TABLE: &[ProblemRow] = &[
    row(Problem::Unauthenticated, 401, "sign-in needed"),
    row(Problem::InvalidToken, 401, "invalid token"),
    row(Problem::Forbidden, 403, "not allowed"),
    row(Problem::Banned, 403, "banned"),
    row(Problem::TimeOut, 403, "time-out"),
    row(Problem::Malformed, 400, "cannot be read"),
    row(Problem::InvalidField, 422, "invalid field"),
    row(Problem::NotFound, 404, "not found"),
    row(Problem::NotJoined, 409, "join a stream first"),
    row(Problem::InvalidText, 422, "invalid text"),
    row(Problem::InvalidSettings, 422, "invalid settings"),
    row(Problem::InvalidEmoji, 422, "invalid emoji"),
    row(Problem::TooLarge, 413, "too large"),
    row(Problem::Conflict, 409, "conflict"),
    row(Problem::MethodNotAllowed, 405, "method not allowed"),
    row(Problem::Rejected, 422, "comment rejected"),
    row(Problem::ComponentRefused, 422, "component refused"),
    row(Problem::RateLimited, 429, "too fast"),
    row(Problem::TooManyInFlight, 429, "too many commands at once"),
    row(Problem::Internal, 500, "internal error"),
    row(Problem::Unavailable, 503, "try again"),
];

impl Problem {
    /// Number on the wire.
    #[must_use]
    pub fn number(self) -> u16 {
        self as u16
    }

    fn row(self) -> Option<&'static ProblemRow> {
        TABLE.iter().find(|row| row.problem == self)
    }

    /// HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        self.row().map_or(500, |row| row.status)
    }

    /// Constant title.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.row().map_or("internal error", |row| row.title)
    }
}

/// An error as a client is told it: the row, what exactly, and when to try again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} {}: {detail}", problem.number(), problem.title())]
pub struct Failure {
    /// The row of the table.
    pub problem: Problem,
    /// Names the value and the remedy.
    pub detail: String,
    /// When it makes sense to try again; none: never as it stands.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure that stays one until the request changes.
    #[must_use]
    pub fn new(problem: Problem, detail: impl Into<String>) -> Self {
        Self { problem, detail: detail.into(), retry_after: None }
    }

    /// A failure that passes by itself.
    #[must_use]
    pub fn retry(problem: Problem, detail: impl Into<String>, after: Duration) -> Self {
        Self { problem, detail: detail.into(), retry_after: Some(after) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_has_one_row_and_its_number_fits_its_status() {
        for row in TABLE {
            assert_eq!(TABLE.iter().filter(|r| r.problem == row.problem).count(), 1, "{row:?}");
            let class = row.problem.number() / 100;
            assert_eq!(class == 5, row.status >= 500, "{row:?}");
            assert_eq!(class == 3, row.status == 429, "{row:?}");
        }
    }
}
