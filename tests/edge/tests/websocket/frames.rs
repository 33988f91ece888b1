//! Single frames: opcodes, reserved bits, masks, lengths, sizes at the limits, pings and pongs.

use ringside_edge_tests::conformance::Back::{Pong, Refused, Reply};
use ringside_edge_tests::conformance::Offer::{Deflate, Json, Msgpack, MsgpackDeflate};
use ringside_edge_tests::conformance::{Suite, command, packed_command};
use ringside_edge_tests::wire::{BINARY, FIN, PING, PONG, TEXT, deflate, frame, masked, split, unmasked};

#[test]
fn every_opcode_and_reserved_bit_is_taken_or_refused_as_the_standard_says() {
    let mut suite = Suite::start();
    let hello = command(1, 60);
    suite.case(Json, "a text message", frame(TEXT, &hello), &[Reply(1)]);
    suite.case(Msgpack, "a binary message", frame(BINARY, &packed_command(1, 300)), &[Reply(1)]);
    suite.case(Json, "binary for text", frame(BINARY, &hello), &[Refused(1003)]);
    suite.case(Msgpack, "text for binary", frame(TEXT, &hello), &[Refused(1003)]);
    suite.case(Json, "no JSON", frame(TEXT, b"hello?"), &[Refused(4500)]);
    suite.case(Msgpack, "no MessagePack", frame(BINARY, &[0xc1]), &[Refused(4500)]);
    suite.case(Json, "an empty text message", frame(TEXT, b""), &[Refused(4500)]);
    suite.case(Msgpack, "an empty binary message", frame(BINARY, b""), &[Refused(4500)]);
    for opcode in (3..8).chain(11..16) {
        for offer in [Json, Msgpack, Deflate] {
            suite.case(offer, format!("opcode {opcode}"), frame(FIN | opcode, b""), &[Refused(1002)]);
        }
        let name = format!("opcode {opcode} with a payload, behind a message");
        let bytes = [frame(TEXT, &hello), frame(FIN | opcode, b"reserved")].concat();
        suite.case(Json, name, bytes, &[Refused(1002)]);
    }
    // RSV1 alone on data is right where compression was agreed on: `compression.rs`.
    for bits in [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70] {
        for (what, first, payload) in
            [("text", TEXT, &hello[..]), ("a ping", PING, b""), ("a pong", PONG, b""), ("a close", 0x88, b"")]
        {
            let name = format!("reserved bits {bits:02x} on {what}");
            suite.case(Json, &name, frame(first | bits, payload), &[Refused(1002)]);
            if bits != 0x40 || first != TEXT {
                suite.case(Deflate, &name, frame(first | bits, payload), &[Refused(1002)]);
            }
        }
    }
    suite.finish(200);
}

#[test]
fn a_mask_is_needed_and_may_be_any() {
    let mut suite = Suite::start();
    let hello = command(1, 60);
    for mask in [[0; 4], [0xff; 4], [0, 0, 0, 1], [0x80, 0, 0, 0], *b"{\"ty"] {
        suite.case(Json, format!("mask {mask:02x?}"), masked(TEXT, &hello, mask), &[Reply(1)]);
        suite.case(
            Json,
            format!("mask {mask:02x?} on a ping"),
            masked(PING, b"abcde", mask),
            &[Pong(b"abcde".into())],
        );
    }
    for (what, first, payload) in [
        ("text", TEXT, &hello[..]),
        ("empty text", TEXT, b""),
        ("a ping", PING, b"p"),
        ("a close", 0x88, &[3, 232]),
    ] {
        suite.case(Json, format!("{what} without a mask"), unmasked(first, payload), &[Refused(1002)]);
    }
    let second = [frame(TEXT, &hello), unmasked(TEXT, &hello)].concat();
    suite.case(Json, "the second message without a mask", second, &[Refused(1002)]);
    suite.finish(28);
}

