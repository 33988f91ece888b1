//! What people did, on its way into the audit log, and what the log's answers mean to them (R37).

use ringside_core::error::Problem;
use ringside_core::{Author, Failure, StreamId};
use ringside_ports::audit::{AuditEntry, AuditQuery, By, CHANGE_BYTES_MAX, Deed};
use ringside_ports::error::PortErrorKind;
use ringside_ports::{Audit, PortError, PortResult};
use serde_json::Value;

use crate::intake::unavailable;

/// Who does something, at `now_ms`, and why.
#[must_use]
pub fn by(user: &Author, now_ms: u64, reason: &str) -> By {
    By { actor: user.id.clone(), role: user.role, at_ms: now_ms, reason: reason.to_owned(), reference: None }
}

/// What a refusal of the audit log means to who asked. Of a conflict the detail names who decided what, and when.
#[must_use]
pub fn refused(error: &PortError) -> Failure {
    let problem = match error.kind {
        PortErrorKind::Conflict => Problem::Conflict,
        PortErrorKind::NotFound => Problem::NotFound,
        PortErrorKind::Invalid => Problem::InvalidField,
        _ => return unavailable(error),
    };
    Failure::new(problem, error.detail.clone())
}

/// The entry of this number, if it is kept.
///
/// # Errors
/// Those of [`Audit::page`].
pub async fn entry(audit: &dyn Audit, number: u64) -> PortResult<Option<AuditEntry>> {
    let query = AuditQuery { before: number.checked_add(1), most: 1, ..AuditQuery::default() };
    let newest = audit.page(query).await?.entries.pop();
    Ok(newest.filter(|entry| entry.number == number))
}

/// A change for the record: nothing holds by it.
#[derive(Debug, Clone, Default)]
pub struct Change<'a> {
    /// Its kind, such as `stream.settings`.
    pub what: &'a str,
    /// The stream it concerns, if it is one.
    pub stream: Option<&'a StreamId>,
    /// What was changed.
    pub subject: &'a str,
    /// How it was.
    pub before: Option<Value>,
    /// How it is now.
    pub after: Option<Value>,
}

/// Keeps a change in the audit log. It is done already: one that cannot be recorded is told in this host's log, with
/// all that the entry would have, and stays done.
pub async fn note(audit: &dyn Audit, by: By, change: Change<'_>) {
    let deed = Deed::Change {
        what: change.what.to_owned(),
        stream: change.stream.cloned(),
        subject: cut(change.subject).to_owned(),
        before: change.before,
        after: change.after,
    };
    let actor = by.actor.clone();
    if let Err(error) = audit.record(by, deed.clone(), None).await {
        tracing::warn!(%error, %actor, ?deed, "a change is done and not in the audit log");
    }
}

/// As much of a text as a change's subject may have.
fn cut(text: &str) -> &str {
    let end = (0..=CHANGE_BYTES_MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_subject_is_cut_between_characters() {
        assert_eq!(cut("words"), "words");
        let long = "ä".repeat(CHANGE_BYTES_MAX);
        let cut = cut(&long);
        assert_eq!(cut.len(), CHANGE_BYTES_MAX);
        let odd = format!("a{}", "ä".repeat(CHANGE_BYTES_MAX));
        assert_eq!(super::cut(&odd).len(), CHANGE_BYTES_MAX - 1);
    }
}
