//! Arguments of `ringside play`.

use std::path::PathBuf;

use ringside_core::StreamId;

use crate::pace::Rate;
use crate::recording::{Columns, Format};
use crate::target::{TargetArgs, stream_id};

const EXAMPLES: &str = "Examples:
  ringside play chat.jsonl --rate 50
  ringside play '#ubuntu.log' --rate recorded --speed 10 --stream demo
  ringside play comments.csv --text-column CONTENT --users 3000 --rate 200 --verdicts verdicts.jsonl";

/// Plays recorded chats into a stream: reads comments from files and posts them over REST at a given rate, each as
/// the user who said it.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct PlayArgs {
    /// Recordings, played one after another; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Stream to play into.
    #[arg(long, default_value = "demo", value_parser = stream_id)]
    pub stream: StreamId,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented where they are declared")]
    pub target: TargetArgs,
    /// Comments a second; `recorded` follows the recording's own times.
    #[arg(long, default_value = "10", value_parser = Tempo::parse)]
    pub rate: Tempo,
    /// With `--rate recorded`: so many times as fast.
    #[arg(long, default_value = "1", value_name = "TIMES", value_parser = above_zero)]
    pub speed: f64,
    /// With `--rate recorded`: longest wait between two comments, in seconds; a night is not sat through.
    #[arg(long, default_value = "30", value_name = "SECONDS", value_parser = above_zero)]
    pub pause_max: f64,
    /// `keep` posts as the recorded authors; a number lets so many made-up users take turns, so that none is
    /// stopped by the limit for one user (by default 5 comments a minute: 15 users for each comment a second).
    #[arg(long, default_value = "keep", value_name = "keep|N", value_parser = Users::parse)]
    pub users: Users,
    /// Play the files so many times.
    #[arg(long, default_value_t = 1, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,
    /// Stop after so many comments.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// How the files are written; left out: found by name and content.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented where they are declared")]
    pub columns: Columns,
    /// Comments that may wait for their answer at once.
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub in_flight: u16,
    /// Write each comment with what became of it to this file, as JSON lines.
    #[arg(long, value_name = "FILE")]
    pub verdicts: Option<PathBuf>,
    /// Print the report as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// How fast a recording is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tempo(pub Option<Rate>);

impl Tempo {
    /// So many comments a second; none means by the recording's times.
    pub(crate) fn rate(self) -> Option<Rate> {
        self.0
    }

    fn parse(text: &str) -> Result<Self, String> {
        if text == "recorded" {
            return Ok(Self(None));
        }
        Rate::parse(text).map(|rate| Self(Some(rate))).map_err(|error| format!("{error}, or `recorded`"))
    }
}

/// Who posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Users {
    /// The recorded authors.
    Keep,
    /// So many made-up users, in turn.
    Made(u32),
}

impl Users {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "keep" {
            return Ok(Self::Keep);
        }
        text.parse()
            .ok()
            .filter(|count| *count > 0)
            .map(Self::Made)
            .ok_or_else(|| format!("`{text}` is neither `keep` nor a number of users from 1"))
    }
}

fn above_zero(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number: &f64| *number > 0.0 && number.is_finite())
        .ok_or_else(|| format!("`{text}` is no number above 0"))
}
