//! `idle`: the user memory of the real program for each idle connection that is signed in as a user of its own and has
//! joined a stream, at 15,000 connections in one process.
//!
//! User memory is the process' anonymous resident memory, with everything that came with the connections: users,
//! rooms, tables, what the allocator keeps, what the roles remember of the users.

use std::time::{Duration, Instant};

use ringside_core::Role;
use ringside_edge::auth::{Claims, sign};
use ringside_edge::now_ms;

use crate::crowd::{Crowd, Order};
use crate::figure::{BenchError, BenchResult, Figure};
use crate::processor;
use crate::program::Program;
use crate::{Ask, Effort};

/// Connections.
const CONNECTIONS: usize = 15_000;
/// Of the server's tokens.
const SECRET: &str = "the secret of a benchmark, 32 bytes";
/// Time in which what the handshakes left behind goes.
const SETTLE: Duration = Duration::from_secs(5);

pub(crate) fn run(ask: &Ask) -> BenchResult {
    let connections = match ask.effort {
        Effort::Full => processor::affordable(CONNECTIONS),
        Effort::Quick => 1_000,
    };
    let folder = tempfile::tempdir()?;
    let host = Program::start(folder.path(), &[&format!("auth.secret={SECRET}")])?;
    let before = anonymous_bytes(host.id())?;
    let order = Order {
        address: host.address.clone(),
        connections,
        hello: vec![
            r#"{"type":"authenticate","id":1,"token":"{token}"}"#.to_owned(),
            r#"{"type":"join","id":2,"stream":"final"}"#.to_owned(),
        ],
        until: "\"joined\"".to_owned(),
        tokens: (0..connections).map(token).collect::<Result<_, _>>()?,
        processor: None,
    };
    let began = Instant::now();
    let mut crowd = Crowd::start(&order)?;
    crowd.ready()?;
    let connected = began.elapsed();
    std::thread::sleep(SETTLE);
    let after = anonymous_bytes(host.id())?;
    let report = crowd.report()?;
    if report.connected < connections {
        return Err(
            format!("{} of {connections} connections were lost", connections - report.connected).into()
        );
    }
    let each = after.saturating_sub(before) as f64 / connections as f64;
    Ok(vec![
        Figure::new("user_bytes_per_connection", each, "bytes"),
        Figure::new("connections", connections as f64, "connections"),
        Figure::new("server_before", before as f64 / 1e6, "MB"),
        Figure::new("server_after", after as f64 / 1e6, "MB"),
        Figure::new("connected_per_second", connections as f64 / connected.as_secs_f64(), "connections/s"),
    ])
}

fn token(number: usize) -> Result<String, BenchError> {
    let claims = Claims {
        sub: format!("user-{number:06}"),
        name: Some(format!("Viewer {number}")),
        role: Role::Viewer,
        member: false,
        streams: None,
        exp: now_ms() / 1_000 + 3_600,
        nbf: None,
        iss: None,
        aud: None,
    };
    Ok(sign(&claims, SECRET.as_bytes())?)
}

/// `RssAnon` of a process.
fn anonymous_bytes(process: u32) -> Result<u64, BenchError> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).ok_or("no RssAnon in /proc")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1_024)
}
