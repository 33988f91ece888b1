//! The relay within one process: a bounded broadcast for each stream that someone watches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ringside_core::StreamId;
use ringside_ports::error::PortResult;
use ringside_ports::relay::{RelayBatch, SUBSCRIPTION_CAPACITY, Subscription};
use tokio::sync::broadcast::{Receiver, Sender, channel, error::RecvError};

type Batch = Arc<RelayBatch>;

/// Batches of this process.
pub(crate) struct LocalRelay {
    streams: Mutex<HashMap<StreamId, Sender<Batch>>>,
    targeted: Sender<Batch>,
}

impl Default for LocalRelay {
    fn default() -> Self {
        Self { streams: Mutex::default(), targeted: channel(SUBSCRIPTION_CAPACITY).0 }
    }
}

struct LocalSubscription(Receiver<Batch>);

#[async_trait]
impl Subscription for LocalSubscription {
    async fn next(&mut self) -> Option<Batch> {
        loop {
            match self.0.recv().await {
                Ok(batch) => return Some(batch),
                // The oldest were dropped; the next batch's `from` says so.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

#[async_trait]
impl ringside_ports::Relay for LocalRelay {
    async fn publish(&self, batch: Batch) -> PortResult<usize> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = streams.get(&batch.stream) else { return Ok(0) };
        let stream = batch.stream.clone();
        match sender.send(batch) {
            Ok(subscribers) => Ok(subscribers),
            // Nobody is left. Subscribing takes the same lock, so nobody comes in between.
            Err(_) => {
                streams.remove(&stream);
                Ok(0)
            }
        }
    }

    async fn subscribe(&self, stream: &StreamId) -> PortResult<Box<dyn Subscription>> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = streams.entry(stream.clone()).or_insert_with(|| channel(SUBSCRIPTION_CAPACITY).0);
        Ok(Box::new(LocalSubscription(sender.subscribe())))
    }

    async fn subscribe_targeted(&self) -> PortResult<Box<dyn Subscription>> {
        Ok(Box::new(LocalSubscription(self.targeted.subscribe())))
    }

    async fn publish_targeted(&self, batch: Batch) -> PortResult<usize> {
        Ok(self.targeted.send(batch).unwrap_or(0))
    }
}
