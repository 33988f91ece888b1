//! What a user may not do on a stream just now, as moderators decided.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ringside_core::error::Problem;
use ringside_core::{Action, Author, Failure, Judgement, Restriction, RestrictionKind, StreamId};

use super::{Intake, needs_sign_in};

impl Intake {
    /// For who may comment, react and send emoji on a stream; gives the shadow-ban that holds there, if one does.
    ///
    /// # Errors
    /// `Unauthenticated`, `Banned`, `TimeOut` with the wait.
    pub(super) async fn may_act(
        &self,
        user: &Author,
        stream: &StreamId,
    ) -> Result<Option<Restriction>, Failure> {
        needs_sign_in(user)?;
        let now_ms = self.services.clock.now_ms();
        let restrictions = match self.services.audit.restrictions(now_ms, &user.id).await {
            Ok(restrictions) => restrictions,
            Err(error) => {
                // People go on talking while the audit log is away: told once, not for each comment.
                if !self.restrictions_away.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "restrictions cannot be read: time-outs and shadow-bans lapse");
                }
                return Ok(None);
            }
        };
        if self.restrictions_away.swap(false, Ordering::Relaxed) {
            tracing::info!("restrictions are read again");
        }
        let here = |restriction: &&Restriction| {
            restriction.stream.as_ref().is_none_or(|restricted| restricted == stream)
        };
        // The most severe counts, and of several time-outs the one that ends last.
        let most = restrictions.iter().filter(here).max_by_key(|one| {
            (one.kind != RestrictionKind::ShadowBan, one.kind, one.until_ms.unwrap_or(u64::MAX))
        });
        match most {
            None => Ok(None),
            Some(restriction) if restriction.kind == RestrictionKind::ShadowBan => {
                Ok(Some(restriction.clone()))
            }
            Some(restriction) => Err(told(restriction, now_ms)),
        }
    }
}

/// What someone who may not act is told: why, and how long.
fn told(restriction: &Restriction, now_ms: u64) -> Failure {
    let mut detail = match (restriction.kind, &restriction.stream) {
        (RestrictionKind::Ban, _) => "you are banned".to_owned(),
        (_, Some(stream)) => format!("a moderator gave you a time-out on `{stream}`"),
        (_, None) => "a moderator gave you a time-out on all streams".to_owned(),
    };
    if !restriction.reason.is_empty() {
        detail.push_str(": ");
        detail.push_str(&restriction.reason);
    }
    let problem = match restriction.kind {
        RestrictionKind::Ban => Problem::Banned,
        RestrictionKind::TimeOut | RestrictionKind::ShadowBan => Problem::TimeOut,
    };
    match restriction.until_ms {
        Some(until_ms) => {
            let wait = Duration::from_millis(until_ms.saturating_sub(now_ms));
            detail.push_str(&format!(" (over in {} s)", wait.as_millis().div_ceil(1_000)));
            Failure::retry(problem, detail, wait)
        }
        None => Failure::new(problem, detail),
    }
}

/// A comment of someone shadow-banned gets what a component's verdict `shadow-ban` gives, unless the chain is stricter.
pub(super) fn shadowed(mut judgement: Judgement, ban: Option<&Restriction>) -> Judgement {
    if let Some(ban) = ban
        && judgement.action < Action::ShadowBan
    {
        judgement.action = Action::ShadowBan;
        judgement.slot = "moderators".into();
        judgement.reason = format!("shadow-banned by `{}`: {}", ban.by, ban.reason);
    }
    judgement
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_core::UserId;

    fn restriction(kind: RestrictionKind, until_ms: Option<u64>) -> Restriction {
        Restriction {
            user: UserId::new("ann").unwrap(),
            kind,
            stream: None,
            until_ms,
            reason: "spam".into(),
            by: UserId::new("mona").unwrap(),
            since_ms: 0,
            entry: 1,
        }
    }

    #[test]
    fn who_is_in_a_time_out_is_told_why_and_how_long() {
        let failure = told(&restriction(RestrictionKind::TimeOut, Some(61_500)), 1_000);
        assert_eq!(failure.problem, Problem::TimeOut);
        assert_eq!(failure.retry_after, Some(Duration::from_millis(60_500)));
        assert_eq!(failure.detail, "a moderator gave you a time-out on all streams: spam (over in 61 s)");
        let for_good = told(&restriction(RestrictionKind::Ban, None), 1_000);
        assert_eq!((for_good.problem, for_good.retry_after), (Problem::Banned, None));
    }

    #[test]
    fn a_shadow_ban_hides_what_would_be_shown_or_held_and_nothing_that_is_refused() {
        let ban = restriction(RestrictionKind::ShadowBan, None);
        for (action, expected) in [
            (Action::Accept, Action::ShadowBan),
            (Action::Flag, Action::ShadowBan),
            (Action::Hold, Action::ShadowBan),
            (Action::Reject, Action::Reject),
        ] {
            let judgement = Judgement { action, ..Judgement::default() };
            assert_eq!(shadowed(judgement.clone(), Some(&ban)).action, expected, "{action:?}");
            assert_eq!(shadowed(judgement.clone(), None), judgement);
        }
    }
}
