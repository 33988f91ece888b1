//! What a person sees: numbered steps with their seconds, and plain lines.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::failure::Result;

/// Columns of the line that is drawn over while a command works: fits the narrowest usual terminal.
const LIVE_COLUMNS: usize = 78;

/// Where progress goes: standard error when standard output carries data (`bench --json`).
pub(crate) struct Console {
    to_stderr: bool,
    /// A terminal shows the last line of a working command and draws over it.
    pub(crate) live: bool,
}

impl Console {
    pub(crate) fn on_stdout() -> Self {
        Self { to_stderr: false, live: std::io::stdout().is_terminal() }
    }

    pub(crate) fn on_stderr() -> Self {
        Self { to_stderr: true, live: std::io::stderr().is_terminal() }
    }

    // A reader that went away (`| head`) is no reason to stop the work, so write errors are dropped.
    fn write(&self, text: &str) {
        if self.to_stderr {
            let mut stream = std::io::stderr().lock();
            let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
        } else {
            let mut stream = std::io::stdout().lock();
            let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
        }
    }

    pub(crate) fn say(&self, line: impl Display) {
        self.wipe();
        self.write(&format!("{line}\n"));
    }

    /// Shows `line` until the next one; nothing where nobody watches.
    pub(crate) fn show_live(&self, line: &str) {
        if self.live {
            let cut: String = line.trim().chars().take(LIVE_COLUMNS).collect();
            self.write(&format!("\r\x1b[2K  {cut}"));
        }
    }

    fn wipe(&self) {
        if self.live {
            self.write("\r\x1b[2K");
        }
    }
}

/// The steps of one verb, numbered and timed.
pub(crate) struct Steps<'a> {
    console: &'a Console,
    total: usize,
    done: usize,
    began: Instant,
}

impl<'a> Steps<'a> {
    pub(crate) fn new(console: &'a Console, total: usize) -> Self {
        Self { console, total, done: 0, began: Instant::now() }
    }

    /// Does `work`, with a line before it and one with its seconds after it.
    pub(crate) fn run<T>(&mut self, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.done += 1;
        self.console.say(format_args!("[{}/{}] {what}", self.done, self.total));
        let began = Instant::now();
        let outcome = work();
        let end = if outcome.is_ok() { "done" } else { "failed" };
        self.console.say(format_args!("      {end} in {}", seconds(began.elapsed())));
        outcome
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

/// `7.3 s`, or `4 min 09 s` from a minute on.
pub(crate) fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_in_seconds_and_from_a_minute_on_in_minutes() {
        for (millis, written) in [
            (0, "0.0 s"),
            (7_340, "7.3 s"),
            (59_900, "59.9 s"),
            (60_000, "1 min 00 s"),
            (249_000, "4 min 09 s"),
        ] {
            assert_eq!(seconds(Duration::from_millis(millis)), written);
        }
    }
}
