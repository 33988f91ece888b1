//! Bugs around the store.

use std::sync::Arc;

use async_trait::async_trait;
use ringside_core::event::Totals;
use ringside_core::reaction::Reaction;
use ringside_core::{Comment, CommentId, Event, Reference, StreamId, UserId};
use ringside_ports::log::Topic;
use ringside_ports::store::{Applied, Page, PageQuery, StoredComment};
use ringside_ports::{Log, PortResult, Store};

use crate::WINDOW;

/// The writer's place, kept apart from the store.
const GROUP: &str = "writer";

/// A store with a bug.
pub(crate) struct FaultyStore {
    pub(crate) store: Arc<dyn Store>,
    /// Where the place is kept before anything was written; none: all that is wrong is that it writes late.
    pub(crate) commits_first: Option<Arc<dyn Log>>,
}

#[async_trait]
impl Store for FaultyStore {
    async fn apply(&self, partition: u32, events: &[(u64, Event)], next: u64) -> PortResult<Applied> {
        if let Some(log) = &self.commits_first {
            log.commit(GROUP, Topic::RoomEvents, partition, next).await?;
        }
        tokio::time::sleep(WINDOW).await;
        self.store.apply(partition, events, next).await
    }

    async fn checkpoint(&self, partition: u32) -> PortResult<u64> {
        match &self.commits_first {
            Some(log) => Ok(log.committed(GROUP, Topic::RoomEvents, partition).await?.unwrap_or(0)),
            None => self.store.checkpoint(partition).await,
        }
    }

    async fn page(&self, query: PageQuery) -> PortResult<Page> {
        self.store.page(query).await
    }

    async fn comment(&self, stream: &StreamId, id: CommentId) -> PortResult<Option<StoredComment>> {
        self.store.comment(stream, id).await
    }

    async fn by_reference(
        &self,
        stream: &StreamId,
        user: &UserId,
        reference: &Reference,
    ) -> PortResult<Option<Comment>> {
        self.store.by_reference(stream, user, reference).await
    }

    async fn reactions_of(
        &self,
        stream: &StreamId,
        user: &UserId,
        comments: &[CommentId],
    ) -> PortResult<Vec<(CommentId, Reaction)>> {
        self.store.reactions_of(stream, user, comments).await
    }

    async fn emoji(&self, stream: &StreamId) -> PortResult<Vec<(String, u64)>> {
        self.store.emoji(stream).await
    }

    async fn pinned(&self, stream: &StreamId) -> PortResult<Option<StoredComment>> {
        self.store.pinned(stream).await
    }

    async fn popular(&self, stream: &StreamId, size: u32) -> PortResult<Vec<StoredComment>> {
        self.store.popular(stream, size).await
    }

    async fn recount(&self, stream: &StreamId, comment: CommentId) -> PortResult<Option<Totals>> {
        self.store.recount(stream, comment).await
    }
}
