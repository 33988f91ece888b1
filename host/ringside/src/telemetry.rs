//! What the process tells of itself: log lines here, traces below.

pub(crate) mod traces;

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Format, Telemetry};
use crate::exit::{Exit, Outcome};

/// Starts logging to standard error.
pub(crate) fn start(telemetry: &Telemetry) -> Outcome {
    let filter = EnvFilter::try_new(&telemetry.log).map_err(|error| {
        Exit::Usage(format!(
            "configuration at `telemetry.log`: `{}` is no filter ({error}); write `info` or `info,ringside_wasm=debug`",
            telemetry.log
        ))
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    // Colours are for people: in a file they are noise.
    let is_terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(is_terminal);
    let started = match telemetry.format {
        Format::Text => registry.with(lines).try_init(),
        Format::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    started.map_err(|error| Exit::Failed(format!("logging could not start: {error}")))
}
