//! A script that runs on the server, in one piece.

use std::fmt::Write as _;

use redis::{Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, ToRedisArgs, Value};
use sha1::{Digest as _, Sha1};

use crate::commands::Connection;

/// A script by its digest; a server that does not have it (new, restarted, failed over) is sent its text.
pub(crate) struct Script {
    text: &'static str,
    digest: String,
}

impl Script {
    pub(crate) fn new(text: &'static str) -> Self {
        let digest = Sha1::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Self { text, digest }
    }

    /// Runs it; all keys must be of one slot.
    pub(crate) async fn run(
        &self,
        connection: &Connection,
        keys: &[&str],
        arguments: &[impl ToRedisArgs],
    ) -> RedisResult<Value> {
        let call = |verb: &str, script: &str| -> Cmd {
            let mut call = redis::cmd(verb);
            call.arg(script).arg(keys.len()).arg(keys).arg(arguments);
            call
        };
        match connection.one(&call("EVALSHA", &self.digest)).await {
            Err(error) if is_missing(&error) => connection.one(&call("EVAL", self.text)).await,
            outcome => outcome,
        }
    }
}

fn is_missing(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}
