//! What an edge is configured with. Every default is the limit that clients may rely on.

use std::net::SocketAddr;
use std::time::Duration;

use ringside_core::limits;

/// Connections a host takes unless told otherwise. Beyond it a viewer is told to come back or go to another
/// PoP (close 4004). With 400 bytes of user memory and about 2 KB of the kernel's for each, this is 250 MB.
pub const CONNECTIONS_MAX: usize = 100_000;

/// How one edge listens and what it bears.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// Where viewers come in. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Threads that serve viewers, each with sockets of its own.
    pub shards: usize,
    /// Most WebSocket connections at once, over all shards.
    pub connections_max: usize,
    /// Values of `Origin` that may connect from a browser; empty allows all. Clients that send no `Origin`
    /// are not browsers and may connect.
    pub origins: Vec<String>,
    /// Times of a connection's life.
    pub timings: Timings,
}

impl EdgeConfig {
    /// The defaults for an address: a shard a core.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            shards: std::thread::available_parallelism().map_or(1, usize::from),
            connections_max: CONNECTIONS_MAX,
            origins: Vec::new(),
            timings: Timings::default(),
        }
    }
}

/// Times of a connection's life. The defaults are those of [`limits`]; tests shorten them.
#[derive(Debug, Clone, Copy)]
pub struct Timings {
    /// From accepting the TCP connection to the first request's head.
    pub handshake: Duration,
    /// From the upgrade to a token or an anonymous join.
    pub authenticate: Duration,
    /// Between two pings.
    pub ping: Duration,
    /// Without any frame from the client.
    pub idle: Duration,
    /// Notice before a token ends.
    pub expiring: Duration,
    /// A viewer whose socket takes nothing for this long is closed with 4001.
    pub slow: Duration,
    /// From our close frame to the end of the TCP connection, for the client to answer.
    pub close: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            handshake: Duration::from_millis(limits::HANDSHAKE_MS_MAX),
            authenticate: Duration::from_millis(limits::AUTHENTICATE_MS_MAX),
            ping: Duration::from_millis(limits::PING_MS),
            idle: Duration::from_millis(limits::IDLE_MS_MAX),
            expiring: Duration::from_secs(60),
            // Twice the longest hiccup of a phone that changes networks; the room's log holds three times as much.
            slow: Duration::from_secs(10),
            close: Duration::from_secs(3),
        }
    }
}
