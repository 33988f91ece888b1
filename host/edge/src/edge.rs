//! The edge as a whole: its shards, its rooms, and what the host asks of it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::Router;
use ringside_core::close::CloseCode;
use ringside_core::{EventKind, StreamId, UserId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::bell::Bell;
use crate::config::EdgeConfig;
use crate::formats::Formats;
use crate::hub::signal::{Directed, Inboxes, SIGNALS_MAX, Signal};
use crate::listener;
use crate::metrics::Metrics;
use crate::room::{Direct, Rooms};
use crate::services::Services;
use crate::shard::Shard;

/// How often the drain looks whether everyone has gone.
const LOOK: Duration = Duration::from_millis(20);
/// Wait before the relay is asked again for what names users.
const RETRY: Duration = Duration::from_millis(500);

/// A running edge. Dropping it stops its shards.
#[derive(Debug)]
pub struct Edge {
    address: SocketAddr,
    rooms: Rooms,
    inboxes: Inboxes,
    connections: Arc<AtomicUsize>,
    metrics: Metrics,
    closing: CancellationToken,
    stop: CancellationToken,
    threads: Vec<JoinHandle<()>>,
}

impl Edge {
    /// Listens and serves: WebSockets by itself, all other requests by `router`, which is made once the rooms are
    /// there, as an event stream needs them.
    ///
    /// # Errors
    /// When the address cannot be listened on or a thread cannot be started.
    pub fn start(
        config: EdgeConfig,
        services: &Services,
        router: impl FnOnce(&Rooms) -> Router,
    ) -> io::Result<Self> {
        let listeners = listener::bind(config.listen, config.shards)?;
        let address = match listeners.first() {
            Some(listener) => listener.local_addr()?,
            None => config.listen,
        };
        let (inboxes, signals): (Vec<_>, Vec<_>) =
            listeners.iter().map(|_| mpsc::channel::<Signal>(SIGNALS_MAX)).unzip();
        let bells: Vec<Arc<Bell>> = listeners.iter().map(|_| Arc::default()).collect();
        let inboxes = Inboxes(inboxes.into());
        let (closing, stop) = (CancellationToken::new(), CancellationToken::new());
        let formats: Arc<Formats> = Arc::default();
        let metrics = Metrics::default();
        let rooms = Rooms::new(
            services.clone(),
            formats.clone(),
            bells.clone(),
            inboxes.clone(),
            metrics.clone(),
            stop.clone(),
        );
        let router = router(&rooms);
        let connections: Arc<AtomicUsize> = Arc::default();
        let config = Arc::new(config);
        let mut threads = Vec::with_capacity(listeners.len());
        let shards = listeners.into_iter().zip(signals).zip(bells).zip(&*inboxes.0);
        for (index, (((listener, signals), bell), inbox)) in shards.enumerate() {
            let shard = Shard {
                index,
                config: config.clone(),
                services: services.clone(),
                rooms: rooms.clone(),
                formats: formats.clone(),
                router: router.clone(),
                bell,
                inbox: inbox.clone(),
                signals,
                connections: connections.clone(),
                metrics: metrics.clone(),
                closing: closing.clone(),
            };
            let run = move || {
                if let Err(error) = shard.run(listener) {
                    tracing::error!(%error, "a shard could not begin");
                }
            };
            threads.push(std::thread::Builder::new().name(format!("shard-{index}")).spawn(run)?);
        }
        services.runtime.spawn(reach_users(services.clone(), inboxes.clone(), stop.clone()));
        Ok(Self { address, rooms, inboxes, connections, metrics, closing, stop, threads })
    }

    /// Where viewers come in.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The rooms, for event streams.
    #[must_use]
    pub fn rooms(&self) -> &Rooms {
        &self.rooms
    }

    /// Members of each stream on this host; streams without any are left out.
    #[must_use]
    pub fn viewers(&self) -> Vec<(StreamId, u64)> {
        self.rooms.viewers()
    }

    /// Signed-in users by stream, as far as they watch through this host by WebSocket and the stream has at most
    /// [`ringside_core::limits::ONLINE_LISTED_MAX`] viewers on a shard. A user with several connections comes several times.
    pub async fn online(&self) -> Vec<(StreamId, UserId)> {
        let (to, mut told) = mpsc::channel(self.inboxes.0.len());
        self.inboxes.send_all(|| Signal::Online(to.clone())).await;
        drop(to);
        let mut online = Vec::new();
        // Ends when each shard has told, or has ended.
        while let Some(of_shard) = told.recv().await {
            online.extend(of_shard);
        }
        online
    }

    /// WebSocket connections now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// What the edge counts, with the gauges of this moment.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        self.metrics.rooms.set(i64::try_from(self.rooms.len()).unwrap_or(i64::MAX));
        self.metrics.room_bytes.set(i64::try_from(self.rooms.log_bytes()).unwrap_or(i64::MAX));
        &self.metrics
    }

    /// Ends all connections of a user on this host.
    pub async fn disconnect_user(&self, user: &UserId, code: CloseCode) {
        self.inboxes.send_all(|| Signal::Disconnect(user.clone(), code)).await;
    }

    /// Accepts nobody any more, asks everyone to go elsewhere, each at a moment of its own within `time`, and closes
    /// those that stay. Returns when all have gone, `time` and the time of a close handshake later at most.
    pub async fn drain(&self, time: Duration) {
        self.closing.cancel();
        self.inboxes.send_all(|| Signal::Drain(time)).await;
        let deadline = Instant::now() + time + Duration::from_secs(1);
        while self.connections() > 0 && Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Ends at once: sockets are closed as they are.
    pub async fn shutdown(mut self) {
        self.closing.cancel();
        self.stop.cancel();
        self.inboxes.send_all(|| Signal::Stop).await;
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so.
            let _ended = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.closing.cancel();
        self.stop.cancel();
        for inbox in &*self.inboxes.0 {
            let _full = inbox.try_send(Signal::Stop);
        }
    }
}

/// Brings mentions to users who watch another stream.
async fn reach_users(services: Services, inboxes: Inboxes, stop: CancellationToken) {
    let run = async {
        loop {
            match services.relay.subscribe_targeted().await {
                Ok(mut subscription) => {
                    while let Some(batch) = subscription.next().await {
                        let mentions = batch.events.iter().filter_map(|(_, event)| match &event.kind {
                            EventKind::CommentAccepted(comment)
                                if comment.visibility == ringside_core::Visibility::Shown
                                    && !comment.mentions.is_empty() =>
                            {
                                let handles = comment.mentions.clone();
                                Some(Direct::Mention { handles, comment: comment.clone().into() })
                            }
                            _ => None,
                        });
                        let directs: Vec<Direct> = mentions.collect();
                        if !directs.is_empty() {
                            let directed =
                                Arc::new(Directed { room: None, stream: batch.stream.clone(), directs });
                            inboxes.send_all(|| Signal::Direct(directed.clone())).await;
                        }
                    }
                }
                Err(error) => warn!(%error, "mentions on other streams are not delivered just now"),
            }
            tokio::time::sleep(RETRY).await;
        }
    };
    tokio::select! {
        () = run => {}
        () = stop.cancelled() => {}
    }
}
