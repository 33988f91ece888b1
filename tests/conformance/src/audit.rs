//! What every audit log must do.

use std::sync::Arc;

use ringside_core::moderation::{Restriction, RestrictionKind};
use ringside_core::{Reference, Role};
use ringside_ports::Audit;
use ringside_ports::audit::{AuditEntry, AuditQuery, By, Deed};
use ringside_ports::error::{PortError, PortErrorKind};

use crate::samples::{id, stream, user};

mod forgetting;
mod pages;
mod restrictions;
mod standing;

pub use forgetting::*;
pub use pages::*;
pub use restrictions::*;
pub use standing::*;

crate::checks!($ audit audit_tests [crate::Place<dyn Audit>] {
    entries_are_numbered_one_by_one,
    a_comment_is_decided_once_and_the_second_moderator_is_told_of_the_first,
    of_many_that_decide_at_once_one_does,
    of_many_that_restrict_or_undo_at_once_one_does,
    a_decision_takes_the_place_of_the_one_it_names,
    what_is_undone_is_undone_once_and_may_be_done_again,
    what_was_replaced_or_is_over_is_not_undone,
    a_change_holds_nothing_and_is_not_undone,
    the_same_reference_is_the_same_deed,
    what_is_too_long_or_makes_no_sense_is_refused,
    a_restriction_holds_until_its_time_or_until_it_is_undone,
    restrictions_of_one_user_do_not_touch_each_other,
    restrictions_on_all_streams_come_first,
    changes_of_restrictions_are_followed_in_order,
    who_follows_the_changes_sees_what_holds_whatever_happens_at_once,
    pages_come_newest_first_and_miss_nothing,
    a_page_is_of_what_was_asked_for,
    an_entry_says_what_undid_it,
    old_entries_are_forgotten_but_not_what_holds,
    a_restart_keeps_the_log_and_what_stands,
});

/// Somebody at a time.
fn by(actor: &str, at_ms: u64) -> By {
    By {
        actor: user(actor),
        role: Role::Moderator,
        at_ms,
        reason: format!("because, says {actor}"),
        reference: None,
    }
}

/// The same deed of a caller who may not hear the answer.
fn by_reference(actor: &str, at_ms: u64, reference: &str) -> By {
    By { reference: Some(Reference::new(reference).unwrap()), ..by(actor, at_ms) }
}

fn approve(n: u64) -> Deed {
    Deed::Approve { stream: stream("s"), comment: id(n) }
}

fn remove(n: u64) -> Deed {
    Deed::Remove { stream: stream("s"), comment: id(n) }
}

fn restrict(of: &str, kind: RestrictionKind, on: Option<&str>, until_ms: Option<u64>) -> Deed {
    Deed::Restrict { user: user(of), kind, stream: on.map(stream), until_ms }
}

fn ban(of: &str) -> Deed {
    restrict(of, RestrictionKind::Ban, None, None)
}

fn change(what: &str, subject: &str) -> Deed {
    Deed::Change { what: what.into(), stream: None, subject: subject.into(), before: None, after: None }
}

async fn recorded(audit: &Arc<dyn Audit>, by: By, deed: Deed) -> AuditEntry {
    audit.record(by, deed, None).await.unwrap()
}

async fn held(audit: &Arc<dyn Audit>, now_ms: u64, of: &str) -> Vec<Restriction> {
    audit.restrictions(now_ms, &user(of)).await.unwrap()
}

async fn all(audit: &Arc<dyn Audit>) -> Vec<AuditEntry> {
    audit.page(AuditQuery { most: 200, ..AuditQuery::default() }).await.unwrap().entries
}

/// A refusal, and what it must name.
fn refused(result: Result<AuditEntry, PortError>, kind: PortErrorKind, names: &[&str]) {
    let error = result.unwrap_err();
    assert_eq!(error.kind, kind, "{error}");
    for name in names {
        assert!(error.detail.contains(name), "`{}` names {name}", error.detail);
    }
}
