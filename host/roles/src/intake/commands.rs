//! Commands that are not posts: delete, react, emoji, pin, settings, review.

use ringside_core::error::Problem;
use ringside_core::event::Remover;
use ringside_core::wire::Review;
use ringside_core::{
    Action, Author, CommentId, EventKind, Failure, Reaction, RegionId, Settings, SettingsPatch, Stamp,
    StreamId, Visibility,
};
use ringside_ports::comments::Reacted;
use ringside_ports::counters::{Hit, Window};
use ringside_ports::policy::{Activity, Admission, Admitted};

use super::find::not_found;
use super::post::WINDOW_MS;
use super::{Intake, needs_moderator, needs_sign_in, unavailable};

impl Intake {
    pub(super) async fn delete_comment(
        &self,
        user: &Author,
        stream: &StreamId,
        id: CommentId,
    ) -> Result<(), Failure> {
        needs_sign_in(user)?;
        let stored = self.current(stream, id).await?.ok_or_else(|| not_found(stream, id))?;
        let wrote = stored.comment.author.id == user.id;
        if !wrote && !user.role.moderates() {
            return Err(if stored.comment.visibility == Visibility::Shown {
                Failure::new(Problem::Forbidden, "only its author and moderators may delete a comment")
            } else {
                not_found(stream, id)
            });
        }
        if stored.comment.visibility == Visibility::Removed {
            return Ok(());
        }
        let by = if wrote { Remover::Author } else { Remover::Moderator };
        self.remove(user, stream, id, by).await?;
        self.count("delete");
        Ok(())
    }

    async fn remove(
        &self,
        user: &Author,
        stream: &StreamId,
        id: CommentId,
        by: Remover,
    ) -> Result<(), Failure> {
        let kind = EventKind::CommentRemoved {
            comment: id,
            by,
            actor: Some(user.id.clone()),
            reason: String::new(),
        };
        self.services.appender.append(stream, kind).await.map(drop)
    }

    pub(super) async fn react_to(
        &self,
        user: &Author,
        stream: &StreamId,
        id: CommentId,
        reaction: Reaction,
    ) -> Result<Reacted, Failure> {
        needs_sign_in(user)?;
        self.find(Some(user), stream, id).await?;
        if let Some(wait) = self.admit(user, stream, Activity::Reaction).await? {
            return Ok(wait);
        }
        let kind = EventKind::ReactionSet {
            comment: id,
            user: user.id.clone(),
            reaction,
            stamp: Stamp { at_ms: self.services.clock.now_ms(), region: self.region() },
        };
        self.services.appender.append(stream, kind).await?;
        self.count("reaction");
        Ok(Reacted::Done)
    }

    pub(super) async fn count_emoji(
        &self,
        user: &Author,
        stream: &StreamId,
        emoji: String,
        count: u32,
    ) -> Result<Reacted, Failure> {
        needs_sign_in(user)?;
        if let Some(wait) = self.admit(user, stream, Activity::Emoji).await? {
            return Ok(wait);
        }
        self.emoji.count(stream, emoji, count).await?;
        self.count("emoji");
        Ok(Reacted::Done)
    }

    /// None when the throttle lets it through.
    async fn admit(
        &self,
        user: &Author,
        stream: &StreamId,
        activity: Activity,
    ) -> Result<Option<Reacted>, Failure> {
        let settings = self.streams.settings(stream).await?;
        let hits = [Hit { key: format!("{}/{stream}/{}", activity.as_str(), user.id), window_ms: WINDOW_MS }];
        let now_ms = self.services.clock.now_ms();
        let window = match self.services.counters.hit(now_ms, &hits).await {
            Ok(windows) => windows.first().copied().unwrap_or_default(),
            Err(error) => {
                tracing::warn!(%error, "the counters do not answer, going on without them");
                Window::default()
            }
        };
        let admission = Admission {
            stream: stream.clone(),
            settings,
            author: user.clone(),
            activity,
            count_in_window: window.count,
            window_ms: WINDOW_MS,
            oldest_age_ms: window.oldest_age_ms,
            since_last_ms: window.newest_age_ms,
            comments_per_second: self.pace(stream, 0),
        };
        let admitted = self.services.policy.admit(vec![admission]).await;
        let admitted = match admitted {
            Ok(mut admitted) => admitted.pop().unwrap_or(Admitted::Yes),
            Err(error) => {
                self.take_back(&hits).await;
                return Err(unavailable(&error));
            }
        };
        match admitted {
            Admitted::Yes => Ok(None),
            Admitted::Wait(ms) => {
                self.take_back(&hits).await;
                Ok(Some(Reacted::RateLimited(ms)))
            }
            Admitted::Refused(reason) => {
                self.take_back(&hits).await;
                Err(Failure::new(Problem::Forbidden, reason))
            }
        }
    }

    pub(super) async fn pin_comment(
        &self,
        user: &Author,
        stream: &StreamId,
        id: Option<CommentId>,
    ) -> Result<(), Failure> {
        needs_moderator(user)?;
        let comment = match id {
            None => None,
            Some(id) => {
                let stored = self.find_current(Some(user), stream, id).await?;
                if stored.comment.visibility != Visibility::Shown {
                    return Err(Failure::new(Problem::Conflict, "approve a held comment before pinning it"));
                }
                Some(stored.comment)
            }
        };
        let kind = EventKind::Pinned { comment, actor: user.id.clone() };
        self.services.appender.append(stream, kind).await?;
        self.count("pin");
        Ok(())
    }

    pub(super) async fn patch_settings(
        &self,
        user: &Author,
        stream: &StreamId,
        patch: SettingsPatch,
    ) -> Result<Settings, Failure> {
        needs_moderator(user)?;
        let settings = self
            .streams
            .change(stream, |before| {
                patch.apply(before).map_err(|error| Failure::new(Problem::InvalidSettings, error.to_string()))
            })
            .await?;
        let kind = EventKind::SettingsChanged { settings: settings.clone(), actor: user.id.clone() };
        self.services.appender.append(stream, kind).await?;
        self.count("settings");
        Ok(settings)
    }

    pub(super) async fn review(
        &self,
        user: &Author,
        stream: &StreamId,
        id: CommentId,
        review: Review,
    ) -> Result<(), Failure> {
        needs_moderator(user)?;
        let stored = self.current(stream, id).await?.ok_or_else(|| not_found(stream, id))?;
        let mut comment = stored.comment;
        match (review, comment.visibility) {
            (Review::Approve, Visibility::Shown) if comment.judgement.action == Action::Flag => {
                // Shown already: the review queue alone hears of it.
                comment.judgement.action = Action::Accept;
                self.services.appender.append(stream, EventKind::CommentModerated { comment }).await?;
            }
            (Review::Approve, Visibility::Shown) | (Review::Remove, Visibility::Removed) => return Ok(()),
            (Review::Approve, Visibility::Removed) => {
                return Err(Failure::new(Problem::Conflict, "this comment was removed already"));
            }
            (Review::Approve, Visibility::Held | Visibility::Shadow) => {
                comment.visibility = Visibility::Shown;
                let kind = EventKind::CommentApproved { comment, actor: user.id.clone() };
                self.services.appender.append(stream, kind).await?;
            }
            (Review::Remove, _) => self.remove(user, stream, id, Remover::Moderator).await?,
        }
        self.count("moderate");
        Ok(())
    }

    fn region(&self) -> RegionId {
        self.services.appender.region().clone()
    }
}
