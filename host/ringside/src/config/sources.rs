//! Where the configuration comes from, merged into one table.

use std::path::PathBuf;

use toml::{Table, Value};

use super::InvalidConfig;

/// Environment variables of this prefix are configuration: `RINGSIDE__LOG__KEEP_HOURS=48`.
const ENV_PREFIX: &str = "RINGSIDE__";

/// What others named, and what it is here. An empty one says nothing.
const OTHERS_NAMES: [(&str, &str); 1] = [("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlp_endpoint")];

/// File, environment and flags.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    /// A TOML file.
    pub(crate) file: Option<PathBuf>,
    /// Variables as the process was given them.
    pub(crate) environment: Vec<(String, String)>,
    /// `key.path=value`, the later wins.
    pub(crate) set: Vec<String>,
}

impl Sources {
    /// Merges the sources.
    ///
    /// # Errors
    /// [`InvalidConfig`] when the file cannot be read or parsed, or a flag is no assignment.
    pub(crate) fn table(&self) -> Result<Table, InvalidConfig> {
        let mut table = match &self.file {
            None => Table::new(),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    InvalidConfig(format!("configuration file `{}` cannot be read: {error}", path.display()))
                })?;
                text.parse::<Table>().map_err(|error| {
                    InvalidConfig(format!("configuration file `{}`: {error}", path.display()))
                })?
            }
        };
        for (name, value) in self.environment.iter().filter(|(_, value)| !value.is_empty()) {
            if let Some((_, path)) = OTHERS_NAMES.iter().find(|(known, _)| known == name) {
                assign(&mut table, path, value, &format!("variable `{name}`"))?;
            }
        }
        for (name, value) in &self.environment {
            if let Some(path) = name.strip_prefix(ENV_PREFIX) {
                let path = path.to_lowercase().replace("__", ".");
                assign(&mut table, &path, value, &format!("variable `{name}`"))?;
            }
        }
        for flag in &self.set {
            let Some((path, value)) = flag.split_once('=') else {
                return Err(InvalidConfig(format!(
                    "`--set {flag}` is no assignment: write `--set public.listen=127.0.0.1:9000`"
                )));
            };
            assign(&mut table, path.trim(), value.trim(), &format!("`--set {flag}`"))?;
        }
        Ok(table)
    }
}

/// A value as TOML reads it, or else the text itself: `8`, `true`, `["a"]`, `127.0.0.1:80`.
fn value(text: &str) -> Value {
    format!("value = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("value"))
        .filter(|value| !matches!(value, Value::Datetime(_)))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

fn assign(table: &mut Table, path: &str, text: &str, source: &str) -> Result<(), InvalidConfig> {
    let mut keys: Vec<&str> = path.split('.').collect();
    let last = keys.pop().unwrap_or_default();
    let mut at = table;
    for key in keys {
        at = match at.entry(key).or_insert_with(|| Value::Table(Table::new())) {
            Value::Table(inner) => inner,
            _ => return Err(InvalidConfig(format!("{source}: `{key}` is a value, not a section"))),
        };
    }
    at.insert(last.to_owned(), value(text));
    Ok(())
}
