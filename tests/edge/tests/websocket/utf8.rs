//! Text that is UTF-8 and text that is not, cut at every byte of it by frames and by writes.

use ringside_edge_tests::conformance::Back::{Refused, Reply};
use ringside_edge_tests::conformance::Offer::{Deflate, Json, Msgpack};
use ringside_edge_tests::conformance::{Suite, packed_command};
use ringside_edge_tests::wire::{BINARY, TEXT, deflate, frame, split};

const BEFORE: &[u8] = br#"{"type":"comment","id":3,"text":""#;

/// A command with these bytes as its text, and all places within the text to cut it at.
fn with(text: &[u8]) -> (Vec<u8>, Vec<usize>) {
    ([BEFORE, text, br#""}"#].concat(), (BEFORE.len()..=BEFORE.len() + text.len()).collect())
}

#[test]
fn text_in_utf8_is_taken_wherever_it_is_cut() {
    let mut suite = Suite::start();
    let edges = [
        '\u{7f}',
        '\u{80}',
        '\u{7ff}',
        '\u{800}',
        '\u{d7ff}',
        '\u{e000}',
        '\u{fdd0}',
        '\u{feff}',
        '\u{fffd}',
        '\u{fffe}',
        '\u{ffff}',
        '\u{10000}',
        '\u{1fffe}',
        '\u{10ffff}',
    ];
    let texts = edges.iter().map(char::to_string);
    for text in texts.chain(["κόσμε 🎉 한".to_owned(), "Hello-µ@ßöäüàá-UTF-8!!".to_owned()]) {
        let (payload, cuts) = with(text.as_bytes());
        let name = text.escape_unicode();
        suite.case(Json, format!("{name}"), frame(TEXT, &payload), &[Reply(3)]);
        suite.case(Deflate, format!("{name}"), frame(0xc1, &deflate(&payload)), &[Reply(3)]);
        for cut in &cuts {
            suite.case(Json, format!("{name} cut at {cut}"), split(TEXT, &payload, &[*cut]), &[Reply(3)]);
        }
        suite.case(Json, format!("{name} cut everywhere"), split(TEXT, &payload, &cuts), &[Reply(3)]);
    }
    suite.finish(16 * 8);
}

#[test]
fn text_that_is_not_utf8_is_refused_wherever_it_is_cut() {
    let mut suite = Suite::start();
    let table: [(&str, &[u8]); 30] = [
        ("a lone continuation", &[0x80]),
        ("the last continuation", &[0xbf]),
        ("two continuations", &[0x80, 0xbf]),
        ("six continuations", &[0x80, 0xbf, 0x80, 0xbf, 0x80, 0xbf]),
        ("the first of two alone", &[0xc2]),
        ("the first of three alone", &[0xe1]),
        ("two of three", &[0xe1, 0x80]),
        ("the first of four alone", &[0xf1]),
        ("three of four", &[0xf1, 0x80, 0x80]),
        ("starts one after the other", &[0xc2, 0xe1, 0xf1]),
        ("good text before", b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"),
        ("two bytes for an ASCII sign", &[0xc0, 0xaf]),
        ("two bytes for the last ASCII sign", &[0xc1, 0xbf]),
        ("three bytes for an ASCII sign", &[0xe0, 0x80, 0xaf]),
        ("three bytes for the last of two", &[0xe0, 0x9f, 0xbf]),
        ("four bytes for an ASCII sign", &[0xf0, 0x80, 0x80, 0xaf]),
        ("four bytes for the last of three", &[0xf0, 0x8f, 0xbf, 0xbf]),
        ("a null in two bytes", &[0xc0, 0x80]),
        ("the first high surrogate", &[0xed, 0xa0, 0x80]),
        ("the last high surrogate", &[0xed, 0xaf, 0xbf]),
        ("the first low surrogate", &[0xed, 0xb0, 0x80]),
        ("the last low surrogate", &[0xed, 0xbf, 0xbf]),
        ("a pair of surrogates", &[0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80]),
        ("the first past U+10FFFF", &[0xf4, 0x90, 0x80, 0x80]),
        ("the first of four past F4", &[0xf5, 0x80, 0x80, 0x80]),
        ("five bytes", &[0xf8, 0x88, 0x80, 0x80, 0x80]),
        ("six bytes", &[0xfc, 0x84, 0x80, 0x80, 0x80, 0x80]),
        ("FE", &[0xfe]),
        ("FF", &[0xff]),
        ("FE FE FF FF", &[0xfe, 0xfe, 0xff, 0xff]),
    ];
    for (name, text) in table {
        let (payload, cuts) = with(text);
        suite.case(Json, name, frame(TEXT, &payload), &[Refused(1007)]);
        suite.case(Deflate, name, frame(0xc1, &deflate(&payload)), &[Refused(1007)]);
        for cut in &cuts {
            suite.case(
                Json,
                format!("{name}, cut at {cut}"),
                split(TEXT, &payload, &[*cut]),
                &[Refused(1007)],
            );
        }
        suite.case(Json, format!("{name}, cut everywhere"), split(TEXT, &payload, &cuts), &[Refused(1007)]);
        // The message ends within the sign, or right behind it.
        suite.case(
            Json,
            format!("{name}, at the end"),
            frame(TEXT, &payload[..payload.len() - 2]),
            &[Refused(1007)],
        );
    }
    for cut in 1.."🎉".len() {
        let (payload, _) = with("🎉".as_bytes());
        let ended = &payload[..BEFORE.len() + cut];
        suite.case(Json, format!("a sign ended after {cut} bytes"), frame(TEXT, ended), &[Refused(1007)]);
    }
    // A binary message may have any bytes: that its text is none is the subprotocol's business.
    let mut packed = packed_command(3, 320);
    let last = packed.iter().rposition(|byte| *byte == b'x').unwrap();
    packed[last] = 0xff;
    suite.case(Msgpack, "a text of MessagePack that is not UTF-8", frame(BINARY, &packed), &[Refused(4500)]);
    suite.finish(30 * 10);
}
