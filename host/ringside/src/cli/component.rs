//! `ringside component`: check and sign files here, push, list, remove and roll back on a host.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Subcommand, ValueEnum};
use minisign::{SecretKey, SecretKeyBox};
use ringside_wasm::{Compiler, ComponentHost, HostOptions, Metrics};
use serde_json::{Value, json};

use super::client::HostArgs;
use super::print;
use super::show::show_or_json;
use crate::exit::{Exit, Outcome};

mod show;

/// Verbs of `ringside component`.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Check a component as a host would: its world, imports, size, start and its own examples.
    #[command(after_help = "Example: ringside component check target/wasm32-wasip2/release/words.wasm")]
    Check {
        /// The `.wasm`.
        file: PathBuf,
        /// Configuration to check it with: JSON, or @FILE.
        #[arg(long, value_name = "JSON|@FILE")]
        config: Option<String>,
        /// Print an object.
        #[arg(long)]
        json: bool,
    },
    /// Sign a component: writes FILE.minisig beside it.
    #[command(after_help = "Example: ringside component sign words.wasm --key release.key")]
    Sign {
        /// The `.wasm`.
        file: PathBuf,
        /// Secret key, as `ringside key new` or minisign made it (without a password).
        #[arg(long, env = "RINGSIDE_KEY", value_name = "FILE")]
        key: PathBuf,
    },
    /// Put a component, or a new configuration of one that runs, into the chain.
    #[command(
        after_help = "Examples:\n  ringside component push words.wasm                        (signed: words.wasm.minisig)\n  ringside component push words.wasm --key release.key      (sign and push)\n  ringside component push --slot words --config @words.json (the component that runs, configured anew)"
    )]
    Push(PushArgs),
    /// Show what runs, or all that is stored.
    #[command(after_help = "Example: ringside component list")]
    List {
        /// Show every stored component instead of the chain.
        #[arg(long)]
        stored: bool,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Show the releases, newest first.
    #[command(after_help = "Example: ringside component history")]
    History {
        #[command(flatten)]
        host: HostArgs,
    },
    /// Take a slot out of the chain; a codec's subprotocol ends with it.
    #[command(after_help = "Example: ringside component remove repetition")]
    Remove {
        /// The slot.
        slot: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Go back to the release before, at once, or to an earlier one.
    #[command(after_help = "Example: ringside component rollback")]
    Rollback {
        /// Number of the release; left out: the one before.
        #[arg(long)]
        to: Option<u64>,
        #[command(flatten)]
        host: HostArgs,
    },
}

/// Arguments of `push`.
#[derive(Debug, clap::Args)]
pub(crate) struct PushArgs {
    /// The `.wasm`; left out: the component that runs in --slot.
    file: Option<PathBuf>,
    /// Which place; left out: the component's own name.
    #[arg(long)]
    slot: Option<String>,
    /// Its configuration: JSON, or @FILE. Left out: the slot's present one.
    #[arg(long, value_name = "JSON|@FILE")]
    config: Option<String>,
    /// What happens to the one comment that breaks it.
    #[arg(long, value_enum)]
    on_failure: Option<OnFailure>,
    /// Sign with this key instead of reading FILE.minisig.
    #[arg(long, env = "RINGSIDE_KEY", value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    host: HostArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OnFailure {
    /// It waits for a moderator.
    Hold,
    /// It is not taken.
    Reject,
    /// It is shown, and judged later.
    AllowUnjudged,
}

impl OnFailure {
    fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Reject => "reject",
            Self::AllowUnjudged => "allow-unjudged",
        }
    }
}

