//! `ringside key`: keys that sign components, in minisign's format.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use minisign::KeyPair;

use super::print;
use crate::exit::{Exit, Outcome};

/// Verbs of `ringside key`.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a pair: OUT.key to sign with, OUT.pub for `components.trusted_keys`.
    #[command(
        after_help = "Example: ringside key new --out release\nThen: ringside component sign words.wasm --key release.key"
    )]
    New {
        /// Path of the pair without its ending.
        #[arg(long, value_name = "PATH")]
        out: PathBuf,
        /// Print an object with the paths and the public key.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the verb.
pub(crate) fn run(verb: &Verb) -> Outcome {
    let Verb::New { out, json } = verb;
    let failed = |error: minisign::PError| Exit::Failed(format!("no key could be made: {error}"));
    let pair = KeyPair::generate_unencrypted_keypair().map_err(failed)?;
    let secret = pair.sk.to_box(Some("ringside component signing key")).map_err(failed)?.into_string();
    let public = pair.pk.to_base64();
    let secret_file = out.with_extension("key");
    let public_file = out.with_extension("pub");
    write_new(&secret_file, &secret, 0o600)?;
    write_new(&public_file, &format!("untrusted comment: ringside component key\n{public}\n"), 0o644)?;
    if *json {
        let body = serde_json::json!({ "secret": secret_file, "public": public_file, "public_key": public });
        print(&format!("{body}\n"));
    } else {
        print(&format!(
            "secret  {} (keep it; it has no password)\npublic  {}\ntrust it with  --set 'components.trusted_keys=[\"{public}\"]'\n",
            secret_file.display(),
            public_file.display()
        ));
    }
    Ok(())
}

/// Never over a file that is there: a lost signing key cannot be made again.
fn write_new(path: &Path, text: &str, mode: u32) -> Outcome {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| {
            Exit::Failed(format!("`{}` was not written: {error}; give another --out", path.display()))
        })
}
