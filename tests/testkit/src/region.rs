//! A region of several processes on real services.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::pop::{Pop, PopOptions, program};

/// Where a region's services are.
#[derive(Debug, Clone)]
pub struct Services {
    /// `host:port` of a broker.
    pub kafka: String,
    /// `host:port` of a single server.
    pub redis: String,
    /// `host:port` of a node of the datacenter `us-east`.
    pub cassandra: String,
    /// `postgres://user@host:port/database` of a database that may be used to make others.
    pub postgres: String,
}

impl Services {
    /// Those of the test run.
    ///
    /// # Panics
    /// When one is missing: a test on real services does not pass without them.
    #[must_use]
    pub fn shared() -> Self {
        let of = |variable: &str| {
            std::env::var(variable).unwrap_or_else(|_| {
                panic!("{variable} is not set: run `cargo xtask test`, or `cargo xtask services up` and what it prints")
            })
        };
        Self {
            kafka: of("RINGSIDE_TEST_KAFKA"),
            redis: of("RINGSIDE_TEST_REDIS"),
            cassandra: of("RINGSIDE_TEST_CASSANDRA"),
            postgres: of("RINGSIDE_TEST_POSTGRES"),
        }
    }
}

/// A region that shares nothing with another but the services.
pub struct Region {
    folder: TempDir,
    name: String,
    secret: String,
}

/// Partitions of the room events of a region in tests: enough that processes have some each.
pub const PARTITIONS: u32 = 4;
/// Partitions of its moderation events.
pub const MODERATION_PARTITIONS: u32 = 2;

impl Region {
    /// Makes a region: its file, its database, its topics and tables.
    #[must_use]
    pub fn on(services: &Services) -> Self {
        let name = format!("t{:012x}", fastrand::u64(..1 << 48));
        let region = Self {
            folder: tempfile::tempdir().unwrap(),
            secret: format!("{name}-a-secret-that-all-its-processes-share"),
            name,
        };
        region.describe(services);
        let name = &region.name;
        ringside_services::postgres::ask(&services.postgres, &format!("CREATE DATABASE {name}")).unwrap();
        let output = region.run(&["region", "migrate"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        region
    }

    /// Writes the region's file anew: processes that start from now on find the services there.
    pub fn describe(&self, services: &Services) {
        let (name, Services { kafka, redis, cassandra, postgres }) = (&self.name, services);
        let database = postgres.rsplit_once('/').unwrap().0;
        let text = format!(
            "region: us-east\n\
             kafka:\n  \
               servers: ['{kafka}']\n  \
               prefix: {name}.\n  \
               topics:\n    \
                 room-events: {{ partitions: {PARTITIONS}, replication: 1 }}\n    \
                 moderation-events: {{ partitions: {MODERATION_PARTITIONS}, replication: 1 }}\n    \
                 dead-letters: {{ partitions: 1, replication: 1 }}\n\
             redis:\n  \
               servers: ['{redis}']\n  \
               prefix: {name}\n\
             cassandra:\n  \
               servers: ['{cassandra}']\n  \
               datacenter: us-east\n  \
               keyspace: ringside_tests\n  \
               prefix: {name}/\n  \
               replication: {{ us-east: 1 }}\n\
             postgres:\n  \
               url: {database}/{name}\n"
        );
        std::fs::write(self.file(), text).unwrap();
    }

    /// Its name: of its database, and before its topics and keys.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its tokens are signed with.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The region's file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("region.yaml")
    }

    /// Starts a process of these roles, `host,writer` for example, and waits until it is ready.
    #[must_use]
    pub fn process(&self, roles: &str) -> Pop {
        self.process_with(roles, PopOptions::default())
    }

    /// The same with options of its own.
    #[must_use]
    pub fn process_with(&self, roles: &str, mut options: PopOptions) -> Pop {
        let roles: Vec<&str> = roles.split(',').collect();
        options.set.extend([
            format!("region_file={}", self.file().display()),
            format!("roles={roles:?}"),
            format!("auth.secret={}", self.secret),
        ]);
        Pop::with(options)
    }

    /// Runs a verb of the program on the region's file.
    #[must_use]
    pub fn run(&self, verb: &[&str]) -> std::process::Output {
        Command::new(program()).args(verb).arg(self.file()).output().unwrap()
    }
}
