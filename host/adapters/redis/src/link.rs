//! Keeps the connections: opens them, looks whether they live, subscribes again, and says how it goes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_routing::Slot;
use redis::{ProtocolVersion, PushInfo, PushKind, RedisResult, Value, from_redis_value};
use ringside_ports::relay::RelayHealth;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

use crate::commands::{Connection, Current};
use crate::connect::{self, ConnectError};
use crate::options::RedisOptions;
use crate::relay::channels::{Changes, Channels};
use crate::topology;

/// Time between two looks at the connections. One that hangs is seen after this and the longest time of a call
/// together.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Time between two attempts to connect.
const RETRY_EVERY: Duration = Duration::from_millis(250);
/// Channels subscribed to with one write.
const CHANNELS_AT_ONCE: usize = 1_024;
/// How often a command in a cluster is tried again where its slot has moved.
const REDIRECTS_MAX: u32 = 3;

/// What the connections are kept for.
pub(crate) struct Links {
    pub(crate) options: RedisOptions,
    pub(crate) call_max: Duration,
    pub(crate) current: Arc<Current>,
    pub(crate) channels: Arc<Channels>,
    pub(crate) health: watch::Sender<RelayHealth>,
}

/// Ends with the last port: closes the connections and the subscriptions.
pub(crate) struct Kept {
    task: AbortHandle,
    channels: Arc<Channels>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
        self.channels.close();
    }
}

impl Links {
    /// Keeps the connections until the returned is dropped.
    pub(crate) fn keep(self) -> Kept {
        let channels = self.channels.clone();
        Kept { task: tokio::spawn(keep(self)).abort_handle(), channels }
    }
}

/// Why the connections have to be opened anew.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Redis(#[from] redis::RedisError),
    #[error("a connection was closed, or the cluster moved a channel")]
    Closed,
}

/// The connections of one time: all of them live, or all are opened anew. One node that is lost is a part of all
/// streams lost; then hosts read the log, which has all of them.
struct Opened {
    /// One to each master for subscriptions; a single server is the only one.
    links: Vec<MultiplexedConnection>,
    /// Which of them has a slot; of a single server the only one, and nothing stands here.
    slots: HashMap<Slot, usize>,
    /// For commands to a single server; a cluster's are the client's own.
    single: Option<MultiplexedConnection>,
    broken: Arc<Notify>,
}

async fn keep(links: Links) {
    let mut is_away = false;
    let mut attempt = 0;
    loop {
        let broken = match links.open(attempt).await {
            Ok(mut opened) => {
                if is_away {
                    info!("redis is back, {} connections", opened.links.len());
                }
                // The first time nobody has listened before, so nobody has missed anything.
                links.health.send_modify(|health| {
                    *health = RelayHealth { is_up: true, outages: health.outages + u64::from(is_away) };
                });
                (is_away, attempt) = (false, 0);
                links.watch(&mut opened).await
            }
            Err(broken) => broken,
        };
        links.current.down(broken.to_string());
        links.health.send_if_modified(|health| std::mem::replace(&mut health.is_up, false));
        if !is_away {
            warn!(error = %broken, "redis is away, trying again every {} ms", RETRY_EVERY.as_millis());
        }
        is_away = true;
        attempt += 1;
        tokio::time::sleep(RETRY_EVERY).await;
    }
}

