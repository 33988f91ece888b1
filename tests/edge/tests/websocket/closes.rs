//! The closing handshake: which codes may be sent, what is answered, and that nothing counts behind it.

use ringside_edge_tests::conformance::Back::{Closed, Refused, Reply};
use ringside_edge_tests::conformance::Offer::{Deflate, Json, Msgpack};
use ringside_edge_tests::conformance::{Suite, command};
use ringside_edge_tests::wire::{CLOSE, PING, TEXT, close, frame};

#[test]
fn a_close_is_answered_with_its_code_where_the_code_may_be_sent() {
    let mut suite = Suite::start();
    for offer in [Json, Msgpack, Deflate] {
        suite.case(offer, "no code", frame(CLOSE, b""), &[Closed(None)]);
        suite.case(offer, "1000", close(1000, b""), &[Closed(Some(1000))]);
    }
    // 1012 to 1014 came into IANA's registry after the standard.
    for code in (1000..=1003).chain(1007..=1014).chain([3000, 3001, 3999, 4000, 4001, 4500, 4998, 4999]) {
        suite.case(Json, format!("{code}"), close(code, b""), &[Closed(Some(code))]);
        suite.case(Json, format!("{code} with a reason"), close(code, b"bye"), &[Closed(Some(code))]);
    }
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 9999, 65_535] {
        suite.case(Json, format!("{code}"), close(code, b""), &[Refused(1002)]);
        suite.case(Json, format!("{code} with a reason"), close(code, b"bye"), &[Refused(1002)]);
    }
    suite.finish(140);
}

#[test]
fn a_closes_body_is_nothing_or_a_code_and_a_reason_in_utf8() {
    let mut suite = Suite::start();
    for byte in [0, 3, 0xff] {
        suite.case(Json, format!("half a code, {byte}"), frame(CLOSE, &[byte]), &[Refused(1002)]);
    }
    let signs = "κ".repeat(61);
    for (name, reason) in
        [("no reason", &b""[..]), ("UTF-8", "tschüß κόσμε 🎉".as_bytes()), ("122 bytes", signs.as_bytes())]
    {
        suite.case(Json, name, close(1000, reason), &[Closed(Some(1000))]);
    }
    suite.case(Json, "the longest reason", close(4000, &[b'r'; 123]), &[Closed(Some(4000))]);
    suite.case(Json, "a reason that is too long", close(4000, &[b'r'; 124]), &[Refused(1002)]);
    for (name, reason) in [
        ("a lone continuation", &[0x80][..]),
        ("a cut sign", &[0xce, 0xba, 0xe1, 0xbd]),
        ("a surrogate", &[0xed, 0xa0, 0x80]),
        ("past U+10FFFF", &[0xf4, 0x90, 0x80, 0x80]),
        ("FF", b"bye\xff"),
    ] {
        suite.case(Json, name, close(1000, reason), &[Refused(1007)]);
    }
    suite.finish(26);
}

#[test]
fn nothing_behind_a_close_counts() {
    let mut suite = Suite::start();
    let goodbye = close(1000, b"");
    for (name, late) in [
        ("a message", frame(TEXT, &command(1, 60))),
        ("a ping", frame(PING, b"late")),
        ("another close", close(1001, b"")),
        ("a frame that is refused elsewhere", frame(0x83, b"")),
        ("bytes that are no frame", vec![0xff; 100]),
    ] {
        suite.case(Json, name, [goodbye.clone(), late].concat(), &[Closed(Some(1000))]);
    }
    // What came before is answered first, or not at all: never behind the close.
    let before = [frame(PING, b"early"), goodbye.clone()].concat();
    let pong = ringside_edge_tests::conformance::Back::Pong(b"early".into());
    suite.case(Json, "a ping before it", before, &[pong, Closed(Some(1000))]);
    let refused = [frame(0x83, b""), frame(TEXT, &command(1, 60)), goodbye].concat();
    suite.case(Json, "a refused frame before all", refused, &[Refused(1002)]);
    let two = [frame(TEXT, &command(1, 60)), frame(TEXT, &command(2, 60))].concat();
    suite.case(Json, "no close at all", two, &[Reply(1), Reply(2)]);
    suite.finish(14);
}
