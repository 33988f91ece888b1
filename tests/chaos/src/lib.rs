//! Breaks a region on purpose, part by part, while people talk: each process of its own and each service is killed,
//! stopped and slowed in turn. What must hold meanwhile is the checker's (`ringside-checker`), which knows nothing of
//! this; here is only what is started, what is broken, and what the log has in the end.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a run that cannot go on fails where it is, as a test does"
)]

pub mod ground;
pub mod harm;
pub mod log;

use std::time::Duration;

use ringside_checker::{Account, Crowd, Doors, Plan, Report};
use ringside_testkit::Pop;

use ground::Ground;
use harm::{HARMS, Harm, PARTS, Part};

/// Streams that people talk on, by their names on different partitions, so that each process has some.
pub const STREAMS: [&str; 4] = ["a", "b", "c", "d"];
/// Users who post; each has a token, which a run of the program makes.
const USERS: usize = 8;

/// How a run is done.
#[derive(Debug, Clone)]
pub struct Options {
    /// Comments offered a second, over all streams.
    pub rate: u32,
    /// Viewers on both hosts.
    pub viewers: usize,
    /// How long each fault lasts.
    pub lasts: Duration,
    /// What is broken; every way of each, in this order.
    pub parts: Vec<Part>,
}

impl Default for Options {
    /// What an unoptimised build on two busy processors can do.
    fn default() -> Self {
        Self { rate: 200, viewers: 16, lasts: Duration::from_secs(2), parts: PARTS.to_vec() }
    }
}

/// Starts a region, breaks each part of it in each way while people talk, and judges what came of it. `tell` is told of
/// each step.
///
/// # Panics
/// When the region cannot be started, or a part cannot be brought back.
#[must_use]
pub fn run(options: &Options, tell: impl Fn(&str)) -> Report {
    tell("starting the services and the region's processes");
    let mut ground = Ground::start();
    let doors = doors(&ground.hosts);
    let mut crowd = gather(&ground.hosts, doors.clone(), options.viewers, options.rate);
    assert!(crowd.recovers(), "nobody is served before anything is broken");
    crowd.goes_on_for(options.lasts);
    for (part, harm) in options.parts.iter().flat_map(|part| HARMS.map(|harm| (*part, harm))) {
        let name = format!("{part} {harm}");
        tell(&name);
        crowd.fault(&name);
        ground.hurt(part, harm, options.lasts, || crowd.mended());
        if part == Part::Host && harm == Harm::Killed {
            doors.moved(0, ground.hosts[0].address());
        }
        if !crowd.recovers() {
            tell("it has not recovered");
        }
    }
    tell("everybody falls silent");
    let account = crowd.ends();
    tell("holding it against the log and the pages");
    judged(&account, &ground.hosts[0], &ground.kafka_address(), ground.region.name())
}

/// Where these hosts are now.
#[must_use]
pub fn doors(hosts: &[Pop]) -> Doors {
    Doors::new(hosts.iter().map(|host| host.address().to_owned()).collect())
}

/// Gathers people at hosts.
///
/// # Panics
/// When a viewer cannot join.
#[must_use]
pub fn gather(hosts: &[Pop], doors: Doors, viewers: usize, rate: u32) -> Crowd {
    // Who moderates may say as much as they like.
    let posters = (0..USERS).map(|number| hosts[0].token(&format!("poster-{number}"), "moderator")).collect();
    let streams = STREAMS.map(str::to_owned).to_vec();
    let viewer = hosts[0].token("watches", "viewer");
    Crowd::gather(Plan { doors, streams, posters, viewer, viewers, rate }).unwrap()
}

/// Holds an account against the log and the pages of a host.
///
/// # Panics
/// When either cannot be read.
#[must_use]
pub fn judged(account: &Account, host: &Pop, kafka: &str, region: &str) -> Report {
    let log = log::read(kafka, region, &account.streams);
    let shown: Vec<usize> =
        log.iter().map(|stream| stream.iter().filter(|entry| entry.shown).count()).collect();
    let token = host.token("reads-pages", "viewer");
    let stored = ringside_checker::stored(host.address(), &token, &account.streams, &shown).unwrap();
    ringside_checker::judge(account, &log, &stored)
}
