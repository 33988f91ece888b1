//! `cargo xtask`: the only tool to learn. Sets up, runs, tests, checks and measures Ringside.

mod alerts;
mod bench;
mod chaos;
mod chromium;
mod ci;
mod components;
mod console;
mod context;
mod deny;
mod dev;
mod failure;
mod files;
mod fuzz;
mod place;
mod pop;
mod prerequisites;
mod process;
mod services;
mod signing;
mod suites;
mod tally;
mod tidy;
mod tools;
mod trim;
mod web;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::console::Console;
use crate::context::Context;
use crate::failure::{EXIT_USAGE, Result};
use crate::pop::Pop;

/// The only tool to learn: sets up, runs, tests, checks and measures Ringside.
///
/// All that it builds lies in $RINGSIDE_CACHE (default: ringside in the user's cache folder).
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Build everything and run a PoP on embedded stores, with a page to comment on.
    Dev {
        #[command(flatten)]
        at: At,
        /// A region instead: two hosts, a coordinator, a writer and a judge, on Kafka, Redis, Cassandra and PostgreSQL.
        #[arg(long, conflicts_with_all = ["listen", "operators"])]
        region: bool,
    },
    /// Set up what the tests need and run them.
    Test {
        #[command(flatten)]
        choice: suites::Choice,
    },
    /// Run every check and every test, as CI does.
    Ci,
    /// Run benchmarks by name; without a name, list them.
    Bench {
        /// Names and options for the benchmarks; --json prints one object a line.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Break a region part by part under load, and say what was lost, doubled or out of order.
    Chaos {
        #[command(flatten)]
        trial: chaos::Trial,
    },
    /// Look for inputs that break the host: changes known ones at random, half a minute for each target.
    Fuzz {
        #[command(flatten)]
        search: fuzz::Search,
    },
    /// Build the WebAssembly components, sign them, and lay them into the bundle.
    Components {
        /// Build the misbehaving ones for the tests, too.
        #[arg(long)]
        hostile: bool,
        /// Release this component to the PoP that `cargo xtask dev` runs.
        #[arg(long, value_name = "NAME")]
        push: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// Start, ask, show and end real services on loopback, for development.
    Services {
        #[command(subcommand)]
        verb: services::Verb,
    },
    /// Check the rules of the house that no compiler checks.
    Tidy,
}

/// Where the development PoP listens.
#[derive(Debug, clap::Args)]
struct At {
    /// Address for viewers.
    #[arg(long, default_value = pop::ADDRESS)]
    listen: String,
    /// Address for operators.
    #[arg(long, default_value = pop::OPERATORS)]
    operators: String,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(asked) => {
            let _ = asked.print();
            return if asked.use_stderr() { ExitCode::from(EXIT_USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match run(cli.verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            Console::on_stderr().say(format_args!("error: {failure}"));
            failure.exit_code()
        }
    }
}

fn run(verb: Verb) -> Result<()> {
    let console = match &verb {
        // Their standard output is that of what they run.
        Verb::Bench { .. } | Verb::Chaos { .. } => Console::on_stderr(),
        _ => Console::on_stdout(),
    };
    let context = Context::new(console)?;
    match verb {
        Verb::Dev { at, region } => {
            let pop = Pop::of(&context, at.listen, at.operators);
            if region { dev::region::verb(&context, &pop) } else { dev::verb(&context, &pop) }
        }
        Verb::Test { choice } => suites::verb(&context, &choice),
        Verb::Ci => ci::verb(&context),
        Verb::Bench { arguments } => bench::verb(&context, &arguments),
        Verb::Chaos { trial } => chaos::verb(&context, &trial),
        Verb::Fuzz { search } => fuzz::verb(&context, &search),
        Verb::Components { hostile, push, at } => {
            components::verb(&context, hostile)?;
            match push {
                Some(name) => components::push(&context, &Pop::of(&context, at.listen, at.operators), &name),
                None => Ok(()),
            }
        }
        Verb::Services { verb } => services::verb(&context, verb),
        Verb::Tidy => tidy::verb(&context),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_a_benchmark_are_not_taken_for_xtasks_own() {
        let cli = Cli::try_parse_from(["xtask", "bench", "fanout", "--json"]).unwrap();
        assert!(matches!(cli.verb, Verb::Bench { arguments } if arguments == ["fanout", "--json"]));
    }
}
