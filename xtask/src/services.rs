//! `cargo xtask services`: a developer's own set of real services, which lasts until it is told to end.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ringside_services::set::{self, Name, Process, Wanted};
use ringside_services::{Cache, Folder, Server};

use crate::console::seconds;
use crate::context::Context;
use crate::failure::{Failure, Result};

/// Lines of a log that are shown.
const LOG_LINES: usize = 60;
/// What is started when no name is given: all that tests ask for.
const USUAL: [Name; 5] = [Name::Kafka, Name::Redis, Name::RedisCluster, Name::Cassandra, Name::Postgres];

/// The region where none is named.
const REGION: &str = "us-east";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// Start services that do not run yet, and say where they are. Data of earlier runs is there again.
    Up {
        /// kafka, redis, redis-cluster, cassandra, postgres, mirror-maker; all but the last when none is named.
        #[arg(value_parser = name)]
        names: Vec<Name>,
        /// Regions: each gets a Kafka and a datacenter of Cassandra. mirror-maker needs two at least.
        #[arg(long, value_delimiter = ',', default_value = REGION)]
        regions: Vec<String>,
    },
    /// End all of them. Their data stays.
    Down,
    /// Ask each of them for a true answer.
    Status {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Show the last lines that one of them wrote.
    Logs {
        /// As `status` writes it: kafka, or redis-cluster/2.
        name: String,
    },
}

fn name(word: &str) -> std::result::Result<Name, String> {
    Name::of(word).ok_or_else(|| {
        let words: Vec<&str> = Name::ALL.into_iter().map(Name::word).collect();
        format!("the services are {}", words.join(", "))
    })
}

pub(crate) fn verb(context: &Context, verb: Verb) -> Result<()> {
    match verb {
        Verb::Up { names, regions } => up(context, &names, regions),
        Verb::Down => down(context),
        Verb::Status { json } => status(context, json),
        Verb::Logs { name } => logs(context, &name),
    }
}

/// Where the set lies: with the clone, so that two clones do not share one.
fn folder(context: &Context) -> PathBuf {
    context.places.root.join(".ringside/services")
}

/// The services of one test run.
pub(crate) struct ForTests {
    // In this order: they end before their folder goes.
    _servers: Vec<Server>,
    folder: Folder,
}

impl ForTests {
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        set::environment(self.folder.path())
    }
}

/// Starts what tests ask for, but nothing whose address the caller's environment names already.
pub(crate) fn for_tests(context: &Context) -> Result<ForTests> {
    let is_set = |variable| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    let names = USUAL.into_iter().filter(|name| !name.variable().is_some_and(is_set)).collect();
    let folder = Folder::temporary_with(Cache::at(&context.places.cache))?;
    let servers = set::up(&folder, &Wanted { names, regions: vec![REGION.into()] })?;
    Ok(ForTests { _servers: servers, folder })
}

