//! One process: its program, its log, its signals, and the wait until it answers.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::error::OnFile;
use crate::record::{End, Identity, Record};
use crate::server::Ready;
use crate::{Error, Result};

/// How often a server that starts is asked whether it answers.
const POLL: Duration = Duration::from_millis(25);
/// Lines of a log that an error shows.
const TAIL_LINES_MAX: usize = 30;

/// What to start, and how.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    /// For messages.
    pub(crate) name: String,
    /// The program and its arguments.
    pub(crate) words: Vec<OsString>,
    /// Its own: data, log, record.
    pub(crate) folder: PathBuf,
    pub(crate) address: String,
    /// As whom it runs, where that is not us.
    pub(crate) user: Option<u32>,
    pub(crate) end: End,
    /// The longest wait for its first answer.
    pub(crate) limit: Duration,
}

impl Launch {
    /// `words` are the program and its arguments; it runs as whoever we are.
    pub(crate) fn new(
        name: &str,
        words: Vec<OsString>,
        folder: PathBuf,
        address: String,
        end: End,
        limit: Duration,
    ) -> Self {
        Self { name: name.to_owned(), words, folder, address, user: None, end, limit }
    }

    pub(crate) fn log(&self) -> PathBuf {
        log_in(&self.folder)
    }

    fn command(&self, log_is_new: bool) -> Result<Command> {
        let path = self.log();
        let mut options = OpenOptions::new();
        options.create(true).write(true);
        let options = if log_is_new { options.truncate(true) } else { options.append(true) };
        let log = options.open(&path).on_file("write", &path)?;
        let errors = log.try_clone().on_file("write", &path)?;
        let (program, arguments) = self.words.split_first().ok_or_else(|| self.failure("has no program"))?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        // A group of its own: Ctrl-C then reaches only who started it.
        command.process_group(0);
        if let Some(user) = self.user {
            // It may not go where we keep its record.
            command.uid(user).gid(user).current_dir("/");
        }
        Ok(command)
    }

    pub(crate) fn failure(&self, why: impl Into<String>) -> Error {
        let log = self.log();
        Error::Service { name: self.name.clone(), why: why.into(), tail: tail(&log, TAIL_LINES_MAX), log }
    }
}

/// The log of the process whose folder this is.
pub(crate) fn log_in(folder: &Path) -> PathBuf {
    folder.join("log")
}

/// The last `lines` lines of a log.
pub(crate) fn tail(log: &Path, lines: usize) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

/// A process that was started here. Dropped, it ends.
#[derive(Debug)]
pub(crate) struct Process {
    launch: Launch,
    child: Child,
    record: Record,
    began: Instant,
    left: bool,
}

impl Process {
    pub(crate) fn spawn(launch: Launch) -> Result<Self> {
        let (child, record) = begin(&launch, true)?;
        Ok(Self { launch, child, record, began: Instant::now(), left: false })
    }

    pub(crate) fn launch(&self) -> &Launch {
        &self.launch
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn memory(&self) -> u64 {
        self.record.identity.memory()
    }

    pub(crate) fn ready_after(&self) -> Duration {
        self.record.ready_after.unwrap_or_default()
    }

    pub(crate) fn wait_until_ready(&mut self, ready: &Ready) -> Result<()> {
        loop {
            // Asked first who runs: what answers at the address may be somebody else.
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.launch.failure(format!("ended ({status}) before it answered")));
            }
            let Err(why) = ready() else { break };
            if self.began.elapsed() > self.launch.limit {
                let limit = self.launch.limit.as_secs();
                return Err(self.launch.failure(format!("no true answer within {limit} s: {why}")));
            }
            std::thread::sleep(POLL);
        }
        if self.record.ready_after.is_none() {
            self.record.ready_after = Some(self.began.elapsed());
            self.record.write(&self.launch.folder)?;
        }
        Ok(())
    }

    /// Signals the process, then the processes that it started: those talk to clients in PostgreSQL.
    pub(crate) fn signal(&self, signal: Signal, action: &'static str) -> Result<()> {
        let identity = &self.record.identity;
        identity.signal(signal).map_err(|source| self.error(action, source))?;
        // Looked for after the signal: a stopped process starts no more.
        for child in identity.children() {
            let _ = child.signal(signal);
        }
        Ok(())
    }

    pub(crate) fn kill(&mut self) -> Result<()> {
        // They are nobody's children once their parent is gone.
        let children = self.record.identity.children();
        let killed = self.child.kill().and_then(|()| self.child.wait());
        killed.map_err(|source| self.error("kill", source))?;
        for child in children {
            let _ = child.signal(Signal::KILL);
            while child.runs() {
                std::thread::sleep(POLL);
            }
        }
        Ok(())
    }

    pub(crate) fn terminate(&mut self, limit: Duration) -> Result<()> {
        let identity = &self.record.identity;
        identity.signal(Signal::TERM).map_err(|source| self.error("end", source))?;
        let began = Instant::now();
        while let Ok(None) = self.child.try_wait() {
            if began.elapsed() > limit {
                return Err(self.launch.failure(format!("was told to end and still ran after {limit:?}")));
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    pub(crate) fn start_again(&mut self) -> Result<()> {
        self.kill()?;
        (self.child, self.record) = begin(&self.launch, false)?;
        self.began = Instant::now();
        Ok(())
    }

    pub(crate) fn leave(mut self) {
        self.left = true;
    }

    fn error(&self, action: &'static str, source: std::io::Error) -> Error {
        Error::Process { action, name: self.launch.name.clone(), source }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.left {
            let _ = self.record.end(&self.launch.folder);
            let _ = self.child.wait();
        }
    }
}

fn begin(launch: &Launch, log_is_new: bool) -> Result<(Child, Record)> {
    let error = |source| Error::Process { action: "start", name: launch.name.clone(), source };
    let mut child = launch.command(log_is_new)?.spawn().map_err(error)?;
    // It has just begun and is waited for by nobody else, so the number is its own, even if it has ended.
    let Some(identity) = Identity::of(child.id()) else {
        let _ = child.wait();
        return Err(launch.failure("ended at once"));
    };
    let record = Record { identity, end: launch.end, address: launch.address.clone(), ready_after: None };
    if let Err(failure) = record.write(&launch.folder) {
        let _ = child.kill();
        let _ = child.wait();
        return Err(failure);
    }
    Ok((child, record))
}
