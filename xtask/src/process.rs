//! Runs a command to its end: quietly, within a time limit, with the end of its output kept for an error.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use crate::console::{Console, seconds};
use crate::failure::{Failure, OnFile, Result};

/// Lines of output an error shows: a screenful or two; the rest is in the log file.
const TAIL_LINES_MAX: usize = 60;
/// Lines read ahead of who looks at them: enough to never slow a compiler down, little memory.
const LINES_WAITING_MAX: usize = 1_024;
/// Where nobody watches a terminal, a line this often says that the work goes on.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// After a command's end its output is read this long at most: a process that it left behind may hold it open.
const DRAIN: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(100);
/// The longest any one command may take. CI as a whole has 90 minutes; a hang must be told before that.
pub(crate) const LIMIT: Duration = Duration::from_secs(45 * 60);

/// Which of a command's outputs a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    Standard,
    Error,
}

/// What becomes of a line of output, beside its way into the log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Shown for a moment on a terminal.
    Pass,
    /// Printed.
    Print,
    /// Data that the caller has taken: neither shown nor logged.
    Taken,
}

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) status: Option<ExitStatus>,
    /// Its last lines.
    pub(crate) tail: String,
}

impl Ended {
    pub(crate) fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }
}

/// A command with the name of its log.
pub(crate) struct Run<'a> {
    pub(crate) console: &'a Console,
    pub(crate) logs: PathBuf,
    pub(crate) limit: Duration,
}

impl Run<'_> {
    /// Runs `command`; anything but success is an error that shows the end of its output.
    pub(crate) fn to_success(&self, name: &str, command: &mut Command) -> Result<()> {
        self.to_success_seeing(name, command, |_, _| Fate::Pass)
    }

    /// The same, with a look at each line.
    pub(crate) fn to_success_seeing(
        &self,
        name: &str,
        command: &mut Command,
        see: impl FnMut(Output, &str) -> Fate,
    ) -> Result<()> {
        let ended = self.to_end(name, command, see)?;
        if ended.success() {
            return Ok(());
        }
        Err(self.failure(name, command, &ended))
    }

    pub(crate) fn failure(&self, name: &str, command: &Command, ended: &Ended) -> Failure {
        let how = match ended.status {
            Some(status) => format!("failed ({status})"),
            None => format!("was stopped after {}, its limit", seconds(self.limit)),
        };
        Failure::Command {
            command: written(command),
            ended: how,
            tail: ended.tail.clone(),
            log: self.log(name),
        }
    }

    /// Runs `command` to its end, whatever that is, or stops it at the limit.
    pub(crate) fn to_end(
        &self,
        name: &str,
        command: &mut Command,
        mut see: impl FnMut(Output, &str) -> Fate,
    ) -> Result<Ended> {
        std::fs::create_dir_all(&self.logs).on_file("create", &self.logs)?;
        let path = self.log(name);
        let mut log = File::create(&path).on_file("write", &path)?;
        let _ = writeln!(log, "$ {}", written(command));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().map_err(|source| Failure::Start { command: written(command), source })?;
        let lines = read(&mut child);

        let began = Instant::now();
        let mut heard = Instant::now();
        let mut tail = VecDeque::with_capacity(TAIL_LINES_MAX);
        let mut ended: Option<(Option<ExitStatus>, Instant)> = None;
        let mut last = String::new();
        loop {
            match lines.recv_timeout(POLL) {
                Ok((output, line)) => {
                    let fate = see(output, &line);
                    if fate == Fate::Taken {
                        continue;
                    }
                    let _ = writeln!(log, "{line}");
                    match fate {
                        Fate::Print => self.console.say(&line),
                        _ => self.console.show_live(&line),
                    }
                    if !line.trim().is_empty() {
                        last.clone_from(&line);
                    }
                    if tail.len() == TAIL_LINES_MAX {
                        tail.pop_front();
                    }
                    tail.push_back(line);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if !self.console.live && heard.elapsed() > HEARTBEAT {
                heard = Instant::now();
                self.console.say(format_args!("      {} so far: {}", seconds(began.elapsed()), last.trim()));
            }
            ended = ended
                .or_else(|| child.try_wait().ok().flatten().map(|status| (Some(status), Instant::now())));
            if ended.is_none() && began.elapsed() > self.limit {
                let _ = child.kill();
                let _ = child.wait();
                ended = Some((None, Instant::now()));
            }
            if ended.is_some_and(|(_, at)| at.elapsed() > DRAIN) {
                break;
            }
        }
        let status = match ended {
            Some((status, _)) => status,
            None => {
                Some(child.wait().map_err(|source| Failure::Start { command: written(command), source })?)
            }
        };
        Ok(Ended { status, tail: Vec::from(tail).join("\n") })
    }

    fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }
}

