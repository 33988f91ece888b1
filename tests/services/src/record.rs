//! What is written down of each process beside its data, so that whoever comes later can find, ask and end it: also
//! after the program that started it was killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Result;
use crate::error::OnFile;

/// The file's name in the folder of a process. The guard of a temporary folder reads its first line, too.
pub(crate) const FILE: &str = "process";
/// A process that was told to end is killed after this: a JVM that writes its memory down takes 7 s.
const END_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// A process, told apart from a later one that got the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    /// When it began: clock ticks since boot (Linux), or a date (elsewhere).
    started: String,
}

impl Identity {
    /// Of a process that runs now; none where there is none, or only what is left of one that ended.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        Some(Self { pid, started: system::started(pid)? })
    }

    pub(crate) fn runs(&self) -> bool {
        system::started(self.pid).as_ref() == Some(&self.started)
    }

    /// Sends `signal`, if the process is still this one.
    pub(crate) fn signal(&self, signal: Signal) -> std::io::Result<()> {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw).filter(|_| self.runs());
        match pid {
            Some(pid) => Ok(kill_process(pid, signal)?),
            None => Err(std::io::Error::other("it does not run")),
        }
    }

    /// Processes that it started itself: PostgreSQL has one for each client.
    pub(crate) fn children(&self) -> Vec<Self> {
        system::children(self.pid).into_iter().filter_map(Self::of).collect()
    }

    /// Memory that it holds, in bytes; 0 where it does not run.
    pub(crate) fn memory(&self) -> u64 {
        system::memory_kib(self.pid).filter(|_| self.runs()).unwrap_or(0) * 1_024
    }
}

/// How a process is made to end. Only PostgreSQL leaves something in the system when it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Kill,
    Quit,
}

impl End {
    fn word(self) -> &'static str {
        match self {
            Self::Kill => "KILL",
            Self::Quit => "QUIT",
        }
    }

    fn signal(self) -> Signal {
        match self {
            Self::Kill => Signal::KILL,
            Self::Quit => Signal::QUIT,
        }
    }
}

/// One process of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) identity: Identity,
    pub(crate) end: End,
    /// Where it answers.
    pub(crate) address: String,
    /// From its start to its first true answer; none while it has not answered.
    pub(crate) ready_after: Option<Duration>,
}

impl Record {
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let Identity { pid, started } = &self.identity;
        let ready = self.ready_after.map_or_else(String::new, |time| time.as_millis().to_string());
        let text = format!("{pid} {} {started}\n{}\n{ready}\n", self.end.word(), self.address);
        let path = folder.join(FILE);
        fs::write(&path, text).on_file("write", &path)
    }

    /// None where there is no process, or its file was cut short: then nothing is known that could be ended.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join(FILE)).ok()?;
        let mut lines = text.lines();
        let mut first = lines.next()?.splitn(3, ' ');
        let pid = first.next()?.parse().ok()?;
        let end = if first.next()? == End::Quit.word() { End::Quit } else { End::Kill };
        let identity = Identity { pid, started: first.next()?.to_owned() };
        let address = lines.next()?.to_owned();
        let ready_after = lines.next()?.parse().ok().map(Duration::from_millis);
        Some(Self { identity, end, address, ready_after })
    }

    /// Ends the process, if it is still the one that was written down, and forgets it.
    pub(crate) fn end(&self, folder: &Path) -> Result<()> {
        let began = Instant::now();
        let _ = self.identity.signal(self.end.signal());
        // One that is stopped hears nothing else before it goes on.
        let _ = self.identity.signal(Signal::CONT);
        while self.identity.runs() {
            if began.elapsed() > END_LIMIT {
                let _ = self.identity.signal(Signal::KILL);
            }
            std::thread::sleep(POLL);
        }
        let path = folder.join(FILE);
        fs::remove_file(&path).on_file("remove", &path)
    }
}

/// The folders below `folder` in which a process is written down, sorted.
pub(crate) fn folders(folder: &Path) -> Vec<PathBuf> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
    };
    let mut found = below(folder);
    // A service of several processes has a folder of its own for each.
    found.extend(found.clone().iter().flat_map(|service| below(service)));
    found.retain(|folder| folder.join(FILE).is_file());
    found.sort();
    found
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs::read_to_string;

    pub(super) fn started(pid: u32) -> Option<String> {
        let stat = read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold spaces. After it come the state (3rd field) and, as the 22nd, the start.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let ended = matches!(fields.next()?, "Z" | "X");
        fields.nth(18).filter(|_| !ended).map(str::to_owned)
    }

    pub(super) fn children(pid: u32) -> Vec<u32> {
        let text = read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        text.split_whitespace().filter_map(|child| child.parse().ok()).collect()
    }

    pub(super) fn memory_kib(pid: u32) -> Option<u64> {
        let status = read_to_string(format!("/proc/{pid}/status")).ok()?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        resident.split_whitespace().next()?.parse().ok()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    fn ps(pid: u32, field: &str) -> Option<String> {
        let pid = pid.to_string();
        let output = std::process::Command::new("ps").args(["-o", field, "-p", &pid]).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // With one space between words, as the guard's shell writes it.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(text)
    }

    pub(super) fn started(pid: u32) -> Option<String> {
        let ended = ps(pid, "state=")?.starts_with('Z');
        ps(pid, "lstart=").filter(|_| !ended)
    }

    pub(super) fn children(pid: u32) -> Vec<u32> {
        let output = std::process::Command::new("pgrep").args(["-P", &pid.to_string()]).output();
        let text = output.map(|output| output.stdout).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        text.split_whitespace().filter_map(|child| child.parse().ok()).collect()
    }

    pub(super) fn memory_kib(pid: u32) -> Option<u64> {
        ps(pid, "rss=")?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_while_it_runs_and_a_number_used_again_is_another_process() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let identity = Identity::of(child.id()).unwrap();
        assert!(identity.runs() && identity.memory() > 0);
        let other = Identity { started: "1".into(), ..identity.clone() };
        assert!(!other.runs());
        assert!(other.signal(Signal::KILL).is_err());
        assert!(identity.runs(), "the signal was for another process");
        identity.signal(Signal::KILL).unwrap();
        child.wait().unwrap();
        assert!(!identity.runs());
    }
}
