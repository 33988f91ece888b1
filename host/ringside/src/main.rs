//! `ringside`: live comments at the edge, in one binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    ringside::run(std::convert::identity)
}
