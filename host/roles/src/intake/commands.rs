//! Commands that are not posts: delete, react, emoji, pin, settings.

use std::sync::Mutex;

use ringside_core::error::Problem;
use ringside_core::event::Remover;
use ringside_core::wire::Review;
use ringside_core::{
    Author, CommentId, EventKind, Failure, Reaction, RegionId, Settings, SettingsPatch, Stamp, StreamId,
    Visibility,
};
use ringside_ports::comments::Reacted;
use ringside_ports::counters::{Hit, Window};
use ringside_ports::policy::{Activity, Admission, Admitted};
use serde_json::{Value, json};

use super::decide::removed;
use super::find::not_found;
use super::post::WINDOW_MS;
use super::{Intake, lock, needs_moderator, needs_sign_in, unavailable};
use crate::deeds::{self, Change};

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
        if !wrote {
            return self.decide(user, stream, id, Review::Remove, "").await;
        }
        if stored.comment.visibility == Visibility::Removed {
            return Ok(());
        }
        let kind = removed(user, id, Remover::Author, "");
        self.append(user, stream, kind).await?;
        self.count("delete");
        Ok(())
    }

    pub(super) async fn react_to(
        &self,
        user: &Author,
        stream: &StreamId,
        id: CommentId,
        reaction: Reaction,
    ) -> Result<Reacted, Failure> {
        self.may_act(user, stream).await?;
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
        self.append(user, stream, kind).await?;
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
        self.may_act(user, stream).await?;
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
        let after = comment.as_ref().map(|comment| json!({ "comment": comment.id }));
        let kind = EventKind::Pinned { comment, actor: user.id.clone() };
        self.append(user, stream, kind).await?;
        self.count("pin");
        self.note(user, stream, "stream.pin", None, after).await;
        Ok(())
    }

    pub(super) async fn patch_settings(
        &self,
        user: &Author,
        stream: &StreamId,
        patch: SettingsPatch,
    ) -> Result<Settings, Failure> {
        needs_moderator(user)?;
        let before = Mutex::new(None);
        let settings = self
            .streams
            .change(stream, |settings| {
                *lock(&before) = Some(settings.clone());
                patch
                    .apply(settings)
                    .map_err(|error| Failure::new(Problem::InvalidSettings, error.to_string()))
            })
            .await?;
        let kind = EventKind::SettingsChanged { settings: settings.clone(), actor: user.id.clone() };
        self.append(user, stream, kind).await?;
        self.count("settings");
        let before = lock(&before).take().and_then(|before| serde_json::to_value(before).ok());
        self.note(user, stream, "stream.settings", before, serde_json::to_value(&settings).ok()).await;
        Ok(settings)
    }

    /// For the record: it is done already.
    async fn note(
        &self,
        user: &Author,
        stream: &StreamId,
        what: &str,
        before: Option<Value>,
        after: Option<Value>,
    ) {
        let by = deeds::by(user, self.services.clock.now_ms(), "");
        let change = Change { what, stream: Some(stream), subject: stream.as_str(), before, after };
        deeds::note(&*self.services.audit, by, change).await;
    }

    fn region(&self) -> RegionId {
        self.services.appender.region().clone()
    }
}
