//! MirrorMaker 2: copies topics between regions, one process for all directions.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::error::OnFile;
use crate::java::{self, Archive, Program};
use crate::kafka::{JARS, READY_TOPIC, end_offset, produce};
use crate::process::Launch;
use crate::record::End;
use crate::{Error, Folder, Result, Server};

const PROGRAM: Program = Program {
    jars: &JARS,
    main: "org.apache.kafka.connect.mirror.MirrorMaker",
    options: &["-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"],
};
/// 3 s for two regions on a quiet machine, 5 for three.
const LIMIT: Duration = Duration::from_secs(90);
/// From a record to its copy: 15 ms once it runs, 230 in its first seconds.
const COPY_LIMIT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(25);

/// What is copied between which regions.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name and address of each region's Kafka, two at least. A topic `t` of region `r` is `r.t` elsewhere.
    pub regions: Vec<(String, String)>,
    /// Topics: names or patterns, with commas between them.
    pub topics: String,
    /// Lines of the configuration that are added to ours, and win.
    pub properties: Vec<(String, String)>,
}

impl Options {
    pub(crate) fn address(&self) -> String {
        let regions: Vec<String> = self.regions.iter().map(|(name, at)| format!("{name}={at}")).collect();
        regions.join(",")
    }
}

/// Starts it in `folder/name`; returns when a record of each region was seen in each other region.
///
/// Its address is the regions': `us-east=127.0.0.1:1,eu-west=127.0.0.1:2`.
pub fn start(folder: &Folder, name: &str, options: &Options) -> Result<Server> {
    let names: BTreeSet<&String> = options.regions.iter().map(|(name, _)| name).collect();
    if names.len() < 2 || names.len() < options.regions.len() {
        return Err(Error::Usage(
            "MirrorMaker copies between two regions at least, of different names".into(),
        ));
    }
    let archive = java::find()?
        .archive(folder.cache(), &PROGRAM, |folder, archive| run(folder, "mirror-maker", options, archive))?;
    run(folder, name, options, &archive)
}

fn run(folder: &Folder, name: &str, options: &Options, archive: &Archive) -> Result<Server> {
    let home = folder.of(name)?;
    let properties = home.join("mirror-maker.properties");
    std::fs::write(&properties, text(options)).on_file("write", &properties)?;
    let mut words = java::find()?.command(folder.cache(), &PROGRAM, archive)?;
    words.extend([PROGRAM.main.into(), properties.into()]);
    let address = options.address();
    let ask = address.clone();
    let launch = Launch::new(name, words, home, address, End::Kill, LIMIT);
    Server::start(folder, launch, Box::new(move || answers(&ask)))
}

/// True when, in each direction, a record came through after one was produced.
pub(crate) fn answers(address: &str) -> std::result::Result<(), String> {
    let regions: Vec<(&str, &str)> = address.split(',').filter_map(|region| region.split_once('=')).collect();
    let directions = regions.iter().flat_map(|from| regions.iter().map(move |to| (from, to)));
    let directions: Vec<_> = directions
        .filter(|(from, to)| from.0 != to.0)
        .map(|((from, _), (to, at))| (*from, *to, *at, copied(from, at)))
        .collect();
    for (name, at) in &regions {
        produce(at, READY_TOPIC).map_err(|error| format!("{name}: {error}"))?;
    }
    let began = Instant::now();
    loop {
        let behind = directions.iter().find(|(from, _, at, before)| copied(from, at) <= *before);
        let Some((from, to, ..)) = behind else { return Ok(()) };
        if began.elapsed() > COPY_LIMIT {
            return Err(format!("no record of {from} comes to {to}"));
        }
        std::thread::sleep(POLL);
    }
}

/// Records of the region `from` that came to the Kafka at `to`; 0 before the first.
fn copied(from: &str, to: &str) -> i64 {
    end_offset(to, &format!("{from}.{READY_TOPIC}")).unwrap_or(0)
}

fn text(options: &Options) -> String {
    let names: Vec<&str> = options.regions.iter().map(|(name, _)| name.as_str()).collect();
    let mut text =
        format!("clusters={}\ntopics={READY_TOPIC},{}\n{SETTINGS}", names.join(","), options.topics);
    for (name, address) in &options.regions {
        text += &format!("{name}.bootstrap.servers={address}\n");
        for other in names.iter().filter(|other| *other != name) {
            text += &format!("{name}->{other}.enabled=true\n");
        }
        for line in OF_EACH_REGION.lines() {
            text += &format!("{name}.{line}\n");
        }
    }
    for (key, value) in &options.properties {
        text += &format!("{key}={value}\n");
    }
    text
}

/// New topics are found within 2 s (10 minutes by default). No exactly-once mode: it costs eight times the latency.
/// With `service_load` it takes 170 MB and starts in 3 s; without it, or with it here only, it scans all jars: 460 MB.
const SETTINGS: &str = "\
replication.policy.class=org.apache.kafka.connect.mirror.DefaultReplicationPolicy
replication.factor=1
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
offset-syncs.topic.replication.factor=1
checkpoints.topic.replication.factor=1
heartbeats.topic.replication.factor=1
offset.storage.partitions=1
status.storage.partitions=1
tasks.max=1
emit.heartbeats.enabled=false
sync.topic.acls.enabled=false
sync.topic.configs.enabled=false
sync.group.offsets.enabled=false
refresh.topics.interval.seconds=2
refresh.groups.interval.seconds=3600
plugin.discovery=service_load
";

/// These count only with the region's name before them. A killed one copies again what it copied since the last
/// flush; `linger.ms` is 5 by default.
const OF_EACH_REGION: &str = "\
plugin.discovery=service_load
offset.flush.interval.ms=1000
producer.linger.ms=0
session.timeout.ms=2000
heartbeat.interval.ms=500
scheduled.rebalance.max.delay.ms=0
";
