//! `cargo xtask test`: sets up what the tests need, runs every suite and adds up what they say.

use std::process::Command;

use clap::ValueEnum;

use crate::chromium;
use crate::console::Steps;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::prerequisites::{Need, check};
use crate::process::{Fate, Output};
use crate::tally::Tally;
use crate::tools::WEBSOCAT;
use crate::web::npm;
use crate::{components, services, trim, web};

/// Lines kept of one test program's failures: what they say comes first, the backtraces after it.
const FAILURE_LINES_MAX: usize = 400;

/// How cargo builds the program alone; `cargo xtask dev` builds it so, too.
pub(crate) const BUILD_RINGSIDE: &[&str] = &["build", "--package", "ringside"];

/// What is run by one test runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// Everything in the cargo workspace.
    Workspace,
    /// The guests' own tests, run natively.
    Guests,
    /// The client library's and the page's tests.
    Web,
    /// The page in a real Chromium, against a real PoP.
    Browser,
}

const ALL: [Suite; 4] = [Suite::Workspace, Suite::Guests, Suite::Web, Suite::Browser];

/// Which tests to run.
#[derive(Debug, Default, Clone, clap::Args)]
pub(crate) struct Choice {
    /// Run only cargo's tests whose name contains it.
    pub(crate) filter: Option<String>,
    /// Run only this suite; may be given more than once.
    #[arg(long, value_enum)]
    pub(crate) only: Vec<Suite>,
    /// Run the long ones too: sets RINGSIDE_LONG=1 and includes ignored tests.
    #[arg(long)]
    pub(crate) long: bool,
}

impl Choice {
    /// A name of a test is cargo's, so with a filter the other runners have nothing to do.
    fn suites(&self) -> Vec<Suite> {
        match (self.only.is_empty(), self.filter.is_some()) {
            (false, _) => self.only.clone(),
            (true, true) => vec![Suite::Workspace, Suite::Guests],
            (true, false) => ALL.to_vec(),
        }
    }
}

/// The verb: ends with the plain closing line.
pub(crate) fn verb(context: &Context, choice: &Choice) -> Result<()> {
    let (tally, outcome) = run(context, choice);
    context.console.say(tally);
    outcome
}

/// Sets up and runs; what was counted is given in any case.
pub(crate) fn run(context: &Context, choice: &Choice) -> (Tally, Result<()>) {
    let mut tally = Tally::default();
    let outcome = set_up_and_run(context, choice, &mut tally);
    // A runner that broke off (a crash, a build that failed) has counted nothing: that is a failure, too.
    if outcome.as_ref().is_err_and(|failure| !matches!(failure, Failure::Usage(_))) && tally.failed == 0 {
        tally.failed = 1;
    }
    (tally, outcome)
}

fn set_up_and_run(context: &Context, choice: &Choice, tally: &mut Tally) -> Result<()> {
    let suites = choice.suites();
    let needs = |suite: Suite| suites.contains(&suite);
    let (rust, pages) = (needs(Suite::Workspace), needs(Suite::Web) || needs(Suite::Browser));
    let whole = rust || needs(Suite::Browser);
    let set_up =
        1 + 2 * usize::from(whole) + usize::from(whole || pages) + usize::from(needs(Suite::Browser));
    let mut steps = Steps::new(&context.console, set_up + 2 * usize::from(rust) + suites.len());

    let mut prerequisites = vec![Need::C, Need::GuestTarget];
    if rust {
        prerequisites.extend([Need::Curl, Need::Services]);
    }
    if whole || pages {
        prerequisites.push(Need::Node);
    }
    steps.run("look for what this machine must have", || check(context, &prerequisites))?;
    let mut environment = Environment::of(context, choice.long);
    if whole {
        steps.run("build the components, good and hostile", || {
            components::bundle(context)?;
            components::hostile(context)
        })?;
    }
    if whole || pages {
        steps.run("build the page", || web::bundle(context))?;
    }
    if needs(Suite::Browser) {
        let browser = steps.run("find a Chromium", || chromium::find_or_install(context))?;
        environment.set(chromium::VARIABLE, browser);
    }
    if rust {
        steps.run("find or build websocat, a client of the edge's tests", || WEBSOCAT.install(context))?;
        environment.set("RINGSIDE_WEBSOCAT", WEBSOCAT.program(context));
    }
    // Built with the tests where both are wanted: their features join then, and no dependency is built twice.
    let programs: &[&str] =
        if rust { &["build", "--workspace", "--bins", "--tests"] } else { BUILD_RINGSIDE };
    if whole {
        steps.run("build ringside and the tests", || {
            context.run().to_success("build-tests", &mut context.cargo(programs.iter().copied()))
        })?;
    }
    // Ended when this function ends, however it does; by their guard when this process is killed.
    let started = if rust {
        Some(steps.run("start the services that tests ask for", || services::for_tests(context))?)
    } else {
        None
    };
    for (name, address) in started.iter().flat_map(services::ForTests::environment) {
        environment.set(name, address);
    }
    let mut broken = Vec::new();
    for suite in suites {
        let (what, command) = match suite {
            Suite::Workspace => ("test the workspace", workspace_tests(context, choice)),
            Suite::Guests => ("test the guests", guest_tests(context, choice)),
            Suite::Web => ("test the client and the page", npm(context, ["test"])),
            Suite::Browser => ("test the page in Chromium", npm(context, ["run", "test:browser"])),
        };
        let outcome = steps.run(what, || {
            let (counted, outcome) = run_suite(context, suite, environment.on(command));
            *tally += counted;
            match outcome {
                Ok(()) if counted.executed() == 0 && choice.filter.is_none() => {
                    Err(Failure::Checked(format!("{what}: no test was executed")))
                }
                outcome => outcome,
            }
        });
        if let Err(failure) = outcome {
            context.console.say(&failure);
            broken.push(what);
        }
    }
    drop(started);
    trim::target(context)?;
    if !broken.is_empty() {
        return Err(Failure::Checked(format!("failed: {}", broken.join(", "))));
    }
    if tally.executed() == 0 {
        return Err(Failure::Usage("no test was executed: the filter matches no name of a test".into()));
    }
    Ok(())
}

