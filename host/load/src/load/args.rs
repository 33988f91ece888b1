//! Arguments of `ringside load`.

use clap::ValueEnum;
use ringside_core::StreamId;

use crate::pace::Rate;
use crate::target::{TargetArgs, stream_id};
use crate::wire::Codec;

const EXAMPLES: &str = "Examples:
  ringside load --connections 1000 --comments 200 --duration 60
  ringside load --connections 15000 --comments 0 --ramp 1000 --json
  ringside load --url http://127.0.0.1:8080 --sender-url http://127.0.0.1:8090
  ringside load --connections 2000 --streams 4 --reactions 50 --emoji 100 --codec msgpack --compression";

/// Loads a host and measures it: viewers that only watch, and senders that comment, like and send emoji at given
/// rates. Says how long it took until a comment was acknowledged and until others saw it, and what was lost.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct LoadArgs {
    /// Viewers: connections that watch.
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub connections: u32,
    /// Comments a second, of all senders together; 0 is none.
    #[arg(long, default_value = "10", value_name = "RATE", value_parser = rate_or_none)]
    pub comments: MaybeRate,
    /// Likes a second, of all senders together.
    #[arg(long, default_value = "0", value_name = "RATE", value_parser = rate_or_none)]
    pub reactions: MaybeRate,
    /// Commands with an emoji a second, of all senders together.
    #[arg(long, default_value = "0", value_name = "RATE", value_parser = rate_or_none)]
    pub emoji: MaybeRate,
    /// Time of the measurement in seconds; it begins when all are connected.
    #[arg(long, default_value = "30", value_name = "SECONDS", value_parser = seconds)]
    pub duration: f64,
    /// New connections a second.
    #[arg(long, default_value = "500", value_name = "RATE", value_parser = Rate::parse)]
    pub ramp: Rate,
    /// Stream to join.
    #[arg(long, default_value = "demo", value_parser = stream_id)]
    pub stream: StreamId,
    /// Spread over so many streams, STREAM-1 to STREAM-N.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub streams: u16,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented where they are declared")]
    pub target: TargetArgs,
    /// Public address of the host that senders connect to; --url's where it is left out. With another host of the region
    /// what is seen has crossed from host to host.
    #[arg(long, value_name = "URL")]
    pub sender_url: Option<String>,
    /// How frames are written.
    #[arg(long, value_enum, default_value = "json")]
    pub codec: Codec,
    /// Viewers offer permessage-deflate, as browsers do.
    #[arg(long)]
    pub compression: bool,
    /// Connections that send, each a user of its own. Left out: as many as keep each below a host's limits, that is
    /// at 4 comments, 16 likes, 45 emoji and 50 commands a minute at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub senders: Option<u32>,
    /// Who sends. Moderators' comments are neither limited nor left out by sampling: a few of them load a host more
    /// than its limits let through.
    #[arg(long, value_enum, default_value = "viewer", value_name = "ROLE")]
    pub sender_role: SenderRole,
    /// Makes texts, emoji and liked comments repeatable.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    pub seed: u64,
    /// Print the report as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// A rate, or none for 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MaybeRate(pub Option<Rate>);

impl MaybeRate {
    /// How many a second.
    pub(crate) fn per_second(self) -> f64 {
        self.0.map_or(0.0, Rate::per_second)
    }
}

/// The role of senders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SenderRole {
    /// As most users.
    Viewer,
    /// Without limits but that of the connection.
    Moderator,
}

impl SenderRole {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Moderator => "moderator",
        }
    }
}

fn rate_or_none(text: &str) -> Result<MaybeRate, String> {
    if text.parse() == Ok(0.0) {
        return Ok(MaybeRate(None));
    }
    Rate::parse(text).map(|rate| MaybeRate(Some(rate)))
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|seconds: &f64| *seconds > 0.0 && *seconds <= 1e6)
        .ok_or_else(|| format!("`{text}` is no time: give seconds above 0"))
}
