//! The host that is played to or loaded: checked, resolved once, and kept from being someone else's by a typo.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::Uri;
use ringside_core::StreamId;
use tokio::net::{TcpStream, lookup_host};

use crate::error::Error;

/// Longest wait for a TCP connection.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(10);

/// Which host, as both verbs ask for it.
#[derive(Debug, Clone, clap::Args)]
pub struct TargetArgs {
    /// Public address of the host.
    #[arg(long, env = "RINGSIDE_URL", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub url: String,
    /// Take an address that is not this machine's own. Many connections and comments are an attack on whoever
    /// did not expect them, and a typo must not start one.
    #[arg(long)]
    pub allow_remote: bool,
}

/// A host whose address is known and allowed.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// As it was given, for messages.
    pub(crate) url: String,
    /// For the header `Host`.
    pub(crate) authority: String,
    address: SocketAddr,
}

impl Target {
    /// Reads and resolves an address.
    ///
    /// # Errors
    /// `Usage` for what is no address, for TLS, and for a host beyond this machine without `--allow-remote`;
    /// `Unavailable` where the name has no address.
    pub(crate) async fn resolve(args: &TargetArgs) -> Result<Self, Error> {
        let url = args.url.trim_end_matches('/');
        let (authority, host, port) = parts(url)?;
        // The brackets of an IPv6 address belong to the URL.
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let found: Vec<SocketAddr> = lookup_host((name, port))
            .await
            .map_err(|error| Error::Unavailable(format!("`{host}` of `{url}` has no address: {error}")))?
            .collect();
        if !args.allow_remote
            && let Some(remote) = found.iter().find(|address| !address.ip().is_loopback())
        {
            return Err(Error::Usage(format!(
                "`{url}` is {}, not this machine: if you run that host and it expects this, add --allow-remote",
                remote.ip()
            )));
        }
        // A host that listens on 127.0.0.1 only is the rule: `localhost` tries it first.
        let address = found
            .iter()
            .find(|address| address.is_ipv4())
            .or_else(|| found.first())
            .copied()
            .ok_or_else(|| Error::Unavailable(format!("`{host}` of `{url}` has no address")))?;
        Ok(Self { url: url.to_owned(), authority, address })
    }

    /// A TCP connection that sends small frames at once.
    ///
    /// # Errors
    /// The system's error; `TimedOut` after 10 s.
    pub(crate) async fn connect(&self) -> std::io::Result<TcpStream> {
        let stream = tokio::time::timeout(CONNECT_WAIT_MAX, TcpStream::connect(self.address)).await??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// What to say when the first connection cannot be made.
    pub(crate) fn unreachable(&self, error: &std::io::Error) -> Error {
        let remedy = match error.kind() {
            std::io::ErrorKind::ConnectionRefused => "start one with `ringside serve`, or give its --url",
            std::io::ErrorKind::TimedOut => "check --url, and whether a firewall drops the connection",
            _ => "check --url",
        };
        Error::Unavailable(format!("no host answers at `{}`: {error}: {remedy}", self.url))
    }
}

fn parts(url: &str) -> Result<(String, String, u16), Error> {
    let wrong = |why: &str| Error::Usage(format!("`{url}` is no address of a host: {why}"));
    let uri: Uri = url.parse().map_err(|_| wrong("write http://HOST:PORT"))?;
    match uri.scheme_str() {
        Some("http" | "ws") => {}
        Some("https" | "wss") => {
            return Err(wrong(
                "TLS is not spoken here, give the address behind what ends it, http://HOST:PORT",
            ));
        }
        _ => return Err(wrong("write http://HOST:PORT")),
    }
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err(wrong("leave out what follows the port"));
    }
    let authority = uri.authority().ok_or_else(|| wrong("write http://HOST:PORT"))?;
    if authority.as_str().contains('@') {
        return Err(wrong("leave out user and password"));
    }
    let port = authority.port_u16().unwrap_or(80);
    Ok((authority.to_string(), authority.host().to_owned(), port))
}

/// Reads a stream's id on the command line.
pub(crate) fn stream_id(text: &str) -> Result<StreamId, String> {
    StreamId::new(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolve(url: &str, allow_remote: bool) -> Result<Target, Error> {
        Target::resolve(&TargetArgs { url: url.to_owned(), allow_remote }).await
    }

    #[tokio::test]
    async fn addresses_of_this_machine_are_taken_in_every_writing() {
        for (url, authority) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://127.0.0.1:8080/", "127.0.0.1:8080"),
            ("ws://127.1.2.3:9", "127.1.2.3:9"),
            ("http://[::1]:8080", "[::1]:8080"),
            ("http://127.0.0.1", "127.0.0.1"),
        ] {
            assert_eq!(resolve(url, false).await.unwrap().authority, authority, "{url}");
        }
    }

    #[tokio::test]
    async fn what_is_no_address_or_another_machines_is_refused_with_the_remedy() {
        for (url, remedy) in [
            ("", "http://HOST:PORT"),
            ("127.0.0.1:8080", "http://HOST:PORT"),
            ("ftp://127.0.0.1", "http://HOST:PORT"),
            ("https://127.0.0.1:8080", "TLS"),
            ("http://127.0.0.1:8080/v1/connect", "follows the port"),
            ("http://me:pw@127.0.0.1:8080", "password"),
            ("http://192.0.2.7:8080", "--allow-remote"),
        ] {
            let error = resolve(url, false).await.unwrap_err();
            assert!(matches!(&error, Error::Usage(text) if text.contains(remedy)), "{url}: {error}");
            assert_eq!(error.exit_code(), 64);
        }
        assert!(resolve("http://192.0.2.7:8080", true).await.is_ok());
    }
}
