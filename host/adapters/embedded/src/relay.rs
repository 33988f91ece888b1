//! The relay within one process: a bounded broadcast for each stream that someone watches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ringside_core::StreamId;
use ringside_ports::error::PortResult;
use ringside_ports::relay::{RelayBatch, SUBSCRIPTION_CAPACITY, Subscription};
use tokio::sync::broadcast::{Receiver, Sender, channel, error::RecvError};

type Batch = Arc<RelayBatch>;

/// Streams that someone watches.
#[derive(Default)]
struct Streams(Mutex<HashMap<StreamId, Sender<Batch>>>);

impl Streams {
    fn lock(&self) -> MutexGuard<'_, HashMap<StreamId, Sender<Batch>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Batches of this process.
pub(crate) struct LocalRelay {
    streams: Arc<Streams>,
    targeted: Sender<Batch>,
}

impl Default for LocalRelay {
    fn default() -> Self {
        Self { streams: Arc::default(), targeted: channel(SUBSCRIPTION_CAPACITY).0 }
    }
}

struct LocalSubscription {
    batches: Receiver<Batch>,
    /// The stream, to be forgotten with its last subscription; none for the targeted.
    of: Option<(StreamId, Arc<Streams>)>,
}

impl Drop for LocalSubscription {
    /// Viewers come and go on any number of streams: the last one leaves nothing behind.
    fn drop(&mut self) {
        if let Some((stream, streams)) = &self.of {
            let mut streams = streams.lock();
            // This receiver still counts. Subscribing takes the same lock, so nobody comes in between.
            if streams.get(stream).is_some_and(|sender| sender.receiver_count() <= 1) {
                streams.remove(stream);
            }
        }
    }
}

#[async_trait]
impl Subscription for LocalSubscription {
    async fn next(&mut self) -> Option<Batch> {
        loop {
            match self.batches.recv().await {
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
        let streams = self.streams.lock();
        let Some(sender) = streams.get(&batch.stream) else { return Ok(0) };
        Ok(sender.send(batch).unwrap_or(0))
    }

    async fn subscribe(&self, stream: &StreamId) -> PortResult<Box<dyn Subscription>> {
        let mut streams = self.streams.lock();
        let sender = streams.entry(stream.clone()).or_insert_with(|| channel(SUBSCRIPTION_CAPACITY).0);
        let batches = sender.subscribe();
        Ok(Box::new(LocalSubscription { batches, of: Some((stream.clone(), self.streams.clone())) }))
    }

    async fn subscribe_targeted(&self) -> PortResult<Box<dyn Subscription>> {
        Ok(Box::new(LocalSubscription { batches: self.targeted.subscribe(), of: None }))
    }

    async fn publish_targeted(&self, batch: Batch) -> PortResult<usize> {
        Ok(self.targeted.send(batch).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_ports::Relay as _;

    #[tokio::test]
    async fn a_stream_that_nobody_watches_any_more_takes_no_memory() {
        let relay = LocalRelay::default();
        let stream = StreamId::new("s").unwrap();
        let (first, second) =
            (relay.subscribe(&stream).await.unwrap(), relay.subscribe(&stream).await.unwrap());
        drop(first);
        assert_eq!(relay.streams.lock().len(), 1);
        drop(second);
        assert_eq!(relay.streams.lock().len(), 0);
    }
}
