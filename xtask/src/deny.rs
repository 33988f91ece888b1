//! Checks what we depend on: licences, bans and sources always, advisories where their database can be reached.

use std::time::Duration;

use crate::context::Context;
use crate::failure::Result;
use crate::process::{Fate, Run};
use crate::tools::CARGO_DENY;

/// How long the advisory database may take to arrive; it is 10 MB.
const DATABASE_LIMIT: Duration = Duration::from_secs(90);

/// The verdict over the workspace and the guests.
pub(crate) fn check(context: &Context) -> Result<()> {
    let workspaces = [
        ("deny", context.places.root.clone()),
        ("deny-guests", context.components()),
        ("deny-hostile", context.hostile_guests()),
    ];
    for (name, folder) in workspaces {
        let mut deny = context.command(CARGO_DENY.program(context), &folder);
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
        let mut deny = context.command(CARGO_DENY.program(context), &context.places.root);
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
