//! Apache Kafka: one node that is broker and controller (KRaft), no ZooKeeper, no storage tool.

mod wire;

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use crate::cache::Jars;
use crate::error::OnFile;
use crate::java::{self, Archive, Program};
use crate::process::Launch;
use crate::record::End;
use crate::{Folder, Result, Server, port};

pub use wire::{end_offset, produce};

/// 4.4.0 has no `connect-mirror` in Maven Central, and a pom with it loses MirrorMaker without a word.
pub(crate) const JARS: Jars = Jars {
    name: "kafka-4.3.1",
    artefacts: &[
        ("org.apache.kafka", "kafka_2.13", "4.3.1"),
        ("org.apache.kafka", "connect-mirror", "4.3.1"),
        ("org.slf4j", "slf4j-simple", "1.7.36"),
    ],
};
const PROGRAM: Program = Program {
    jars: &JARS,
    main: "kafka.Kafka",
    options: &["-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"],
};
/// 2 s on a quiet machine, 20 on a very busy one.
const LIMIT: Duration = Duration::from_secs(90);
/// A topic of one partition that each true answer adds a record to.
pub(crate) const READY_TOPIC: &str = "ringside-services-ready";

/// What a broker is started with; each broker has a port of its own.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The address that clients are told to come back to, where it is not the broker's own: a
    /// [`Proxy`](crate::Proxy)'s.
    pub advertised: Option<String>,
    /// Lines of `server.properties` that are added to ours, and win.
    pub properties: Vec<(String, String)>,
}

/// Starts a broker in `folder/name`; the name is its cluster's, too, so it must differ between regions.
///
/// Returns when a record was acknowledged: a port that is open is not a broker that is ready.
pub fn start(folder: &Folder, name: &str, options: &Options) -> Result<Server> {
    let archive = java::find()?.archive(folder.cache(), &PROGRAM, |folder, archive| {
        run(folder, "kafka", &Options::default(), archive)
    })?;
    run(folder, name, options, &archive)
}

fn run(folder: &Folder, name: &str, options: &Options, archive: &Archive) -> Result<Server> {
    let home = folder.of(name)?;
    let port = port::kept(&home, &[Ipv4Addr::LOCALHOST])?;
    let address = format!("127.0.0.1:{port}");
    write_data_folder(&home.join("data"), name)?;
    let properties = home.join("server.properties");
    std::fs::write(&properties, text(&home, port, options)).on_file("write", &properties)?;
    let mut words = java::find()?.command(folder.cache(), &PROGRAM, archive)?;
    words.extend([PROGRAM.main.into(), properties.into()]);
    let ask = address.clone();
    let launch = Launch::new(name, words, home, address, End::Kill, LIMIT);
    Server::start(folder, launch, Box::new(move || answers(&ask)))
}

/// True when a record is acknowledged by the leader and all replicas.
pub(crate) fn answers(address: &str) -> std::result::Result<(), String> {
    produce(address, READY_TOPIC).map(drop).map_err(|error| error.to_string())
}

/// What the storage tool would write, without a JVM's start for it.
fn write_data_folder(data: &Path, cluster: &str) -> Result<()> {
    std::fs::create_dir_all(data).on_file("create", data)?;
    let path = data.join("meta.properties");
    if path.exists() {
        return Ok(());
    }
    let meta = format!("version=1\nnode.id=1\ncluster.id={cluster}\n");
    std::fs::write(&path, meta).on_file("write", &path)
}

fn text(home: &Path, port: u16, options: &Options) -> String {
    let controller = port + 1;
    let advertised = options.advertised.clone().unwrap_or_else(|| format!("127.0.0.1:{port}"));
    let more: String = options.properties.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://{advertised}\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         log.dirs={}\n\
         {SETTINGS}{more}",
        home.join("data").display()
    )
}

/// One node means one replica of everything. The two `broker.` lines let a broker that was killed come back in 5 s:
/// with 9 s, the default, its controller takes it for still alive and refuses it for 12. Small buffers and few threads
/// keep it at 150 MB.
const SETTINGS: &str = "\
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
num.partitions=4
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=2097152
log.segment.bytes=67108864
controlled.shutdown.enable=false
";