/// Where a region's services are.
pub(crate) struct Addresses(Vec<(&'static str, String)>);

impl Addresses {
    fn of(&self, variable: &str) -> &str {
        self.0.iter().find(|(name, _)| *name == variable).map_or("", |(_, address)| address)
    }

    /// The file of a region on them, small enough for one machine.
    pub(crate) fn region_file(&self) -> String {
        format!(
            "# Written by `cargo xtask dev --region` anew at each start.\n\
             region: {REGION}\n\
             kafka:\n  \
               servers: ['{kafka}']\n  \
               topics:\n    \
                 room-events: {{ partitions: 4, replication: 1 }}\n    \
                 moderation-events: {{ partitions: 2, replication: 1 }}\n    \
                 dead-letters: {{ partitions: 1, replication: 1 }}\n\
             redis:\n  \
               servers: ['{redis}']\n\
             cassandra:\n  \
               servers: ['{cassandra}']\n  \
               datacenter: {REGION}\n  \
               replication: {{ {REGION}: 1 }}\n\
             postgres:\n  \
               url: {postgres}\n",
            kafka = self.of("RINGSIDE_TEST_KAFKA"),
            redis = self.of("RINGSIDE_TEST_REDIS"),
            cassandra = self.of("RINGSIDE_TEST_CASSANDRA"),
            postgres = self.of("RINGSIDE_TEST_POSTGRES"),
        )
    }
}

/// Starts what a region needs in the developer's set, and leaves it running.
pub(crate) fn for_region(context: &Context) -> Result<Addresses> {
    let folder = Folder::lasting(&folder(context), Cache::at(&context.places.cache))?;
    let names = [Name::Kafka, Name::Redis, Name::Cassandra, Name::Postgres].into();
    set::up(&folder, &Wanted { names, regions: vec![REGION.into()] })?.into_iter().for_each(Server::leave);
    Ok(Addresses(set::environment(folder.path())))
}

fn up(context: &Context, names: &[Name], regions: Vec<String>) -> Result<()> {
    let names = if names.is_empty() { &USUAL } else { names };
    let cache = Cache::at(&context.places.cache);
    let folder = Folder::lasting(&folder(context), cache)?;
    let began = Instant::now();
    let started = set::up(&folder, &Wanted { names: names.iter().copied().collect(), regions })?;
    let count = started.len();
    started.into_iter().for_each(Server::leave);
    let processes: Vec<Process> = set::list(folder.path()).into_iter().filter(Process::runs).collect();
    let column = |process: &Process| process.ready_after().map_or_else(String::new, seconds);
    table(context, &processes, "ready after", column);
    context.console.say(format_args!("\nstarted {count} in {}", seconds(began.elapsed())));
    variables(context);
    Ok(())
}

fn down(context: &Context) -> Result<()> {
    let count = set::down(&folder(context))?;
    context.console.say(format_args!("ended {count}"));
    Ok(())
}

fn status(context: &Context, json: bool) -> Result<()> {
    let processes = set::list(&folder(context));
    let answers: Vec<_> = processes.iter().map(Process::ask).collect();
    if json {
        for (process, answer) in processes.iter().zip(&answers) {
            context.console.say(serde_json::json!({
                "name": process.name,
                "address": process.address(),
                "pid": process.pid(),
                "runs": process.runs(),
                "answers": answer.is_ok(),
                "why_not": answer.as_ref().err(),
                "ready_after_ms": process.ready_after().map(millis),
                "memory_bytes": process.memory(),
                "folder": process.folder,
            }));
        }
    } else {
        let mut words = answers.iter().map(|answer| match answer {
            Ok(()) => "yes".to_owned(),
            Err(why) => format!("no: {why}"),
        });
        table(context, &processes, "answers", |_| words.next().unwrap_or_default());
        variables(context);
    }
    let silent: Vec<&str> = processes
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| answer.is_err())
        .map(|(process, _)| process.name.as_str())
        .collect();
    if silent.is_empty() {
        return Ok(());
    }
    Err(Failure::Checked(format!(
        "no answer: {}; `cargo xtask services up` starts them again",
        silent.join(", ")
    )))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn logs(context: &Context, name: &str) -> Result<()> {
    let processes = set::list(&folder(context));
    let wanted = |process: &&Process| process.name == name || process.service() == name;
    let found: Vec<&Process> = processes.iter().filter(wanted).collect();
    if found.is_empty() {
        let names: Vec<&str> = processes.iter().map(|process| process.name.as_str()).collect();
        return Err(Failure::Usage(format!(
            "no service {name} was started; there are: {}",
            names.join(", ")
        )));
    }
    for process in found {
        context.console.say(format_args!("{}:\n{}", process.name, process.log(LOG_LINES)));
    }
    Ok(())
}

/// One line for each process; `last` is the caller's own column.
fn table(context: &Context, processes: &[Process], title: &str, mut last: impl FnMut(&Process) -> String) {
    let mut rows = vec![["name", "address", "pid", "memory", "folder", title].map(str::to_owned)];
    for process in processes {
        rows.push([
            process.name.clone(),
            process.address().to_owned(),
            process.pid().to_string(),
            format!("{} MB", process.memory() / 1_000_000),
            process.folder.display().to_string(),
            last(process),
        ]);
    }
    for line in aligned(&rows) {
        context.console.say(line);
    }
}

fn aligned<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// How a test that is run by hand is told.
fn variables(context: &Context) {
    let set = set::environment(&folder(context));
    if !set.is_empty() {
        context.console.say("\nfor tests that are run by hand:");
    }
    for (name, value) in set {
        context.console.say(format_args!("export {name}={value}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["name", "pid"], ["redis-cluster/1", "7"]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows), ["name             pid", "redis-cluster/1  7"]);
    }

    #[test]
    fn an_unknown_service_is_refused_with_all_names() {
        assert!(name("kafak").unwrap_err().contains("kafka, redis"));
    }
}
