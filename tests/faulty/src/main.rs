//! `ringside-faulty`: the whole program with one bug around its backends, to see that the checker catches it. The bug is
//! named by the environment: `RINGSIDE_BUG`.
//!
//! Each does what a careless change of the product would do. Where the product's window is microseconds wide, the bug
//! holds it open for [`WINDOW`], so that a process that is killed is killed within it every time.

mod log;
mod relay;
mod store;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use log::{Bug, FaultyLog};
use ringside::Backends;
use store::FaultyStore;

/// Names the bug.
const VARIABLE: &str = "RINGSIDE_BUG";
/// How long what should have been done before is still not done.
const WINDOW: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    match std::env::var(VARIABLE).as_deref() {
        Ok("acknowledge-before-the-log") => ringside::run(acknowledge_before_the_log),
        Ok("writer-commits-before-the-effect") => ringside::run(writer_commits_before_the_effect),
        Ok("coordinator-commits-before-the-effect") => ringside::run(coordinator_commits_before_the_effect),
        Ok("drops-on-a-rebalance") => ringside::run(drops_on_a_rebalance),
        // Verbs beside `serve`, such as the one that makes tokens.
        Err(_) => ringside::run(std::convert::identity),
        Ok(other) => {
            eprintln!("{VARIABLE}: there is no bug `{other}`");
            ExitCode::from(64)
        }
    }
}

fn with_log(mut backends: Backends, bug: Bug) -> Backends {
    backends.log = Arc::new(FaultyLog { log: backends.log, bug });
    backends
}

fn acknowledge_before_the_log(backends: Backends) -> Backends {
    with_log(backends, Bug::AnswersFirst)
}

fn writer_commits_before_the_effect(mut backends: Backends) -> Backends {
    let commits_first = Some(backends.log.clone());
    backends.store = Arc::new(FaultyStore { store: backends.store, commits_first });
    backends
}

/// For a process of that role alone: whoever reads the log there is the coordinator.
fn coordinator_commits_before_the_effect(mut backends: Backends) -> Backends {
    backends.relay = Arc::new(relay::Late(backends.relay));
    with_log(backends, Bug::CommitsAtRead("coordinator"))
}

fn drops_on_a_rebalance(mut backends: Backends) -> Backends {
    let bug = Bug::DropsWhenTaken(backends.store.clone());
    backends.store = Arc::new(FaultyStore { store: backends.store, commits_first: None });
    with_log(backends, bug)
}