#[test]
fn messages_of_every_size_up_to_the_limit_are_taken_and_none_past_it() {
    let mut suite = Suite::start();
    for len in [60, 124, 125, 126, 127, 128, 255, 256, 4_095, 4_096] {
        let body = command(9, len);
        suite.case(Json, format!("{len} bytes"), frame(TEXT, &body), &[Reply(9)]);
        suite.case(Json, format!("{len} bytes in two frames"), split(TEXT, &body, &[len / 2]), &[Reply(9)]);
        suite.case(Json, format!("{len} bytes, the last alone"), split(TEXT, &body, &[len - 1]), &[Reply(9)]);
        suite.case(Deflate, format!("{len} bytes, not compressed"), frame(TEXT, &body), &[Reply(9)]);
        suite.case(Deflate, format!("{len} bytes, compressed"), frame(0xc1, &deflate(&body)), &[Reply(9)]);
    }
    for len in [320, 321, 4_095, 4_096] {
        let body = packed_command(9, len);
        suite.case(Msgpack, format!("{len} bytes"), frame(BINARY, &body), &[Reply(9)]);
        suite.case(MsgpackDeflate, format!("{len} bytes"), frame(0xc2, &deflate(&body)), &[Reply(9)]);
    }
    for len in [4_097, 65_535, 65_536] {
        let (body, packed) = (command(9, len), packed_command(9, len));
        suite.case(Json, format!("{len} bytes"), frame(TEXT, &body), &[Refused(1009)]);
        suite.case(Msgpack, format!("{len} bytes"), frame(BINARY, &packed), &[Refused(1009)]);
        suite.case(Deflate, format!("{len} bytes"), frame(TEXT, &body), &[Refused(1009)]);
        suite.case(
            Deflate,
            format!("{len} bytes, compressed"),
            frame(0xc1, &deflate(&body)),
            &[Refused(1009)],
        );
        for cut in [1, 4_000, 4_096] {
            let name = format!("{len} bytes in frames, cut at {cut}");
            suite.case(Json, name, split(TEXT, &body, &[cut]), &[Refused(1009)]);
        }
    }
    // The head is enough to refuse: nobody waits for gigabytes.
    for (len, code) in
        [(4_097, 1009), (1 << 32, 1009), ((1 << 63) - 1, 1009), (1 << 63, 1002), (u64::MAX, 1002)]
    {
        let bytes = if len < 65_536 {
            vec![TEXT, 0xfe, 0x10, 0x01, 1, 2, 3, 4]
        } else {
            [&[TEXT, 0xff][..], &len.to_be_bytes(), &[1, 2, 3, 4]].concat()
        };
        suite.case(Json, format!("{len} bytes announced"), bytes, &[Refused(code)]);
    }
    suite.finish(100);
}

#[test]
fn lengths_are_refused_unless_they_are_written_in_the_shortest_form() {
    let mut suite = Suite::start();
    let body = command(1, 125);
    for (name, head, len) in [
        ("0 in two bytes", vec![TEXT, 0xfe, 0, 0], 0),
        ("125 in two bytes", vec![TEXT, 0xfe, 0, 125], 125),
        ("0 in eight bytes", vec![TEXT, 0xff, 0, 0, 0, 0, 0, 0, 0, 0], 0),
        ("125 in eight bytes", vec![TEXT, 0xff, 0, 0, 0, 0, 0, 0, 0, 125], 125),
        ("126 in eight bytes", vec![TEXT, 0xff, 0, 0, 0, 0, 0, 0, 0, 126], 125),
        ("65535 in eight bytes", vec![TEXT, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 0),
        ("a ping's 1 in two bytes", vec![PING, 0xfe, 0, 1], 1),
        ("a ping's 1 in eight bytes", vec![PING, 0xff, 0, 0, 0, 0, 0, 0, 0, 1], 1),
    ] {
        let bytes = [&head[..], &[0; 4], &body[..len]].concat();
        suite.case(Json, name, bytes, &[Refused(1002)]);
    }
    suite.finish(16);
}

#[test]
fn pings_are_answered_with_their_payload_and_pongs_with_nothing() {
    let mut suite = Suite::start();
    for len in 0..=125_u8 {
        let payload: Vec<u8> = (0..len).map(|byte| byte.wrapping_mul(7) ^ 0xfe).collect();
        suite.case(Json, format!("a ping of {len} bytes"), frame(PING, &payload), &[Pong(payload)]);
    }
    for len in [126, 127, 4_096, 65_536] {
        suite.case(Json, format!("a ping of {len} bytes"), frame(PING, &vec![0; len]), &[Refused(1002)]);
        suite.case(Json, format!("a pong of {len} bytes"), frame(PONG, &vec![0; len]), &[Refused(1002)]);
    }
    for (name, first) in [("ping", 0x09), ("pong", 0x0a), ("close", 0x08)] {
        suite.case(Json, format!("a fragmented {name}"), frame(first, b""), &[Refused(1002)]);
    }
    let ten: Vec<Vec<u8>> = (0..10_u8).map(|n| vec![n; 3]).collect();
    let pings: Vec<u8> = ten.iter().flat_map(|payload| frame(PING, payload)).collect();
    let pongs: Vec<_> = ten.into_iter().map(Pong).collect();
    suite.case(Json, "ten pings in a row", pings, &pongs);
    for offer in [Msgpack, Deflate, MsgpackDeflate] {
        suite.case(offer, "a ping", frame(PING, b"ping"), &[Pong(b"ping".into())]);
    }
    for len in [0, 1, 125] {
        let bytes = [frame(PONG, &vec![b'u'; len]), frame(TEXT, &command(7, 60))].concat();
        suite.case(Json, format!("an unasked pong of {len} bytes"), bytes, &[Reply(7)]);
    }
    let around = [frame(PONG, b"no"), frame(PING, b"yes"), frame(PONG, b"no")].concat();
    suite.case(Json, "a ping between unasked pongs", around, &[Pong(b"yes".into())]);
    suite.finish(270);
}
