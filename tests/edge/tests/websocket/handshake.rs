//! The opening handshake, and who lets it wait.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use ringside_edge_tests::conformance::{Offer, Suite, command};
use ringside_edge_tests::wire::{Came, Connection, PING, TEXT, frame, request};
use ringside_testkit::wait::WAIT_MAX;

const JSON: &str = "Sec-WebSocket-Protocol: ringside.v1.json\r\n";
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[test]
fn a_good_handshake_is_answered_as_the_standard_shows_however_it_is_written() {
    let suite = Suite::start();
    let good = request(JSON);
    let table: [(&str, String, &str); 11] = [
        ("plain", good.clone(), "ringside.v1.json"),
        ("another case", good.replace("Upgrade: websocket", "upgrade: WebSocket"), "ringside.v1.json"),
        (
            "more in `Connection`",
            good.replace("Connection: Upgrade", "connection: keep-alive, upgrade"),
            "ringside.v1.json",
        ),
        ("no spaces", good.replace(": ", ":"), "ringside.v1.json"),
        ("a query", good.replace("/v1/connect ", "/v1/connect?from=test "), "ringside.v1.json"),
        (
            "a head of 12 KB",
            request(&format!("{JSON}Cookie: {}\r\n", "c".repeat(12_000))),
            "ringside.v1.json",
        ),
        (
            "two subprotocols",
            request("Sec-WebSocket-Protocol: ringside.v1.json, ringside.v1.msgpack\r\n"),
            "ringside.v1.json",
        ),
        (
            "the other order",
            request("Sec-WebSocket-Protocol: ringside.v1.msgpack, ringside.v1.json\r\n"),
            "ringside.v1.msgpack",
        ),
        (
            "an unknown one first",
            request("Sec-WebSocket-Protocol: chat, ringside.v1.msgpack\r\n"),
            "ringside.v1.msgpack",
        ),
        (
            "two lines of them",
            request(&format!("Sec-WebSocket-Protocol: chat\r\n{JSON}")),
            "ringside.v1.json",
        ),
        ("a page's origin", request(&format!("{JSON}Origin: https://tv.example\r\n")), "ringside.v1.json"),
    ];
    for (name, request, subprotocol) in table {
        let connection = Connection::open(suite.pop().address(), request.as_bytes()).unwrap();
        let head = connection.head.to_lowercase();
        assert_eq!(connection.status(), "101", "{name}: {head}");
        // The answer to the key of RFC 6455, 1.3.
        assert!(
            head.contains("\r\nsec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"),
            "{name}: {head}"
        );
        assert!(
            head.contains("\r\nupgrade: websocket\r\n") && head.contains("\r\nconnection: upgrade\r\n"),
            "{name}: {head}"
        );
        assert!(head.contains(&format!("\r\nsec-websocket-protocol: {subprotocol}\r\n")), "{name}: {head}");
        assert!(!head.contains("sec-websocket-extensions"), "{name}: {head}");
    }
}

