//! Keys of this host: what tokens are signed and checked with.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use ringside_edge::auth::{AuthOptions, Verifier};

use crate::config::Config;
use crate::exit::Exit;

/// File in the data folder's `keys` with the secret that was drawn where none is configured.
const SECRET_FILE: &str = "token.secret";

fn read(key: &str, path: &Path) -> Result<String, Exit> {
    std::fs::read_to_string(path).map_err(|error| {
        Exit::Usage(format!("configuration at `{key}`: `{}` cannot be read: {error}", path.display()))
    })
}

/// The configured secret, if there is one.
fn configured_secret(config: &Config) -> Result<Option<Vec<u8>>, Exit> {
    match (&config.auth.secret, &config.auth.secret_file) {
        (Some(secret), _) => Ok(Some(secret.clone().into_bytes())),
        (None, Some(file)) => Ok(Some(read("auth.secret_file", file)?.trim().as_bytes().to_vec())),
        (None, None) => Ok(None),
    }
}

fn has_public_keys(config: &Config) -> bool {
    let auth = &config.auth;
    !auth.public_key_files.is_empty() || auth.jwks_file.is_some() || auth.jwks_url.is_some()
}

/// The secret that this host signs tokens with; drawn and kept where nothing is configured.
///
/// # Errors
/// `Usage` when tokens are signed elsewhere (public keys only).
pub(crate) fn signing_secret(config: &Config) -> Result<Vec<u8>, Exit> {
    if let Some(secret) = configured_secret(config)? {
        return Ok(secret);
    }
    if has_public_keys(config) {
        return Err(Exit::Usage(
            "this host only checks tokens, with public keys: sign them where the private key is, or set `auth.secret`".into(),
        ));
    }
    drawn_secret(&config.key_file(SECRET_FILE))
}

/// Reads the drawn secret, or draws it. Two processes at once agree: the file is made whole under another name,
/// then linked, and only the first link succeeds.
fn drawn_secret(path: &Path) -> Result<Vec<u8>, Exit> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let failed = |what: &str, error: std::io::Error| {
        Exit::Usage(format!(
            "configuration at `data`: the token secret `{}` cannot be {what}: {error}; give a folder that this user can write",
            path.display()
        ))
    };
    if !path.exists() {
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(|error| failed("made", error))?;
        let draft = path.with_extension(format!("draft-{}", std::process::id()));
        let secret = random_hex().map_err(|error| failed("drawn", error))?;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)
            .map_err(|error| failed("made", error))?;
        file.write_all(secret.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|error| failed("made", error))?;
        let linked = std::fs::hard_link(&draft, path);
        let _ = std::fs::remove_file(&draft);
        match linked {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(failed("made", error));
            }
            _ => {}
        }
    }
    let secret = std::fs::read_to_string(path).map_err(|error| failed("read", error))?;
    Ok(secret.trim().as_bytes().to_vec())
}

/// 64 hexadecimal digits from the system's random source.
fn random_hex() -> std::io::Result<String> {
    use std::fmt::Write as _;
    use std::io::Read as _;
    let mut bytes = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    }))
}

/// The verifier of the configuration.
///
/// # Errors
/// `Usage` names the key that cannot be used; `Unavailable` when the JWKS address does not answer.
pub(crate) fn verifier(config: &Config) -> Result<Verifier, Exit> {
    let auth = &config.auth;
    let secret = match configured_secret(config)? {
        None if !has_public_keys(config) => Some(drawn_secret(&config.key_file(SECRET_FILE))?),
        secret => secret,
    };
    let public_keys_pem = auth
        .public_key_files
        .iter()
        .map(|file| read("auth.public_key_files", file))
        .collect::<Result<Vec<_>, _>>()?;
    let jwks = match (&auth.jwks_file, &auth.jwks_url) {
        (Some(file), _) => Some(read("auth.jwks_file", file)?),
        (None, Some(url)) => Some(fetch_jwks(url)?),
        (None, None) => None,
    };
    let options = AuthOptions {
        secret,
        public_keys_pem,
        jwks,
        issuer: auth.issuer.clone(),
        audience: auth.audience.clone(),
    };
    Verifier::new(&options).map_err(|error| Exit::Usage(format!("configuration at `auth`: {error}")))
}

/// Reads a JWKS document; at most a megabyte, within five seconds.
///
/// # Errors
/// `Unavailable`.
pub(crate) fn fetch_jwks(url: &str) -> Result<String, Exit> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(std::time::Duration::from_secs(5))).build().into();
    agent
        .get(url)
        .call()
        .and_then(|mut response| response.body_mut().with_config().limit(1 << 20).read_to_string())
        .map_err(|error| {
            Exit::Unavailable(format!("configuration at `auth.jwks_url`: `{url}` cannot be read: {error}"))
        })
}