fn workspace_tests(context: &Context, choice: &Choice) -> Command {
    with_names(context.cargo(["test", "--workspace", "--no-fail-fast"]), choice)
}

fn guest_tests(context: &Context, choice: &Choice) -> Command {
    let arguments = ["test", "--workspace", "--no-fail-fast"];
    with_names(context.cargo_guests(&context.components(), arguments), choice)
}

fn with_names(mut cargo: Command, choice: &Choice) -> Command {
    cargo.args(&choice.filter);
    if choice.long {
        cargo.args(["--", "--include-ignored"]);
    }
    cargo
}

/// What the tests are told about the things that were set up for them.
pub(crate) struct Environment(Vec<(&'static str, std::ffi::OsString)>);

impl Environment {
    pub(crate) fn of(context: &Context, long: bool) -> Self {
        let places = &context.places;
        let mut environment = Self(Vec::new());
        environment.set("RINGSIDE_BUNDLE", places.bundle());
        environment.set("RINGSIDE_COMPONENTS", places.bundle().join("components"));
        environment.set("RINGSIDE_HOSTILE", places.hostile());
        environment.set("RINGSIDE_KEYS", places.keys());
        environment.set("RINGSIDE_WEB", places.bundle().join("web"));
        // Tests that break services start their own, from the same folder.
        environment.set("RINGSIDE_CACHE", &places.cache);
        environment.set("RINGSIDE_BIN", places.program("debug", "ringside"));
        if long {
            environment.set("RINGSIDE_LONG", "1");
        }
        environment
    }

    fn set(&mut self, name: &'static str, value: impl Into<std::ffi::OsString>) {
        self.0.push((name, value.into()));
    }

    pub(crate) fn on(&self, mut command: Command) -> Command {
        command.envs(self.0.iter().map(|(name, value)| (name, value)));
        command
    }
}

fn run_suite(context: &Context, suite: Suite, mut command: Command) -> (Tally, Result<()>) {
    let name =
        format!("test-{}", suite.to_possible_value().map_or_else(String::new, |v| v.get_name().to_owned()));
    let mut reader = Reader::default();
    let ended = context.run().to_end(&name, &mut command, |_: Output, line| {
        let shown = reader.read(line);
        shown.iter().for_each(|line| context.console.say(line));
        Fate::Pass
    });
    match ended {
        Ok(ended) if ended.success() => (reader.tally, Ok(())),
        // Cargo's failures were shown test by test already.
        Ok(ended) if ended.status.is_some() && reader.shown_failures => {
            let log = context.places.logs().join(format!("{name}.log"));
            let told = format!("{} (the whole output: {})", reader.tally, log.display());
            (reader.tally, Err(Failure::Checked(told)))
        }
        Ok(ended) => (reader.tally, Err(context.run().failure(&name, &command, &ended))),
        Err(failure) => (reader.tally, Err(failure)),
    }
}

/// Lines with which Node's test runner closes: shown even where they say 0, since they are its own verdict.
const NODE_CLOSING: [&str; 6] = ["ℹ tests ", "ℹ pass ", "ℹ fail ", "# tests ", "# pass ", "# fail "];

/// Reads a runner's output line by line: counts, and says which lines are worth a person's look.
#[derive(Debug, Default)]
struct Reader {
    tally: Tally,
    /// The test program that runs now, as cargo announced it.
    program: String,
    failures: Vec<String>,
    in_failures: bool,
    shown_failures: bool,
}

impl Reader {
    fn read(&mut self, line: &str) -> Vec<String> {
        if let Some(program) = announced(line) {
            self.program = program;
            self.failures.clear();
            self.in_failures = false;
            return Vec::new();
        }
        let closing = NODE_CLOSING.iter().any(|start| line.starts_with(start));
        self.in_failures |= line == "failures:";
        let Some(counts) = Tally::of_line(line) else {
            if self.in_failures && self.failures.len() < FAILURE_LINES_MAX {
                self.failures.push(line.to_owned());
            }
            return if closing { vec![line.to_owned()] } else { Vec::new() };
        };
        self.tally += counts;
        let mut shown = Vec::new();
        if line.starts_with("test result: FAILED") {
            self.shown_failures = true;
            shown.append(&mut self.failures);
        }
        self.in_failures = false;
        if closing || counts != Tally::default() {
            if !self.program.is_empty() {
                shown.push(format!("{}:", self.program));
            }
            shown.push(line.to_owned());
        }
        shown
    }
}

/// The test program in cargo's `Running tests/x.rs (target/debug/deps/x-0123)` or `Doc-tests x`.
fn announced(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some(library) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{library}, examples in its documentation"));
    }
    let (source, program) = line.strip_prefix("Running ")?.strip_suffix(')')?.split_once(" (")?;
    let program = program.rsplit('/').next().unwrap_or(program);
    let program = program.rsplit_once('-').map_or(program, |(name, _)| name);
    Some(format!("{program}, {source}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_leaves_only_the_suites_that_have_names_to_filter() {
        let choice = |filter: Option<&str>, only: &[Suite]| {
            Choice { filter: filter.map(str::to_owned), only: only.to_vec(), long: false }.suites()
        };
        assert_eq!(choice(None, &[]), ALL);
        assert_eq!(choice(Some("resume"), &[]), [Suite::Workspace, Suite::Guests]);
        assert_eq!(choice(Some("resume"), &[Suite::Guests]), [Suite::Guests]);
        assert_eq!(choice(None, &[Suite::Web]), [Suite::Web]);
    }

    #[test]
    fn cargos_announcements_name_the_program_and_its_source() {
        for (line, program) in [
            (
                "     Running unittests src/lib.rs (/c/target/debug/deps/ringside_core-0a1b)",
                Some("ringside_core, unittests src/lib.rs"),
            ),
            ("     Running tests/chat.rs (target/debug/deps/chat-0a1b)", Some("chat, tests/chat.rs")),
            ("   Doc-tests ringside_core", Some("ringside_core, examples in its documentation")),
            ("     Running late", None),
            ("test a ... ok", None),
        ] {
            assert_eq!(announced(line).as_deref(), program, "{line}");
        }
    }

    #[test]
    fn a_failed_program_shows_its_failures_and_a_green_one_only_its_closing_line() {
        let mut reader = Reader::default();
        let mut shown = Vec::new();
        for line in [
            "     Running unittests src/lib.rs (t/one-0a)",
            "test a ... ok",
            "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "     Running unittests src/lib.rs (t/none-0a)",
            "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "     Running unittests src/lib.rs (t/two-0a)",
            "failures:",
            "---- b stdout ----",
            "assertion failed",
            "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        ] {
            shown.extend(reader.read(line));
        }
        assert_eq!(reader.tally, Tally { passed: 3, failed: 1, skipped: 1 });
        let shown = shown.join("\n");
        assert!(shown.contains("assertion failed") && shown.contains("test result: ok. 2 passed"), "{shown}");
        assert!(!shown.contains("none") && !shown.contains("test a"), "{shown}");
    }

    #[test]
    fn nodes_own_verdict_is_shown_even_where_nothing_failed() {
        let mut reader = Reader::default();
        let lines = ["✔ a page opens (3ms)", "ℹ tests 2", "ℹ suites 0", "ℹ pass 2", "ℹ fail 0", "ℹ todo 0"];
        let shown: Vec<String> = lines.iter().flat_map(|line| reader.read(line)).collect();
        assert_eq!(shown, ["ℹ tests 2", "ℹ pass 2", "ℹ fail 0"]);
        assert_eq!(reader.tally, Tally { passed: 2, failed: 0, skipped: 0 });
    }
}
