//! Time on a processor, by thread: what work costs does not depend on who else runs on the machine.

use std::time::Duration;

/// Time on a processor of this process' threads whose name begins so, since they began.
pub(crate) fn of_threads(prefix: &str) -> std::io::Result<Duration> {
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
