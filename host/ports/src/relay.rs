//! The relay: from the coordinators to every host that has members of a stream.

use std::sync::Arc;

use async_trait::async_trait;
use ringside_core::sampling::Plan;
use ringside_core::{Event, StreamId};
use tokio::sync::watch;

use crate::error::PortResult;

/// Events of one stream in the log's order, as the coordinator publishes them.
#[derive(Debug, Clone, PartialEq)]
pub struct RelayBatch {
    /// The stream.
    pub stream: StreamId,
    /// Partition of the stream in the log.
    pub partition: u32,
    /// The offset after the last event this coordinator had read when it published the batch before this one of
    /// the same stream: a host whose next offset is below it has missed something and reads the log.
    pub from: u64,
    /// The offset after this batch's last event.
    pub next: u64,
    /// What viewers are shown of them.
    pub plan: Plan,
    /// Offset and event, ascending.
    pub events: Vec<(u64, Arc<Event>)>,
}

/// Receives the batches of one subscription.
#[async_trait]
pub trait Subscription: Send {
    /// The next batch; none when the relay is closed. Cancel-safe. When the subscriber was too slow and batches
    /// were dropped (the queue is bounded by [`SUBSCRIPTION_CAPACITY`]), the next one's `from` shows it.
    async fn next(&mut self) -> Option<Arc<RelayBatch>>;
}

/// How a relay does, as one process sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayHealth {
    /// Batches are carried. While they are not, hosts read the log.
    pub is_up: bool,
    /// How often the relay came back after batches may have been missed, by any subscription of this process and
    /// without a `from` that shows it. Everything published after it grew is carried again: who reads the log up to
    /// its end of then has missed nothing.
    pub outages: u64,
}

/// Batches that wait for one subscriber: 256 batches are 25 s at ten a second; who is further behind reads the log.
pub const SUBSCRIPTION_CAPACITY: usize = 256;

/// Publish and subscribe by stream.
#[async_trait]
pub trait Relay: Send + Sync {
    /// Sends a batch to all who subscribed to its stream. Nothing is kept for those who come later.
    /// Returns the number of subscribers where the backend knows it; over a network a host counts once, however many
    /// of it subscribed, and one that just left may still be counted.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn publish(&self, batch: Arc<RelayBatch>) -> PortResult<usize>;

    /// Receives every batch of a stream that is published after this call returned; dropping the subscription
    /// ends it. A subscription outlasts an outage of the relay; what it missed then [`Relay::health`] tells, if not
    /// the next batch's `from`.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn subscribe(&self, stream: &StreamId) -> PortResult<Box<dyn Subscription>>;

    /// Receives every batch that names a user in a mention or answers them, of all streams: what hosts need to
    /// reach users wherever they are connected.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn subscribe_targeted(&self) -> PortResult<Box<dyn Subscription>>;

    /// Sends a batch to all [`Relay::subscribe_targeted`].
    ///
    /// # Errors
    /// `Unavailable`.
    async fn publish_targeted(&self, batch: Arc<RelayBatch>) -> PortResult<usize>;

    /// How the relay does, and each change of it; a receiver whose sender is gone tells the last there is. A relay that
    /// hangs is seen within 2 s. One within the process is always up.
    fn health(&self) -> watch::Receiver<RelayHealth> {
        watch::channel(RelayHealth { is_up: true, outages: 0 }).1
    }
}
