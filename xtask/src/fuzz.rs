//! `cargo xtask fuzz`: runs the fuzz targets of `tests/fuzz`, or takes one input once more.

use std::path::PathBuf;
use std::process::Command;

use crate::components;
use crate::console::Steps;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::prerequisites::{Need, check};
use crate::process::{Fate, Output};
use crate::suites::Environment;

/// The program of `tests/fuzz`.
const PROGRAM: &str = "ringside-fuzz";
/// How long each target runs in CI, and unless told otherwise.
const SECONDS: u64 = 30;

/// What to run.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Search {
    /// Names of targets; none: all. `cargo xtask fuzz --list` names them.
    targets: Vec<String>,
    /// How long each target runs.
    #[arg(long, default_value_t = SECONDS)]
    seconds: u64,
    /// Where chance begins, to have the same inputs once more; drawn if it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Take this one input instead, as a finding says it.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// List the targets.
    #[arg(long)]
    list: bool,
}

impl Default for Search {
    fn default() -> Self {
        Self { targets: Vec::new(), seconds: SECONDS, seed: None, input: None, list: false }
    }
}

impl Search {
    /// All targets, with chance that begins at a seed.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self { seed: Some(seed), ..Self::default() }
    }
}

/// The verb: builds what is needed, then runs.
pub(crate) fn verb(context: &Context, search: &Search) -> Result<()> {
    let mut steps = Steps::new(&context.console, 4);
    steps.run("look for what this machine must have", || check(context, &[Need::C, Need::GuestTarget]))?;
    steps.run("build the components, good and hostile", || {
        components::bundle(context)?;
        components::hostile(context)
    })?;
    // The whole workspace is named so that features are those of the tests, and nothing is built twice.
    steps.run("build the fuzz targets", || {
        let mut cargo = context.cargo(["build", "--workspace", "--bin", PROGRAM]);
        context.run().to_success("build-fuzz", &mut cargo)
    })?;
    steps.run("search", || run(context, search))
}

/// Runs what is built. Says how each target did, and how a finding is seen again.
pub(crate) fn run(context: &Context, search: &Search) -> Result<()> {
    let ended = context.run().to_end("fuzz", &mut command(context, search), |output, _| match output {
        Output::Standard => Fate::Print,
        Output::Error => Fate::Pass,
    })?;
    match ended.status.and_then(|status| status.code()) {
        Some(0) => Ok(()),
        Some(1) => Err(Failure::Checked("a fuzz target found something: see above".into())),
        _ => Err(context.run().failure("fuzz", &command(context, search), &ended)),
    }
}

fn command(context: &Context, search: &Search) -> Command {
    let Search { targets, seconds, seed, input, list } = search;
    let places = &context.places;
    let mut command = context.command(places.program("debug", PROGRAM), &places.root);
    command.args(targets).args(["--seconds", &seconds.to_string()]);
    command.arg("--findings").arg(places.cache.join("fuzz"));
    if let Some(seed) = seed {
        command.args(["--seed", &seed.to_string()]);
    }
    if let Some(input) = input {
        // Where the person stands, not where the program runs.
        command.arg("--input").arg(std::path::absolute(input).unwrap_or_else(|_| input.clone()));
    }
    if *list {
        command.arg("--list");
    }
    Environment::of(context, false).on(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Console;
    use crate::place::Places;
    use crate::process::written;

    #[test]
    fn what_was_asked_for_is_handed_on_with_the_folder_for_findings() {
        let places = Places { root: "/r".into(), cache: "/c".into(), target: "/t".into() };
        let context = Context { places, console: Console::on_stderr(), ci: false };
        let search = Search {
            targets: vec!["frames".into()],
            seed: Some(7),
            input: Some("/i/a.input".into()),
            ..Search::default()
        };
        assert_eq!(
            written(&command(&context, &search)),
            "ringside-fuzz frames --seconds 30 --findings /c/fuzz --seed 7 --input /i/a.input"
        );
    }
}
