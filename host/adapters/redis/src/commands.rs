//! The connection that commands go over, while there is one.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use redis::aio::MultiplexedConnection;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::Slot;
use redis::{Cmd, Pipeline, RedisResult, Value};
use ringside_ports::error::{PortError, PortErrorKind, PortResult};

use crate::link::Kept;

/// Commands of one call that are under way at once: enough for one round trip of what hosts send, and a bound.
const UNDER_WAY_MAX: usize = 512;
/// When to try again what failed: about as long as a dead connection takes to be opened anew.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// One connection; clones share it.
#[derive(Clone)]
pub(crate) enum Connection {
    /// To a single server.
    Single(MultiplexedConnection),
    /// To all masters of a cluster; follows slots that move.
    Cluster(ClusterConnection),
}

impl Connection {
    /// Sends one command.
    pub(crate) async fn one(&self, command: &Cmd) -> RedisResult<Value> {
        match self.clone() {
            Self::Single(mut connection) => command.query_async(&mut connection).await,
            Self::Cluster(mut connection) => command.query_async(&mut connection).await,
        }
    }

    /// Sends commands whose keys are of one slot, in order.
    async fn in_order(&self, commands: &Pipeline) -> RedisResult<()> {
        match self.clone() {
            Self::Single(mut connection) => commands.exec_async(&mut connection).await,
            Self::Cluster(mut connection) => commands.exec_async(&mut connection).await,
        }
    }

    /// Sends groups of commands, each of one slot and in order, the groups side by side.
    pub(crate) async fn side_by_side(&self, groups: Vec<Pipeline>) -> RedisResult<()> {
        let sent = stream::iter(groups).map(|group| async move { self.in_order(&group).await });
        sent.buffer_unordered(UNDER_WAY_MAX).try_collect().await
    }

    /// Which keys may go into one command: of a single server all, of a cluster those with the same number.
    pub(crate) fn group_of(&self, key: &str) -> Option<Slot> {
        match self {
            Self::Single(_) => None,
            Self::Cluster(_) => Some(Slot::for_key(key)),
        }
    }
}

/// The connection that there is now. There is none while Redis is away.
pub(crate) struct Current {
    connection: ArcSwapOption<Connection>,
    /// Why there is none.
    failure: ArcSwap<String>,
    /// Longest time of a call.
    call_max: Duration,
}

impl Current {
    pub(crate) fn new(addresses: &[String], call_max: Duration) -> Self {
        let failure = format!("`{}` is not connected yet", addresses.join("`, `"));
        Self { connection: ArcSwapOption::empty(), failure: ArcSwap::from_pointee(failure), call_max }
    }

    pub(crate) fn up(&self, connection: Connection) {
        self.connection.store(Some(connection.into()));
    }

    pub(crate) fn down(&self, failure: String) {
        self.failure.store(failure.into());
        self.connection.store(None);
    }
}

/// Gives the ports their connection. While there is none calls fail at once: who waits for a server that hangs,
/// waits while a viewer does.
pub(crate) struct Commands {
    current: Arc<Current>,
    /// Keeps the connections; ends with the last port.
    _kept: Kept,
}

impl Commands {
    pub(crate) fn new(current: Arc<Current>, kept: Kept) -> Self {
        Self { current, _kept: kept }
    }

    /// The connection.
    pub(crate) fn connection(&self, operation: &'static str) -> PortResult<Arc<Connection>> {
        self.current
            .connection
            .load_full()
            .ok_or_else(|| unavailable(operation, format!("redis is away: {}", self.failure())))
    }

    /// Why Redis is away, or was the last time.
    pub(crate) fn failure(&self) -> String {
        self.current.failure.load().to_string()
    }

    /// Does some work with the connection, within the longest time of a call.
    pub(crate) async fn run<T>(
        &self,
        operation: &'static str,
        work: impl AsyncFnOnce(Connection) -> RedisResult<T>,
    ) -> PortResult<T> {
        let connection = self.connection(operation)?;
        let done = self.in_time(operation, work((*connection).clone())).await?;
        done.map_err(|error| unavailable(operation, "redis did not do it").because(error))
    }

    /// What comes within the longest time of a call.
    pub(crate) async fn in_time<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = T>,
    ) -> PortResult<T> {
        let most = self.current.call_max;
        tokio::time::timeout(most, work).await.map_err(|_| {
            unavailable(operation, format!("redis did not answer within {} ms", most.as_millis()))
        })
    }
}

fn unavailable(operation: &'static str, detail: impl Into<String>) -> PortError {
    PortError::new(PortErrorKind::Unavailable, operation, detail).after(RETRY_AFTER)
}
