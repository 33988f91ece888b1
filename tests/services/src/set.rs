//! A set of services: started side by side, found again by who comes later, ended by what is written down.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::record::{Record, folders};
use crate::{Error, Folder, Result, Server, cassandra, kafka, mirror_maker, postgres, process, redis};

/// A service that can be asked for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// Kafka, one broker for each region.
    Kafka,
    /// A single Redis.
    Redis,
    /// A cluster of three Redis masters.
    RedisCluster,
    /// Cassandra, one node in a datacenter for each region.
    Cassandra,
    /// PostgreSQL.
    Postgres,
    /// MirrorMaker between the regions' Kafkas, which it brings with it.
    MirrorMaker,
}

impl Name {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Kafka, Self::Redis, Self::RedisCluster, Self::Cassandra, Self::Postgres, Self::MirrorMaker];

    /// As people write it; also its folder's.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Redis => "redis",
            Self::RedisCluster => "redis-cluster",
            Self::Cassandra => "cassandra",
            Self::Postgres => "postgres",
            Self::MirrorMaker => "mirror-maker",
        }
    }

    /// By its word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.word() == word)
    }

    /// The variable that tells tests the addresses; none for MirrorMaker, which nobody connects to.
    pub fn variable(self) -> Option<&'static str> {
        match self {
            Self::Kafka => Some("RINGSIDE_TEST_KAFKA"),
            Self::Redis => Some("RINGSIDE_TEST_REDIS"),
            Self::RedisCluster => Some("RINGSIDE_TEST_REDIS_CLUSTER"),
            Self::Cassandra => Some("RINGSIDE_TEST_CASSANDRA"),
            Self::Postgres => Some("RINGSIDE_TEST_POSTGRES"),
            Self::MirrorMaker => None,
        }
    }
}

/// Which services, for which regions.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// MirrorMaker brings Kafka with it.
    pub names: BTreeSet<Name>,
    /// Names of regions. The first has `kafka`, each other one `kafka-REGION`.
    pub regions: Vec<String>,
}

impl Wanted {
    /// The Kafka of region `number`, from 0: its folder and its service's name.
    fn kafka(&self, number: usize) -> String {
        match self.regions.get(number).filter(|_| number > 0) {
            Some(region) => format!("{}-{region}", Name::Kafka.word()),
            None => Name::Kafka.word().to_owned(),
        }
    }

    fn check(&self) -> Result<()> {
        let mirrored = self.names.contains(&Name::MirrorMaker);
        match self.regions.len() {
            0 => Err(Error::Usage("no region: name one at least".into())),
            1 if mirrored => {
                Err(Error::Usage("mirror-maker copies between regions: name two at least".into()))
            }
            _ => Ok(()),
        }
    }
}

/// Starts one service.
type Start<'a> = Box<dyn FnOnce() -> Result<Vec<Server>> + Send + 'a>;

/// Starts what is wanted and does not run in the folder yet, side by side; gives what it started. If one fails, those
/// that were started with it end again.
pub fn up(folder: &Folder, wanted: &Wanted) -> Result<Vec<Server>> {
    wanted.check()?;
    let mirrored = wanted.names.contains(&Name::MirrorMaker);
    let mut starts: Vec<(String, Start<'_>)> = Vec::new();
    if mirrored || wanted.names.contains(&Name::Kafka) {
        for name in (0..wanted.regions.len()).map(|number| wanted.kafka(number)) {
            let start = name.clone();
            starts.push((
                name,
                Box::new(move || one(kafka::start(folder, &start, &kafka::Options::default()))),
            ));
        }
    }
    for name in &wanted.names {
        let word = name.word();
        let start: Start<'_> = match name {
            Name::Redis => Box::new(move || one(redis::start(folder, word, redis::Options::default()))),
            Name::RedisCluster => {
                Box::new(move || redis::start_cluster(folder, word, redis::Options::default()))
            }
            Name::Cassandra => {
                let options = cassandra::Options { datacenters: wanted.regions.clone() };
                cassandra::check(&folder.path().join(word), &options)?;
                Box::new(move || cassandra::start(folder, word, &options))
            }
            Name::Postgres => Box::new(move || one(postgres::start(folder, word))),
            // One for each region, above; and after them.
            Name::Kafka | Name::MirrorMaker => continue,
        };
        starts.push((word.to_owned(), start));
    }
    let mut there = Vec::new();
    for (name, _) in &starts {
        if is_whole(folder.path(), name)? {
            there.push(name.clone());
        }
    }
    starts.retain(|(name, _)| !there.contains(name));
    let mut servers = side_by_side(starts)?;
    let name = Name::MirrorMaker.word();
    if mirrored {
        let options = mirror_options(folder, wanted)?;
        let mirror = list(folder.path()).into_iter().find(|process| process.name == name);
        // One that copies between other regions than these gives way.
        let there =
            mirror.as_ref().is_some_and(|mirror| mirror.runs() && mirror.address() == options.address());
        if !there {
            mirror.iter().try_for_each(Process::end)?;
            servers.push(mirror_maker::start(folder, name, &options)?);
        }
    }
    Ok(servers)
}

