//! Builds the pages: npm's packages, the client library, the viewer's page; each only when its inputs changed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::context::Context;
use crate::failure::{Failure, OnFile, Result};
use crate::files::{digest, files_below, mirror};

/// Folders in `web/` that hold what is made, not what it is made from.
const MADE: [&str; 5] = ["node_modules", "dist", "test-results", "playwright-report", ".vite"];

/// npm, working in `web/`, with its downloads in the cache unless the user has set another place.
pub(crate) fn npm<'s>(context: &Context, arguments: impl IntoIterator<Item = &'s str>) -> Command {
    let mut npm = context.command("npm", &context.web());
    npm.args(arguments);
    if std::env::var_os("npm_config_cache").is_none() {
        npm.env("npm_config_cache", context.places.cache.join("npm"));
    }
    npm
}

/// Installs npm's packages as the lock file says, where that was not done yet.
pub(crate) fn install(context: &Context) -> Result<()> {
    let web = context.web();
    let mut manifests = files_below(&web, &MADE)?;
    manifests.retain(|file| {
        file.file_name().is_some_and(|name| name == "package.json" || name == "package-lock.json")
    });
    if manifests.is_empty() {
        return Err(Failure::Usage(format!("{} has no package.json", web.display())));
    }
    let mut npm = npm(context, ["ci", "--no-audit", "--no-fund", "--prefer-offline"]);
    once(&stamp(&web, "installed"), &digest(&web, &manifests)?, || {
        context.run().to_success("npm-ci", &mut npm)
    })?;
    Ok(())
}

/// Installs, builds, and mirrors the viewer's page into `<bundle>/web`.
pub(crate) fn bundle(context: &Context) -> Result<()> {
    install(context)?;
    let web = context.web();
    let page = web.join("chat/dist");
    let built = stamp(&web, "built");
    if !page.join("index.html").is_file() {
        let _ = std::fs::remove_file(&built);
    }
    once(&built, &digest(&web, &files_below(&web, &MADE)?)?, || {
        context.run().to_success("npm-build", &mut npm(context, ["run", "build"]))
    })?;
    mirror(&page, &context.places.bundle().join("web"))
}

/// The checks of the pages' own tools: types and style.
pub(crate) fn lint(context: &Context) -> Result<()> {
    install(context)?;
    context.run().to_success("npm-lint", &mut npm(context, ["run", "lint"]))
}

/// In node_modules: who removes that folder gets everything installed and built anew.
fn stamp(web: &Path, what: &str) -> PathBuf {
    web.join(format!("node_modules/.ringside-{what}"))
}

/// Does `work` unless `stamp` says that it was done for `inputs`; says whether it did.
fn once(stamp: &Path, inputs: &str, work: impl FnOnce() -> Result<()>) -> Result<bool> {
    if std::fs::read_to_string(stamp).is_ok_and(|done| done == inputs) {
        return Ok(false);
    }
    work()?;
    if let Some(folder) = stamp.parent() {
        std::fs::create_dir_all(folder).on_file("create", folder)?;
    }
    std::fs::write(stamp, inputs).on_file("write", stamp)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_again_only_after_its_inputs_changed_or_it_failed() {
        let folder = tempfile::tempdir().unwrap();
        let stamp = folder.path().join("modules/stamp");
        let done = |inputs: &str| once(&stamp, inputs, || Ok(()));
        assert!(once(&stamp, "a", || Err(Failure::Usage("broken".into()))).is_err());
        assert!(done("a").unwrap());
        assert!(!done("a").unwrap());
        assert!(done("b").unwrap());
        assert!(done("a").unwrap());
    }
}
