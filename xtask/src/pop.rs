//! Every call that xtask makes of the program `ringside`, in one place: its verbs and flags are named only here.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::context::Context;
use crate::failure::{Failure, Result};

/// Where viewers connect.
pub(crate) const ADDRESS: &str = "127.0.0.1:8080";
/// Where operators connect.
pub(crate) const OPERATORS: &str = "127.0.0.1:8081";
/// The stream that a development PoP opens with.
pub(crate) const STREAM: &str = "demo";

/// Who a development token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Viewer,
    Moderator,
    Operator,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Moderator => "moderator",
            Self::Operator => "operator",
        }
    }
}

/// A development PoP of this clone: embedded stores, the development key, a secret of its own for tokens.
pub(crate) struct Pop {
    program: PathBuf,
    bundle: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) address: String,
    pub(crate) operators: String,
}

impl Pop {
    pub(crate) fn of(context: &Context, address: String, operators: String) -> Self {
        Self {
            program: context.places.program("debug", "ringside"),
            bundle: context.places.bundle(),
            data: context.places.root.join(".ringside/dev"),
            address,
            operators,
        }
    }

    /// Serves until it is told to stop.
    pub(crate) fn serve(&self) -> Command {
        let mut command = self.verb("serve");
        command.args(["--development", "--listen", &self.address, "--operators", &self.operators]);
        command.arg("--bundle").arg(&self.bundle).arg("--data").arg(&self.data);
        command
    }

    /// Serves as one process of a region; `compiled` is shared by all of them.
    pub(crate) fn serve_in(
        &self,
        region: &Path,
        roles: &str,
        name: &str,
        secret: &Path,
        compiled: &Path,
    ) -> Command {
        let mut command = self.serve();
        command.args(["--roles", roles]).arg("--region").arg(region);
        for (key, value) in [
            ("host", name.into()),
            ("auth.secret_file", secret.display().to_string()),
            ("compiled", compiled.display().to_string()),
        ] {
            command.args(["--set", &format!("{key}={value}")]);
        }
        command
    }

    /// Brings a region's services to the program's schema.
    pub(crate) fn migrate(&self, region: &Path) -> Command {
        let mut command = self.verb("region");
        command.arg("migrate").arg(region);
        command
    }

    /// The same, with a folder and addresses of its own.
    pub(crate) fn beside(&self, data: PathBuf, address: String, operators: String) -> Self {
        Self { program: self.program.clone(), bundle: self.bundle.clone(), data, address, operators }
    }

    /// Prints a token that the PoP in `data` takes.
    pub(crate) fn token(&self, role: Role) -> Result<String> {
        self.token_of(role, None)
    }

    fn token_of(&self, role: Role, secret: Option<&Path>) -> Result<String> {
        let name = role.name();
        let mut command = self.verb("token");
        command.args(["--role", name, "--user", name, "--name", name]).arg("--data").arg(&self.data);
        if let Some(secret) = secret {
            command.args(["--set", &format!("auth.secret_file={}", secret.display())]);
        }
        let output = command
            .output()
            .map_err(|source| Failure::Start { command: crate::process::written(&command), source })?;
        let token = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if output.status.success() && !token.is_empty() {
            return Ok(token);
        }
        Err(Failure::Checked(format!(
            "`{}` gave no token ({}): {}",
            crate::process::written(&command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        )))
    }

    /// Prints a token that every process with this secret takes.
    pub(crate) fn token_with(&self, role: Role, secret: &Path) -> Result<String> {
        self.token_of(role, Some(secret))
    }

    /// Releases a signed component to the running PoP.
    pub(crate) fn push(&self, component: &Path, operator_token: &str) -> Command {
        let mut command = self.verb("component");
        command.args(["push", "--operators", &format!("http://{}", self.operators)]).arg(component);
        command.env("RINGSIDE_TOKEN", operator_token);
        command
    }

    /// The page's link: the token goes into the fragment, which no server and no log sees.
    pub(crate) fn link(&self, token: &str) -> String {
        format!("http://{}/#stream={STREAM}&token={token}", self.address)
    }

    /// What a person types to release the component `name` after a change.
    pub(crate) fn push_line(&self, name: &str) -> String {
        let elsewhere = if self.operators == OPERATORS {
            String::new()
        } else {
            format!(" --operators {}", self.operators)
        };
        format!("cargo xtask components --push {name}{elsewhere}")
    }

    /// What a person types to fill the room.
    pub(crate) fn load_line(&self) -> String {
        let (program, data) = (self.program.display(), self.data.display());
        format!("{program} load --connections 500 --comments 20 --url http://{} --data {data}", self.address)
    }

    fn verb(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.program);
        // Its log goes into a file.
        command.arg(verb).env("NO_COLOR", "1");
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pop(address: &str, operators: &str) -> Pop {
        Pop {
            program: "/c/ringside".into(),
            bundle: "/c/bundle".into(),
            data: "/r/.ringside/dev".into(),
            address: address.to_owned(),
            operators: operators.to_owned(),
        }
    }

    #[test]
    fn a_links_token_is_in_the_fragment_only() {
        let link = pop(ADDRESS, OPERATORS).link("secret");
        let (sent, kept) = link.split_once('#').unwrap();
        assert!(!sent.contains("secret") && kept.contains("token=secret"), "{link}");
    }

    #[test]
    fn a_tip_names_the_operators_address_only_where_it_is_not_the_usual_one() {
        assert_eq!(pop(ADDRESS, OPERATORS).push_line("words"), "cargo xtask components --push words");
        let elsewhere = pop(ADDRESS, "127.0.0.1:9").push_line("words");
        assert_eq!(elsewhere, "cargo xtask components --push words --operators 127.0.0.1:9");
    }
}
