//! `ringside play`: plays a recorded chat into a PoP.

use super::{ConfigArgs, load::sign_with, print};
use crate::exit::Outcome;

/// Arguments of `ringside play`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    play: ringside_load::PlayArgs,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Plays.
pub(crate) fn run(args: Args) -> Outcome {
    let tokens = sign_with(&args.config)?;
    let json = args.play.json;
    let report = super::load::block_on(ringside_load::play(args.play, tokens))?;
    print(&if json { format!("{}\n", serde_json::json!(report)) } else { report.to_string() });
    Ok(())
}
