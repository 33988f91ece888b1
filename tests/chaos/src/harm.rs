//! The parts of a region, and what is done to each.

use std::fmt;

/// A process of a region, or of what it stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// One of the two hosts.
    Host,
    /// The process that relays.
    Coordinator,
    /// The process that stores.
    Writer,
    /// The process that judges later.
    Judge,
    /// The process that counts anew.
    Reconciler,
    /// The log.
    Kafka,
    /// Relay, counters, directory.
    Redis,
    /// The store.
    Cassandra,
    /// Streams, users, decisions.
    Postgres,
}

/// All of them, those first that viewers hang on.
pub const PARTS: [Part; 9] = [
    Part::Host,
    Part::Coordinator,
    Part::Writer,
    Part::Judge,
    Part::Reconciler,
    Part::Kafka,
    Part::Redis,
    Part::Cassandra,
    Part::Postgres,
];

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::Coordinator => "coordinator",
            Self::Writer => "writer",
            Self::Judge => "judge",
            Self::Reconciler => "reconciler",
            Self::Kafka => "kafka",
            Self::Redis => "redis",
            Self::Cassandra => "cassandra",
            Self::Postgres => "postgres",
        })
    }
}

/// What is done to a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// SIGKILL; later it is started again.
    Killed,
    /// SIGSTOP: it hangs, with its connections open; later it goes on.
    Stopped,
    /// A service answers 300 ms late each way; a process of the region runs a fifth of the time.
    Slow,
}

/// Each, in this order.
pub const HARMS: [Harm; 3] = [Harm::Killed, Harm::Stopped, Harm::Slow];

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Killed => "killed",
            Self::Stopped => "stopped",
            Self::Slow => "slow",
        })
    }
}
