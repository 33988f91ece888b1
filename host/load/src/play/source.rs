//! Reads the recordings on a thread of their own, and hands comments over as fast as they are played.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::mpsc;

use super::args::PlayArgs;
use super::timeline::Timeline;
use crate::error::Error;
use crate::recording::{Item, Recording, Said, Stamp};

/// Comments that are read ahead of their playing: enough that a disk's pause is not heard.
const READ_AHEAD: usize = 1_024;
/// Bad lines of a file that are shown.
const BAD_SHOWN: usize = 5;
/// Comments with one stamp that are spread together; more of them are spread as groups of so many.
const SPREAD_MAX: usize = 10_000;

/// A comment with its place in the recording.
#[derive(Debug)]
pub(super) struct Cue {
    /// Index of the file among the arguments.
    pub(super) file: usize,
    /// Line in it, from 1.
    pub(super) line: u64,
    pub(super) said: Said,
    /// When it is due, by the recording's own times; none where a rate says so.
    pub(super) due: Option<Duration>,
}

/// What was found in a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileReport {
    /// The file.
    pub file: String,
    /// What it was read as.
    pub format: String,
    /// Comments in it.
    pub comments: u64,
    /// Lines passed over: joins, blank lines.
    pub passed: u64,
    /// Lines that could not be read.
    pub bad: u64,
    /// The first of those, with number and reason.
    pub first_bad: Vec<String>,
}

/// What a first look at the recordings tells.
#[derive(Debug, Clone, Default)]
pub(super) struct Overview {
    /// Comments that will be played; none where a recording can be read only once.
    pub(super) comments: Option<u64>,
    pub(super) files: Vec<FileReport>,
}

/// Reads all files once, to know how many comments there are and that each can be read. Standard input is left alone.
///
/// # Errors
/// `Usage` when a file cannot be opened or a recording without times shall be played by its times.
pub(super) fn look(args: &PlayArgs) -> Result<Overview, Error> {
    let piped = args.files.iter().any(|file| file.as_os_str() == "-");
    if piped && (args.repeat > 1 || args.files.len() > 1) {
        return Err(Error::Usage(
            "standard input (`-`) is played alone and once: leave out other files and --repeat".into(),
        ));
    }
    if piped {
        return Ok(Overview::default());
    }
    let mut files = Vec::new();
    for path in &args.files {
        let mut report = Report::default();
        let mut timed = false;
        let recording = Recording::open(path, args.format, &args.columns)?;
        let format = recording.format;
        for item in recording {
            match item.map_err(|error| unreadable(path, &error))? {
                Item::Said(_, said) => {
                    timed |= said.at.is_some();
                    report.comments += 1;
                }
                Item::Passed => report.passed += 1,
                Item::Bad(line, reason) => report.bad(line, &reason),
            }
        }
        if args.rate.rate().is_none() && !timed && report.comments > 0 {
            return Err(no_times(path));
        }
        files.push(report.finish(path, &format!("{format:?}").to_ascii_lowercase()));
    }
    let all = files.iter().map(|file| file.comments).sum::<u64>().saturating_mul(args.repeat.into());
    Ok(Overview { comments: Some(args.limit.map_or(all, |limit| limit.min(all))), files })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::Failed(format!("`{}` cannot be read further: {error}", path.display()))
}

fn no_times(path: &Path) -> Error {
    Error::Usage(format!(
        "`{}` has no times to play by: give --rate with a number, or --time-column",
        path.display()
    ))
}

#[derive(Default)]
struct Report {
    comments: u64,
    passed: u64,
    bad: u64,
    first_bad: Vec<String>,
}

impl Report {
    fn bad(&mut self, line: u64, reason: &str) {
        self.bad += 1;
        if self.first_bad.len() < BAD_SHOWN {
            self.first_bad.push(format!("line {line}: {reason}"));
        }
    }

    fn finish(self, path: &Path, format: &str) -> FileReport {
        FileReport {
            file: path.display().to_string(),
            format: format.to_owned(),
            comments: self.comments,
            passed: self.passed,
            bad: self.bad,
            first_bad: self.first_bad,
        }
    }
}

