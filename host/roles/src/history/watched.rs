//! A relay that tells the history what changed, as rooms hear of it.

use std::sync::Arc;

use async_trait::async_trait;
use ringside_core::StreamId;
use ringside_ports::relay::{RelayBatch, RelayHealth, Subscription};
use ringside_ports::{PortResult, Relay};
use tokio::sync::watch;

use super::{History, is_change};

/// Around the relay that rooms subscribe to.
pub struct WatchedRelay {
    relay: Arc<dyn Relay>,
    history: Arc<History>,
}

impl WatchedRelay {
    /// Around a relay.
    #[must_use]
    pub fn new(relay: Arc<dyn Relay>, history: Arc<History>) -> Self {
        Self { relay, history }
    }
}

#[async_trait]
impl Relay for WatchedRelay {
    async fn publish(&self, batch: Arc<RelayBatch>) -> PortResult<usize> {
        self.relay.publish(batch).await
    }

    async fn subscribe(&self, stream: &StreamId) -> PortResult<Box<dyn Subscription>> {
        let subscription = self.relay.subscribe(stream).await?;
        Ok(Box::new(Watched { subscription, history: self.history.clone(), next: None }))
    }

    async fn subscribe_targeted(&self) -> PortResult<Box<dyn Subscription>> {
        self.relay.subscribe_targeted().await
    }

    async fn publish_targeted(&self, batch: Arc<RelayBatch>) -> PortResult<usize> {
        self.relay.publish_targeted(batch).await
    }

    fn health(&self) -> watch::Receiver<RelayHealth> {
        self.relay.health()
    }
}

struct Watched {
    subscription: Box<dyn Subscription>,
    history: Arc<History>,
    /// The offset after what was heard of.
    next: Option<u64>,
}

#[async_trait]
impl Subscription for Watched {
    async fn next(&mut self) -> Option<Arc<RelayBatch>> {
        let batch = self.subscription.next().await?;
        // What was missed may have been a change.
        let missed = self.next.filter(|next| *next < batch.from).map(|_| batch.from);
        let changes = batch.events.iter().filter(|(_, event)| is_change(&event.kind));
        let changed = changes.map(|(offset, _)| offset + 1).max();
        if let Some(next) = changed.max(missed) {
            self.history.changed(&batch.stream, next);
        }
        self.next = self.next.max(Some(batch.next));
        Some(batch)
    }
}
