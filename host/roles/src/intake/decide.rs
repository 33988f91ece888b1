//! Moderators' decisions on comments: into the audit log first, which lets one of several at once through, then into
//! the room's log (R37).

use ringside_core::error::Problem;
use ringside_core::event::Remover;
use ringside_core::wire::Review;
use ringside_core::{Action, Author, Comment, CommentId, EventKind, Failure, StreamId, Visibility};
use ringside_ports::audit::{AuditEntry, AuditQuery, Deed};

use super::find::not_found;
use super::{Intake, needs_moderator};
use crate::deeds::{self, by, refused};

/// A decision that shows no effect after this long is one whose host died in between: another takes its place. Beyond
/// the longest that a host waits for the room's log.
const STALLED_MS: u64 = 30_000;

/// What is left to do for a decision.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Nothing: it was decided so, and is so.
    Nothing,
    /// It is recorded and shows no effect: its event is missing.
    Append,
    /// All of it, in the place of another entry where one stands.
    Record { instead_of: Option<u64> },
}

impl Intake {
    /// Approves a comment or takes it away, for `reason`.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `Unavailable`; `Conflict` when another moderator decided on it: the detail says who
    /// and when.
    pub async fn decide(
        &self,
        user: &Author,
        stream: &StreamId,
        id: CommentId,
        review: Review,
        reason: &str,
    ) -> Result<(), Failure> {
        needs_moderator(user)?;
        let comment = self.current(stream, id).await?.ok_or_else(|| not_found(stream, id))?.comment;
        let standing = self.standing(id).await?;
        let now_ms = self.services.clock.now_ms();
        let instead_of = match step(review, &comment, standing.as_ref(), user, now_ms)? {
            Step::Nothing => return Ok(()),
            Step::Append => {
                self.append_decision(user, comment, review, reason).await?;
                self.count("moderate");
                return Ok(());
            }
            Step::Record { instead_of } => instead_of,
        };
        let deed = match review {
            Review::Approve => Deed::Approve { stream: stream.clone(), comment: id },
            Review::Remove => Deed::Remove { stream: stream.clone(), comment: id },
        };
        let audit = &self.services.audit;
        let recorded = audit.record(by(user, now_ms, reason), deed, instead_of).await;
        let entry = recorded.map_err(|error| refused(&error))?;
        if let Err(failure) = self.append_decision(user, comment, review, reason).await {
            let now_ms = self.services.clock.now_ms();
            let why = "it did not get into the room's log";
            if let Err(error) = audit.undo(by(user, now_ms, why), entry.number).await {
                tracing::warn!(%error, entry = entry.number, "a decision without effect stands in the audit log");
            }
            return Err(failure);
        }
        self.count("moderate");
        Ok(())
    }

    /// Undoes what an entry of the audit log did: lifts a restriction, sends an approved comment back to the review
    /// queue, gives back a removed one. Returns the entry of the undoing.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `Unavailable`; `Conflict` when it is undone or replaced: the detail says by whom and
    /// when. `InvalidField` for what cannot be undone: a change, an undoing.
    pub async fn undo(&self, user: &Author, number: u64, reason: &str) -> Result<AuditEntry, Failure> {
        needs_moderator(user)?;
        let audit = &self.services.audit;
        let found = deeds::entry(&**audit, number).await.map_err(|error| refused(&error))?;
        let found = found.ok_or_else(|| {
            let detail = format!("the audit log has no entry {number}: `GET /v1/audit` lists them");
            Failure::new(Problem::NotFound, detail)
        })?;
        let now_ms = self.services.clock.now_ms();
        let undone = audit.undo(by(user, now_ms, reason), number).await.map_err(|error| refused(&error))?;
        let effect = match &found.deed {
            Deed::Approve { stream, comment } => self.back_to_review(stream, *comment, user).await,
            Deed::Remove { stream, comment } => self.restore(stream, *comment, user).await,
            _ => Ok(()),
        };
        if let Err(failure) = effect {
            let why = "its undoing did not get into the room's log";
            if let Err(error) = audit.record(by(user, now_ms, why), found.deed, None).await {
                tracing::warn!(%error, entry = number, "a decision is undone in the audit log alone");
            }
            return Err(failure);
        }
        Ok(undone)
    }

