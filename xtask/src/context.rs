//! What every verb has at hand: the folders, the console, and commands that are set up alike.

use std::path::Path;
use std::process::Command;

use crate::console::Console;
use crate::failure::Result;
use crate::place::Places;
use crate::process::{LIMIT, Run};

/// The target that guests are built for.
pub(crate) const GUEST_TARGET: &str = "wasm32-wasip2";

/// Cargo's verbs that read the lock file.
const LOCKING_VERBS: [&str; 4] = ["build", "clippy", "metadata", "test"];

pub(crate) struct Context {
    pub(crate) places: Places,
    pub(crate) console: Console,
    /// True where nobody comes back to this clone: no incremental builds then.
    pub(crate) ci: bool,
}

impl Context {
    pub(crate) fn new(console: Console) -> Result<Self> {
        let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
        Ok(Self { places: Places::find()?, console, ci })
    }

    pub(crate) fn run(&self) -> Run<'_> {
        Run { console: &self.console, logs: self.places.logs(), limit: LIMIT }
    }

    /// A program that works in `folder`, without colours and without what cargo told xtask about itself.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(folder)
            .env("NO_COLOR", "1")
            .env("CARGO_TERM_COLOR", "never")
            .env_remove("FORCE_COLOR");
        // Build scripts would see xtask's own package in them and run again.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "OUT_DIR" {
                command.env_remove(&name);
            }
        }
        if self.ci {
            command.env("CARGO_INCREMENTAL", "0");
        }
        command
    }

    /// Cargo on the workspace.
    pub(crate) fn cargo<'s>(&self, arguments: impl IntoIterator<Item = &'s str>) -> Command {
        self.cargo_in(&self.places.root, &self.places.target, arguments)
    }

    /// Cargo on a workspace of guests.
    pub(crate) fn cargo_guests<'s>(
        &self,
        workspace: &Path,
        arguments: impl IntoIterator<Item = &'s str>,
    ) -> Command {
        self.cargo_in(workspace, &self.places.guests_target(), arguments)
    }

    fn cargo_in<'s>(
        &self,
        folder: &Path,
        target: &Path,
        arguments: impl IntoIterator<Item = &'s str>,
    ) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = self.command(cargo, folder);
        let mut arguments = arguments.into_iter();
        if let Some(verb) = arguments.next() {
            command.arg(verb);
            // Someone who adds a dependency gets the lock file brought up to date; CI takes only what was committed.
            if self.ci && LOCKING_VERBS.contains(&verb) {
                command.arg("--locked");
            }
        }
        command.args(arguments).env("CARGO_TARGET_DIR", target);
        command
    }

    /// The folder of the guests that are the product.
    pub(crate) fn components(&self) -> std::path::PathBuf {
        self.places.root.join("components")
    }

    /// The folder of the guests that misbehave on purpose.
    pub(crate) fn hostile_guests(&self) -> std::path::PathBuf {
        self.places.root.join("tests/guests")
    }

    pub(crate) fn web(&self) -> std::path::PathBuf {
        self.places.root.join("web")
    }
}
