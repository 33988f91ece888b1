//! Where Redis is and how to come in.

use std::fmt;
use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, RedisConnectionInfo};

use crate::connect::ConnectError;

/// Longest time that a call of a port takes, if [`crate::Redis::open_within`] says no other, and that a connection may
/// hang until it is given up: who calls has a local stand-in, and a viewer waits meanwhile.
pub const CALL_MAX: Duration = Duration::from_secs(1);
/// Longest prefix of keys in bytes: it is in every key.
const PREFIX_BYTES_MAX: usize = 64;

/// Where Redis is, and how to come in.
#[derive(Clone)]
pub struct RedisOptions {
    /// `host:port`. Of a single server one; of a cluster one or more of its nodes, the others are found.
    pub addresses: Vec<String>,
    /// A Redis Cluster, not a single server.
    pub cluster: bool,
    /// The ACL user; the default user where there is none.
    pub user: Option<String>,
    /// The password; none where the server asks for none.
    pub password: Option<String>,
    /// Before every key and channel, so that several regions may share a server: 1 to 64 of `a-z A-Z 0-9 . _ : -`.
    pub prefix: String,
}

impl fmt::Debug for RedisOptions {
    /// Without the password: it must not come into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("addresses", &self.addresses)
            .field("cluster", &self.cluster)
            .field("user", &self.user)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl RedisOptions {
    /// Checks all that can be checked without a server.
    pub(crate) fn check(&self) -> Result<(), ConnectError> {
        let wrong = |what: String| Err(ConnectError::Options(what));
        if self.addresses.is_empty() {
            return wrong("no address is given: give `host:port`".into());
        }
        if !self.cluster && self.addresses.len() > 1 {
            let given = self.addresses.join("`, `");
            return wrong(format!(
                "`{given}` are several addresses of a single server: give one, or `cluster`"
            ));
        }
        for address in &self.addresses {
            host_and_port(address)?;
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        if self.prefix.is_empty() || self.prefix.len() > PREFIX_BYTES_MAX || !self.prefix.bytes().all(fits) {
            return wrong(format!(
                "`{}` is not a prefix of keys: use 1 to {PREFIX_BYTES_MAX} of `a-z A-Z 0-9 . _ : -`",
                self.prefix
            ));
        }
        Ok(())
    }

    /// What the client is told of one node.
    pub(crate) fn node(&self, address: &str) -> Result<ConnectionInfo, ConnectError> {
        let (host, port) = host_and_port(address)?;
        let mut settings = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
        if let Some(user) = &self.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password);
        }
        let info = ConnectionAddr::Tcp(host.into(), port)
            .into_connection_info()
            .map_err(|error| ConnectError::Options(format!("`{address}` is not an address: {error}")))?;
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        Ok(info.set_tcp_settings(tcp).set_redis_settings(settings))
    }
}

fn host_and_port(address: &str) -> Result<(&str, u16), ConnectError> {
    let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    match parts {
        Some((host, port)) if !host.is_empty() && !host.contains(['@', '/']) => {
            Ok((host.trim_start_matches('[').trim_end_matches(']'), port))
        }
        // What stands before an `@` may be a password.
        _ => Err(ConnectError::Options(format!(
            "`{}` is not an address: use `host:port`, the user and password have options of their own",
            address.rsplit_once('@').map_or(address, |(_, rest)| rest)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(addresses: &[&str], prefix: &str) -> RedisOptions {
        RedisOptions {
            addresses: addresses.iter().map(|address| (*address).to_owned()).collect(),
            cluster: false,
            user: None,
            password: Some("hush".into()),
            prefix: prefix.into(),
        }
    }

    #[test]
    fn wrong_options_are_named_with_their_remedy_and_never_show_a_password() {
        let wrong = [
            (options(&[], "p"), "no address"),
            (options(&["a:1", "b:2"], "p"), "`a:1`, `b:2` are several addresses"),
            (options(&["localhost"], "p"), "`localhost` is not an address"),
            (options(&["user:hush@localhost:1"], "p"), "`localhost:1` is not an address"),
            (options(&["a:1"], ""), "`` is not a prefix"),
            (options(&["a:1"], "{p}"), "`{p}` is not a prefix"),
        ];
        for (options, expected) in wrong {
            let error = options.check().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("hush") && !format!("{options:?}").contains("Some(\"hush"), "{error}");
        }
        for address in ["127.0.0.1:6379", "[::1]:6379", "redis.example:1"] {
            assert!(options(&[address], "ringside:us-east").check().is_ok(), "{address}");
        }
    }
}
