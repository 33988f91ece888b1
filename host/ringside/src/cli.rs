//! The command line: one module a verb.

mod audit;
mod client;
mod component;
mod dead_letters;
mod key;
mod load;
mod play;
mod region;
mod review;
mod serve;
mod show;
mod token;
mod user;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

use crate::Around;
use crate::config::{Config, Sources};
use crate::exit::{Exit, Outcome};

/// Live comments at the edge: rooms, moderation by WebAssembly components, one binary.
#[derive(Debug, Parser)]
#[command(
    name = "ringside",
    version,
    max_term_width = 100,
    after_help = "Every verb has its own --help with an example."
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run a PoP.
    Serve(serve::Args),
    /// Print a token that this host takes (HS256, with its own secret).
    Token(token::Args),
    /// Make keys that sign components.
    #[command(subcommand)]
    Key(key::Verb),
    /// Check, sign, push, list, remove and roll back components.
    #[command(subcommand)]
    Component(component::Verb),
    /// See what waits for a moderator, approve and remove.
    #[command(subcommand)]
    Review(review::Verb),
    /// Take something away from a user, and see what is taken away.
    #[command(subcommand)]
    User(user::Verb),
    /// See who decided what, and undo it.
    #[command(subcommand)]
    Audit(audit::Verb),
    /// See records that could not be read, and put them back.
    #[command(subcommand)]
    DeadLetters(dead_letters::Verb),
    /// Check a region's file, and bring its services to this program's schema.
    #[command(subcommand)]
    Region(region::Verb),
    /// Play a recorded chat into a PoP.
    Play(play::Args),
    /// Load a PoP and measure it.
    Load(load::Args),
    /// Compile a component for this host (called by `serve`, in a process of its own).
    #[command(hide = true)]
    CompileComponent {
        /// The `.wasm`.
        input: PathBuf,
        /// Where the compiled form goes.
        output: PathBuf,
    },
}

/// Where a verb's configuration comes from.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ConfigArgs {
    /// Configuration file (TOML).
    #[arg(long, short, env = "RINGSIDE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the embedded stores, keys and caches.
    #[arg(long, env = "RINGSIDE_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Sets any key of the configuration, such as `--set log.keep_hours=48`; repeatable.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl ConfigArgs {
    /// Reads the configuration; `more` are flags of the verb itself, as assignments.
    fn load(&self, more: &[(&str, Option<String>)]) -> Result<Config, Exit> {
        let mut set = Vec::new();
        if let Some(data) = &self.data {
            set.push(format!("data={}", data.display()));
        }
        set.extend(more.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?))));
        set.extend(self.set.iter().cloned());
        let sources = Sources { file: self.config.clone(), environment: std::env::vars().collect(), set };
        Config::load(&sources).map_err(|error| Exit::Usage(error.to_string()))
    }
}

/// Parses the command line and runs the verb; `around` is for what serves.
pub(crate) fn run(around: Around) -> Outcome {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let help = matches!(
                error.kind(),
                ErrorKind::DisplayHelp
                    | ErrorKind::DisplayVersion
                    | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            );
            let rendered = error.render();
            if help && error.exit_code() == 0 {
                print(&rendered.to_string());
                return Ok(());
            }
            return Err(Exit::Usage(
                rendered.to_string().trim_start_matches("error: ").trim_end().to_owned(),
            ));
        }
    };
    match cli.verb {
        Verb::Serve(args) => serve::run(&args, around),
        Verb::Token(args) => token::run(&args),
        Verb::Key(verb) => key::run(&verb),
        Verb::Component(verb) => component::run(&verb),
        Verb::Review(verb) => review::run(&verb),
        Verb::User(verb) => user::run(&verb),
        Verb::Audit(verb) => audit::run(&verb),
        Verb::DeadLetters(verb) => dead_letters::run(&verb),
        Verb::Region(verb) => region::run(&verb),
        Verb::Play(args) => play::run(args),
        Verb::Load(args) => load::run(args),
        Verb::CompileComponent { input, output } => ringside_wasm::compile_file(&input, &output)
            .map_err(|error| Exit::Failed(format!("`{}`: {error}", input.display()))),
    }
}

/// Writes to standard output. A reader that went away (`ringside token | head -0`) is no failure.
#[allow(clippy::print_stdout, reason = "this is the one place that prints a verb's result")]
pub(crate) fn print(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
