//! Benchmarks: each measures its figures and, in the same run, the baseline they are compared to.
//!
//! A benchmark is a function that returns figures; the table below is all there is to register.

#![allow(clippy::print_stdout, reason = "figures are this program's output")]

mod chain;
mod chat;
mod crowd;
mod fanout;
mod figure;
mod idle;
mod ingest;
mod latency;
mod pop;
mod processor;
mod program;
mod region;
mod store;
mod wire;

use std::process::ExitCode;

use clap::Parser;
use figure::{BenchResult, Figure};

/// All benchmarks.
const BENCHES: &[Bench] = &[
    (
        "chain",
        "throttle and three rules as components, against the same rules native, while swapping",
        chain::run,
    ),
    (
        "ingest",
        "comments of one stream until they are durable, against a bare loop of write and sync",
        ingest::run,
    ),
    ("wire", "bytes a comment by codec, compression and tick, against one JSON frame a comment", wire::run),
    (
        "latency",
        "1,000 viewers, 200 comments/s: until acknowledged, and until seen by another viewer",
        latency::run,
    ),
    ("idle", "user memory of 15,000 idle connections that are signed in and joined", idle::run),
    ("store", "comments taken in by Cassandra, and pages read, against the driver alone", store::run),
    ("fanout", "a stream's comments to 10,000 members, against a bare loop of send", fanout::run),
];

/// Name, what it measures, how.
type Bench = (&'static str, &'static str, fn(&Ask) -> BenchResult);

/// Those that `--region` is for.
const OF_A_REGION: [&str; 2] = ["ingest", "latency"];

/// How to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    /// How long.
    pub(crate) effort: Effort,
    /// On Kafka, Redis, Cassandra and PostgreSQL, not on embedded backends.
    pub(crate) region: bool,
}

/// How long to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Long enough to compare.
    Full,
    /// Long enough to see that it works; figures mean little.
    Quick,
}

/// Measures Ringside. Without a name it lists what it can measure.
#[derive(Debug, Parser)]
#[command(after_help = "Example: ringside-bench chain --json")]
struct Arguments {
    /// What to measure; `all` for everything.
    names: Vec<String>,
    /// One JSON object a figure and line: bench, figure, value, unit, baseline, ratio.
    #[arg(long)]
    json: bool,
    /// A few seconds a benchmark, to see that it works.
    #[arg(long)]
    quick: bool,
    /// On a region's real services, not on embedded backends: for ingest and latency.
    #[arg(long)]
    region: bool,
}

/// Exit code of wrong usage.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    match crowd::run_if_asked() {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("crowd: {error}");
            return ExitCode::FAILURE;
        }
    }
    let arguments = Arguments::parse();
    if arguments.names.is_empty() {
        for (name, summary, _) in BENCHES {
            println!("{name:10} {summary}");
        }
        return ExitCode::SUCCESS;
    }
    let all = arguments.names.iter().any(|name| name == "all");
    if let Some(unknown) = arguments.names.iter().find(|name| !all && BENCHES.iter().all(|b| b.0 != **name)) {
        let known: Vec<&str> = BENCHES.iter().map(|bench| bench.0).collect();
        eprintln!("there is no benchmark `{unknown}`: give one of {}", known.join(", "));
        return ExitCode::from(USAGE);
    }
    if arguments.region {
        let other = arguments.names.iter().find(|name| !OF_A_REGION.contains(&name.as_str()));
        if let Some(other) = other {
            eprintln!("`{other}` is not measured on a region: --region is for {}", OF_A_REGION.join(" and "));
            return ExitCode::from(USAGE);
        }
    }
    let effort = if arguments.quick { Effort::Quick } else { Effort::Full };
    let ask = Ask { effort, region: arguments.region };
    let mut failed = false;
    for (name, _, measure) in BENCHES {
        if !all && !arguments.names.iter().any(|wanted| wanted == name) {
            continue;
        }
        match measure(&ask) {
            Ok(figures) => print(name, &figures, arguments.json),
            Err(error) => {
                eprintln!("{name}: {error}");
                failed = true;
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn print(bench: &str, figures: &[Figure], json: bool) {
    for figure in figures {
        if json {
            println!("{}", figure.json(bench));
        } else {
            println!("{bench:8} {figure}");
        }
    }
}
