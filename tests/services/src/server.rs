//! One process of a service: started, asked until it answers, hurt on purpose, started again.

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use crate::process::{Launch, Process};
use crate::{Folder, Result};

/// Asks the server at an address for a true answer; says what is missing.
pub(crate) type Ready = Box<dyn Fn() -> std::result::Result<(), String> + Send + Sync>;

/// A running server. Dropped, it ends.
pub struct Server {
    process: Process,
    ready: Ready,
    /// Outlives the process, which has its data there.
    _folder: Folder,
}

impl Server {
    pub(crate) fn spawn(folder: &Folder, launch: Launch, ready: Ready) -> Result<Self> {
        Ok(Self { process: Process::spawn(launch)?, ready, _folder: folder.clone() })
    }

    /// Starts it and waits for its first true answer.
    pub(crate) fn start(folder: &Folder, launch: Launch, ready: Ready) -> Result<Self> {
        let mut server = Self::spawn(folder, launch, ready)?;
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Waits for a true answer, bounded; the error has the last lines of the log.
    pub fn wait_until_ready(&mut self) -> Result<()> {
        self.process.wait_until_ready(&self.ready)
    }

    pub(crate) fn wait_until(&mut self, ready: &Ready) -> Result<()> {
        self.process.wait_until_ready(ready)
    }

    /// Asks once.
    pub fn answers(&self) -> std::result::Result<(), String> {
        (self.ready)()
    }

    /// Where clients find it.
    pub fn address(&self) -> &str {
        &self.process.launch().address
    }

    /// Its process's number.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The folder with its data and its log.
    pub fn folder(&self) -> &Path {
        &self.process.launch().folder
    }

    /// Memory that it holds, in bytes.
    pub fn memory(&self) -> u64 {
        self.process.memory()
    }

    /// From its last start to its first true answer.
    pub fn ready_after(&self) -> Duration {
        self.process.ready_after()
    }

    /// Kills it (SIGKILL): it loses what it had not given to the system yet. Returns when it is gone.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Stops it (SIGSTOP): its connections stay open and nothing answers.
    pub fn stop(&mut self) -> Result<()> {
        self.process.signal(Signal::STOP, "stop")
    }

    /// Lets a stopped one go on (SIGCONT).
    pub fn go_on(&mut self) -> Result<()> {
        self.process.signal(Signal::CONT, "let go on")
    }

    /// Tells it to end (SIGTERM) and waits until it has.
    pub fn terminate(&mut self, limit: Duration) -> Result<()> {
        self.process.terminate(limit)
    }

    /// Starts it again on the same folder and port, killing it first where it runs, and waits until it answers.
    pub fn restart(&mut self) -> Result<()> {
        self.start_again()?;
        self.wait_until_ready()
    }

    /// The same without the wait: for several that wait for each other.
    pub fn start_again(&mut self) -> Result<()> {
        self.process.start_again()
    }

    /// Gives it up without ending it: it goes on when this process has ended, and `down` ends it.
    pub fn leave(self) {
        self.process.leave();
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("process", &self.process).finish_non_exhaustive()
    }
}
