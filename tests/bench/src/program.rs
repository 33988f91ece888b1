//! The real program in a process of its own, on free ports.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::figure::BenchError;

/// A running host; ends when the benchmark does, however that ends.
pub(crate) struct Program {
    child: Child,
    /// The public address, as `host:port`.
    pub(crate) address: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// Starts a host on a folder with `--set` assignments beside the usual ones, and waits until it is ready.
    pub(crate) fn start(data: &Path, set: &[&str]) -> Result<Self, BenchError> {
        let mut child = Command::new(path()?)
            .args(["serve", "--development", "--listen", "127.0.0.1:0", "--operators", "127.0.0.1:0"])
            .args(["--set", "telemetry.format=json", "--bundle", &variable("RINGSIDE_BUNDLE")?])
            .args(set.iter().flat_map(|assignment| ["--set", assignment]))
            .arg("--data")
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let lines = child.stderr.take().ok_or("the host has no standard error")?;
        let mut program = Self { child, address: String::new() };
        let mut lines = BufReader::new(lines).lines();
        while program.address.is_empty() {
            let line = lines.next().ok_or("the host ended before it was ready")??;
            let value: Value = serde_json::from_str(&line).unwrap_or(Value::Null);
            if value.get("message").and_then(Value::as_str) == Some("ready") {
                let address =
                    value.get("public").and_then(Value::as_str).ok_or("the host names no address")?;
                program.address = address.to_owned();
            }
        }
        // What the host says on is read, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(program)
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

/// The program's file.
pub(crate) fn path() -> Result<PathBuf, BenchError> {
    variable("RINGSIDE_BIN").map(PathBuf::from)
}

fn variable(name: &str) -> Result<String, BenchError> {
    std::env::var(name).map_err(|_| {
        format!("{name} is not set: `cargo xtask bench` builds the program and says where it is").into()
    })
}
