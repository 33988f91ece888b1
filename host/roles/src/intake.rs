//! The intake: every command of a user, from its checks to its place in the log.
//!
//! WebSocket and REST both end here, so they cannot differ. A comment goes: checks → counters → chain (throttle
//! and moderators) → log → answer; the answer leaves only when the comment is durably in the log.

mod attempts;
mod commands;
mod decide;
mod emoji;
mod find;
mod post;
mod recent;
mod references;
mod restricted;
pub mod streams;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ringside_core::error::Problem;
use ringside_core::wire::Review;
use ringside_core::{
    Author, CommentId, Event, EventKind, Failure, Reaction, Role, Settings, SettingsPatch, StreamId,
};
use ringside_ports::catalog::StreamEntry;
use ringside_ports::comments::{Beside, NewComment, PageAt, Posted, Reacted};
use ringside_ports::store::{PageQuery, StoredComment};
use ringside_ports::{Audit, Catalog, Comments, Counters, Log, Policy, PortError, Span, Store};
use tokio_util::sync::CancellationToken;

use crate::appender::Appender;
use crate::clock::Clock;
use crate::history::{History, is_change};
use crate::metrics::{ActivityLabel, RoleMetrics};
use crate::pace::Pace;
use emoji::EmojiGatherer;
use recent::RecentTexts;
use references::References;
use streams::Streams;

/// What the intake works with.
#[derive(Clone)]
pub struct IntakeServices {
    /// Asked how far it goes, when a comment is not yet in the store.
    pub log: Arc<dyn Log>,
    /// Takes events.
    pub appender: Appender,
    /// Read as it stands now, by commands whose answer depends on it.
    pub store: Arc<dyn Store>,
    /// What viewers read.
    pub history: Arc<History>,
    /// Streams and settings.
    pub catalog: Arc<dyn Catalog>,
    /// What moderators decided: restrictions are asked for with each comment, and decisions recorded.
    pub audit: Arc<dyn Audit>,
    /// Limits over all hosts.
    pub counters: Arc<dyn Counters>,
    /// The chain.
    pub policy: Arc<dyn Policy>,
    /// Time.
    pub clock: Clock,
    /// Counted.
    pub metrics: RoleMetrics,
}

/// How the intake behaves.
#[derive(Debug, Clone)]
pub struct IntakeOptions {
    /// An unknown stream id registers a stream, as `dev` wants it; else streams are registered by operators.
    pub open_streams: bool,
}

/// Carries out commands. One for a process.
pub struct Intake {
    services: IntakeServices,
    streams: Arc<Streams>,
    references: References,
    recent: Mutex<RecentTexts>,
    pace: Mutex<Pace>,
    emoji: EmojiGatherer,
    /// Restrictions could not be read when they were last asked for.
    restrictions_away: AtomicBool,
}

impl Intake {
    /// Starts the intake; its background task (gathering emoji) ends with `stop`.
    #[must_use]
    pub fn start(services: IntakeServices, options: &IntakeOptions, stop: CancellationToken) -> Arc<Self> {
        let streams =
            Arc::new(Streams::new(services.catalog.clone(), services.clock.clone(), options.open_streams));
        let emoji = EmojiGatherer::start(services.appender.clone(), services.store.clone(), stop);
        Arc::new(Self {
            services,
            streams,
            references: References::default(),
            recent: Mutex::default(),
            pace: Mutex::default(),
            emoji,
            restrictions_away: AtomicBool::new(false),
        })
    }

    /// Streams and their settings, shared with the judge.
    #[must_use]
    pub fn streams(&self) -> Arc<Streams> {
        self.streams.clone()
    }

    /// Appends an event of a user, who finds it in all that they read from now on.
    async fn append(&self, user: &Author, stream: &StreamId, kind: EventKind) -> Result<Event, Failure> {
        self.append_in(user, stream, kind, None).await
    }

    /// As [`Intake::append`], within a span.
    async fn append_in(
        &self,
        user: &Author,
        stream: &StreamId,
        kind: EventKind,
        span: Option<Span>,
    ) -> Result<Event, Failure> {
        let is_change = is_change(&kind);
        let appended = self.services.appender.append_in(stream, kind, span).await?;
        let history = &self.services.history;
        history.wrote(stream, &user.id, appended.next);
        if is_change {
            history.changed(stream, appended.next);
        }
        Ok(appended.event)
    }