    /// An approved comment waits for a moderator again.
    async fn back_to_review(&self, stream: &StreamId, id: CommentId, user: &Author) -> Result<(), Failure> {
        let Some(stored) = self.current(stream, id).await? else { return Ok(()) };
        let mut comment = stored.comment;
        if comment.visibility != Visibility::Shown {
            return Ok(());
        }
        comment.visibility = Visibility::Held;
        comment.judgement.action = Action::Hold;
        if comment.judgement.slot.is_empty() {
            comment.judgement.slot = "moderators".into();
            comment.judgement.reason = format!("`{}` took its approval back", user.id);
        }
        self.append(user, stream, EventKind::CommentModerated { comment }).await.map(drop)
    }

    /// A removed comment is seen again by those who saw it before.
    async fn restore(&self, stream: &StreamId, id: CommentId, user: &Author) -> Result<(), Failure> {
        let Some(stored) = self.current(stream, id).await? else { return Ok(()) };
        let mut comment = stored.comment;
        if comment.visibility != Visibility::Removed {
            return Ok(());
        }
        // What was rejected was never seen by anyone: a moderator decides.
        comment.visibility = comment.judgement.action.visibility().unwrap_or(Visibility::Held);
        let kind = EventKind::CommentRestored { comment, actor: user.id.clone() };
        self.append(user, stream, kind).await.map(drop)
    }

    /// The decision on a comment that stands.
    async fn standing(&self, comment: CommentId) -> Result<Option<AuditEntry>, Failure> {
        let query = AuditQuery { comment: Some(comment), most: 1, ..AuditQuery::default() };
        let page = self.services.audit.page(query).await.map_err(|error| refused(&error))?;
        // Whatever is undone, nothing stands until the next decision.
        Ok(page
            .entries
            .into_iter()
            .next()
            .filter(|entry| entry.undoes.is_none() && entry.undone_by.is_none()))
    }

    async fn append_decision(
        &self,
        user: &Author,
        mut comment: Comment,
        review: Review,
        reason: &str,
    ) -> Result<(), Failure> {
        let stream = comment.stream.clone();
        let kind = match review {
            Review::Approve if comment.visibility == Visibility::Shown => {
                // Shown already: the review queue alone hears of it.
                comment.judgement.action = Action::Accept;
                EventKind::CommentModerated { comment }
            }
            Review::Approve => {
                comment.visibility = Visibility::Shown;
                EventKind::CommentApproved { comment, actor: user.id.clone() }
            }
            Review::Remove => removed(user, comment.id, Remover::Moderator, reason),
        };
        self.append(user, &stream, kind).await.map(drop)
    }
}

/// The event that takes a comment away.
pub(super) fn removed(user: &Author, comment: CommentId, by: Remover, reason: &str) -> EventKind {
    EventKind::CommentRemoved { comment, by, actor: Some(user.id.clone()), reason: reason.to_owned() }
}

/// What a decision on a comment as it is now needs, where `standing` is the decision before it.
fn step(
    review: Review,
    comment: &Comment,
    standing: Option<&AuditEntry>,
    user: &Author,
    now_ms: u64,
) -> Result<Step, Failure> {
    let is_approved = comment.visibility == Visibility::Shown && comment.judgement.action != Action::Flag;
    let is_removed = comment.visibility == Visibility::Removed;
    let Some(standing) = standing else {
        return match review {
            Review::Approve if is_removed => Err(taken_away()),
            Review::Approve if is_approved => Ok(Step::Nothing),
            Review::Remove if is_removed => Ok(Step::Nothing),
            _ => Ok(Step::Record { instead_of: None }),
        };
    };
    let (stands, has_effect) = match &standing.deed {
        Deed::Remove { .. } => (Review::Remove, is_removed),
        _ => (Review::Approve, is_approved),
    };
    let (is_same, is_mine) = (stands == review, standing.by.actor == user.id);
    let decided = || Failure::new(Problem::Conflict, format!("decided already: {}", standing.told(now_ms)));
    let instead = Step::Record { instead_of: Some(standing.number) };
    if has_effect {
        return match (is_same, is_mine, review) {
            (true, true, _) => Ok(Step::Nothing),
            (false, _, Review::Remove) => Ok(instead),
            _ => Err(decided()),
        };
    }
    if is_removed {
        return if review == Review::Remove { Ok(Step::Nothing) } else { Err(taken_away()) };
    }
    let was_edited = comment.edited_at_ms.is_some_and(|edited_at_ms| edited_at_ms > standing.by.at_ms);
    if was_edited || now_ms.saturating_sub(standing.by.at_ms) >= STALLED_MS {
        return Ok(instead);
    }
    if is_same && is_mine { Ok(Step::Append) } else { Err(decided()) }
}

