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

/// Installs what the lock file says, builds, and mirrors the viewer's page into `<bundle>/web`.
/// Says whether anything had to be built.
pub(crate) fn bundle(context: &Context) -> Result<bool> {
    let web = context.web();
    let sources = files_below(&web, &MADE)?;
    let (manifests, _): (Vec<PathBuf>, Vec<PathBuf>) = sources.iter().cloned().partition(|file| {
        file.file_name().is_some_and(|name| name == "package.json" || name == "package-lock.json")
    });
    if manifests.is_empty() {
        return Err(Failure::Usage(format!("{} has no package.json", web.display())));
    }
    // Both stamps lie in node_modules: who removes that folder gets everything built anew.
    let modules = web.join("node_modules");
    let installed = digest(&web, &manifests)?;
    once(&modules.join(".ringside-installed"), &installed, || {
        context
            .run()
            .to_success("npm-ci", &mut npm(context, ["ci", "--no-audit", "--no-fund", "--prefer-offline"]))
    })?;
    let page = web.join("chat/dist");
    let stamp = modules.join(".ringside-built");
    if !page.join("index.html").is_file() {
        let _ = std::fs::remove_file(&stamp);
    }
    let built = once(&stamp, &digest(&web, &sources)?, || {
        context.run().to_success("npm-build", &mut npm(context, ["run", "build"]))
    })?;
    mirror(&page, &context.places.bundle().join("web"))?;
    Ok(built)
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