/// Runs the verb.
pub(crate) fn run(verb: &Verb) -> Outcome {
    match verb {
        Verb::Check { file, config, json } => check(file, config.as_deref(), *json),
        Verb::Sign { file, key } => {
            let target = signature_file(file);
            write(&target, sign(file, key)?.as_bytes())?;
            print(&format!("{}\n", target.display()));
            Ok(())
        }
        Verb::Push(args) => push(args),
        Verb::List { stored: true, host } => {
            let body = host.call("GET", "/v1/components", None)?;
            show_or_json(host.json, &body, show::components);
            Ok(())
        }
        Verb::List { stored: false, host } => {
            let body = host.call("GET", "/v1/chain", None)?;
            show_or_json(host.json, &body, show::chain);
            Ok(())
        }
        Verb::History { host } => {
            let body = host.call("GET", "/v1/releases", None)?;
            show_or_json(host.json, &body, show::history);
            Ok(())
        }
        Verb::Remove { slot, host } => {
            let body = host.call("DELETE", &format!("/v1/components/{slot}"), None)?;
            show_or_json(host.json, &body, show::pushed);
            Ok(())
        }
        Verb::Rollback { to, host } => {
            let body = host.call("POST", "/v1/releases/rollback", Some(&json!({ "to": to })))?;
            show_or_json(host.json, &body, show::pushed);
            Ok(())
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Exit> {
    std::fs::read(path).map_err(|error| Exit::Usage(format!("`{}` cannot be read: {error}", path.display())))
}

fn write(path: &Path, bytes: &[u8]) -> Outcome {
    std::fs::write(path, bytes)
        .map_err(|error| Exit::Failed(format!("`{}` cannot be written: {error}", path.display())))
}

fn signature_file(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".minisig");
    PathBuf::from(name)
}

/// JSON as it is, or from a file.
fn config_text(config: &str) -> Result<String, Exit> {
    let text = match config.strip_prefix('@') {
        Some(path) => String::from_utf8(read(Path::new(path))?)
            .map_err(|_| Exit::Usage(format!("--config: `{path}` is not UTF-8")))?,
        None => config.to_owned(),
    };
    if let Err(error) = serde_json::from_str::<Value>(&text) {
        return Err(Exit::Usage(format!("--config is not JSON: {error}; give JSON, or @FILE")));
    }
    Ok(text)
}

fn check(file: &Path, config: Option<&str>, json: bool) -> Outcome {
    let config = config.map(config_text).transpose()?.unwrap_or_default();
    let bytes = read(file)?;
    // Compiled files are kept for nobody: a check leaves nothing behind.
    let cache = std::env::temp_dir().join(format!("ringside-check-{}", std::process::id()));
    let mut options = HostOptions::new(&cache, Compiler::InProcess);
    options.workers = 1;
    let checked = ComponentHost::start(&options, &Metrics::default())
        .map_err(|error| Exit::Failed(error.to_string()))
        .and_then(|host| {
            host.check(&bytes, &config)
                .map_err(|error| Exit::Failed(format!("`{}`: {error}", file.display())))
        });
    let _ = std::fs::remove_dir_all(&cache);
    let checked = checked?;
    let body = json!({
        "name": checked.name,
        "version": checked.version,
        "summary": checked.summary,
        "world": checked.world,
        "digest": checked.digest,
        "size_bytes": checked.bytes,
        "imports": checked.imports,
        "examples": checked.examples,
        "subprotocol": checked.format.map(|format| format.subprotocol.to_string()),
    });
    print(&if json { format!("{body}\n") } else { show::checked(&body) });
    Ok(())
}

fn sign(file: &Path, key: &Path) -> Result<String, Exit> {
    let bad = |error: minisign::PError| Exit::Usage(format!("key `{}`: {error}", key.display()));
    let text = String::from_utf8(read(key)?)
        .map_err(|_| Exit::Usage(format!("key `{}` is no minisign secret key", key.display())))?;
    let secret: SecretKey =
        SecretKeyBox::from_string(&text).and_then(SecretKeyBox::into_unencrypted_secret_key).map_err(bad)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    minisign::sign(None, &secret, Cursor::new(read(file)?), Some(&name), Some("ringside component"))
        .map(minisign::SignatureBox::into_string)
        .map_err(bad)
}

fn push(args: &PushArgs) -> Outcome {
    let config = args.config.as_deref().map(config_text).transpose()?;
    let on_failure = args.on_failure.map(OnFailure::name);
    let body = match (&args.file, &args.slot) {
        (Some(file), slot) => {
            let signature = match &args.key {
                Some(key) => sign(file, key)?,
                None => {
                    let path = signature_file(file);
                    std::fs::read_to_string(&path).map_err(|error| {
                        Exit::Usage(format!(
                            "`{}` is not signed: `{}` cannot be read ({error}); sign it with `ringside component sign`, or give --key",
                            file.display(),
                            path.display()
                        ))
                    })?
                }
            };
            let body = json!({
                "file": STANDARD.encode(read(file)?),
                "signature": signature,
                "slot": slot,
                "config": config,
                "on_failure": on_failure,
            });
            args.host.call("POST", "/v1/components", Some(&body))?
        }
        (None, Some(slot)) => {
            let body = json!({ "config": config, "on_failure": on_failure });
            args.host.call("PUT", &format!("/v1/components/{slot}"), Some(&body))?
        }
        (None, None) => {
            return Err(Exit::Usage(
                "nothing to push: give a .wasm file, or --slot with a new --config for the component that runs".into(),
            ));
        }
    };
    show_or_json(args.host.json, &body, show::pushed);
    Ok(())
}
