//! The relay over sharded Pub/Sub: one channel a stream, one connection a node for all of them.

use std::sync::Arc;

use async_trait::async_trait;
use redis::from_redis_value;
use ringside_core::StreamId;
use ringside_ports::Relay;
use ringside_ports::error::PortResult;
use ringside_ports::relay::{RelayBatch, RelayHealth, Subscription};
use tokio::sync::watch;

use crate::commands::Commands;

pub(crate) mod channels;
mod encoding;

use channels::{Channels, Dropped};

/// The relay of all hosts. However many here subscribe to a stream, the server sends it once and it is read once.
pub struct RedisRelay {
    commands: Arc<Commands>,
    channels: Arc<Channels>,
    health: watch::Receiver<RelayHealth>,
    prefix: Arc<str>,
}

impl RedisRelay {
    pub(crate) fn new(
        commands: Arc<Commands>,
        channels: Arc<Channels>,
        health: watch::Receiver<RelayHealth>,
        prefix: Arc<str>,
    ) -> Self {
        Self { commands, channels, health, prefix }
    }

    /// Messages that could not be read, for the metrics.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        self.channels.dropped()
    }

    /// Why Redis is away, as far as it is known.
    pub(crate) fn failure(&self) -> String {
        self.commands.failure()
    }

    fn channel(&self, stream: &StreamId) -> String {
        format!("{}:relay:{{{stream}}}", self.prefix)
    }

    /// One channel for all: rare beside the streams' own, and in the coordinator's order over all of them.
    fn targeted(&self) -> String {
        format!("{}:targeted", self.prefix)
    }

    async fn send(&self, operation: &'static str, channel: String, batch: &RelayBatch) -> PortResult<usize> {
        let mut publish = redis::cmd("SPUBLISH");
        publish.arg(channel).arg(encoding::encode(batch));
        self.commands
            .run(operation, async |connection| Ok(from_redis_value(connection.one(&publish).await?)?))
            .await
    }

    async fn listen(&self, operation: &'static str, channel: String) -> PortResult<Box<dyn Subscription>> {
        self.commands.connection(operation)?;
        let (subscription, mut confirmed) = self.channels.join(channel);
        if self.commands.in_time(operation, confirmed.wait_for(|confirmed| *confirmed)).await?.is_err() {
            // The relay was dropped meanwhile, and the subscription with it.
            self.commands.connection(operation)?;
        }
        Ok(Box::new(subscription))
    }
}

#[async_trait]
impl Relay for RedisRelay {
    async fn publish(&self, batch: Arc<RelayBatch>) -> PortResult<usize> {
        self.send("relay.publish", self.channel(&batch.stream), &batch).await
    }

    async fn subscribe(&self, stream: &StreamId) -> PortResult<Box<dyn Subscription>> {
        self.listen("relay.subscribe", self.channel(stream)).await
    }

    async fn subscribe_targeted(&self) -> PortResult<Box<dyn Subscription>> {
        self.listen("relay.subscribe_targeted", self.targeted()).await
    }

    async fn publish_targeted(&self, batch: Arc<RelayBatch>) -> PortResult<usize> {
        self.send("relay.publish_targeted", self.targeted(), &batch).await
    }

    fn health(&self) -> watch::Receiver<RelayHealth> {
        self.health.clone()
    }
}