/// The comments in the order of playing, and what was found in standard input once it has ended.
pub(super) struct Source {
    pub(super) cues: mpsc::Receiver<Result<Cue, Error>>,
    piped: Arc<Mutex<Vec<FileReport>>>,
}

impl Source {
    /// Starts reading. The thread ends with the recordings, or when the receiver is dropped.
    pub(super) fn start(args: &PlayArgs) -> Self {
        let (sender, cues) = mpsc::channel(READ_AHEAD);
        let piped = Arc::new(Mutex::new(Vec::new()));
        let reading = Reading { args: args.clone(), sender, piped: piped.clone() };
        // Not a task: reading standard input may block for ever, and must not keep the runtime from ending.
        std::thread::spawn(move || reading.run());
        Self { cues, piped }
    }

    /// What was found in standard input so far.
    pub(super) fn piped(&self) -> Vec<FileReport> {
        self.piped.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Reading {
    args: PlayArgs,
    sender: mpsc::Sender<Result<Cue, Error>>,
    piped: Arc<Mutex<Vec<FileReport>>>,
}

/// The other side listens no more.
struct Ended;

impl Reading {
    fn run(self) {
        let args = &self.args;
        let mut timeline = args
            .rate
            .rate()
            .is_none()
            .then(|| Timeline::new(args.speed, Duration::from_secs_f64(args.pause_max)));
        let mut left = args.limit.unwrap_or(u64::MAX);
        for _ in 0..args.repeat {
            for (index, path) in args.files.iter().enumerate() {
                match self.play_file(index, path, timeline.as_mut(), &mut left) {
                    Ok(Ok(())) if left > 0 => {}
                    Ok(_) => return,
                    Err(error) => {
                        let _ = self.sender.blocking_send(Err(error));
                        return;
                    }
                }
            }
        }
    }

    fn play_file(
        &self,
        file: usize,
        path: &Path,
        mut timeline: Option<&mut Timeline>,
        left: &mut u64,
    ) -> Result<Result<(), Ended>, Error> {
        let recording = Recording::open(path, self.args.format, &self.args.columns)?;
        let format = format!("{:?}", recording.format).to_ascii_lowercase();
        if let Some(timeline) = &mut timeline {
            timeline.begin_file();
        }
        let piped = path.as_os_str() == "-";
        let mut report = Report::default();
        let mut group: Vec<(u64, Said)> = Vec::new();
        let mut ended = Ok(());
        for item in recording {
            match item.map_err(|error| unreadable(path, &error))? {
                Item::Passed => report.passed += 1,
                Item::Bad(line, reason) => report.bad(line, &reason),
                Item::Said(line, said) => {
                    // Files were looked through before; of standard input only the beginning can tell.
                    if report.comments == 0 && piped && timeline.is_some() && said.at.is_none() {
                        return Err(no_times(path));
                    }
                    report.comments += 1;
                    let same = group.last().is_some_and(|(_, last)| last.at == said.at);
                    if timeline.is_some() && (!same || group.len() >= SPREAD_MAX) {
                        ended = self.send(file, &mut group, timeline.as_deref_mut(), left);
                    }
                    group.push((line, said));
                    if timeline.is_none() {
                        ended = self.send(file, &mut group, None, left);
                    }
                }
            }
            if ended.is_err() || *left == 0 {
                break;
            }
        }
        if ended.is_ok() {
            ended = self.send(file, &mut group, timeline, left);
        }
        if piped {
            let found = report.finish(path, &format);
            self.piped.lock().unwrap_or_else(PoisonError::into_inner).push(found);
        }
        Ok(ended)
    }

    /// Sends comments that bear one stamp.
    fn send(
        &self,
        file: usize,
        group: &mut Vec<(u64, Said)>,
        timeline: Option<&mut Timeline>,
        left: &mut u64,
    ) -> Result<(), Ended> {
        let stamp: Option<Stamp> = group.first().and_then(|(_, said)| said.at);
        let mut due = timeline.map(|timeline| timeline.place(stamp, group.len()));
        for (line, said) in group.drain(..) {
            if *left == 0 {
                break;
            }
            *left -= 1;
            let due = due.as_mut().and_then(Iterator::next);
            self.sender.blocking_send(Ok(Cue { file, line, said, due })).map_err(|_| Ended)?;
        }
        Ok(())
    }
}
