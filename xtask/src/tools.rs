//! Programs of other makers that are built from crates.io into the cache: one version of each, once.

use std::path::PathBuf;

use crate::context::Context;
use crate::failure::Result;

/// A crate with a program of the same name.
#[derive(Debug)]
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
    /// What `cargo install` is told beside the version.
    arguments: &'static [&'static str],
}

/// Checks licences, bans and sources. Built in 1 min 40 s on two cores.
pub(crate) const CARGO_DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2", arguments: &[] };

/// A chat client that nobody here wrote, for `tests/edge`. Without TLS, which it would need OpenSSL for, it is built in
/// 20 s on two cores.
pub(crate) const WEBSOCAT: Tool =
    Tool { name: "websocat", version: "1.14.1", arguments: &["--no-default-features"] };

impl Tool {
    /// Where it is once it is installed.
    pub(crate) fn program(&self, context: &Context) -> PathBuf {
        context.places.tools().join("bin").join(self.name)
    }

    /// Builds it when it is not there in our version.
    pub(crate) fn install(&self, context: &Context) -> Result<()> {
        if self.installed_version(context).is_some_and(|version| version == self.version) {
            return Ok(());
        }
        let root = context.places.tools();
        let mut cargo = context.cargo([
            "install",
            self.name,
            "--locked",
            "--version",
            self.version,
            "--debug",
            "--force",
        ]);
        cargo.args(self.arguments).arg("--root").arg(&root).current_dir(&context.places.cache);
        // Its own target folder: our profile is not its profile, and what it was built from is of no more use.
        let target = root.join("building");
        cargo
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_PROFILE_DEV_DEBUG", "false")
            .env("CARGO_INCREMENTAL", "0");
        context.run().to_success(&format!("install-{}", self.name), &mut cargo)?;
        let _ = std::fs::remove_dir_all(target);
        Ok(())
    }

    fn installed_version(&self, context: &Context) -> Option<String> {
        let output =
            context.command(self.program(context), &context.places.root).arg("--version").output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().rsplit(' ').next()?.to_owned())
    }
}
