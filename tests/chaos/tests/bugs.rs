//! The checker catches what it is there for: a bug that is put in on purpose (`tests/faulty`) is found, each one, by the
//! fault that reveals it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ringside_chaos::{doors, gather, judged};
use ringside_checker::{Crowd, Report, Wrong};
use ringside_testkit::pop::program;
use ringside_testkit::{Pop, PopOptions, Region, Services};

/// Comments a second and viewers: enough that something is under way at every moment.
const RATE: u32 = 100;
const VIEWERS: usize = 8;
/// Time in which everybody is well served, before anything happens.
const WELL: Duration = Duration::from_secs(2);

/// A process of the program with a bug in it.
fn faulty(region: &Region, roles: &str, bug: &str) -> Pop {
    let program = program().with_file_name("ringside-faulty");
    assert!(program.exists(), "{} is missing: `cargo xtask test` builds it", program.display());
    let environment = vec![("RINGSIDE_BUG".to_owned(), bug.to_owned())];
    region.process_with(roles, PopOptions { program: Some(program), environment, ..PopOptions::default() })
}

/// One after the other: what a bug holds open is told by the clock, which two regions at once on two processors would
/// make wrong.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn talk(hosts: &[Pop]) -> Crowd {
    let crowd = gather(hosts, doors(hosts), VIEWERS, RATE);
    assert!(crowd.recovers(), "nobody is served before anything is broken");
    crowd.goes_on_for(WELL);
    crowd
}

fn account(crowd: Crowd, host: &Pop, region: &Region) -> Report {
    let report = judged(&crowd.ends(), host, &Services::shared().kafka, region.name());
    eprintln!("{report}");
    report
}

/// Nothing but this is wrong.
fn caught(report: &Report, wrong: &[Wrong]) {
    let found: BTreeSet<Wrong> = report.findings.iter().map(|finding| finding.wrong).collect();
    assert_eq!(found, wrong.iter().copied().collect());
}

#[test]
fn acknowledging_before_the_log_has_it_is_caught_when_the_host_is_killed() {
    let _alone = alone();
    let region = Region::on(&Services::shared());
    let mut hosts = [faulty(&region, "host", "acknowledge-before-the-log"), region.process("host")];
    let _roles = region.process("coordinator,writer,judge,reconciler");
    let mut crowd = talk(&hosts);
    crowd.fault("host killed");
    hosts[0].kill();
    crowd.mended();
    assert!(crowd.recovers());
    let report = account(crowd, &hosts[1], &region);
    assert!(report.has(Wrong::Lost));
}

#[test]
fn a_writer_that_commits_before_the_effect_is_caught_when_it_is_killed() {
    let _alone = alone();
    let region = Region::on(&Services::shared());
    let hosts = [region.process("host"), region.process("host")];
    let mut writer = faulty(&region, "writer", "writer-commits-before-the-effect");
    let _roles = region.process("coordinator,judge,reconciler");
    let mut crowd = talk(&hosts);
    crowd.fault("writer killed");
    writer.kill();
    crowd.mended();
    writer.restart();
    assert!(crowd.recovers());
    caught(&account(crowd, &hosts[0], &region), &[Wrong::NotStored]);
}

#[test]
fn a_coordinator_that_commits_before_the_effect_is_caught_when_it_is_killed_and_nobody_speaks_after() {
    let _alone = alone();
    let region = Region::on(&Services::shared());
    let hosts = [region.process("host"), region.process("host")];
    let mut coordinator = faulty(&region, "coordinator", "coordinator-commits-before-the-effect");
    let _roles = region.process("writer,judge,reconciler");
    // It holds what it has read for four seconds each time: the first comments, then all that were said meanwhile, and is
    // killed in the middle of those. Whoever spoke later would show hosts their gap, which they fill from the log.
    let mut crowd = gather(&hosts, doors(&hosts), VIEWERS, RATE);
    let began = Instant::now();
    crowd.goes_on_for(Duration::from_secs(1));
    crowd.falls_silent();
    crowd.goes_on_for(Duration::from_secs(6).saturating_sub(began.elapsed()));
    coordinator.kill();
    coordinator.restart();
    caught(&account(crowd, &hosts[0], &region), &[Wrong::NotSeen]);
}

#[test]
fn dropping_what_is_in_flight_on_a_rebalance_is_caught_when_another_writer_joins() {
    let _alone = alone();
    let region = Region::on(&Services::shared());
    let hosts = [region.process("host"), region.process("host")];
    let _writer = faulty(&region, "writer", "drops-on-a-rebalance");
    let _roles = region.process("coordinator,judge,reconciler");
    let mut crowd = talk(&hosts);
    crowd.fault("another writer joins");
    let _other = region.process("writer");
    crowd.mended();
    assert!(crowd.recovers());
    caught(&account(crowd, &hosts[0], &region), &[Wrong::NotStored]);
}
