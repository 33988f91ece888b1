//! `ringside-chaos`: the whole run, as `cargo xtask chaos` builds and calls it.
#![allow(clippy::print_stdout, reason = "the account is this program's output")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use ringside_chaos::harm::{PARTS, Part};
use ringside_chaos::{Options, run};

/// Break a region part by part while people talk, and say what was lost, doubled or out of order.
#[derive(Debug, Parser)]
#[command(after_help = "Example: ringside-chaos --rate 2000 --seconds 10 kafka host")]
struct Cli {
    /// What is broken, each in every way; all of them when none is named.
    parts: Vec<Part>,
    /// Comments offered a second.
    #[arg(long, default_value_t = 2_000)]
    rate: u32,
    /// How long each fault lasts.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Viewers on both hosts together.
    #[arg(long, default_value_t = 40)]
    viewers: usize,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let began = Instant::now();
    let options = Options {
        rate: cli.rate,
        viewers: cli.viewers,
        lasts: Duration::from_secs(cli.seconds),
        parts: if cli.parts.is_empty() { PARTS.to_vec() } else { cli.parts },
    };
    let report = run(&options, |step| eprintln!("{:>6.1} s  {step}", began.elapsed().as_secs_f64()));
    if cli.json {
        println!("{}", report.json());
    } else {
        println!("\n{report}");
    }
    if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
