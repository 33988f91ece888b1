//! One target in this process: what is found is written to a file and told on standard output.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::{Plan, Told, keep};
use crate::run::{Before, Bounds, Until, Watch, once, run};
use crate::target::Entry;

/// Bytes by which a worker may grow: the caches that a host keeps, several times over, and nothing like a leak of
/// each input.
const MEMORY_MAX: u64 = 1 << 30;
/// Bytes of data a worker may have at all: one allocation past it ends the process before the machine swaps.
const DATA_MAX: u64 = 6 << 30;

/// The input of the moment, in a file that outlives the process: its length, then its bytes.
struct Current(File);

impl Before for Current {
    fn before(&self, input: &[u8]) {
        let bytes = [&(input.len() as u64).to_le_bytes(), input].concat();
        // Without it a finding has no input, but it is one all the same.
        let _ = self.0.write_all_at(&bytes, 0);
    }
}

/// The input that a worker was taking when it died.
pub(super) fn kept_input(path: &Path) -> Option<Vec<u8>> {
    let bytes = std::fs::read(path).ok()?;
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?).map(<[u8]>::to_vec)
}

/// Runs one target and tells how it went. Ends the process where an input does not end.
///
/// # Errors
/// When files cannot be read or written.
pub fn work(entry: &Entry, plan: &Plan) -> std::io::Result<Told> {
    let data = rustix::process::Rlimit { current: Some(DATA_MAX), maximum: Some(DATA_MAX) };
    // A system without that limit still has the watch.
    let _ = rustix::process::setrlimit(rustix::process::Resource::Data, data);
    std::fs::create_dir_all(&plan.folder)?;
    let current = Current(File::create(plan.current(entry))?);
    let mut target = (entry.make)();
    let (name, folder) = (entry.name, plan.folder.clone());
    let alarm = move |input: &[u8], what: String| {
        let file = keep(&folder, name, input).ok();
        tell(&Told { executions: 0, corpus: 0, finding: Some((what, file)) });
        // The thread that takes the input cannot be stopped.
        std::process::exit(1);
    };
    let bounds = Bounds { time_max: entry.time_max, memory_max: MEMORY_MAX };
    let watch = Watch::start(bounds, Box::new(alarm));
    let report = match &plan.input {
        Some(path) => once(target.as_mut(), &std::fs::read(path)?, &watch),
        None => run(target.as_mut(), plan.seed, Until::Elapsed(plan.time), &watch, &current),
    };
    let finding = match report.finding {
        Some(finding) => Some((finding.what, Some(keep(&plan.folder, entry.name, &finding.input)?))),
        None => None,
    };
    let told = Told { executions: report.executions, corpus: report.corpus, finding };
    tell(&told);
    Ok(told)
}

fn tell(told: &Told) {
    let line = serde_json::to_string(told).unwrap_or_default();
    let mut stdout = std::io::stdout().lock();
    // Nobody listens any more: the process that started this one is gone.
    let _ = writeln!(stdout, "{line}");
}
