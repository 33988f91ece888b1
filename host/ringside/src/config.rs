//! Configuration: a TOML file, then the environment, then flags; the later wins.
//!
//! `RINGSIDE__PUBLIC__LISTEN=0.0.0.0:80` and `--set public.listen=0.0.0.0:80` both set `listen` in `[public]`.
//! An unknown key and an impossible value fail with the key, the value and the remedy.

mod role;
mod sources;
mod validate;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ringside_core::{HostId, RegionId};
use serde::Deserialize;

pub(crate) use role::Role;
pub(crate) use sources::Sources;

/// What is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvalidConfig(pub(crate) String);

impl std::fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// All that can be configured. Every key has a default; nothing needs to be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Folder of the embedded stores, keys and caches.
    pub(crate) data: PathBuf,
    /// Folder of what can be made again, such as components as machine code; `compiled` in the data folder where it is
    /// missing. Processes may share it.
    pub(crate) compiled: Option<PathBuf>,
    /// Folder with `components/` and `web/`, as `cargo xtask components` lays it out.
    pub(crate) bundle: Option<PathBuf>,
    /// This region's name.
    pub(crate) region: RegionId,
    /// This host's name; drawn anew at each start where it is missing.
    pub(crate) host: Option<HostId>,
    /// The region's file; without one everything is kept in the data folder.
    pub(crate) region_file: Option<PathBuf>,
    /// What this process does; all of it where nothing is said.
    pub(crate) roles: Vec<Role>,
    /// For trying out: streams begin by themselves when someone joins them.
    pub(crate) development: bool,
    /// Viewers' side.
    pub(crate) public: Public,
    /// Operators' side.
    pub(crate) operators: Operators,
    /// Sign-in.
    pub(crate) auth: Auth,
    /// The component host.
    pub(crate) components: Components,
    /// The embedded log.
    pub(crate) log: LogKeep,
    /// The embedded store.
    pub(crate) store: StoreKeep,
    /// The audit log.
    pub(crate) audit: AuditKeep,
    /// Logs of the process.
    pub(crate) telemetry: Telemetry,
}

/// `[public]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Public {
    /// Address and port.
    pub(crate) listen: SocketAddr,
    /// Where viewers reach it, when that is another address (a load balancer's).
    pub(crate) url: Option<String>,
    /// Threads that hold sockets; 0 is one a core.
    pub(crate) shards: usize,
    /// Most connections.
    pub(crate) connections_max: usize,
    /// Pages whose `Origin` may connect by WebSocket; empty is any.
    pub(crate) origins: Vec<String>,
}

/// `[operators]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Operators {
    /// Address and port.
    pub(crate) listen: SocketAddr,
}

/// `[auth]`. Where no key is configured, a secret is drawn and kept in the data folder.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Auth {
    /// Shared secret for HS256.
    pub(crate) secret: Option<String>,
    /// File with the shared secret.
    pub(crate) secret_file: Option<PathBuf>,
    /// PEM files of public keys.
    pub(crate) public_key_files: Vec<PathBuf>,
    /// File with a JWKS document.
    pub(crate) jwks_file: Option<PathBuf>,
    /// Address of a JWKS document, read again every `jwks_refresh_s`.
    pub(crate) jwks_url: Option<String>,
    /// Seconds between two reads of the JWKS; 0 is 300.
    pub(crate) jwks_refresh_s: u64,
    /// `iss` that tokens must have.
    pub(crate) issuer: Option<String>,
    /// `aud` that tokens must have.
    pub(crate) audience: Option<String>,
}

/// `[components]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Components {
    /// minisign public keys, whose signatures are accepted beside the bundle's own.
    pub(crate) trusted_keys: Vec<String>,
    /// Threads that judge.
    pub(crate) chain_threads: usize,
    /// Threads that encode and decode.
    pub(crate) codec_threads: usize,
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LogKeep {
    /// Hours that records are kept (R40: at least 24).
    pub(crate) keep_hours: u64,
    /// Megabytes that records may take; the oldest segment goes first.
    pub(crate) keep_mb: u64,
}

/// `[store]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StoreKeep {
    /// Days that comments are kept (R50: 30).
    pub(crate) keep_days: u64,
}

/// `[audit]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AuditKeep {
    /// Days that decisions are kept after they ended to hold: a year and a month, so that the same season of the year
    /// before can be looked up.
    pub(crate) keep_days: u64,
}

/// `[telemetry]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Telemetry {
    /// A filter, such as `info` or `info,ringside_wasm=debug`.
    pub(crate) log: String,
    /// `text` or `json`.
    pub(crate) format: Format,
    /// Where traces are sent, such as `http://127.0.0.1:4318`; `OTEL_EXPORTER_OTLP_ENDPOINT` says it too. Without one
    /// nothing is traced.
    pub(crate) otlp_endpoint: Option<String>,
    /// Share of the comments that are traced, 0 to 1.
    pub(crate) traces_ratio: f64,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("ringside-data"),
            compiled: None,
            bundle: None,
            region: default_region(),
            host: None,
            region_file: None,
            roles: Role::ALL.to_vec(),
            development: false,
            public: Public::default(),
            operators: Operators::default(),
            auth: Auth::default(),
            components: Components::default(),
            log: LogKeep { keep_hours: 24, keep_mb: 4_096 },
            store: StoreKeep { keep_days: 30 },
            audit: AuditKeep { keep_days: 400 },
            telemetry: Telemetry::default(),
        }
    }
}

impl Default for LogKeep {
    fn default() -> Self {
        Config::default().log
    }
}

impl Default for AuditKeep {
    fn default() -> Self {
        Config::default().audit
    }
}

impl Default for StoreKeep {
    fn default() -> Self {
        Config::default().store
    }
}

impl Default for Public {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            url: None,
            shards: 0,
            // Below the common limit of 20,000 descriptors a process, with room for files and backends.
            connections_max: 18_000,
            origins: Vec::new(),
        }
    }
}

impl Default for Operators {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8081)) }
    }
}

impl Default for Components {
    fn default() -> Self {
        Self { trusted_keys: Vec::new(), chain_threads: 2, codec_threads: 1 }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { log: "info".into(), format: Format::Text, otlp_endpoint: None, traces_ratio: 0.001 }
    }
}

#[allow(clippy::expect_used, reason = "a constant that a test reads")]
fn default_region() -> RegionId {
    RegionId::new("local").expect("`local` is a region's name")
}

impl Config {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// [`InvalidConfig`] names the key, the value and the remedy.
    pub(crate) fn load(sources: &Sources) -> Result<Self, InvalidConfig> {
        let table = sources.table()?;
        let config: Self = serde_path_to_error::deserialize(table).map_err(|error| {
            let path = error.path().to_string();
            let key = if path == "." { String::new() } else { format!(" at `{path}`") };
            let inner = error.inner().to_string();
            InvalidConfig(format!("configuration{key}: {}", inner.trim()))
        })?;
        config.validate()?;
        Ok(config)
    }

    /// A file in the data folder's `keys`.
    pub(crate) fn key_file(&self, name: &str) -> PathBuf {
        self.data.join("keys").join(name)
    }

    /// The bundle: the configured folder, or `bundle` beside the program.
    pub(crate) fn bundle(&self) -> PathBuf {
        self.bundle.clone().unwrap_or_else(|| {
            let program = std::env::current_exe().unwrap_or_default();
            program.parent().unwrap_or(Path::new(".")).join("bundle")
        })
    }
}
