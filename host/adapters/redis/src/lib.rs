//! Relay, counters, directory and recent comments on Redis 7.0 or later, a single server or a cluster.
//!
//! [`Redis::connect`] gives the ports. All of it is a cache of what happens now: a call takes a second at most and
//! fails at once while Redis is away, and comes back by itself when Redis does, empty or not.
//!
//! The client is the crate `redis`: it is released every few weeks by several people (`fred` was last in early 2025),
//! speaks RESP3 with sharded Pub/Sub and follows a cluster's slots. Its own resubscribing says nobody when messages
//! were missed and does not see a server that hangs, so `link` keeps the subscriptions' connections itself.

mod commands;
mod connect;
mod counters;
mod directory;
mod link;
mod options;
mod recent;
mod relay;
mod script;
mod topology;

use std::sync::Arc;
use std::time::Duration;

use ringside_ports::Relay as _;
use ringside_ports::relay::RelayHealth;
use tokio::sync::watch;

pub use connect::ConnectError;
pub use counters::RedisCounters;
pub use directory::RedisDirectory;
pub use options::{CALL_MAX, RedisOptions};
pub use recent::RedisRecent;
pub use relay::RedisRelay;
pub use relay::channels::Dropped;

use commands::{Commands, Current};
use link::Links;
use relay::channels::Channels;

/// Longest time until all connections are open: a server that is there takes milliseconds, a cluster that just chose
/// a new master some seconds.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// All ports on one Redis. The connections are closed when this and every port is dropped.
pub struct Redis {
    /// From the coordinators to rooms.
    pub relay: Arc<RedisRelay>,
    /// Limits.
    pub counters: Arc<RedisCounters>,
    /// Viewers.
    pub directory: Arc<RedisDirectory>,
    /// Newest comments.
    pub recent: Arc<RedisRecent>,
    options: RedisOptions,
    call_max: Duration,
}

impl Redis {
    /// Connects, and checks that the server is what the options say.
    ///
    /// # Errors
    /// [`ConnectError`] names the address and the remedy.
    pub async fn connect(options: RedisOptions) -> Result<Self, ConnectError> {
        let redis = Self::open(options)?;
        redis.check().await?;
        Ok(redis)
    }

    /// Begins to connect, and goes on for as long as it takes: for a process that must start while Redis is away.
    /// Needs a tokio runtime.
    ///
    /// # Errors
    /// [`ConnectError::Options`].
    pub fn open(options: RedisOptions) -> Result<Self, ConnectError> {
        Self::open_within(options, CALL_MAX)
    }

    /// The same with another longest time of a call than [`CALL_MAX`]: for a server that is far away, and for tests on a
    /// busy machine.
    ///
    /// # Errors
    /// [`ConnectError::Options`].
    pub fn open_within(options: RedisOptions, call_max: Duration) -> Result<Self, ConnectError> {
        options.check()?;
        let (health, seen) = watch::channel(RelayHealth { is_up: false, outages: 0 });
        let (current, channels) =
            (Arc::new(Current::new(&options.addresses, call_max)), Arc::<Channels>::default());
        let links = Links {
            options: options.clone(),
            call_max,
            current: current.clone(),
            channels: channels.clone(),
            health,
        };
        let commands = Arc::new(Commands::new(current, links.keep()));
        let prefix: Arc<str> = options.prefix.as_str().into();
        Ok(Self {
            relay: Arc::new(RedisRelay::new(commands.clone(), channels, seen, prefix.clone())),
            counters: Arc::new(RedisCounters::new(commands.clone(), prefix.clone())),
            directory: Arc::new(RedisDirectory::new(commands.clone(), prefix.clone())),
            recent: Arc::new(RedisRecent::new(commands, prefix)),
            options,
            call_max,
        })
    }

    /// Checks that the server is what the options say, and waits for the connections.
    ///
    /// # Errors
    /// [`ConnectError`] names the address and the remedy. What was opened goes on trying.
    pub async fn check(&self) -> Result<(), ConnectError> {
        connect::check(&self.options, self.call_max).await?;
        let mut health = self.relay.health();
        match tokio::time::timeout(CONNECT_MAX.max(2 * self.call_max), health.wait_for(|health| health.is_up))
            .await
        {
            Ok(Ok(_)) => Ok(()),
            _ => Err(ConnectError::Unreachable {
                address: self.options.addresses.join("`, `"),
                detail: self.relay.failure(),
            }),
        }
    }
}
