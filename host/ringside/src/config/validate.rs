//! Values that parse and still make no sense.

use super::{Config, InvalidConfig, Role};

impl Config {
    /// Refuses what cannot work, before anything starts.
    ///
    /// # Errors
    /// [`InvalidConfig`] names the key, the value and the remedy.
    pub(super) fn validate(&self) -> Result<(), InvalidConfig> {
        let invalid = |message: String| Err(InvalidConfig(format!("configuration at {message}")));
        let ranges = [
            ("public.shards", self.public.shards, 0, 256),
            ("public.connections_max", self.public.connections_max, 1, 5_000_000),
            ("components.chain_threads", self.components.chain_threads, 1, 64),
            ("components.codec_threads", self.components.codec_threads, 1, 64),
        ];
        for (key, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                return invalid(format!("`{key}`: {value} is not {least} to {most}"));
            }
        }
        let keeps = [
            ("log.keep_hours", self.log.keep_hours, 8_760),
            ("log.keep_mb", self.log.keep_mb, 64 << 20),
            ("store.keep_days", self.store.keep_days, 3_650),
            ("audit.keep_days", self.audit.keep_days, 3_650),
        ];
        for (key, value, most) in keeps {
            if !(1..=most).contains(&value) {
                return invalid(format!("`{key}`: {value} is not 1 to {most}"));
            }
        }
        if self.roles.is_empty() {
            let all = Role::ALL.map(Role::name).join("\", \"");
            return invalid(format!("`roles`: it is empty; name what this process does, of \"{all}\""));
        }
        if let Some(missing) = Role::ALL.iter().find(|role| !self.roles.contains(role))
            && self.region_file.is_none()
        {
            return invalid(format!(
                "`roles`: `{}` is missing; without `region_file` a process is alone and does everything",
                missing.name()
            ));
        }
        if self.public.listen == self.operators.listen && self.public.listen.port() != 0 {
            return invalid(format!(
                "`operators.listen`: {} is `public.listen` too; give operators an address of their own, viewers must not reach it",
                self.operators.listen
            ));
        }
        if self.auth.secret.is_some() && self.auth.secret_file.is_some() {
            return invalid("`auth.secret`: `auth.secret_file` is set too; keep one of them".into());
        }
        if self.auth.jwks_file.is_some() && self.auth.jwks_url.is_some() {
            return invalid("`auth.jwks_file`: `auth.jwks_url` is set too; keep one of them".into());
        }
        if self.auth.secret.as_ref().is_some_and(|secret| secret.len() < 32) {
            return invalid(
                "`auth.secret`: it has fewer than 32 bytes; `openssl rand -hex 32` makes a good one".into(),
            );
        }
        for origin in &self.public.origins {
            if !(origin.starts_with("https://") || origin.starts_with("http://")) || origin.ends_with('/') {
                return invalid(format!(
                    "`public.origins`: `{origin}` is no origin; write it as browsers do, such as `https://example.org`"
                ));
            }
        }
        if let Some(url) = self.public.url.as_ref().filter(|url| !url.starts_with("http")) {
            return invalid(format!("`public.url`: `{url}` does not begin with http:// or https://"));
        }
        let ratio = self.telemetry.traces_ratio;
        if !(0.0..=1.0).contains(&ratio) {
            return invalid(format!(
                "`telemetry.traces_ratio`: {ratio} is not 0 to 1; 0.001 is one of 1,000"
            ));
        }
        if let Some(endpoint) = &self.telemetry.otlp_endpoint {
            if endpoint.contains('@') {
                return invalid(
                    "`telemetry.otlp_endpoint`: it has credentials in it; `OTEL_EXPORTER_OTLP_HEADERS` is for them".into(),
                );
            }
            let is_base = |uri: &axum::http::Uri| {
                matches!(uri.scheme_str(), Some("http" | "https"))
                    && uri.authority().is_some()
                    && uri.query().is_none()
            };
            if !endpoint.parse().is_ok_and(|uri| is_base(&uri)) {
                return invalid(format!(
                    "`telemetry.otlp_endpoint`: `{endpoint}` is no address of a collector; write it as `http://127.0.0.1:4318`"
                ));
            }
        }
        for key in &self.components.trusted_keys {
            if ringside_wasm::TrustedKey::parse(key).is_err() {
                return invalid(format!(
                    "`components.trusted_keys`: `{key}` is no minisign public key; `ringside key new` prints one"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Sources};

    fn load(set: &[&str], environment: &[(&str, &str)]) -> Result<Config, String> {
        let sources = Sources {
            file: None,
            environment: environment.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            set: set.iter().map(|s| (*s).into()).collect(),
        };
        Config::load(&sources).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_defaults() {
        let config = load(
            &["public.listen=127.0.0.1:1"],
            &[
                ("RINGSIDE__PUBLIC__LISTEN", "127.0.0.1:2"),
                ("RINGSIDE__LOG__KEEP_HOURS", "48"),
                ("RINGSIDE_TOKEN", "x"),
            ],
        )
        .unwrap();
        assert_eq!(config.public.listen.port(), 1);
        assert_eq!(config.log.keep_hours, 48);
        assert_eq!(config.operators.listen.port(), 8081);
    }

    #[test]
    fn the_collector_is_known_by_the_name_that_others_use_too() {
        let standard = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
        let ours = ("RINGSIDE__TELEMETRY__OTLP_ENDPOINT", "http://127.0.0.1:9");
        let endpoint = |environment: &[_]| load(&[], environment).unwrap().telemetry.otlp_endpoint;
        assert_eq!(endpoint(&[]), None);
        assert_eq!(endpoint(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), None);
        assert_eq!(endpoint(&[standard]).as_deref(), Some(standard.1));
        assert_eq!(endpoint(&[ours, standard]).as_deref(), Some(ours.1));
        let error = load(&[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "nowhere")]).unwrap_err();
        assert!(error.contains("`nowhere` is no address"), "{error}");
    }

    #[test]
    fn what_cannot_work_is_refused_with_the_key_the_value_and_the_remedy() {
        for (set, expected) in [
            ("public.lisen=1", "unknown field `lisen`"),
            ("public.listen=nowhere", "public.listen"),
            ("public.listen=127.0.0.1:8081", "is `public.listen` too"),
            ("public.shards=1000", "1000 is not 0 to 256"),
            ("components.chain_threads=0", "0 is not 1 to 64"),
            ("log.keep_hours=0", "`log.keep_hours`: 0 is not"),
            ("log=3", "log"),
            ("auth.secret=short", "openssl rand -hex 32"),
            ("public.origins=[\"example.org\"]", "`example.org` is no origin"),
            ("components.trusted_keys=[\"abc\"]", "ringside key new"),
            ("region=Eu West", "is not a region"),
            ("telemetry.format=xml", "xml"),
            ("telemetry.traces_ratio=1.5", "1.5 is not 0 to 1"),
            ("telemetry.traces_ratio=some", "telemetry.traces_ratio"),
            ("telemetry.otlp_endpoint=collector:4317", "`collector:4317` is no address of a collector"),
            ("telemetry.otlp_endpoint=http://me:hush@c:4318", "OTEL_EXPORTER_OTLP_HEADERS"),
            ("nonsense", "is no assignment"),
        ] {
            let error = load(&[set], &[]).unwrap_err();
            assert!(error.contains(expected), "{set}: {error}");
        }
    }
}
