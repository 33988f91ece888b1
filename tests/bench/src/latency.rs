//! `latency`: 1,000 viewers of one stream and 200 comments a second, in two processes of the real program: from
//! submission to acknowledgement, and from submission to another viewer's socket.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Effort;
use crate::figure::{BenchResult, Figure};
use crate::program::{self, Program};

pub(crate) fn run(effort: &Effort) -> BenchResult {
    let folder = tempfile::tempdir()?;
    let host = Program::start(folder.path(), &[])?;
    let (viewers, seconds) = if *effort == Effort::Full { ("1000", "30") } else { ("50", "3") };
    let output = Command::new(program::path()?)
        .args(["load", "--json", "--connections", viewers, "--comments", "200", "--duration", seconds])
        .args(["--url", &format!("http://{}", host.address)])
        .arg("--data")
        .arg(folder.path())
        .stderr(Stdio::inherit())
        .output()?;
    drop(host);
    if !output.status.success() {
        return Err(format!("`ringside load` ended with {}", output.status).into());
    }
    figures(&serde_json::from_slice(&output.stdout)?)
}

fn figures(report: &Value) -> BenchResult {
    let of = |path: &str| {
        report
            .pointer(path)
            .and_then(Value::as_f64)
            .ok_or_else(|| format!("the report has no {path}: {report}"))
    };
    let (p50, p99) = (of("/seen/p50_ms")?, of("/seen/p99_ms")?);
    // A viewer is sent a frame a tick. A comment waits for half of one on average, for a whole one at most.
    let tick = 1e3 / of("/delivered/frames_per_viewer_per_second")?;
    Ok(vec![
        Figure::new("ack_p50_ms", of("/comments/acknowledged/p50_ms")?, "ms"),
        Figure::new("ack_p99_ms", of("/comments/acknowledged/p99_ms")?, "ms"),
        Figure::new("seen_p50_ms", p50, "ms"),
        Figure::new("seen_p99_ms", p99, "ms"),
        Figure::new("tick_ms", tick, "ms"),
        Figure::new("seen_p50_beside_tick_ms", p50 - tick / 2.0, "ms"),
        Figure::new("seen_p99_beside_tick_ms", p99 - tick, "ms"),
    ])
}
