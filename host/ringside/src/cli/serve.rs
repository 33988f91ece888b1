//! `ringside serve`: runs a PoP until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::ConfigArgs;
use crate::exit::Outcome;
use crate::{Around, pop, telemetry};

/// Arguments of `ringside serve`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: ringside serve --data ./data --bundle ./bundle\n\nWith nothing configured, one process keeps all of it in the data folder, and no acknowledged comment is lost when it is killed. With --region it is one process of a fleet:\n\n  ringside serve --data ./host-1 --region regions/us-east.yaml --roles host"
)]
pub(crate) struct Args {
    /// Address and port for viewers [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Address and port for operators [default: 127.0.0.1:8081].
    #[arg(long, value_name = "ADDRESS")]
    operators: Option<SocketAddr>,
    /// Folder with `components/` and `web/` [default: `bundle` beside the program].
    #[arg(long, env = "RINGSIDE_BUNDLE", value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// The region's file; without one everything is kept in the data folder.
    #[arg(long, env = "RINGSIDE_REGION", value_name = "FILE")]
    region: Option<PathBuf>,
    /// What this process does, with commas between: host, coordinator, writer, judge, reconciler [default: all].
    #[arg(long, value_name = "ROLES", value_delimiter = ',')]
    roles: Vec<String>,
    /// For trying out: streams begin when someone joins them, components built anew are taken over at start.
    #[arg(long)]
    development: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Serves.
pub(crate) fn run(args: &Args, around: Around) -> Outcome {
    let config = args.config.load(&[
        ("public.listen", args.listen.map(|address| format!("\"{address}\""))),
        ("operators.listen", args.operators.map(|address| format!("\"{address}\""))),
        ("bundle", args.bundle.as_ref().map(|path| path.display().to_string())),
        ("region_file", args.region.as_ref().map(|path| path.display().to_string())),
        ("roles", (!args.roles.is_empty()).then(|| format!("{:?}", args.roles))),
        ("development", args.development.then(|| "true".to_owned())),
    ])?;
    telemetry::start(&config.telemetry)?;
    pop::serve(config, around)
}
