//! The catalog: streams with their settings.

use async_trait::async_trait;
use ringside_core::{Settings, StreamId};
use serde::{Deserialize, Serialize};

use crate::error::PortResult;

/// A stream as it is registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamEntry {
    /// Its id.
    pub id: StreamId,
    /// For people, at most 200 bytes; the id where none was given.
    pub title: String,
    /// Settings now.
    pub settings: Settings,
    /// Grows by one with each change.
    pub version: u64,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
}

/// Streams; strongly consistent.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// A stream, if there is one.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn stream(&self, id: &StreamId) -> PortResult<Option<StreamEntry>>;

    /// Registers a stream. Two at once: one of them registers it.
    ///
    /// # Errors
    /// `Conflict` when there is one of this id, `Unavailable`.
    async fn create(&self, entry: StreamEntry) -> PortResult<()>;

    /// Replaces title and settings, if `version` is still the stream's; returns the new version.
    ///
    /// # Errors
    /// `Conflict` when it changed in between, `NotFound`, `Unavailable`.
    async fn update(&self, entry: StreamEntry) -> PortResult<u64>;

    /// Streams by id, after one, at most `most`.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn streams(&self, after: Option<&StreamId>, most: usize) -> PortResult<Vec<StreamEntry>>;
}
