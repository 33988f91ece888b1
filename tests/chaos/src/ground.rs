//! What is broken: a region of two hosts and a process for each role, on services of its own, each behind a proxy.

use std::time::Duration;

use ringside_services::{Folder, Proxy, Server, cassandra, kafka, postgres, redis};
use ringside_testkit::{Pop, Region, Services};

use crate::harm::{Harm, Part};

/// What each byte to and from a slow service takes longer, each way.
const DELAY: Duration = Duration::from_millis(300);
/// A slow process is let run so long of each [`PERIOD`].
const RUNS: Duration = Duration::from_millis(20);
const PERIOD: Duration = Duration::from_millis(100);
/// How often a process is started until it is ready.
const STARTS_MAX: usize = 5;
/// The roles, each in a process of its own.
const ROLES: [&str; 4] = ["coordinator", "writer", "judge", "reconciler"];

/// A service and the proxy before it.
struct Behind {
    server: Server,
    line: Proxy,
}

/// A region, and what it stands on.
pub struct Ground {
    // In this order: who stands on a service ends before it does.
    /// The hosts; the first is the one that is broken.
    pub hosts: Vec<Pop>,
    roles: Vec<Pop>,
    /// The region.
    pub region: Region,
    services: [Behind; 4],
}

impl Ground {
    /// Starts all of it.
    ///
    /// # Panics
    /// When something does not start; the message says what.
    #[must_use]
    pub fn start() -> Self {
        let folder = Folder::temporary().unwrap();
        let services = services(&folder);
        let [kafka, redis, cassandra, postgres] = services.each_ref().map(|one| one.line.address());
        let region = Region::on(&Services {
            kafka,
            redis,
            cassandra,
            postgres: format!("postgres://ringside@{postgres}/postgres"),
        });
        let hosts = vec![region.process("host"), region.process("host")];
        let roles = ROLES.map(|role| region.process(role)).into();
        Self { hosts, roles, region, services }
    }

    /// Where the broker is found.
    #[must_use]
    pub fn kafka_address(&self) -> String {
        self.services[0].line.address()
    }

    /// Breaks a part for a while, then lets it work again: `mended` is called in that moment. Returns when the part says
    /// that it is ready.
    ///
    /// # Panics
    /// When it cannot be broken, or does not come back.
    pub fn hurt(&mut self, part: Part, harm: Harm, lasts: Duration, mended: impl FnOnce()) {
        match part {
            Part::Host => hurt_process(&mut self.hosts[0], harm, lasts, mended),
            Part::Coordinator => hurt_process(&mut self.roles[0], harm, lasts, mended),
            Part::Writer => hurt_process(&mut self.roles[1], harm, lasts, mended),
            Part::Judge => hurt_process(&mut self.roles[2], harm, lasts, mended),
            Part::Reconciler => hurt_process(&mut self.roles[3], harm, lasts, mended),
            Part::Kafka => hurt_service(&mut self.services[0], harm, lasts, mended),
            Part::Redis => hurt_service(&mut self.services[1], harm, lasts, mended),
            Part::Cassandra => hurt_service(&mut self.services[2], harm, lasts, mended),
            Part::Postgres => hurt_service(&mut self.services[3], harm, lasts, mended),
        }
    }
}

/// Starts the services side by side.
fn services(folder: &Folder) -> [Behind; 4] {
    let behind = |server: Server| {
        // PostgreSQL's address is a URL.
        let address = server.address().rsplit('@').next().unwrap().split('/').next().unwrap().to_owned();
        Behind { line: Proxy::start(&address).unwrap(), server }
    };
    std::thread::scope(|scope| {
        let kafka = scope.spawn(|| {
            // Its clients come back to the address that it advertises.
            let line = Proxy::start("127.0.0.1:9").unwrap();
            let options = kafka::Options { advertised: Some(line.address()), ..kafka::Options::default() };
            let server = kafka::start(folder, "kafka", &options).unwrap();
            line.aim(server.address());
            Behind { server, line }
        });
        let redis = scope.spawn(|| behind(redis::start(folder, "redis", redis::Options::default()).unwrap()));
        let cassandra = scope.spawn(|| {
            let options = cassandra::Options { datacenters: vec!["us-east".into()] };
            behind(cassandra::start(folder, "cassandra", &options).unwrap().remove(0))
        });
        let postgres = scope.spawn(|| behind(postgres::start(folder, "postgres").unwrap()));
        [kafka, redis, cassandra, postgres].map(|started| started.join().unwrap())
    })
}

fn hurt_process(process: &mut Pop, harm: Harm, lasts: Duration, mended: impl FnOnce()) {
    match harm {
        Harm::Killed => {
            process.kill();
            std::thread::sleep(lasts);
            mended();
            start_again(process);
        }
        Harm::Stopped => {
            process.freeze();
            std::thread::sleep(lasts);
            process.thaw();
            mended();
        }
        Harm::Slow => {
            for _ in 0..lasts.as_millis() / PERIOD.as_millis() {
                process.freeze();
                std::thread::sleep(PERIOD.saturating_sub(RUNS));
                process.thaw();
                std::thread::sleep(RUNS);
            }
            mended();
        }
    }
}

/// As what watches over processes does: one that ends because a service is late is started once more.
fn start_again(process: &mut Pop) {
    for _ in 1..STARTS_MAX {
        if process.try_restart().is_ok() {
            return;
        }
    }
    process.restart();
}

fn hurt_service(service: &mut Behind, harm: Harm, lasts: Duration, mended: impl FnOnce()) {
    let Behind { server, line } = service;
    match harm {
        Harm::Killed => {
            server.kill().unwrap();
            std::thread::sleep(lasts);
            mended();
            server.restart().unwrap();
        }
        Harm::Stopped => {
            server.stop().unwrap();
            std::thread::sleep(lasts);
            server.go_on().unwrap();
            mended();
        }
        Harm::Slow => {
            line.delay(DELAY);
            std::thread::sleep(lasts);
            line.delay(Duration::ZERO);
            mended();
        }
    }
}
