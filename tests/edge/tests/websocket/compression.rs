//! permessage-deflate: what is agreed on, what clients may send, and what the server sends.

use flate2::{Compress, Compression};
use ringside_edge_tests::conformance::Back::{self, Pong, Refused, Reply};
use ringside_edge_tests::conformance::Offer::{Deflate, Json, Msgpack, MsgpackDeflate};
use ringside_edge_tests::conformance::Step::{Await, Send};
use ringside_edge_tests::conformance::{Suite, command, message, packed_command};
use ringside_edge_tests::wire::{
    BINARY, Came, Connection, FIN, PING, RSV1, TEXT, deflate, deflate_with, frame, request, split,
};
use ringside_testkit::Client;
use serde_json::json;

/// Deflate's block of bytes as they are, which is not the last (RFC 1951, 3.2.4).
fn stored(bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).unwrap();
    [&[0][..], &len.to_le_bytes(), &(!len).to_le_bytes(), bytes].concat()
}

#[test]
fn compressed_messages_are_taken_in_every_form_that_the_standard_has() {
    let mut suite = Suite::start();
    let body = command(4, 1_000);
    let small = deflate(&body);
    assert!(small.len() < 100, "{}", small.len());
    let mut run = |name: &str, bytes: Vec<u8>, back: &[Back]| suite.case(Deflate, name, bytes, back);
    run("compressed", frame(TEXT | RSV1, &small), &[Reply(4)]);
    run("not compressed", frame(TEXT, &body), &[Reply(4)]);
    for cut in [0, 1, small.len() / 2, small.len()] {
        run(&format!("cut at {cut}"), split(TEXT | RSV1, &small, &[cut]), &[Reply(4)]);
    }
    let everywhere: Vec<usize> = (1..small.len()).collect();
    run("cut everywhere", split(TEXT | RSV1, &small, &everywhere), &[Reply(4)]);
    let one = |id: u64| frame(TEXT | RSV1, &deflate(&command(id, 300)));
    run("one after the other", [one(5), one(6), one(7)].concat(), &[Reply(5), Reply(6), Reply(7)]);
    run(
        "plain ones between",
        [one(5), frame(TEXT, &command(6, 300)), one(7)].concat(),
        &[Reply(5), Reply(6), Reply(7)],
    );
    // RFC 7692, 7.2.3.3 to 7.2.3.5: blocks of no compression, a final block, two blocks.
    let hello = command(8, 60);
    let ended = [stored(&hello), vec![0]].concat();
    run("a block of no compression", frame(TEXT | RSV1, &ended), &[Reply(8)]);
    let halves = [stored(&hello[..30]), stored(&hello[30..]), vec![0]].concat();
    run("two blocks of no compression", frame(TEXT | RSV1, &halves), &[Reply(8)]);
    let mixed = [stored(b""), stored(b""), deflate(&hello)].concat();
    run("empty blocks before it", frame(TEXT | RSV1, &mixed), &[Reply(8)]);
    let mut last = stored(&hello);
    last[0] = 1;
    run("a final block", frame(TEXT | RSV1, &[last, vec![0]].concat()), &[Reply(8)]);
    for level in [0, 1, 9] {
        let mut window = Compress::new(Compression::new(level), false);
        run(&format!("level {level}"), frame(TEXT | RSV1, &deflate_with(&mut window, &body)), &[Reply(4)]);
    }
    run("a message of nothing", frame(TEXT | RSV1, &[0]), &[Refused(4500)]);
    let [first, second] = [&small[..10], &small[10..]];
    let steps = [
        Send(frame(0x01 | RSV1, first)),
        Send(frame(PING, b"between")),
        Await(Pong(b"between".into())),
        Send(frame(FIN, second)),
        Await(Reply(4)),
    ];
    suite.steps(Deflate, "a ping between compressed fragments", &steps);
    let packed = deflate(&packed_command(9, 1_000));
    suite.case(MsgpackDeflate, "MessagePack", frame(BINARY | RSV1, &packed), &[Reply(9)]);
    suite.case(MsgpackDeflate, "MessagePack in fragments", split(BINARY | RSV1, &packed, &[9]), &[Reply(9)]);
    suite.finish(36);
}

