//! `cargo xtask chaos`: builds a region as released, breaks it part by part under load, and prints the account.

use std::process::Stdio;

use crate::components;
use crate::console::Steps;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::prerequisites::{Need, check};
use crate::process::written;

/// The program of `tests/chaos`.
const PROGRAM: &str = "ringside-chaos";

/// What to break, and how hard.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example: cargo xtask chaos --rate 500 --seconds 10 kafka host")]
pub(crate) struct Trial {
    /// Parts that are broken: host, coordinator, writer, judge, reconciler, kafka, redis, cassandra, postgres; none: all.
    parts: Vec<String>,
    /// Comments offered a second.
    #[arg(long, default_value_t = 2_000)]
    rate: u32,
    /// How long each fault lasts.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Print the account as one JSON object.
    #[arg(long)]
    json: bool,
}

impl Trial {
    fn words(&self) -> Vec<String> {
        let Self { parts, rate, seconds, json } = self;
        let mut words = vec!["--rate".into(), rate.to_string(), "--seconds".into(), seconds.to_string()];
        words.extend(json.then(|| "--json".to_owned()));
        words.extend(parts.iter().cloned());
        words
    }
}

/// The verb. The program's standard output is the verb's.
pub(crate) fn verb(context: &Context, trial: &Trial) -> Result<()> {
    let mut steps = Steps::new(&context.console, 3);
    steps.run("look for what this machine must have", || {
        check(context, &[Need::C, Need::GuestTarget, Need::Services])
    })?;
    steps.run("build the components", || components::bundle(context))?;
    steps.run("build ringside and the checker, optimised", || {
        let mut cargo = context.cargo(["build", "--release", "--package", PROGRAM, "--package", "ringside"]);
        context.run().to_success("build-chaos", &mut cargo)
    })?;
    let places = &context.places;
    let mut chaos = context.command(places.program("release", PROGRAM), &places.root);
    chaos
        .args(trial.words())
        .stdin(Stdio::null())
        .env("RINGSIDE_BUNDLE", places.bundle())
        .env("RINGSIDE_CACHE", &places.cache)
        .env("RINGSIDE_BIN", places.program("release", "ringside"));
    let status = chaos.status().map_err(|source| Failure::Start { command: written(&chaos), source })?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Checked(format!("`{}` failed ({status})", written(&chaos))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_handed_on() {
        let parts = vec!["kafka".to_owned(), "host".to_owned()];
        let trial = Trial { parts, rate: 500, seconds: 10, json: true };
        assert_eq!(trial.words().join(" "), "--rate 500 --seconds 10 --json kafka host");
    }
}
