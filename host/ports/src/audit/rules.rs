//! When a deed may be recorded or undone, and what whoever may not is told: the same with every adapter, which
//! brings what it found in the transaction that records.

use super::{AuditEntry, By, CHANGE_BYTES_MAX, Deed, REASON_BYTES_MAX, STATE_BYTES_MAX};
use crate::error::{PortError, PortErrorKind, PortResult};
use ringside_core::moderation::RestrictionKind;

const RECORD: &str = "audit.record";
const UNDO: &str = "audit.undo";

fn refused<T>(kind: PortErrorKind, operation: &'static str, detail: String) -> PortResult<T> {
    Err(PortError::new(kind, operation, detail))
}

fn invalid<T>(operation: &'static str, detail: impl Into<String>) -> PortResult<T> {
    refused(PortErrorKind::Invalid, operation, detail.into())
}

fn text(operation: &'static str, name: &str, text: &str, max: usize) -> PortResult<()> {
    if text.len() > max {
        return invalid(operation, format!("the {name} has {} bytes: at most {max}", text.len()));
    }
    if text.contains('\0') {
        return invalid(operation, format!("the {name} has a NUL character: leave it out"));
    }
    Ok(())
}

/// How long ago something was, for people. Both in milliseconds since 1970.
#[must_use]
pub fn ago(then_ms: u64, now_ms: u64) -> String {
    let seconds = now_ms.saturating_sub(then_ms) / 1_000;
    match seconds {
        0..120 => format!("{seconds} s ago"),
        120..7_200 => format!("{} min ago", seconds / 60),
        7_200..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

impl By {
    fn check(&self, operation: &'static str) -> PortResult<()> {
        text(operation, "reason", &self.reason, REASON_BYTES_MAX)
    }
}

impl AuditEntry {
    /// What was done, by whom and when, for people: `user.ban` by `mod` 3 s ago (entry 7).
    #[must_use]
    pub fn told(&self, now_ms: u64) -> String {
        let undone = if self.undoes.is_some() { "undoing " } else { "" };
        let when = ago(self.by.at_ms, now_ms);
        format!("{undone}`{}` by `{}` {when} (entry {})", self.deed.kind(), self.by.actor, self.number)
    }

    fn is_over(&self, now_ms: u64) -> bool {
        self.restriction().is_some_and(|restriction| !restriction.holds_at(now_ms))
    }

    /// Whether a repeated call may be answered with this entry, which has its actor and reference.
    ///
    /// # Errors
    /// `Conflict`.
    pub fn repeats(&self, by: &By, deed: Option<&Deed>, undoes: Option<u64>) -> PortResult<()> {
        if self.undoes == undoes && deed.is_none_or(|deed| *deed == self.deed) {
            return Ok(());
        }
        let operation = if undoes.is_some() { UNDO } else { RECORD };
        let detail = format!("the reference is used for {}: take another", self.told(by.at_ms));
        refused(PortErrorKind::Conflict, operation, detail)
    }

    /// Whether this entry may be undone, where `undone` undid it before and `standing` stands in its place.
    ///
    /// # Errors
    /// Those of [`super::Audit::undo`].
    pub fn may_be_undone(&self, by: &By, undone: Option<&Self>, standing: Option<&Self>) -> PortResult<()> {
        by.check(UNDO)?;
        let number = self.number;
        if let Some(undoes) = self.undoes {
            return invalid(UNDO, format!("entry {number} undid entry {undoes}: do that again instead"));
        }
        if matches!(self.deed, Deed::Change { .. }) {
            return invalid(UNDO, format!("entry {number} is a change: change it back instead"));
        }
        let conflict = |detail| refused(PortErrorKind::Conflict, UNDO, detail);
        if let Some(undone) = undone {
            return conflict(format!("entry {number} is undone: {}", undone.told(by.at_ms)));
        }
        match standing {
            Some(standing) if standing.number == number && !self.is_over(by.at_ms) => Ok(()),
            Some(standing) if standing.number != number => {
                conflict(format!("entry {number} was replaced: {}", standing.told(by.at_ms)))
            }
            _ => conflict(format!("entry {number} stands no more")),
        }
    }
}

impl Deed {
    fn check(&self) -> PortResult<()> {
        match self {
            Self::Approve { .. } | Self::Remove { .. } => Ok(()),
            Self::Restrict { kind, stream, .. } => match stream {
                Some(stream) if *kind == RestrictionKind::Ban => invalid(
                    RECORD,
                    format!(
                        "a ban is on all streams, not on `{stream}`: give a time-out there, or leave the stream out"
                    ),
                ),
                _ => Ok(()),
            },
            Self::Change { what, subject, before, after, .. } => {
                let is_kind = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'-');
                if what.is_empty() || !what.bytes().all(is_kind) {
                    return invalid(
                        RECORD,
                        format!("`{what}` is no kind of change: use a-z, dots and hyphens"),
                    );
                }
                if ["comment.", "user."].iter().any(|taken| what.starts_with(taken)) {
                    return invalid(
                        RECORD,
                        format!("`{what}` would look like a decision: begin with another word"),
                    );
                }
                text(RECORD, "kind of change", what, CHANGE_BYTES_MAX)?;
                text(RECORD, "subject", subject, CHANGE_BYTES_MAX)?;
                for state in [before, after].into_iter().flatten() {
                    let state = state.to_string();
                    text(RECORD, "state", &state, STATE_BYTES_MAX)?;
                    if state.contains(r"\u0000") {
                        return invalid(RECORD, "the state has a NUL character: leave it out");
                    }
                }
                Ok(())
            }
        }
    }

    /// Whether this may be recorded where `standing` is found in its place.
    ///
    /// # Errors
    /// Those of [`super::Audit::record`].
    pub fn may_be_recorded(
        &self,
        by: &By,
        standing: Option<&AuditEntry>,
        instead_of: Option<u64>,
    ) -> PortResult<()> {
        by.check(RECORD)?;
        self.check()?;
        if let (Self::Change { what, .. }, Some(number)) = (self, instead_of) {
            return invalid(RECORD, format!("`{what}` takes the place of no entry, nor of {number}"));
        }
        let holding = standing.filter(|standing| !standing.is_over(by.at_ms));
        let conflict = |detail| refused(PortErrorKind::Conflict, RECORD, detail);
        match (holding, instead_of) {
            (None, None) => Ok(()),
            (Some(standing), Some(number)) if standing.number == number => Ok(()),
            (Some(standing), _) => conflict(format!("decided already: {}", standing.told(by.at_ms))),
            (None, Some(number)) => conflict(format!("entry {number} stands no more: decide anew")),
        }
    }
}
