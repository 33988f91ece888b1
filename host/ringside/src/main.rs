//! `ringside`: live comments at the edge, in one binary.

mod cli;
mod config;
mod exit;
mod operators;
mod pop;
mod region;
mod releaser;
mod telemetry;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            eprintln!("ringside: {exit}");
            exit.code()
        }
    }
}
