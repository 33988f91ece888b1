//! `latency`: 1,000 viewers of one stream and 200 comments a second, in two processes of the real program: from
//! submission to acknowledgement, and from submission to another viewer's socket.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::Effort;
use crate::figure::{BenchError, BenchResult, Figure};

/// Ends the host when the benchmark ends, however it ends.
struct Host(Child);

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn run(effort: &Effort) -> BenchResult {
    let program = PathBuf::from(variable("RINGSIDE_BIN")?);
    let folder = tempfile::tempdir()?;
    let mut child = Command::new(&program)
        .args(["serve", "--development", "--listen", "127.0.0.1:0", "--operators", "127.0.0.1:0"])
        .args(["--set", "telemetry.format=json", "--bundle", &variable("RINGSIDE_BUNDLE")?])
        .arg("--data")
        .arg(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let lines = child.stderr.take().ok_or("the host has no standard error")?;
    let host = Host(child);
    let mut lines = BufReader::new(lines).lines();
    let address = loop {
        let line = lines.next().ok_or("the host ended before it was ready")??;
        let value: Value = serde_json::from_str(&line).unwrap_or(Value::Null);
        if value.get("message").and_then(Value::as_str) == Some("ready") {
            break value.get("public").and_then(Value::as_str).ok_or("the host names no address")?.to_owned();
        }
    };
    // What the host says on is read, so that it never waits for us.
    std::thread::spawn(move || lines.for_each(drop));
    let (viewers, seconds) = if *effort == Effort::Full { ("1000", "30") } else { ("50", "3") };
    let output = Command::new(&program)
        .args(["load", "--json", "--connections", viewers, "--comments", "200", "--duration", seconds])
        .args(["--url", &format!("http://{address}")])
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

fn variable(name: &str) -> Result<String, BenchError> {
    std::env::var(name).map_err(|_| {
        format!("{name} is not set: `cargo xtask bench` builds the program and says where it is").into()
    })
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