fn taken_away() -> Failure {
    let detail = "this comment was removed, by its author or by a component: it stays away";
    Failure::new(Problem::Conflict, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_core::{Judgement, Role, UserId};

    fn moderator(id: &str) -> Author {
        Author { id: UserId::new(id).unwrap(), name: id.into(), role: Role::Moderator, member: false }
    }

    fn comment(visibility: Visibility, action: Action) -> Comment {
        Comment {
            id: CommentId::from_halves(1, 1),
            stream: StreamId::new("s").unwrap(),
            author: moderator("ann"),
            text: "hi".into(),
            reply_to: None,
            mentions: Vec::new(),
            reference: None,
            at_ms: 0,
            edited_at_ms: None,
            visibility,
            judgement: Judgement { action, ..Judgement::default() },
        }
    }

    fn stood(deed: fn(StreamId, CommentId) -> Deed, at_ms: u64) -> AuditEntry {
        AuditEntry {
            number: 7,
            by: by(&moderator("mona"), at_ms, ""),
            deed: deed(StreamId::new("s").unwrap(), CommentId::from_halves(1, 1)),
            instead_of: None,
            undoes: None,
            undone_by: None,
        }
    }

    #[test]
    fn one_decision_stands_until_another_takes_its_place_or_it_shows_no_effect() {
        let approve = |stream, comment| Deed::Approve { stream, comment };
        let remove = |stream, comment| Deed::Remove { stream, comment };
        let (held, shown, flagged, gone) = (
            comment(Visibility::Held, Action::Hold),
            comment(Visibility::Shown, Action::Accept),
            comment(Visibility::Shown, Action::Flag),
            comment(Visibility::Removed, Action::Accept),
        );
        let edited = Comment { edited_at_ms: Some(1_500), ..flagged.clone() };
        let (fresh, late) = (2_000, 1_000 + STALLED_MS);
        let anew = Some(Step::Record { instead_of: None });
        let instead = || Some(Step::Record { instead_of: Some(7) });
        let cases = [
            // What is decided, on which comment, what stands, by whom, when, and what is left to do; none: a conflict.
            (Review::Approve, &held, None, "max", fresh, anew),
            (Review::Approve, &shown, None, "max", fresh, Some(Step::Nothing)),
            (Review::Approve, &gone, None, "max", fresh, None),
            (Review::Remove, &gone, None, "max", fresh, Some(Step::Nothing)),
            (Review::Approve, &shown, Some(stood(approve, 1_000)), "max", late, None),
            (Review::Approve, &shown, Some(stood(approve, 1_000)), "mona", late, Some(Step::Nothing)),
            (Review::Remove, &shown, Some(stood(approve, 1_000)), "max", fresh, instead()),
            (Review::Approve, &gone, Some(stood(remove, 1_000)), "mona", late, None),
            (Review::Remove, &gone, Some(stood(remove, 1_000)), "max", late, None),
            (Review::Remove, &gone, Some(stood(approve, 1_000)), "mona", late, Some(Step::Nothing)),
            (Review::Approve, &held, Some(stood(approve, 1_000)), "max", fresh, None),
            (Review::Approve, &held, Some(stood(approve, 1_000)), "mona", fresh, Some(Step::Append)),
            (Review::Remove, &held, Some(stood(approve, 1_000)), "mona", fresh, None),
            (Review::Remove, &held, Some(stood(approve, 1_000)), "max", late, instead()),
            (Review::Approve, &flagged, Some(stood(approve, 1_000)), "max", fresh, None),
            (Review::Approve, &edited, Some(stood(approve, 1_000)), "max", fresh, instead()),
        ];
        for (case, (review, comment, standing, user, now_ms, expected)) in cases.into_iter().enumerate() {
            let found = step(review, comment, standing.as_ref(), &moderator(user), now_ms);
            if let Err(failure) = &found {
                assert_eq!(failure.problem, Problem::Conflict, "case {case}");
            }
            assert_eq!(found.ok(), expected, "case {case}");
        }
    }
}
