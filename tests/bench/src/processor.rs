//! Processors: who runs on which, and how much of one a process took.

use std::io;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// The first two processors that this process may use; the same twice where there is one.
pub(crate) fn two() -> io::Result<(usize, usize)> {
    let allowed = sched_getaffinity(None)?;
    let mut numbers = (0..CpuSet::MAX_CPU).filter(|number| allowed.is_set(*number));
    let first = numbers.next().unwrap_or(0);
    Ok((first, numbers.next().unwrap_or(first)))
}

/// Runs this thread, and those that it starts from now on, on one processor.
pub(crate) fn pin(number: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(number);
    Ok(sched_setaffinity(None, &set)?)
}

/// Time on a processor of this process, all threads, user's and kernel's.
pub(crate) fn time_of_process() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Time on a processor of this process' threads whose name begins so, since they began.
pub(crate) fn time_of_threads(prefix: &str) -> io::Result<Duration> {
    let mut total = Duration::ZERO;
    for task in std::fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        // A thread may end in between.
        let Ok(name) = std::fs::read_to_string(task.join("comm")) else { continue };
        if name.starts_with(prefix) {
            let stat = std::fs::read_to_string(task.join("schedstat")).unwrap_or_default();
            let nanos = stat.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(0);
            total += Duration::from_nanos(nanos);
        }
    }
    Ok(total)
}

/// The same in every process of a machine.
pub(crate) fn monotonic_ns() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// As many connections as are wanted, or as the limit of open files allows.
pub(crate) fn affordable(wanted: usize) -> usize {
    let limit =
        getrlimit(Resource::Nofile).current.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
    wanted.min(limit.saturating_sub(500))
}
