//! Checks what we depend on: licences, bans and sources always, advisories where their database can be reached.

use std::path::PathBuf;
use std::time::Duration;

use crate::context::Context;
use crate::failure::Result;
use crate::process::{Fate, Run};

const VERSION: &str = "0.20.2";
/// How long the advisory database may take to arrive; it is 10 MB.
const DATABASE_LIMIT: Duration = Duration::from_secs(90);

/// cargo-deny at our version, built into the cache when it is not there: 1 min 40 s on two cores.
pub(crate) fn install(context: &Context) -> Result<()> {
    if program(context).is_file() && installed_version(context).is_some_and(|version| version == VERSION) {
        return Ok(());
    }
    let root = context.places.tools();
    let mut cargo =
        context.cargo(["install", "cargo-deny", "--locked", "--version", VERSION, "--debug", "--root"]);
    // Its own target folder: our profile is not its profile, and what it was built from is of no more use.
    let target = root.join("building");
    cargo.arg(&root).current_dir(&context.places.cache);
    cargo
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .env("CARGO_INCREMENTAL", "0");
    context.run().to_success("install-cargo-deny", &mut cargo)?;
    let _ = std::fs::remove_dir_all(target);
    Ok(())
}

/// The verdict over the workspace and the guests.
pub(crate) fn check(context: &Context) -> Result<()> {
    let workspaces = [
        ("deny", context.places.root.clone()),
        ("deny-guests", context.components()),
        ("deny-hostile", context.hostile_guests()),
    ];
    for (name, folder) in workspaces {
        let mut deny = context.command(program(context), &folder);
        deny.args(["--log-level", "error", "--config"]).arg(context.places.root.join("deny.toml"));
        // Not every workspace meets every licence that is allowed.
        deny.args(["check", "--allow", "license-not-encountered", "licenses", "bans", "sources"]);
        context.run().to_success(name, &mut deny)?;
    }
    Ok(())
}

/// Checks the advisories, or says why that was left out. `Ok(false)` means left out.
pub(crate) fn advisories(context: &Context) -> Result<bool> {
    let deny = |arguments: &[&str]| {
        let mut deny = context.command(program(context), &context.places.root);
        deny.args(["--log-level", "warn"]).args(arguments).env("GIT_TERMINAL_PROMPT", "0");
        deny
    };
    let fetching = Run { limit: DATABASE_LIMIT, ..context.run() };
    let fetched = fetching.to_end("deny-fetch", &mut deny(&["fetch", "db"]), |_, _| Fate::Pass)?;
    if !fetched.success() {
        context.console.say("      skipped: the advisory database cannot be reached from here");
        return Ok(false);
    }
    context.run().to_success("deny-advisories", &mut deny(&["check", "--disable-fetch", "advisories"]))?;
    Ok(true)
}

fn program(context: &Context) -> PathBuf {
    context.places.tools().join("bin/cargo-deny")
}

fn installed_version(context: &Context) -> Option<String> {
    let output = context.command(program(context), &context.places.root).arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().rsplit(' ').next()?.to_owned())
}