#[test]
fn what_does_not_inflate_or_grows_past_the_limit_is_refused() {
    let mut suite = Suite::start();
    let body = command(4, 1_000);
    let small = deflate(&body);
    let compressed = |bytes: &[u8]| frame(TEXT | RSV1, bytes);
    let mut window = Compress::new(Compression::default(), false);
    let alone = frame(TEXT | RSV1, &deflate_with(&mut window, &body));
    // Refers to the message before, though no context was to be taken over.
    let leaning = frame(TEXT | RSV1, &deflate_with(&mut window, &body));
    let bomb = deflate(&vec![b' '; 3_000_000]);
    assert!(bomb.len() < 4_000, "the frame itself is within the limit: {}", bomb.len());
    let at = |len: usize| compressed(&deflate(&command(4, len)));
    let table: [(&str, Vec<u8>, u16); 12] = [
        ("4097 bytes inflated", at(4_097), 1009),
        ("65536 bytes inflated", at(65_536), 1009),
        ("a bomb", compressed(&bomb), 1009),
        ("a bomb in fragments", split(TEXT | RSV1, &bomb, &[1, 2_000]), 1009),
        ("4097 bytes of compressed frame", compressed(&[0; 4_097]), 1009),
        ("no deflate at all", compressed(&[0xff; 20]), 1007),
        ("the reserved kind of block", compressed(&[0x06, 0, 0]), 1007),
        (
            "a block whose length is wrong",
            compressed(&[0, 5, 0, 5, 0, b'a', b'b', b'c', b'd', b'e', 0]),
            1007,
        ),
        ("a message that leans on the one before", [alone, leaning].concat(), 1007),
        ("no UTF-8 inflated", compressed(&deflate(&[0xce; 50])), 1007),
        ("no JSON inflated", compressed(&deflate(b"hello? hello? hello?")), 4500),
        ("plain text that says it is compressed", compressed(&body), 1007),
    ];
    for (name, bytes, code) in table {
        // The message that is leaned on is answered, or not, before the close: which, is not said.
        let back = Refused(code);
        if name.contains("leans") {
            leaned(&mut suite, name, &bytes, back);
        } else {
            suite.case(Deflate, name, bytes, &[back]);
        }
    }
    suite.case(Deflate, "4096 bytes inflated", at(4_096), &[Reply(4)]);
    for cut in [1, small.len() / 2, small.len() - 1] {
        let name = format!("the first {cut} of {} compressed bytes", small.len());
        suite.case(Deflate, name, compressed(&small[..cut]), &[Refused(1007)]);
    }
    // All that was to be said is there, but the block that says it has no end.
    let whole = command(4, 60);
    let endless = [&[0, 61, 0, !61, 0xff][..], &whole].concat();
    suite.case(Deflate, "a block that is a byte short", compressed(&endless), &[Refused(1007)]);
    let marked = [frame(0x01 | RSV1, &small[..5]), frame(FIN | RSV1, &small[5..])].concat();
    suite.case(Deflate, "RSV1 on the end too", marked, &[Refused(1002)]);
    let late = [frame(0x01, &small[..5]), frame(FIN | RSV1, &small[5..])].concat();
    suite.case(Deflate, "RSV1 on the end alone", late, &[Refused(1002)]);
    for (offer, first) in [(Json, TEXT), (Msgpack, BINARY)] {
        suite.case(
            offer,
            "compressed though it was not agreed on",
            frame(first | RSV1, &small),
            &[Refused(1002)],
        );
    }
    suite.finish(24);
}

/// Sends the first message, awaits its reply, then the second.
fn leaned(suite: &mut Suite, name: &str, bytes: &[u8], back: Back) {
    let first = bytes.len() - frame(TEXT | RSV1, &[]).len();
    let cut = frame_len(bytes).min(first);
    let steps = [Send(bytes[..cut].to_vec()), Await(Reply(4)), Send(bytes[cut..].to_vec()), Await(back)];
    suite.steps(Deflate, name, &steps);
}

/// Length of the client's frame at the front, of fewer than 126 bytes.
fn frame_len(bytes: &[u8]) -> usize {
    2 + 4 + usize::from(bytes[1] & 0x7f)
}

