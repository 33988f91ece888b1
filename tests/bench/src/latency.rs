//! `latency`: 1,000 viewers of one stream and 200 comments a second, in processes of the real program: from submission to
//! acknowledgement, and from submission to another viewer's socket. With `--region` senders are on one host of a region
//! and viewers on another, and the roles that read the log are in a third process.

use std::path::Path;
use std::process::{Command, Stdio};

use ringside_testkit::region::{Region, Services};
use serde_json::Value;

use crate::figure::{BenchError, BenchResult, Figure};
use crate::program::{self, Program};
use crate::{Ask, Effort};

pub(crate) fn run(ask: &Ask) -> BenchResult {
    figures(&if ask.region { in_region(ask.effort)? } else { on_one_host(ask.effort)? }, ask.region)
}

fn on_one_host(effort: Effort) -> Result<Value, BenchError> {
    let folder = tempfile::tempdir()?;
    let host = Program::start(folder.path(), &[])?;
    load(effort, folder.path(), &["--url", &format!("http://{}", host.address)])
}

fn in_region(effort: Effort) -> Result<Value, BenchError> {
    let region = Region::on(&Services::shared());
    let _roles = region.process("coordinator,writer,judge,reconciler");
    let (near, far) = (region.process("host"), region.process("host"));
    let url = |host: &ringside_testkit::Pop| format!("http://{}", host.address());
    let secret = format!("auth.secret={}", region.secret());
    load(effort, &near.data(), &["--url", &url(&far), "--sender-url", &url(&near), "--set", &secret])
}

/// The report of `ringside load`.
fn load(effort: Effort, data: &Path, to: &[&str]) -> Result<Value, BenchError> {
    let (viewers, seconds) = if effort == Effort::Full { ("1000", "30") } else { ("50", "3") };
    let output = Command::new(program::path()?)
        .args(["load", "--json", "--connections", viewers, "--comments", "200", "--duration", seconds])
        .args(to)
        .arg("--data")
        .arg(data)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("`ringside load` ended with {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn figures(report: &Value, region: bool) -> BenchResult {
    let of = |path: &str| {
        report
            .pointer(path)
            .and_then(Value::as_f64)
            .ok_or_else(|| format!("the report has no {path}: {report}"))
    };
    let (p50, p99) = (of("/seen/p50_ms")?, of("/seen/p99_ms")?);
    // A viewer is sent a frame a tick. A comment waits for half of one on average, for a whole one at most.
    let tick = 1e3 / of("/delivered/frames_per_viewer_per_second")?;
    let mut figures = vec![
        Figure::new("ack_p50_ms", of("/comments/acknowledged/p50_ms")?, "ms"),
        Figure::new("ack_p99_ms", of("/comments/acknowledged/p99_ms")?, "ms"),
        Figure::new("seen_p50_ms", p50, "ms"),
        Figure::new("seen_p99_ms", p99, "ms"),
        Figure::new("tick_ms", tick, "ms"),
        Figure::new("seen_p50_beside_tick_ms", p50 - tick / 2.0, "ms"),
        Figure::new("seen_p99_beside_tick_ms", p99 - tick, "ms"),
    ];
    if region {
        // The reply leaves when the log has the comment.
        let after = of("/seen_after_reply/p50_ms")? - tick / 2.0;
        figures.push(Figure::new("log_to_socket_p50_beside_tick_ms", after, "ms"));
    }
    Ok(figures)
}
