//! Servers that are not what the options say: the error names the address and the remedy.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use ringside_redis::{ConnectError, Redis, RedisOptions};
use ringside_services::redis::ask;
use support::{options, server, within};

async fn refusal(options: RedisOptions) -> ConnectError {
    match within(Redis::connect(options)).await {
        Ok(_) => panic!("connected"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_wrong_or_missing_password_is_told_and_never_shown() {
    let servers = [server()];
    ask(servers[0].address(), &["ACL", "SETUSER", "host", "on", ">open", "~*", "&*", "+@all"]).unwrap();
    ask(servers[0].address(), &["CONFIG", "SET", "requirepass", "sesame"]).unwrap();
    let with = |user: Option<&str>, password: Option<&str>| RedisOptions {
        user: user.map(str::to_owned),
        password: password.map(str::to_owned),
        ..options(&servers)
    };
    let wrong = [
        (None, None, "anyone without a password"),
        (None, Some("guess"), "the default user"),
        (Some("host"), Some("guess"), "user `host`"),
    ];
    for (user, password, who) in wrong {
        let error = refusal(with(user, password)).await;
        assert!(matches!(error, ConnectError::Refused { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(who) && text.contains(servers[0].address()), "{text}");
        assert!(!text.contains("guess"), "{text}");
    }
    for (user, password) in [(None, "sesame"), (Some("host"), "open")] {
        within(Redis::connect(with(user, Some(password)))).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_hangs_is_named() {
    let mut servers = [server()];
    servers[0].stop().unwrap();
    let hangs = refusal(options(&servers)).await;
    servers[0].go_on().unwrap();
    servers[0].kill().unwrap();
    for error in [hangs, refusal(options(&servers)).await] {
        assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
        assert!(error.to_string().contains(servers[0].address()), "{error}");
    }
}

/// Answers like a server of this version and mode, as far as connecting goes.
fn pretender(version: &'static str, mode: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || serve(stream, version, mode));
        }
    });
    address
}

/// Ends when the client goes.
fn serve(stream: TcpStream, version: &str, mode: &str) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    let number = |reader: &mut BufReader<TcpStream>| -> Option<usize> {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        line.trim().get(1..)?.parse().ok()
    };
    loop {
        let mut words = Vec::new();
        for _ in 0..number(&mut reader)? {
            let mut word = vec![0; number(&mut reader)? + 2];
            reader.read_exact(&mut word).ok()?;
            words.push(String::from_utf8_lossy(&word).trim().to_uppercase());
        }
        let info = format!("# Server\r\nredis_version:{version}\r\nredis_mode:{mode}\r\n");
        let answer = match words.first().map(String::as_str) {
            Some("HELLO") if version.starts_with('5') => "-ERR unknown command `HELLO`\r\n".to_owned(),
            Some("HELLO") => "%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n".to_owned(),
            Some("INFO") => format!("${}\r\n{info}\r\n", info.len()),
            _ => "+OK\r\n".to_owned(),
        };
        writer.write_all(answer.as_bytes()).ok()?;
    }
}

#[tokio::test]
async fn an_old_server_and_one_of_the_other_kind_are_told_apart() {
    let cases = [
        ("5.0.14", "standalone", false, "version 5 or older"),
        ("6.2.14", "standalone", false, "version 6.2.14: version 7.0 or later"),
        (
            "7.0.15",
            "cluster",
            false,
            "runs as `cluster`, but a single server is configured: set `cluster` to true",
        ),
        (
            "7.0.15",
            "standalone",
            true,
            "runs as `standalone`, but a cluster is configured: set `cluster` to false",
        ),
        ("8.2.3", "sentinel", false, "runs as `sentinel`"),
    ];
    for (version, mode, cluster, expected) in cases {
        let address = pretender(version, mode);
        let error = refusal(RedisOptions { addresses: vec![address.clone()], cluster, ..options(&[]) }).await;
        let text = error.to_string();
        assert!(text.contains(expected) && text.contains(&address), "{text}");
    }
}