#[test]
fn offers_are_met_or_declined_and_no_context_is_ever_taken_over() {
    let suite = Suite::start();
    for (offers, agreed) in [
        (&["permessage-deflate"][..], true),
        (&["permessage-deflate; client_max_window_bits"], true),
        (&["permessage-deflate; server_no_context_takeover; client_no_context_takeover"], true),
        (&["permessage-deflate; server_max_window_bits=15; client_max_window_bits=9"], true),
        (&["permessage-deflate; server_max_window_bits=9, permessage-deflate"], true),
        (&["x-webkit-deflate-frame", "permessage-deflate; client_max_window_bits"], true),
        (&["Permessage-Deflate;client_max_window_bits=\"10\""], true),
        (&["permessage-deflate; server_max_window_bits=9"], false),
        (&["permessage-deflate; server_max_window_bits"], false),
        (&["permessage-deflate; client_max_window_bits=16"], false),
        (&["permessage-deflate; client_max_window_bits; client_max_window_bits"], false),
        (&["permessage-deflate; server_no_context_takeover=1"], false),
        (&["permessage-deflate; nonsense"], false),
        (&["x-other"], false),
        (&[], false),
    ] {
        let lines: String =
            offers.iter().map(|offer| format!("Sec-WebSocket-Extensions: {offer}\r\n")).collect();
        let headers = format!("{}{lines}", Json.headers());
        let mut connection = Connection::open(suite.pop().address(), request(&headers).as_bytes()).unwrap();
        assert_eq!(connection.status(), "101", "{offers:?}: {}", connection.head);
        let head = connection.head.to_lowercase();
        let answer = head.lines().find_map(|line| line.strip_prefix("sec-websocket-extensions: "));
        assert_eq!(answer.is_some(), agreed, "{offers:?}: {head}");
        if let Some(answer) = answer {
            let parts: Vec<&str> = answer.split("; ").collect();
            assert_eq!(parts[0], "permessage-deflate", "{offers:?}");
            for part in ["server_no_context_takeover", "client_no_context_takeover"] {
                assert!(parts.contains(&part), "{offers:?}: {answer}");
            }
            let asked = offers.iter().any(|offer| offer.contains("server_max_window_bits=15"));
            assert_eq!(parts.contains(&"server_max_window_bits=15"), asked, "{offers:?}: {answer}");
        }
        // What was agreed on holds.
        connection.write(&frame(TEXT | RSV1, &deflate(&command(1, 300))));
        match connection.read().unwrap() {
            Came::Text(text) => assert!(agreed && text.contains(r#""id":1"#), "{offers:?}: {text}"),
            came => assert!(!agreed && matches!(came, Came::Close(Some(1002), _)), "{offers:?}: {came:?}"),
        }
    }
    suite.finish(0);
}

#[test]
fn each_batch_of_the_server_inflates_by_itself_and_only_where_it_was_agreed_on() {
    let suite = Suite::start();
    let offers = [Json, Msgpack, Deflate, MsgpackDeflate];
    let mut viewers = offers.map(|offer| {
        let mut connection = suite.connect(offer).unwrap();
        let join = json!({ "type": "join", "id": 1, "stream": "lobby" });
        connection.write(&match offer {
            Json | Deflate => frame(TEXT, join.to_string().as_bytes()),
            Msgpack | MsgpackDeflate => frame(BINARY, &rmp_serde::to_vec_named(&join).unwrap()),
        });
        let reply = message(offer, &connection.read().unwrap()).unwrap();
        assert_eq!((reply.id, reply.status.as_deref()), (Some(1), Some("joined")));
        connection
    });
    let mut mona = Client::join(suite.pop(), "mona", "moderator", "lobby");
    let texts: Vec<String> =
        (0..8).map(|n| format!("{n}: and again, and again, and again, and again")).collect();
    for text in &texts {
        mona.comment(text);
    }
    for (offer, connection) in offers.into_iter().zip(&mut viewers) {
        let mut seen = Vec::new();
        while seen.len() < texts.len() {
            // The reader inflates each message with a window of its own, and refuses one where this was not agreed on.
            let batch = message(offer, &connection.read().unwrap()).unwrap();
            let said = batch.events.into_iter().filter(|event| event.kind == "comment");
            seen.extend(said.map(|event| event.text.unwrap()));
        }
        assert_eq!(seen, texts, "{offer:?}");
        let compresses = matches!(offer, Deflate | MsgpackDeflate);
        assert_eq!(connection.inflated > 0, compresses, "{offer:?}: {} batches", connection.inflated);
    }
    suite.finish(0);
}
