//! The program `ringside`: live comments at the edge. A library so that tests can build it around backends that are
//! wrong on purpose; what operators run is [`run`] around the backends as they are.

mod cli;
mod config;
mod exit;
mod operators;
mod pop;
mod region;
mod releaser;
mod telemetry;

use std::process::ExitCode;

pub use pop::Backends;

/// What stands between the host and its backends, once they are connected.
pub type Around = fn(Backends) -> Backends;

/// Runs the verb of the command line and gives the process's exit code.
#[must_use]
pub fn run(around: Around) -> ExitCode {
    match cli::run(around) {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            eprintln!("ringside: {exit}");
            exit.code()
        }
    }
}
