//! `cargo xtask ci`: every check that a change must pass, then all tests, then the fuzz targets, then a summary with what each took.

use std::time::{Duration, Instant};

use crate::console::{Steps, seconds};
use crate::context::{Context, GUEST_TARGET};
use crate::failure::{Failure, Result};
use crate::fuzz::{self, Search};
use crate::prerequisites::{Need, check};
use crate::suites::{self, Choice};
use crate::tools::CARGO_DENY;
use crate::{alerts, deny, tidy, web};

/// Where the fuzz targets' chance begins.
const FUZZ_SEED: u64 = 1;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    Skipped,
}

struct Line {
    what: &'static str,
    verdict: Verdict,
    took: Duration,
}

/// One check: `Ok(false)` where it could not be made here and need not be.
type Check = (&'static str, fn(&Context) -> Result<bool>);

// The cheap ones first: who forgot to format wants to know within seconds.
const CHECKS: [Check; 9] = [
    ("formatting", formatting),
    ("tidy", |context| tidy::verb(context).map(|()| true)),
    ("lints", lints),
    ("lints of the guests", guest_lints),
    ("lints of the pages", |context| web::lint(context).map(|()| true)),
    ("alert rules", alerts::check),
    ("cargo-deny is there", |context| CARGO_DENY.install(context).map(|()| true)),
    ("licences, bans, sources", |context| deny::check(context).map(|()| true)),
    ("advisories", deny::advisories),
];

/// The verb. A failed check does not keep the others from being made.
pub(crate) fn verb(context: &Context) -> Result<()> {
    check(context, &[Need::C, Need::Curl, Need::Node, Need::GuestTarget, Need::Services])?;
    let mut lines = Vec::new();
    let mut steps = Steps::new(&context.console, CHECKS.len());
    for (what, work) in CHECKS {
        let began = Instant::now();
        let verdict = match steps.run(what, || work(context)) {
            Ok(true) => Verdict::Passed,
            Ok(false) => Verdict::Skipped,
            Err(failure) => {
                context.console.say(failure);
                Verdict::Failed
            }
        };
        lines.push(Line { what, verdict, took: began.elapsed() });
    }
    context.console.say("\ntests, as `cargo xtask test` runs them");
    let began = Instant::now();
    let (tally, tested) = suites::run(context, &Choice::default());
    if let Err(failure) = &tested {
        context.console.say(failure);
    }
    let verdict = if tested.is_ok() { Verdict::Passed } else { Verdict::Failed };
    lines.push(Line { what: "tests", verdict, took: began.elapsed() });

    context.console.say("\nfuzz targets, as `cargo xtask fuzz` runs them");
    let began = Instant::now();
    // The same seed each time, so that a change is judged by what it changes; who hunts leaves it to chance.
    let searched = fuzz::run(context, &Search::seeded(FUZZ_SEED));
    if let Err(failure) = &searched {
        context.console.say(failure);
    }
    let verdict = if searched.is_ok() { Verdict::Passed } else { Verdict::Failed };
    lines.push(Line { what: "fuzz targets", verdict, took: began.elapsed() });

    context.console.say(format_args!("\n{}", summary(&lines)));
    context.console.say(tally);
    let failed: Vec<&str> =
        lines.iter().filter(|line| line.verdict == Verdict::Failed).map(|line| line.what).collect();
    if failed.is_empty() { Ok(()) } else { Err(Failure::Checked(format!("failed: {}", failed.join(", ")))) }
}

fn summary(lines: &[Line]) -> String {
    let total = lines.iter().map(|line| line.took).sum();
    let row = |word: &str, took: Duration, what: &str| format!("{word:<8} {:>12}  {what}", seconds(took));
    lines
        .iter()
        .map(|line| {
            let word = match line.verdict {
                Verdict::Passed => "ok",
                Verdict::Failed => "FAILED",
                Verdict::Skipped => "skipped",
            };
            row(word, line.took, line.what)
        })
        .chain([row("", total, "altogether")])
        .collect::<Vec<_>>()
        .join("\n")
}

fn formatting(context: &Context) -> Result<bool> {
    let workspaces = [
        ("fmt", context.places.root.clone()),
        ("fmt-guests", context.components()),
        ("fmt-hostile", context.hostile_guests()),
    ];
    for (name, folder) in workspaces {
        let mut cargo = context.cargo(["fmt", "--all", "--check", "--", "--color", "never"]);
        context.run().to_success(name, cargo.current_dir(folder))?;
    }
    Ok(true)
}

fn lints(context: &Context) -> Result<bool> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    context.run().to_success("clippy", &mut context.cargo(arguments))?;
    Ok(true)
}

/// As they are shipped, for their target, and natively with their tests.
fn guest_lints(context: &Context) -> Result<bool> {
    let shipped = ["clippy", "--workspace", "--release", "--target", GUEST_TARGET, "--", "-D", "warnings"];
    let native = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    let run = context.run();
    run.to_success("clippy-guests", &mut context.cargo_guests(&context.components(), shipped))?;
    run.to_success("clippy-guests-native", &mut context.cargo_guests(&context.components(), native))?;
    run.to_success("clippy-hostile", &mut context.cargo_guests(&context.hostile_guests(), shipped))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_has_a_row_for_each_check_and_the_sum_of_their_times() {
        let line = |what, verdict, secs| Line { what, verdict, took: Duration::from_secs(secs) };
        let text = summary(&[
            line("lints", Verdict::Passed, 50),
            line("tests", Verdict::Failed, 20),
            line("advisories", Verdict::Skipped, 0),
        ]);
        let rows: Vec<Vec<&str>> = text.lines().map(|row| row.split_whitespace().collect()).collect();
        assert_eq!(
            rows,
            [
                vec!["ok", "50.0", "s", "lints"],
                vec!["FAILED", "20.0", "s", "tests"],
                vec!["skipped", "0.0", "s", "advisories"],
                vec!["1", "min", "10", "s", "altogether"],
            ]
        );
    }
}
