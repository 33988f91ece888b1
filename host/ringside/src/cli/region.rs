//! `ringside region`: a region's file, and the services it names.

use std::path::PathBuf;

use ringside_core::HostId;

use crate::cli::print;
use crate::exit::{Exit, Outcome};
use crate::region::Region;

/// What to do with a region.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// Read the file and say what it describes; asks no service.
    #[command(after_help = "Example: ringside region check regions/us-east.yaml")]
    Check {
        /// The region's file.
        file: PathBuf,
    },
    /// Make what is missing in the region's services: topics, keyspace, tables. Safe to run twice, and by two at once.
    #[command(after_help = "Example: ringside region migrate regions/us-east.yaml")]
    Migrate {
        /// The region's file.
        file: PathBuf,
    },
}

/// Runs it.
pub(crate) fn run(verb: &Verb) -> Outcome {
    let usage = |error: crate::config::InvalidConfig| Exit::Usage(error.to_string());
    match verb {
        Verb::Check { file } => {
            let region = Region::load(file).map_err(usage)?;
            print(&format!(
                "region {}: kafka at {}, redis at {}{}, cassandra at {} (datacenter {}, keyspace {}), postgres\n",
                region.region,
                region.kafka.servers.join(", "),
                region.redis.servers.join(", "),
                if region.redis.cluster { " (a cluster)" } else { "" },
                region.cassandra.servers.join(", "),
                region.cassandra.datacenter,
                region.cassandra.keyspace,
            ));
            Ok(())
        }
        Verb::Migrate { file } => {
            let region = Region::load(file).map_err(usage)?;
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .map_err(|error| Exit::Failed(format!("no threads could be started: {error}")))?;
            runtime.block_on(migrate(&region))
        }
    }
}

async fn migrate(region: &Region) -> Outcome {
    let usage = |error: crate::config::InvalidConfig| Exit::Usage(error.to_string());
    let name = HostId::new("migrate").map_err(|error| Exit::Failed(error.to_string()))?;
    let (kafka, cassandra, postgres) = (
        region.kafka(&name).map_err(usage)?,
        region.cassandra().map_err(usage)?,
        region.postgres().map_err(usage)?,
    );
    let made = ringside_kafka::KafkaLog::create_topics(&kafka)
        .await
        .map_err(|error| Exit::of_connection(error.is_transient(), &error))?;
    let topics =
        if made.is_empty() { "all topics are there".to_owned() } else { format!("made {}", made.join(", ")) };
    print(&format!("kafka: {topics}\n"));
    let migrated = ringside_postgres::migrate(&postgres)
        .await
        .map_err(|error| Exit::of_connection(error.is_transient(), &error))?;
    print(&format!("postgres: schema {} (was {})\n", migrated.after, migrated.before));
    ringside_cassandra::migrate(&cassandra)
        .await
        .map_err(|error| Exit::of_connection(error.is_transient(), &error))?;
    print(&format!(
        "cassandra: schema {} in keyspace {}\n",
        ringside_cassandra::version(),
        cassandra.keyspace
    ));
    Ok(())
}
