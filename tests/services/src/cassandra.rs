//! Apache Cassandra: one node or several, in one datacenter or several.

mod cql;
mod settings;

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use crate::cache::{Jars, on_path};
use crate::error::OnFile;
use crate::java::{self, Archive, Program};
use crate::process::Launch;
use crate::record::End;
use crate::server::Ready;
use crate::{Error, Folder, Result, Server, port};

pub use cql::ask;

pub(crate) const JARS: Jars =
    Jars { name: "cassandra-5.0.9", artefacts: &[("org.apache.cassandra", "cassandra-all", "5.0.9")] };
const PROGRAM: Program =
    Program { jars: &JARS, main: "org.apache.cassandra.service.CassandraDaemon", options: &settings::JVM };
/// 3 to 5 s for one node on a quiet machine, 12 for three; several times that on a busy one.
const LIMIT: Duration = Duration::from_secs(90);
/// The one datacenter of [`Options::default`].
const DATACENTER: &str = "us-east";
/// The file that says of which nodes the data is.
const DATACENTERS: &str = "datacenters";
/// Nodes have addresses of their own, 127.0.0.1 and on.
const NODES_MAX: u8 = 9;

/// What is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// The datacenter of each node, so as many nodes as there are names.
    pub datacenters: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { datacenters: vec![DATACENTER.into()] }
    }
}

/// Starts nodes in `folder/name/1` and on; all have one port, each an address of its own from 127.0.0.1 on.
///
/// Returns when each node knows all others and, of several, a write in every datacenter was acknowledged: a node that
/// answers does not know the others yet, and a keyspace that is made then is refused.
pub fn start(folder: &Folder, name: &str, options: &Options) -> Result<Vec<Server>> {
    let archive = java::find()?.archive(folder.cache(), &PROGRAM, |folder, archive| {
        let mut server = Cluster::plan(folder, "cassandra", &Options::default())?.spawn(0, archive)?;
        server.wait_until_ready()?;
        Ok(server)
    })?;
    let cluster = Cluster::plan(folder, name, options)?;
    let nodes = 0..options.datacenters.len();
    let mut nodes: Vec<Server> =
        nodes.map(|number| cluster.spawn(number, &archive)).collect::<Result<_>>()?;
    for node in &mut nodes {
        node.wait_until_ready()?;
    }
    if nodes.len() > 1
        && let Some(first) = nodes.first_mut()
    {
        let address = first.address().to_owned();
        let options = options.clone();
        let write: Ready = Box::new(move || cql::write_everywhere(&address, &options.datacenters));
        first.wait_until(&write)?;
    }
    Ok(nodes)
}

/// Nodes that know each other.
struct Cluster<'a> {
    folder: &'a Folder,
    name: &'a str,
    datacenters: &'a [String],
    port: u16,
}

impl<'a> Cluster<'a> {
    fn plan(folder: &'a Folder, name: &'a str, options: &'a Options) -> Result<Self> {
        let count = u8::try_from(options.datacenters.len()).unwrap_or(u8::MAX);
        if count == 0 || count > NODES_MAX {
            return Err(Error::Usage(format!("{count} nodes of Cassandra: 1 to {NODES_MAX} can be started")));
        }
        let hosts: Vec<Ipv4Addr> = (1..=count).map(|number| Ipv4Addr::new(127, 0, 0, number)).collect();
        let home = folder.of(name)?;
        check(&home, options)?;
        let port = port::kept(&home, &hosts)?;
        let path = home.join(DATACENTERS);
        std::fs::write(&path, options.datacenters.join(",")).on_file("write", &path)?;
        Ok(Self { folder, name, datacenters: &options.datacenters, port })
    }

    /// Starts node `number`, from 0, and does not wait for it.
    fn spawn(&self, number: usize, archive: &Archive) -> Result<Server> {
        let datacenter = self.datacenters.get(number).map_or(DATACENTER, String::as_str);
        let name = format!("{}/{}", self.name, number + 1);
        let home = self.folder.of(&name)?;
        let host = format!("127.0.0.{}", number + 1);
        let write = |file: &str, text: String| {
            let path = home.join(file);
            std::fs::write(&path, text).on_file("write", &path)
        };
        write("cassandra.yaml", settings::yaml(self.name, &home, &host, self.port))?;
        write("rackdc.properties", format!("dc={datacenter}\nrack=r1\n"))?;
        write("logback.xml", settings::LOGBACK.to_owned())?;
        self.folder.of(&format!("{name}/tmp"))?;
        let mut words = unlocked();
        words.extend(java::find()?.command(self.folder.cache(), &PROGRAM, archive)?);
        words.extend(settings::properties(&home));
        words.push(PROGRAM.main.into());
        let address = format!("{host}:{}", self.port);
        let (ask, peers) = (address.clone(), self.datacenters.len() - 1);
        let launch = Launch::new(&name, words, home, address, End::Kill, LIMIT);
        Server::spawn(self.folder, launch, Box::new(move || knows(&ask, peers)))
    }
}

/// Fails where the data in the folder is of other nodes than are wanted: rows belong to nodes, and nodes do not come and
/// go by a start.
pub(crate) fn check(home: &Path, options: &Options) -> Result<()> {
    let wanted = options.datacenters.join(",");
    match std::fs::read_to_string(home.join(DATACENTERS)) {
        Ok(there) if there != wanted => Err(Error::Usage(format!(
            "the data in {} is of Cassandra in {there}, not {wanted}: name the same regions, or end Cassandra and \
             remove that folder",
            home.display()
        ))),
        _ => Ok(()),
    }
}

/// True when the node answers CQL.
pub(crate) fn answers(address: &str) -> std::result::Result<(), String> {
    cql::peers(address).map(drop).map_err(|error| error.to_string())
}

fn knows(address: &str, peers: usize) -> std::result::Result<(), String> {
    match cql::peers(address) {
        Ok(known) if known == peers => Ok(()),
        Ok(known) => Err(format!("it knows {known} of {peers} other nodes")),
        Err(error) => Err(error.to_string()),
    }
}

/// What goes before the program. Root may lock memory, and Cassandra then locks all of its own: 420 MB a node
/// instead of 250.
fn unlocked() -> Vec<OsString> {
    let root = rustix::process::geteuid().is_root();
    match (on_path("setpriv"), on_path("prlimit")) {
        (Some(setpriv), Some(prlimit)) if root => vec![
            setpriv.into(),
            "--bounding-set=-ipc_lock".into(),
            "--inh-caps=-ipc_lock".into(),
            prlimit.into(),
            "--memlock=65536".into(),
        ],
        _ => Vec::new(),
    }
}
