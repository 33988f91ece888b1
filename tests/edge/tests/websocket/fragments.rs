//! Messages in fragments, and control frames between them.

use ringside_edge_tests::conformance::Back::{self, Closed, Pong, Refused, Reply};
use ringside_edge_tests::conformance::Offer::{Deflate, Json, Msgpack};
use ringside_edge_tests::conformance::Step::{self, Await, Send};
use ringside_edge_tests::conformance::{Suite, command, packed_command};
use ringside_edge_tests::wire::{BINARY, FIN, PING, PONG, TEXT, close, frame, split};

#[test]
fn fragments_make_up_their_message_wherever_they_are_cut() {
    let mut suite = Suite::start();
    let (hello, packed) = (command(1, 90), packed_command(1, 320));
    for cut in 0..=hello.len() {
        suite.case(Json, format!("cut at {cut}"), split(TEXT, &hello, &[cut]), &[Reply(1)]);
    }
    for cuts in [vec![0], vec![160], vec![320], (1..320).collect()] {
        let name = format!("binary, cut {} times", cuts.len());
        suite.case(Msgpack, name, split(BINARY, &packed, &cuts), &[Reply(1)]);
    }
    suite.case(Json, "empty fragments", split(TEXT, &hello, &[0, 0, 10, 10, 10, 90, 90]), &[Reply(1)]);
    suite.case(Json, "fragments of one byte", split(TEXT, &hello, &(1..90).collect::<Vec<_>>()), &[Reply(1)]);
    suite.case(Json, "nothing but empty fragments", split(TEXT, b"", &[0, 0]), &[Refused(4500)]);
    let twice = [split(TEXT, &hello, &[30]), split(TEXT, &command(2, 90), &[60])].concat();
    suite.case(Json, "two messages in fragments", twice, &[Reply(1), Reply(2)]);
    suite.finish(190);
}

#[test]
fn fragments_out_of_order_are_refused() {
    let mut suite = Suite::start();
    let hello = command(1, 60);
    let (begun, whole) = (frame(0x01, &hello[..20]), frame(TEXT, &hello));
    let table: [(&str, Vec<Vec<u8>>); 9] = [
        ("the end of no message", vec![frame(FIN, &hello)]),
        ("the middle of no message", vec![frame(0, &hello)]),
        ("an empty end of no message", vec![frame(FIN, b"")]),
        ("a message within a message", vec![begun.clone(), whole.clone()]),
        ("the beginning of a message within a message", vec![begun.clone(), frame(0x01, b"more")]),
        ("a binary message within a text", vec![begun.clone(), frame(BINARY, b"more")]),
        ("a message within a message that has gone on", vec![begun, frame(0, b"more"), whole.clone()]),
        ("an end behind a whole message", vec![whole, frame(FIN, b"more")]),
        ("an end behind the end", vec![split(TEXT, &hello, &[20]), frame(FIN, b"")]),
    ];
    for (name, frames) in table {
        suite.case(Json, name, frames.concat(), &[Refused(1002)]);
    }
    suite.case(Json, "binary in fragments for text", frame(0x02, &hello[..20]), &[Refused(1003)]);
    suite.case(Msgpack, "text in fragments for binary", frame(0x01, &hello[..20]), &[Refused(1003)]);
    suite.finish(22);
}

#[test]
fn control_frames_between_fragments_are_answered_at_once() {
    let mut suite = Suite::start();
    let hello = command(1, 90);
    let part = |first: u8, from: usize, to: usize| Send(frame(first, &hello[from..to]));
    let ping = |payload: &[u8]| [Send(frame(PING, payload)), Await(Pong(payload.to_vec()))];
    let reply = || Await(Reply(1));
    for offer in [Json, Deflate] {
        let [send, pong] = ping(b"between");
        suite.steps(offer, "a ping between two", &[part(1, 0, 20), send, pong, part(FIN, 20, 90), reply()]);
    }
    for payload in [vec![], vec![0xff; 125]] {
        let [send, pong] = ping(&payload);
        let name = format!("a ping of {} bytes between two", payload.len());
        suite.steps(Json, name, &[part(1, 0, 45), send, pong, part(FIN, 45, 90), reply()]);
    }
    let mut each: Vec<Step> = Vec::new();
    for at in 0..9_usize {
        each.push(part(u8::from(at == 0), at * 10, at * 10 + 10));
        each.extend(ping(&[u8::try_from(at).unwrap()]));
    }
    each.extend([Send(frame(FIN, b"")), reply()]);
    suite.steps(Json, "a ping behind each of nine", &each);
    let pong = Send(frame(PONG, b"unasked"));
    suite.steps(Json, "a pong between two", &[part(1, 0, 20), pong, part(FIN, 20, 90), reply()]);
    for (name, code, back) in [("a close", 1000, Closed(Some(1000))), ("a bad close", 1005, Refused(1002))] {
        let steps = [part(1, 0, 20), Send(close(code, b"")), Await(back)];
        suite.steps(Json, format!("{name} between two"), &steps);
    }
    let refused: [(&str, Vec<u8>, Back); 3] = [
        ("a fragmented ping", frame(0x09, b""), Refused(1002)),
        ("a ping that is too long", frame(PING, &[0; 126]), Refused(1002)),
        ("a reserved opcode", frame(0x8b, b""), Refused(1002)),
    ];
    for (name, bytes, back) in refused {
        suite.steps(Json, format!("{name} between two"), &[part(1, 0, 20), Send(bytes), Await(back)]);
    }
    suite.finish(22);
}