    fn count(&self, activity: &'static str) {
        self.services.metrics.activities.get_or_create(&ActivityLabel { activity }).inc();
    }

    fn pace(&self, stream: &StreamId, comments: u32) -> u32 {
        let now_ms = self.services.clock.now_ms();
        lock(&self.pace).count(stream, comments, now_ms)
    }
}

/// A lock whose holder panicked still guards whole values: nothing here is left half-changed.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What a failed backend means to a client.
pub(crate) fn unavailable(error: &PortError) -> Failure {
    if error.is_transient() {
        let after = error.retry_after.unwrap_or(Duration::from_secs(1));
        Failure::retry(Problem::Unavailable, "a backend does not answer just now; nothing was lost", after)
    } else {
        tracing::error!(%error, "a backend refused what the intake asked");
        Failure::new(Problem::Internal, "the host failed to do this; the operator finds the cause in its log")
    }
}

fn needs_sign_in(user: &Author) -> Result<(), Failure> {
    if user.role == Role::Anonymous {
        return Err(Failure::new(
            Problem::Unauthenticated,
            "reading needs no token here, this does: sign in",
        ));
    }
    Ok(())
}

fn needs_moderator(user: &Author) -> Result<(), Failure> {
    needs_sign_in(user)?;
    if !user.role.moderates() {
        return Err(Failure::new(
            Problem::Forbidden,
            format!("only moderators may do this; `{}` is a {}", user.id, user.role.as_str()),
        ));
    }
    Ok(())
}

#[async_trait]
impl Comments for Intake {
    async fn stream(&self, id: &str) -> Result<StreamEntry, Failure> {
        self.streams.open(id).await.map(|entry| entry.as_ref().clone())
    }

    async fn post(&self, author: &Author, stream: &StreamId, comment: NewComment) -> Result<Posted, Failure> {
        self.post_comment(author, stream, comment).await
    }

    async fn edit(
        &self,
        author: &Author,
        stream: &StreamId,
        id: CommentId,
        text: String,
    ) -> Result<Posted, Failure> {
        self.edit_comment(author, stream, id, text).await
    }

    async fn delete(&self, user: &Author, stream: &StreamId, id: CommentId) -> Result<(), Failure> {
        self.delete_comment(user, stream, id).await
    }

    async fn react(
        &self,
        user: &Author,
        stream: &StreamId,
        id: CommentId,
        reaction: Reaction,
    ) -> Result<Reacted, Failure> {
        self.react_to(user, stream, id, reaction).await
    }

    async fn emoji(
        &self,
        user: &Author,
        stream: &StreamId,
        emoji: String,
        count: u32,
    ) -> Result<Reacted, Failure> {
        self.count_emoji(user, stream, emoji, count).await
    }

    async fn pin(&self, user: &Author, stream: &StreamId, id: Option<CommentId>) -> Result<(), Failure> {
        self.pin_comment(user, stream, id).await
    }

    async fn change_settings(
        &self,
        user: &Author,
        stream: &StreamId,
        patch: SettingsPatch,
    ) -> Result<Settings, Failure> {
        self.patch_settings(user, stream, patch).await
    }

    async fn moderate(
        &self,
        user: &Author,
        stream: &StreamId,
        id: CommentId,
        review: Review,
    ) -> Result<(), Failure> {
        self.decide(user, stream, id, review, "").await
    }

    async fn page(&self, query: PageQuery) -> Result<PageAt, Failure> {
        self.services.history.page(query).await.map_err(|error| unavailable(&error))
    }

    async fn comment(
        &self,
        reader: Option<&Author>,
        stream: &StreamId,
        id: CommentId,
    ) -> Result<StoredComment, Failure> {
        self.find(reader, stream, id).await
    }

    async fn popular(&self, stream: &StreamId, size: u32) -> Result<Vec<StoredComment>, Failure> {
        self.services.history.popular(stream, size).await.map_err(|error| unavailable(&error))
    }

    async fn beside(&self, stream: &StreamId) -> Result<Beside, Failure> {
        self.services.history.beside(stream).await.map_err(|error| unavailable(&error))
    }
}