fn one(server: Result<Server>) -> Result<Vec<Server>> {
    Ok(vec![server?])
}

fn side_by_side(starts: Vec<(String, Start<'_>)>) -> Result<Vec<Server>> {
    let outcomes: Vec<Result<Vec<Server>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = starts.into_iter().map(|(name, start)| (name, scope.spawn(start))).collect();
        let ended = |name: String| Error::Usage(format!("the thread that started {name} ended"));
        threads.into_iter().map(|(name, thread)| thread.join().unwrap_or_else(|_| Err(ended(name)))).collect()
    });
    Ok(outcomes.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

fn mirror_options(folder: &Folder, wanted: &Wanted) -> Result<mirror_maker::Options> {
    let running = list(folder.path());
    let mut regions = Vec::new();
    for (number, region) in wanted.regions.iter().enumerate() {
        let name = wanted.kafka(number);
        let kafka = running.iter().find(|process| process.name == name);
        let kafka = kafka.ok_or_else(|| Error::Usage(format!("{name} does not run")))?;
        regions.push((region.clone(), kafka.address().to_owned()));
    }
    Ok(mirror_maker::Options { regions, topics: ".*".into(), properties: Vec::new() })
}

/// True when every process of the service runs; what is left of one that is not whole is ended.
fn is_whole(folder: &Path, service: &str) -> Result<bool> {
    let processes: Vec<Process> =
        list(folder).into_iter().filter(|process| process.service() == service).collect();
    if !processes.is_empty() && processes.iter().all(Process::runs) {
        return Ok(true);
    }
    processes.iter().try_for_each(Process::end)?;
    Ok(false)
}

/// A process of the set, as it was written down when it was started.
#[derive(Debug, Clone)]
pub struct Process {
    /// The service's name, and a number behind it where it has several: `redis-cluster/2`.
    pub name: String,
    /// With its data and its log.
    pub folder: PathBuf,
    record: Record,
}

impl Process {
    /// The service that it belongs to.
    pub fn service(&self) -> &str {
        self.name.split('/').next().unwrap_or(&self.name)
    }

    /// Where it answers.
    pub fn address(&self) -> &str {
        &self.record.address
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.record.identity.pid
    }

    /// True while that very process runs, answering or not.
    pub fn runs(&self) -> bool {
        self.record.identity.runs()
    }

    /// From its start to its first true answer; none where that never came.
    pub fn ready_after(&self) -> Option<Duration> {
        self.record.ready_after
    }

    /// Memory that it holds, in bytes.
    pub fn memory(&self) -> u64 {
        self.record.identity.memory()
    }

    /// Asks it for a true answer, within some seconds; says what is missing.
    pub fn ask(&self) -> std::result::Result<(), String> {
        if !self.runs() {
            return Err("it does not run".into());
        }
        let address = self.address();
        match self.service() {
            "redis" => redis::answers(address),
            "redis-cluster" => redis::is_whole(address),
            "cassandra" => cassandra::answers(address),
            "postgres" => postgres::answers(address),
            "mirror-maker" => mirror_maker::answers(address),
            _ => kafka::answers(address),
        }
    }

    /// The last `lines` lines that it wrote.
    pub fn log(&self, lines: usize) -> String {
        process::tail(&process::log_in(&self.folder), lines)
    }

    fn end(&self) -> Result<()> {
        self.record.end(&self.folder)
    }
}

/// Every process that is written down in the folder, whether it still runs or not.
pub fn list(folder: &Path) -> Vec<Process> {
    let found = folders(folder).into_iter().filter_map(|of| {
        let name = of.strip_prefix(folder).ok()?.to_string_lossy().into_owned();
        Some(Process { name, record: Record::read(&of)?, folder: of })
    });
    found.collect()
}

/// What tests are told about a set: for each service its variable and its addresses, with commas between them.
pub fn environment(folder: &Path) -> Vec<(&'static str, String)> {
    let processes: Vec<Process> = list(folder).into_iter().filter(Process::runs).collect();
    let addresses = |name: Name| -> String {
        let of_it = processes.iter().filter(|process| process.service() == name.word());
        of_it.map(Process::address).collect::<Vec<_>>().join(",")
    };
    let variables = Name::ALL.into_iter().filter_map(|name| Some((name.variable()?, addresses(name))));
    variables.filter(|(_, addresses)| !addresses.is_empty()).collect()
}

/// Ends every process of the folder that is still the one that was written down, by whomever it was started; gives
/// how many ended. Their data stays.
pub fn down(folder: &Path) -> Result<usize> {
    let processes = list(folder);
    let running = processes.iter().filter(|process| process.runs()).count();
    // All at once: PostgreSQL takes its time.
    std::thread::scope(|scope| {
        let ends: Vec<_> = processes.iter().map(|process| scope.spawn(|| process.end())).collect();
        ends.into_iter().try_for_each(|end| end.join().unwrap_or(Ok(())))
    })?;
    Ok(running)
}
