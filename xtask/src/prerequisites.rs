//! What a machine must have before anything is built: looked for first, all at once, with the way to get it.

use std::process::{Command, Stdio};

use ringside_services::Cache;

use crate::context::{Context, GUEST_TARGET};
use crate::failure::{Failure, Result};

/// The oldest Node.js that the web packages build with.
const NODE_MIN: (u32, u32) = (20, 19);

/// What a verb needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// A C compiler and make, for the few dependencies with C sources.
    C,
    /// curl, a client that the tests did not write.
    Curl,
    /// Node.js with npm, for the pages.
    Node,
    /// Rust's `wasm32-wasip2` target, for the guests; added when it is missing.
    GuestTarget,
    /// What Kafka, Cassandra, Redis and PostgreSQL run on, and what fetches those that are not installed.
    Services,
}

/// Fails with every one of `needs` that is not met, and how to get it.
pub(crate) fn check(context: &Context, needs: &[Need]) -> Result<()> {
    let missing: Vec<String> = needs.iter().filter_map(|need| missing(context, *need)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::Missing(format!("this machine lacks:\n{}", missing.join("\n"))))
}

fn missing(context: &Context, need: Need) -> Option<String> {
    match need {
        Need::C => {
            let compiler = std::env::var("CC").unwrap_or_default();
            // It may say how to call the compiler, too: `ccache gcc`.
            let compiler = compiler.split_whitespace().next().unwrap_or("cc");
            let absent: Vec<&str> =
                [compiler, "make"].into_iter().filter(|program| answer(program).is_none()).collect();
            (!absent.is_empty()).then(|| {
                format!(
                    "  {} (a C compiler and make): on Debian or Ubuntu `apt-get install build-essential`, \
                     on macOS `xcode-select --install`",
                    absent.join(" and ")
                )
            })
        }
        Need::Curl => answer("curl").is_none().then(|| {
            "  curl, a client of the tests: on Debian or Ubuntu `apt-get install curl`".to_owned()
        }),
        Need::Node => {
            let absent = node_trouble(answer("node").as_deref(), answer("npm").as_deref())?;
            Some(format!(
                "  {absent}: get Node.js {}.{} or newer, which brings npm, from your system's packages, a \
                 version manager such as nvm, or nodejs.org",
                NODE_MIN.0, NODE_MIN.1
            ))
        }
        Need::Services => {
            let lacks = ringside_services::missing(&Cache::at(&context.places.cache));
            let lines: Vec<String> = lacks.iter().map(|what| format!("  {what}")).collect();
            (!lines.is_empty()).then(|| lines.join("\n"))
        }
        Need::GuestTarget => add_guest_target(context).err().map(|failure| {
            format!(
                "  Rust's target {GUEST_TARGET}: `rustup target add {GUEST_TARGET}` (rustup: see rustup.rs)\n    {failure}"
            )
        }),
    }
}

/// The first line that `program --version` prints, if it runs.
fn answer(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| text.lines().next().unwrap_or_default().to_owned())
}

fn node_trouble(node: Option<&str>, npm: Option<&str>) -> Option<String> {
    let Some(node) = node else { return Some("Node.js (`node` does not run)".into()) };
    let mut numbers = node.trim_start_matches('v').split('.').map(|number| number.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) if (major, minor) >= NODE_MIN => {}
        _ => return Some(format!("a newer Node.js (`node --version` says {node})")),
    }
    npm.is_none().then(|| "npm (`npm` does not run)".into())
}

fn add_guest_target(context: &Context) -> Result<()> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let installed = context
        .command(rustc, &context.places.root)
        .args(["--print", "target-libdir", "--target", GUEST_TARGET])
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())
        .is_some_and(|output| std::path::Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir());
    if installed {
        return Ok(());
    }
    context.console.say(format_args!("      adding Rust's target {GUEST_TARGET}"));
    let mut rustup = context.command("rustup", &context.places.root);
    context.run().to_success("rustup-target", rustup.args(["target", "add", GUEST_TARGET]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_is_refused_when_it_is_absent_too_old_or_without_npm() {
        for (node, npm, trouble) in [
            (Some("v20.20.2"), Some("11.0.0"), None),
            (Some("v156.0.0"), Some("11.0.0"), None),
            (None, Some("11.0.0"), Some("does not run")),
            (Some("v20.18.1"), Some("11.0.0"), Some("v20.18.1")),
            (Some("v18.20.0"), Some("9.2.0"), Some("v18.20.0")),
            (Some("nonsense"), Some("9.2.0"), Some("nonsense")),
            (Some("v22.1.0"), None, Some("npm")),
        ] {
            let found = node_trouble(node, npm);
            assert_eq!(found.is_some(), trouble.is_some(), "{node:?} {npm:?}: {found:?}");
            if let (Some(found), Some(trouble)) = (found, trouble) {
                assert!(found.contains(trouble), "{found:?} does not say {trouble:?}");
            }
        }
    }

    #[test]
    fn a_program_that_is_not_there_gives_no_answer() {
        assert_eq!(answer("ringside-no-such-program"), None);
    }
}
