//! Each target in a process of its own: an abort, an overflowing stack or a kill is a finding, and its input is kept.

mod worker;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::target::Entry;
pub use worker::work;

/// The verb with which this program starts itself for one target.
pub const WORKER_VERB: &str = "work";
/// A worker may need so long to make what stands behind its target: components are compiled the first time.
const SET_UP_MAX: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(20);
/// Of what a worker that died has printed, so many characters are shown.
const WORDS_CHARS_MAX: usize = 2_000;

/// What to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How long each target is run.
    pub time: Duration,
    /// Where chance begins; each target draws its own from it.
    pub seed: u64,
    /// Folder for inputs that were found.
    pub folder: PathBuf,
    /// One input instead of a search.
    pub input: Option<PathBuf>,
}

/// What a worker tells of its run, as one line of JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told {
    /// Inputs taken.
    pub executions: u64,
    /// Inputs kept.
    pub corpus: usize,
    /// What broke, and the file with the input; none where it broke before the first input.
    pub finding: Option<(String, Option<PathBuf>)>,
}

/// How a target did.
#[derive(Debug)]
pub struct Outcome {
    /// The target.
    pub name: &'static str,
    /// Seconds, with setting up.
    pub took: Duration,
    /// What the worker told, or what its end says.
    pub told: Told,
}

impl Plan {
    /// Where a target's input of the moment is kept.
    fn current(&self, entry: &Entry) -> PathBuf {
        self.folder.join(format!("{}.current", entry.name))
    }
}

struct Running {
    entry: Entry,
    child: Child,
    began: Instant,
}

/// Runs targets, `at_once` at a time, and tells `each` of an outcome as soon as it is there.
///
/// # Errors
/// When the folder cannot be made or a worker cannot be started.
pub fn supervise(
    entries: &[Entry],
    plan: &Plan,
    at_once: usize,
    each: &mut dyn FnMut(&Outcome),
) -> std::io::Result<()> {
    std::fs::create_dir_all(&plan.folder)?;
    let mut waiting = entries.iter();
    let mut running: Vec<Running> = Vec::new();
    loop {
        while running.len() < at_once.max(1)
            && let Some(entry) = waiting.next()
        {
            running.push(Running { entry: *entry, child: start(entry, plan)?, began: Instant::now() });
        }
        if running.is_empty() {
            return Ok(());
        }
        std::thread::sleep(POLL);
        let mut still = Vec::new();
        for mut one in running {
            let late = one.began.elapsed() > SET_UP_MAX + plan.time + 2 * one.entry.time_max;
            let status = one.child.try_wait()?;
            if status.is_none() && !late {
                still.push(one);
                continue;
            }
            let how = match status {
                Some(status) => format!("the process ended with {status}"),
                None => {
                    one.child.kill()?;
                    one.child.wait()?;
                    "the process did not end by itself".into()
                }
            };
            let told = read(&mut one.child, &how, &one.entry, plan)?;
            each(&Outcome { name: one.entry.name, took: one.began.elapsed(), told });
        }
        running = still;
    }
}

fn start(entry: &Entry, plan: &Plan) -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args([WORKER_VERB, entry.name])
        .arg("--seconds")
        .arg(plan.time.as_secs().to_string())
        .arg("--seed")
        .arg(plan.seed.to_string())
        .arg("--findings")
        .arg(&plan.folder);
    if let Some(input) = &plan.input {
        command.arg("--input").arg(input);
    }
    let words = std::fs::File::create(plan.folder.join(format!("{}.log", entry.name)))?;
    // Its last words are what it panicked with, not where everything was.
    command.env("RUST_BACKTRACE", "0");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(words).spawn()
}

/// What the worker told in its last line; a worker that told nothing died, and that is a finding.
fn read(child: &mut Child, how: &str, entry: &Entry, plan: &Plan) -> std::io::Result<Told> {
    let mut text = String::new();
    if let Some(stdout) = &mut child.stdout {
        stdout.read_to_string(&mut text)?;
    }
    if let Some(told) = text.lines().rev().find_map(|line| serde_json::from_str(line).ok()) {
        let _ = std::fs::remove_file(plan.current(entry));
        return Ok(told);
    }
    let log = std::fs::read(plan.folder.join(format!("{}.log", entry.name))).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let last: String = log.chars().skip(log.chars().count().saturating_sub(WORDS_CHARS_MAX)).collect();
    let finding = match worker::kept_input(&plan.current(entry)) {
        Some(input) => {
            (format!("{how}; its last words: {}", last.trim()), Some(keep(&plan.folder, entry.name, &input)?))
        }
        None => (format!("before the first input, {how}: {}", last.trim()), None),
    };
    Ok(Told { executions: 0, corpus: 0, finding: Some(finding) })
}

/// Keeps an input under a name that tells it from others.
fn keep(folder: &Path, name: &str, input: &[u8]) -> std::io::Result<PathBuf> {
    let path = folder.join(format!("{name}-{:08x}.input", crc32fast::hash(input)));
    std::fs::write(&path, input)?;
    Ok(path)
}