fn read(child: &mut Child) -> Receiver<(Output, String)> {
    let (send, receive) = sync_channel(LINES_WAITING_MAX);
    if let Some(stdout) = child.stdout.take() {
        forward(stdout, Output::Standard, send.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        forward(stderr, Output::Error, send);
    }
    receive
}

fn forward(source: impl Read + Send + 'static, output: Output, send: SyncSender<(Output, String)>) {
    std::thread::spawn(move || {
        let mut source = BufReader::new(source);
        let mut bytes = Vec::new();
        while source.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
            let line = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
            if send.send((output, line)).is_err() {
                return;
            }
            bytes.clear();
        }
    });
}

/// The command as a person would type it, without its environment.
pub(crate) fn written(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    std::iter::once(name)
        .chain(command.get_args().map(|argument| argument.to_string_lossy().into_owned()))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(limit: Duration, script: &str, look: impl FnOnce(&Run<'_>, &mut Command) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let console = Console::on_stderr();
        let run = Run { console: &console, logs: folder.path().join("logs"), limit };
        look(&run, Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn a_failure_shows_the_command_its_status_and_its_last_lines() {
        let failure = run(LIMIT, "seq 1 100; echo broken >&2; exit 3", |run, command| {
            run.to_success("test", command).unwrap_err().to_string()
        });
        for part in ["sh -c", "exit status: 3", "\n100\n", "broken", "test.log"] {
            assert!(failure.contains(part), "{part:?} is not in {failure}");
        }
        assert!(!failure.contains("\n9\n"), "only the last lines are shown: {failure}");
    }

    #[test]
    fn lines_that_are_taken_reach_neither_log_nor_tail() {
        run(LIMIT, "echo data; echo progress >&2", |run, command| {
            let mut taken = Vec::new();
            let ended = run.to_end("test", command, |output, line| match output {
                Output::Standard => {
                    taken.push(line.to_owned());
                    Fate::Taken
                }
                Output::Error => Fate::Pass,
            });
            assert_eq!(taken, ["data"]);
            assert_eq!(ended.unwrap().tail, "progress");
            assert!(!std::fs::read_to_string(run.log("test")).unwrap().contains("\ndata\n"));
        });
    }

    #[test]
    fn a_command_past_its_limit_is_stopped_and_the_error_says_so() {
        let failure = run(Duration::from_millis(300), "exec sleep 60", |run, command| {
            run.to_success("test", command).unwrap_err().to_string()
        });
        assert!(failure.contains("its limit"), "{failure}");
    }

    #[test]
    fn a_process_left_behind_does_not_hold_the_step_up() {
        let ended = run(LIMIT, "sleep 30 & echo out", |run, command| {
            run.to_end("test", command, |_, _| Fate::Pass).unwrap()
        });
        assert!(ended.success());
        assert_eq!(ended.tail, "out");
    }

    #[test]
    fn a_command_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let console = Console::on_stderr();
        let run = Run { console: &console, logs: folder.path().to_owned(), limit: LIMIT };
        let failure = run.to_success("test", &mut Command::new("no-such-program")).unwrap_err();
        assert!(failure.to_string().contains("no-such-program"), "{failure}");
    }
}
