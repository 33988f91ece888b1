//! A line on standard error that says how far a run is: rewritten each second on a terminal, a new one every 5 s
//! elsewhere, so that a log stays short.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use tokio::task::JoinHandle;

/// Time between two lines on a terminal.
const ON_TERMINAL: Duration = Duration::from_secs(1);
/// Time between two lines in a file or pipe.
const ELSEWHERE: Duration = Duration::from_secs(5);

/// Shows progress until it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    task: JoinHandle<()>,
    terminal: bool,
}

impl Progress {
    /// Shows what `line` gives, again and again. `line` must not wait.
    pub(crate) fn start(line: impl Fn() -> String + Send + 'static) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let every = if terminal { ON_TERMINAL } else { ELSEWHERE };
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                show(&line(), terminal);
            }
        });
        Self { task, terminal }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.task.abort();
        if self.terminal {
            // What follows starts on a line of its own.
            show("", true);
        }
    }
}

/// A standard error that went away is no reason to stop.
fn show(line: &str, terminal: bool) {
    let mut out = std::io::stderr().lock();
    let _ = if terminal { write!(out, "\r{line}\x1b[K") } else { writeln!(out, "{line}") };
    let _ = out.flush();
}
