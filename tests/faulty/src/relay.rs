//! A relay that takes its time, so that what a coordinator has read is not relayed yet when it dies.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ringside_core::{EventKind, StreamId};
use ringside_ports::relay::{RelayBatch, RelayHealth, Subscription};
use ringside_ports::{PortResult, Relay};
use tokio::sync::watch;

/// How long comments are held before they are relayed. What is said while the first are held is read together after
/// that, and held in turn: two of these after the first comment, if nobody spoke in the second.
const HOLDS: Duration = Duration::from_secs(4);

pub(crate) struct Late(pub(crate) Arc<dyn Relay>);

#[async_trait]
impl Relay for Late {
    async fn publish(&self, batch: Arc<RelayBatch>) -> PortResult<usize> {
        // Counts of viewers are not what is tried here, and come whenever they like.
        if batch.events.iter().any(|(_, event)| matches!(event.kind, EventKind::CommentAccepted(_))) {
            tokio::time::sleep(HOLDS).await;
        }
        self.0.publish(batch).await
    }

    async fn subscribe(&self, stream: &StreamId) -> PortResult<Box<dyn Subscription>> {
        self.0.subscribe(stream).await
    }

    async fn subscribe_targeted(&self) -> PortResult<Box<dyn Subscription>> {
        self.0.subscribe_targeted().await
    }

    async fn publish_targeted(&self, batch: Arc<RelayBatch>) -> PortResult<usize> {
        self.0.publish_targeted(batch).await
    }

    fn health(&self) -> watch::Receiver<RelayHealth> {
        self.0.health()
    }
}
