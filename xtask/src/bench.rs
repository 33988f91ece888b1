//! `cargo xtask bench`: builds the benchmarks as released and runs those that are named.

use std::process::Stdio;

use crate::components;
use crate::console::Steps;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::prerequisites::{Need, check};
use crate::process::written;

/// The program of `tests/bench`. Without a name it lists what it can measure.
const PROGRAM: &str = "ringside-bench";

/// The verb. `arguments` go to the program as they are; what it prints is the verb's standard output.
pub(crate) fn verb(context: &Context, arguments: &[String]) -> Result<()> {
    let mut steps = Steps::new(&context.console, 3);
    steps.run("look for what this machine must have", || check(context, &[Need::C, Need::GuestTarget]))?;
    steps.run("build the components", || components::bundle(context))?;
    steps.run("build ringside and its benchmarks, optimised", || {
        let mut cargo = context.cargo(["build", "--release", "--package", PROGRAM, "--package", "ringside"]);
        context.run().to_success("build-bench", &mut cargo)
    })?;
    let places = &context.places;
    let mut bench = context.command(places.program("release", PROGRAM), &places.root);
    bench
        .args(arguments)
        .stdin(Stdio::null())
        .env("RINGSIDE_BUNDLE", places.bundle())
        .env("RINGSIDE_COMPONENTS", places.bundle().join("components"))
        .env("RINGSIDE_KEYS", places.keys())
        .env("RINGSIDE_BIN", places.program("release", "ringside"));
    let status = bench.status().map_err(|source| Failure::Start { command: written(&bench), source })?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Checked(format!("`{}` failed ({status})", written(&bench))))
    }
}
