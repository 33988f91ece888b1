//! `ringside load`: loads a PoP and measures it.

use std::time::{SystemTime, UNIX_EPOCH};

use ringside_core::Role;
use ringside_edge::auth::{self, Claims};
use ringside_load::{Error, TokenSource};

use super::{ConfigArgs, print};
use crate::exit::{Exit, Outcome};
use crate::pop::keys;

/// Tokens of a run are valid for this long: longer than any run.
const TOKEN_S: u64 = 24 * 3_600;

/// Arguments of `ringside load`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    load: ringside_load::LoadArgs,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Loads.
pub(crate) fn run(args: Args) -> Outcome {
    let tokens = sign_with(&args.config)?;
    let json = args.load.json;
    let report = block_on(ringside_load::load(args.load, tokens))?;
    print(&if json { format!("{}\n", serde_json::json!(report)) } else { report.to_string() });
    Ok(())
}

/// Signs with this host's secret, as `ringside token` does.
pub(super) fn sign_with(args: &ConfigArgs) -> Result<impl TokenSource + use<>, Exit> {
    let config = args.load(&[])?;
    let secret = keys::signing_secret(&config)?;
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let roles = [Role::Viewer, Role::Moderator];
    Ok(move |user: &str, name: &str, role: &str| {
        let claims = Claims {
            sub: user.to_owned(),
            name: Some(name.to_owned()),
            role: roles.into_iter().find(|known| known.as_str() == role).unwrap_or_default(),
            member: false,
            streams: None,
            exp: now_s.saturating_add(TOKEN_S),
            nbf: None,
            iss: config.auth.issuer.clone(),
            aud: config.auth.audience.clone().map(serde_json::Value::String),
        };
        // A secret that is too short was refused when it was read; a token that is none is refused by the host.
        auth::sign(&claims, &secret).unwrap_or_default()
    })
}

/// Runs to the end on a runtime of its own.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Exit::Failed(format!("no threads could be started: {error}")))?;
    runtime.block_on(work).map_err(|error| match error {
        Error::Usage(message) => Exit::Usage(message),
        Error::Unavailable(message) => Exit::Unavailable(message),
        Error::Failed(message) => Exit::Failed(message),
    })
}
