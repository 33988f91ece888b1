//! Opening a connection to one node, and why a server is not one to work with.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError};

use crate::options::RedisOptions;

/// Commands that wait for a connection's writer; who comes later waits too, as long as a call may take.
const WAITING_MAX: usize = 1_024;
/// The first version with sharded Pub/Sub.
const VERSION_LEAST: (u32, u32) = (7, 0);

/// Why Redis cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The options contradict themselves or each other.
    #[error("redis: {0}")]
    Options(String),
    /// Nothing answers there, or not in time.
    #[error("redis at `{address}` does not answer: {detail}; start it, or correct the address")]
    Unreachable {
        /// `host:port`.
        address: String,
        /// What the system or the server said.
        detail: String,
    },
    /// User and password are wrong, or missing.
    #[error("redis at `{address}` does not let {who} in: {detail}; correct the user and the password")]
    Refused {
        /// `host:port`.
        address: String,
        /// The user.
        who: String,
        /// What the server said.
        detail: String,
    },
    /// It has no sharded Pub/Sub.
    #[error(
        "redis at `{address}` has version {version}: version 7.0 or later is needed, for sharded Pub/Sub"
    )]
    TooOld {
        /// `host:port`.
        address: String,
        /// Its version.
        version: String,
    },
    /// A cluster is configured, and a single server is there, or the reverse.
    #[error(
        "redis at `{address}` runs as `{mode}`, but {configured} is configured: set `cluster` to {remedy}"
    )]
    Mode {
        /// `host:port`.
        address: String,
        /// `standalone`, `cluster` or `sentinel`.
        mode: String,
        /// What the options say.
        configured: &'static str,
        /// What the options should say.
        remedy: bool,
    },
}

impl ConnectError {
    /// True when the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    fn of(options: &RedisOptions, address: &str, error: &RedisError) -> Self {
        let (address, detail) = (address.to_owned(), error.to_string());
        if error.kind() == ErrorKind::RESP3NotSupported {
            return Self::TooOld { address, version: "5 or older".into() };
        }
        let refused = matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"))
            || error.kind() == ErrorKind::AuthenticationFailed;
        if refused {
            let who = match (&options.user, &options.password) {
                (Some(user), _) => format!("user `{user}`"),
                (None, Some(_)) => "the default user".into(),
                (None, None) => "anyone without a password".into(),
            };
            Self::Refused { address, who, detail }
        } else {
            Self::Unreachable { address, detail }
        }
    }
}

/// What all connections have in common: bounds.
pub(crate) fn config(call_max: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(call_max))
        .set_response_timeout(Some(call_max))
        .set_pipeline_buffer_size(WAITING_MAX)
}

/// A connection to one node.
pub(crate) async fn open(
    options: &RedisOptions,
    address: &str,
    config: &AsyncConnectionConfig,
) -> Result<MultiplexedConnection, ConnectError> {
    let failed = |error: RedisError| ConnectError::of(options, address, &error);
    let client = Client::open(options.node(address)?).map_err(failed)?;
    client.get_multiplexed_async_connection_with_config(config).await.map_err(failed)
}

/// Asks the first node that answers whether it is what the options say.
pub(crate) async fn check(options: &RedisOptions, call_max: Duration) -> Result<(), ConnectError> {
    let mut last = ConnectError::Options("no address is given: give `host:port`".into());
    for address in &options.addresses {
        match check_node(options, address, call_max).await {
            Err(error @ ConnectError::Unreachable { .. }) => last = error,
            outcome => return outcome,
        }
    }
    Err(last)
}

async fn check_node(options: &RedisOptions, address: &str, call_max: Duration) -> Result<(), ConnectError> {
    let mut connection = open(options, address, &config(call_max)).await?;
    let info: String = redis::cmd("INFO")
        .arg("server")
        .query_async(&mut connection)
        .await
        .map_err(|error| ConnectError::of(options, address, &error))?;
    let field = |name: &str| {
        let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.unwrap_or("unknown").trim().to_owned()
    };
    let (version, mode) = (field("redis_version"), field("redis_mode"));
    let mut numbers = version.split('.').map_while(|part| part.parse::<u32>().ok());
    if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < VERSION_LEAST {
        return Err(ConnectError::TooOld { address: address.into(), version });
    }
    let expected = if options.cluster { "cluster" } else { "standalone" };
    if mode != expected {
        let configured = if options.cluster { "a cluster" } else { "a single server" };
        return Err(ConnectError::Mode {
            address: address.into(),
            mode,
            configured,
            remedy: !options.cluster,
        });
    }
    Ok(())
}
