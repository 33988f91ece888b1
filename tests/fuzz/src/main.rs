//! `ringside-fuzz`: runs fuzz targets, or takes one input again. `cargo xtask fuzz` is the way to call it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what was found is this program's output")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use ringside_fuzz::supervise::{Outcome, Plan, WORKER_VERB, supervise, work};
use ringside_fuzz::target::Entry;
use ringside_fuzz::targets::TARGETS;

const EXIT_USAGE: u8 = 64;

/// Changes known inputs at random and looks for one that breaks a property. Without a name all targets run.
///
/// Example: ringside-fuzz frames tokens --seconds 60
#[derive(Debug, Parser)]
struct Cli {
    /// Names of targets.
    targets: Vec<String>,
    /// How long each target runs.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Where chance begins, to have the same inputs once more; drawn if it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// How many targets run at a time.
    #[arg(long, default_value_t = 2)]
    at_once: usize,
    /// Folder for inputs that were found; default: `ringside-fuzz` in the folder for temporary files.
    #[arg(long)]
    findings: Option<PathBuf>,
    /// Takes this one input instead; needs one name.
    #[arg(long)]
    input: Option<PathBuf>,
    /// List the targets.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    let is_worker = arguments.get(1).is_some_and(|verb| verb == WORKER_VERB);
    if is_worker {
        arguments.remove(1);
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(asked) => {
            let _ = asked.print();
            return if asked.use_stderr() { ExitCode::from(EXIT_USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match run(&cli, is_worker) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(EXIT_USAGE)
        }
    }
}

/// The number of findings.
fn run(cli: &Cli, is_worker: bool) -> Result<usize, String> {
    if cli.list {
        for entry in TARGETS {
            println!("{:<12} {}", entry.name, entry.about);
        }
        return Ok(0);
    }
    let entries = chosen(&cli.targets)?;
    if cli.input.is_some() && entries.len() != 1 {
        return Err("--input is for one target: name it".into());
    }
    let plan = Plan {
        time: Duration::from_secs(cli.seconds),
        seed: cli.seed.unwrap_or_else(|| fastrand::u64(..1 << 32)),
        folder: cli.findings.clone().unwrap_or_else(|| std::env::temp_dir().join("ringside-fuzz")),
        input: cli.input.clone(),
    };
    if is_worker {
        let [entry] = entries.as_slice() else { return Err("a worker runs one target".into()) };
        let told = work(entry, &plan).map_err(|error| error.to_string())?;
        return Ok(usize::from(told.finding.is_some()));
    }
    println!("seed {}, {} s each", plan.seed, cli.seconds);
    let mut findings = 0;
    supervise(&entries, &plan, cli.at_once, &mut |outcome| {
        findings += usize::from(outcome.told.finding.is_some());
        show(outcome);
    })
    .map_err(|error| format!("{}: {error}", plan.folder.display()))?;
    println!("{} targets, {findings} findings", entries.len());
    Ok(findings)
}

fn chosen(names: &[String]) -> Result<Vec<Entry>, String> {
    if names.is_empty() {
        return Ok(TARGETS.to_vec());
    }
    let known = || TARGETS.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
    let find = |name: &String| {
        let entry = TARGETS.iter().find(|entry| entry.name == name);
        entry.copied().ok_or_else(|| format!("no target is named `{name}`: there are {}", known()))
    };
    names.iter().map(find).collect()
}

fn show(outcome: &Outcome) {
    let Outcome { name, took, told } = outcome;
    println!(
        "{name:<12} {:>9} executions, corpus {:>4}, {} findings, {:.0} s",
        told.executions,
        told.corpus,
        usize::from(told.finding.is_some()),
        took.as_secs_f64()
    );
    if let Some((what, file)) = &told.finding {
        println!("  {what}");
        if let Some(file) = file {
            println!("  see it again: cargo xtask fuzz {name} --input {}", file.display());
        }
    }
}
