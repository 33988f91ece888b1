//! The viewers' side of a host: sockets, pages, and how many watch.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use ringside_core::UserId;
use ringside_core::close::CloseCode;
use ringside_core::limits;
use ringside_edge::{Edge, EdgeConfig, Services};
use ringside_roles::{Appender, Clock, presence};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::health::Health;
use super::public;
use crate::config::Config;
use crate::exit::{Exit, Outcome};

/// Viewers may come from when this is made.
pub(super) struct Viewers {
    edge: Arc<Edge>,
}

impl Viewers {
    /// Listens, and announces how many watch until `stop`.
    pub(super) fn start(
        config: &Config,
        services: &Services,
        appender: Appender,
        clock: Clock,
        health: &Health,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Self, Exit> {
        let edge_config = EdgeConfig {
            connections_max: config.public.connections_max,
            origins: config.public.origins.clone(),
            shards: match config.public.shards {
                0 => EdgeConfig::new(config.public.listen).shards,
                shards => shards,
            },
            ..EdgeConfig::new(config.public.listen)
        };
        claim(config.public.listen)?;
        let edge = Edge::start(edge_config, services, |rooms| {
            public::router(config, services, rooms, health.clone())
        })
        .map(Arc::new)
        .map_err(|error| Exit::Usage(format!("configuration at `public.listen`: {error}")))?;
        let (counted, listed) = (edge.clone(), edge.clone());
        let crowd = presence::Crowd {
            viewers: Box::new(move || counted.viewers()),
            online: Box::new(move || {
                let listed = listed.clone();
                Box::pin(async move { listed.online().await })
            }),
        };
        tasks.spawn(presence::run(
            services.directory.clone(),
            appender,
            services.host.clone(),
            crowd,
            clock,
            stop.clone(),
        ));
        Ok(Self { edge })
    }

    /// Where they come.
    pub(super) fn address(&self) -> SocketAddr {
        self.edge.address()
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        self.edge.metrics().register(registry.sub_registry_with_prefix("ringside_edge"));
    }

    /// Brings the gauges up to date.
    pub(super) fn refresh(&self) -> Arc<dyn Fn() + Send + Sync> {
        let edge = self.edge.clone();
        Arc::new(move || {
            let _ = edge.metrics();
        })
    }

    /// Ends the connections of everyone who is banned, wherever that was decided.
    pub(super) fn end_banned(&self, mut bans: mpsc::Receiver<UserId>) -> impl Future<Output = ()> + use<> {
        let edge = self.edge.clone();
        async move {
            while let Some(user) = bans.recv().await {
                edge.disconnect_user(&user, CloseCode::Banned).await;
            }
        }
    }

    /// Asks viewers to reconnect, each at a moment of its own.
    pub(super) async fn drain(&self) {
        self.edge.drain(Duration::from_millis(limits::DRAIN_MS_MAX)).await;
    }
}

/// Shards share their port among themselves, and would share it with another process of this user as well: half of
/// the viewers would land in each. A socket that shares with nobody finds that out.
fn claim(listen: SocketAddr) -> Outcome {
    std::net::TcpListener::bind(listen).map(drop).map_err(|error| {
        Exit::Usage(format!("configuration at `public.listen`: {listen} cannot be listened on: {error}"))
    })
}