#[test]
fn a_bad_handshake_is_refused_with_its_status_and_remedy() {
    let suite = Suite::start();
    let good = request(JSON);
    let table: [(&str, String, &str, &str); 21] = [
        ("no subprotocol", request(""), "400", "ringside.v1.json"),
        ("an unknown subprotocol", request("Sec-WebSocket-Protocol: chat\r\n"), "400", "`chat`"),
        (
            "a subprotocol in another case",
            request("Sec-WebSocket-Protocol: RINGSIDE.V1.JSON\r\n"),
            "400",
            "ringside.v1.json",
        ),
        ("version 8", good.replace("Version: 13", "Version: 8"), "426", "must be 13"),
        ("version 14", good.replace("Version: 13", "Version: 14"), "426", "must be 13"),
        ("no version", good.replace("Sec-WebSocket-Version: 13\r\n", ""), "426", "must be 13"),
        ("no `Upgrade`", good.replace("Upgrade: websocket\r\n", ""), "426", "Upgrade: websocket"),
        ("another upgrade", good.replace("Upgrade: websocket", "Upgrade: h2c"), "426", "Upgrade: websocket"),
        ("no `Connection`", good.replace("Connection: Upgrade\r\n", ""), "426", "Connection: upgrade"),
        (
            "another connection",
            good.replace("Connection: Upgrade", "Connection: close"),
            "426",
            "Connection: upgrade",
        ),
        ("no key", good.replace(KEY, ""), "400", "Sec-WebSocket-Key"),
        ("a short key", good.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), "400", "16 bytes"),
        (
            "a long key",
            good.replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZSE="),
            "400",
            "16 bytes",
        ),
        (
            "a key that is not base64",
            good.replace("dGhlIHNhbXBsZSBub25jZQ==", "!!!!!!!!!!!!!!!!!!!!!!=="),
            "400",
            "base64",
        ),
        ("two keys", good.replace(KEY, &KEY.repeat(2)), "400", "Sec-WebSocket-Key"),
        ("no `Host`", good.replace("Host: localhost\r\n", ""), "400", "Host"),
        ("HTTP/1.0", good.replace("HTTP/1.1", "HTTP/1.0"), "426", "HTTP/1.1"),
        ("POST", good.replace("GET ", "POST "), "405", "begins with GET"),
        ("HEAD", good.replace("GET ", "HEAD "), "405", ""),
        ("a bad token", request(&format!("{JSON}Authorization: Bearer nonsense\r\n")), "401", "token"),
        (
            "a token of another scheme",
            request(&format!("{JSON}Authorization: Basic YTpi\r\n")),
            "401",
            "Bearer",
        ),
    ];
    for (name, request, status, remedy) in table {
        let mut connection = Connection::open(suite.pop().address(), request.as_bytes()).unwrap();
        assert_eq!(connection.status(), status, "{name}: {}", connection.head);
        let head = connection.head.to_lowercase();
        assert!(head.contains("\r\ncontent-type: application/problem+json\r\n"), "{name}: {head}");
        assert_eq!(head.contains("\r\nsec-websocket-version: 13\r\n"), status == "426", "{name}: {head}");
        if name != "HEAD" {
            let body = connection.body();
            assert!(body.contains(remedy), "{name}: {body} does not say {remedy}");
        }
    }
    // Not a request for anything: refused before there is an address to refuse it for.
    for (name, request, status) in [
        ("a head of 20 KB", request(&format!("{JSON}Cookie: {}\r\n", "c".repeat(20_000))), "431"),
        ("200 headers", request(&format!("{JSON}{}", "X-More: 1\r\n".repeat(200))), "431"),
        ("no HTTP", "hello?\r\n\r\n".to_owned(), "400"),
        ("a header without a colon", request("nonsense\r\n"), "400"),
    ] {
        let connection = Connection::open(suite.pop().address(), request.as_bytes()).unwrap();
        assert_eq!(connection.status(), status, "{name}: {}", connection.head);
    }
}

#[test]
fn a_handshake_may_come_in_pieces_and_with_frames_behind_it() {
    let suite = Suite::start();
    let text = frame(TEXT, &command(1, 60));
    let all = [request(JSON).as_bytes(), &frame(PING, b"early"), &text].concat();
    for cut in [all.len(), all.len() - 1, all.len() - text.len(), all.len() - text.len() - 3] {
        let mut connection = Connection::open(suite.pop().address(), &all[..cut]).unwrap();
        connection.write(&all[cut..]);
        assert_eq!(connection.read().unwrap(), Came::Pong(b"early".into()), "cut at {cut}");
        let reply = connection.read().unwrap();
        assert!(matches!(&reply, Came::Text(text) if text.contains(r#""id":1"#)), "cut at {cut}: {reply:?}");
    }
    let mut stream = TcpStream::connect(suite.pop().address()).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(WAIT_MAX)).unwrap();
    for byte in request(JSON).as_bytes() {
        stream.write_all(&[*byte]).unwrap();
    }
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 101");
}

#[test]
fn who_does_not_end_the_request_is_let_go_and_others_are_not() {
    let suite = Suite::start();
    let mut patient = suite.connect(Offer::Json).unwrap();
    let mut silent: Vec<TcpStream> =
        ["", "G", "GET /v1/connect HT", "GET /v1/connect HTTP/1.1\r\nHost: localhost\r\n"]
            .iter()
            .map(|begun| {
                let mut stream = TcpStream::connect(suite.pop().address()).unwrap();
                stream.set_read_timeout(Some(WAIT_MAX)).unwrap();
                stream.write_all(begun.as_bytes()).unwrap();
                stream
            })
            .collect();
    for stream in &mut silent {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("the server ends the connection");
        assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
    }
    patient.write(&frame(PING, b"still there?"));
    assert_eq!(patient.read().unwrap(), Came::Pong(b"still there?".into()));
    suite.finish(0);
}