impl Links {
    /// Opens all connections and subscribes to all channels. With each attempt another node is asked first.
    async fn open(&self, attempt: usize) -> Result<Opened, Broken> {
        let broken = Arc::new(Notify::new());
        let addresses = &self.options.addresses;
        let mut last = None;
        for at in 0..addresses.len() {
            let Some(address) = addresses.get((attempt + at) % addresses.len()) else { continue };
            match connect::open(&self.options, address, &connect::config(self.call_max)).await {
                Ok(first) => {
                    let opened = self.open_from(address, first, broken).await?;
                    return Ok(opened);
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.map_or(Broken::Closed, Broken::Connect))
    }

    async fn open_from(
        &self,
        address: &str,
        mut first: MultiplexedConnection,
        broken: Arc<Notify>,
    ) -> Result<Opened, Broken> {
        let masters = if self.options.cluster {
            topology::masters(&mut first, address).await?
        } else {
            vec![topology::Master { address: address.to_owned(), slots: Vec::new() }]
        };
        let config = connect::config(self.call_max).set_push_sender(self.pushes(broken.clone()));
        let links = masters.iter().map(|master| connect::open(&self.options, &master.address, &config));
        let links = try_join_all(links).await?;
        let slots = masters.iter().enumerate().flat_map(|(at, master)| {
            let slots = master.slots.iter().flat_map(|(first, last)| *first..=*last);
            slots.filter_map(Slot::new).map(move |slot| (slot, at))
        });
        let slots = slots.collect();
        let single = (!self.options.cluster).then_some(first);
        let mut opened = Opened { links, slots, single, broken };
        let connection = match &opened.single {
            Some(single) => Connection::Single(single.clone()),
            None => self.open_cluster(&masters).await?,
        };
        let all = self.channels.begin_anew();
        opened.subscribe(&self.channels, &all).await?;
        self.current.up(connection);
        Ok(opened)
    }

    /// The client's own connection to a cluster, which finds keys wherever they are.
    async fn open_cluster(&self, masters: &[topology::Master]) -> Result<Connection, Broken> {
        let nodes = masters.iter().map(|master| self.options.node(&master.address));
        let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
        let mut builder = ClusterClient::builder(nodes)
            .use_protocol(ProtocolVersion::RESP3)
            .connection_timeout(self.call_max)
            .response_timeout(self.call_max)
            .retries(REDIRECTS_MAX);
        if let Some(user) = &self.options.user {
            builder = builder.username(user);
        }
        if let Some(password) = &self.options.password {
            builder = builder.password(password);
        }
        let connecting = builder.build()?;
        match tokio::time::timeout(2 * self.call_max, connecting.get_async_connection()).await {
            Ok(connection) => Ok(Connection::Cluster(connection?)),
            Err(_) => Err(Broken::Closed),
        }
    }

    /// What the server sends by itself. Runs on the connection's own task, so nothing queues up in between.
    fn pushes(
        &self,
        broken: Arc<Notify>,
    ) -> impl Fn(PushInfo) -> Result<(), std::convert::Infallible> + 'static + use<> {
        let channels = self.channels.clone();
        move |push| {
            match (push.kind, push.data.as_slice()) {
                (PushKind::SMessage, [Value::BulkString(channel), Value::BulkString(message), ..]) => {
                    if let Ok(channel) = std::str::from_utf8(channel) {
                        channels.receive(channel, message);
                    }
                }
                (PushKind::Disconnection, _) => broken.notify_one(),
                // Not asked for: the channel's slot went to another node.
                (PushKind::SUnsubscribe, [channel, ..]) => {
                    let channel: Option<String> = from_redis_value(channel.clone()).ok();
                    if channel.is_some_and(|channel| channels.is_confirmed(&channel)) {
                        broken.notify_one();
                    }
                }
                _ => {}
            }
            Ok(())
        }
    }

    /// Follows who comes and goes until a connection breaks.
    async fn watch(&self, opened: &mut Opened) -> Broken {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let broken = opened.broken.clone();
        let mut damaged = self.channels.dropped().damaged;
        loop {
            let done = tokio::select! {
                () = broken.notified() => return Broken::Closed,
                () = self.channels.changed.notified() => {
                    let changes = self.channels.take_changes();
                    opened.tell(&self.channels, &changes).await
                }
                _ = look.tick() => {
                    self.judge_messages(&mut damaged);
                    opened.look().await
                }
            };
            if let Err(error) = done {
                return error.into();
            }
        }
    }

    /// A message that could not be read is a batch that all here have missed; while a later version speaks, all are.
    fn judge_messages(&self, damaged: &mut u64) {
        let dropped = self.channels.dropped().damaged;
        let is_up = !self.channels.hears_a_later_version();
        self.health.send_if_modified(|health| {
            let is_back = is_up && !health.is_up;
            let outages = health.outages + u64::from(is_back || dropped > *damaged);
            let now = RelayHealth { is_up, outages };
            std::mem::replace(health, now) != now
        });
        *damaged = dropped;
    }
}

impl Opened {
    fn link(&self, channel: &str) -> usize {
        self.slots.get(&Slot::for_key(channel)).copied().unwrap_or(0)
    }

    async fn subscribe(&mut self, channels: &Channels, wanted: &[(Arc<str>, u64)]) -> RedisResult<()> {
        for part in wanted.chunks(CHANNELS_AT_ONCE) {
            self.send("SSUBSCRIBE", part.iter().map(|(name, _)| name)).await?;
            channels.confirm(part);
        }
        Ok(())
    }

    async fn tell(&mut self, channels: &Channels, changes: &Changes) -> RedisResult<()> {
        for part in changes.unwanted.chunks(CHANNELS_AT_ONCE) {
            self.send("SUNSUBSCRIBE", part.iter()).await?;
        }
        self.subscribe(channels, &changes.wanted).await
    }

    /// Sends a command for each channel to where it is, each alone: channels of one node may be of many slots.
    async fn send(&mut self, verb: &str, names: impl Iterator<Item = &Arc<str>>) -> RedisResult<()> {
        let mut pipelines = vec![redis::pipe(); self.links.len()];
        for name in names {
            let at = self.link(name);
            if let Some(pipeline) = pipelines.get_mut(at) {
                pipeline.cmd(verb).arg(&**name);
            }
        }
        let sent = self.links.iter_mut().zip(&pipelines).filter(|(_, pipeline)| !pipeline.is_empty());
        try_join_all(sent.map(|(link, pipeline)| pipeline.exec_async(link))).await.map(drop)
    }

    /// Each connection answers in time.
    async fn look(&mut self) -> RedisResult<()> {
        let links = self.links.iter_mut().chain(self.single.as_mut());
        let ping = redis::cmd("PING");
        try_join_all(links.map(|link| ping.exec_async(link))).await.map(drop)
    }
}
