//! `cargo xtask bench`: builds the benchmarks as released and runs those that are named.

use std::process::Stdio;

use crate::console::Steps;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::prerequisites::{Need, check};
use crate::process::written;
use crate::{components, services};

/// The program of `tests/bench`. Without a name it lists what it can measure.
const PROGRAM: &str = "ringside-bench";
/// What is measured on real services: these words among the arguments ask for them.
const ON_SERVICES: [&str; 3] = ["--region", "store", "all"];

/// The verb. `arguments` go to the program as they are; what it prints is the verb's standard output.
pub(crate) fn verb(context: &Context, arguments: &[String]) -> Result<()> {
    let needs_services = arguments.iter().any(|word| ON_SERVICES.contains(&word.as_str()));
    let mut steps = Steps::new(&context.console, if needs_services { 4 } else { 3 });
    let needs: &[Need] = if needs_services {
        &[Need::C, Need::GuestTarget, Need::Services]
    } else {
        &[Need::C, Need::GuestTarget]
    };
    steps.run("look for what this machine must have", || check(context, needs))?;
    steps.run("build the components", || components::bundle(context))?;
    steps.run("build ringside and its benchmarks, optimised", || {
        let mut cargo = context.cargo(["build", "--release", "--package", PROGRAM, "--package", "ringside"]);
        context.run().to_success("build-bench", &mut cargo)
    })?;
    let started = if needs_services {
        Some(steps.run("start the services that are measured", || services::for_tests(context))?)
    } else {
        None
    };
    let places = &context.places;
    let mut bench = context.command(places.program("release", PROGRAM), &places.root);
    bench
        .args(arguments)
        .stdin(Stdio::null())
        .env("RINGSIDE_BUNDLE", places.bundle())
        .env("RINGSIDE_COMPONENTS", places.bundle().join("components"))
        .env("RINGSIDE_KEYS", places.keys())
        .env("RINGSIDE_BIN", places.program("release", "ringside"))
        .envs(started.iter().flat_map(services::ForTests::environment));
    let status = bench.status().map_err(|source| Failure::Start { command: written(&bench), source })?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Checked(format!("`{}` failed ({status})", written(&bench))))
    }
}
