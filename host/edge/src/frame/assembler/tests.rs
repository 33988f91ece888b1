use super::super::deflate::Deflater;
use super::*;
use proptest::prelude::*;

const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

/// A client's frame; `first` is the whole first byte.
fn client(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..126 => bytes.push(0x80 | u8::try_from(len).unwrap()),
        len @ 126..65_536 => {
            bytes.push(0xfe);
            bytes.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
        len => {
            bytes.push(0xff);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(b, m)| b ^ m));
    bytes
}

fn feed_in(parts: &[&[u8]], text: bool, deflate: bool) -> (Vec<Incoming>, Result<(), Violation>, bool) {
    let mut inflater = Inflater::default();
    let mut assembler = Assembler::default();
    let mut out = Vec::new();
    for part in parts {
        let mut rules = Rules { text, deflate: deflate.then_some(&mut inflater) };
        if let Err(violation) = assembler.feed(part, &mut rules, &mut out) {
            return (out, Err(violation), false);
        }
    }
    (out, Ok(()), assembler.is_idle())
}

fn check(bytes: &[u8], text: bool, deflate: bool, expected: Result<Vec<Incoming>, Violation>) {
    let whole = feed_in(&[bytes], text, deflate);
    let one_by_one: Vec<&[u8]> = bytes.chunks(1).collect();
    for parts in std::iter::once(one_by_one)
        .chain((1..bytes.len().min(200)).map(|at| vec![&bytes[..at], &bytes[at..]]))
    {
        assert_eq!(feed_in(&parts, text, deflate), whole, "split of {bytes:02x?}");
    }
    match expected {
        Ok(messages) => assert_eq!((whole.0, whole.1), (messages, Ok(())), "{bytes:02x?}"),
        Err(violation) => {
            let found = whole.1.unwrap_err();
            assert_eq!(
                std::mem::discriminant(&found),
                std::mem::discriminant(&violation),
                "{found} for {bytes:02x?}"
            );
        }
    }
}

fn message(bytes: &[u8]) -> Incoming {
    Incoming::Message(bytes.to_vec())
}

const PROTOCOL: Violation = Violation::Protocol("");
const PAYLOAD: Violation = Violation::Payload("");

#[test]
fn messages_come_out_whole_however_they_are_cut() {
    check(&client(0x81, b"hello"), true, false, Ok(vec![message(b"hello")]));
    check(&client(0x81, b""), true, false, Ok(vec![message(b"")]));
    check(&client(0x82, &[0xff, 0]), false, false, Ok(vec![message(&[0xff, 0])]));
    for len in [0, 1, 124, 125, 126, 127, 128, 4_095, 4_096] {
        let body = vec![b'x'; len];
        check(&client(0x81, &body), true, false, Ok(vec![message(&body)]));
    }
    let two = [client(0x81, b"one"), client(0x81, b"two")].concat();
    check(&two, true, false, Ok(vec![message(b"one"), message(b"two")]));
}

#[test]
fn fragments_are_joined_and_control_frames_may_stand_between() {
    let bytes = [
        client(0x01, "h\u{e9}".as_bytes().split_at(2).0),
        client(0x89, b"ping"),
        client(0x00, b""),
        client(0x8a, b"pong"),
        client(0x80, "h\u{e9}!".as_bytes().split_at(2).1),
        client(0x81, b"next"),
    ]
    .concat();
    let expected = vec![
        Incoming::Ping(b"ping".to_vec()),
        Incoming::Pong,
        message("h\u{e9}!".as_bytes()),
        message(b"next"),
    ];
    check(&bytes, true, false, Ok(expected));
}

#[test]
fn what_breaks_the_protocol_is_named_by_its_close_code() {
    let mut unmasked = client(0x81, b"x");
    unmasked[1] &= 0x7f;
    let long_form = [&[0x81, 0xfe, 0, 5][..], &MASK, b"12345"].concat();
    let longer_form = [&[0x81, 0xff, 0, 0, 0, 0, 0, 0, 1, 0][..], &MASK].concat();
    let negative = [&[0x81, 0xff, 0x80, 0, 0, 0, 0, 1, 0, 0][..], &MASK].concat();
    let huge = [&[0x81, 0xff, 0x7f, 0xff, 0, 0, 0, 1, 0, 0][..], &MASK].concat();
    let cases: Vec<(Vec<u8>, Violation)> = vec![
        (unmasked, PROTOCOL),
        (long_form, PROTOCOL),
        (longer_form, PROTOCOL),
        (negative, PROTOCOL),
        (huge, Violation::TooBig),
        (client(0x91, b""), PROTOCOL),
        (client(0xa1, b""), PROTOCOL),
        (client(0xc1, b""), PROTOCOL),
        (client(0x80, b"x"), PROTOCOL),
        ([client(0x01, b"a"), client(0x81, b"b")].concat(), PROTOCOL),
        (client(0x09, b""), PROTOCOL),
        (client(0x89, &[0; 126]), PROTOCOL),
        (client(0xc9, b""), PROTOCOL),
        (client(0x82, b"x"), Violation::WrongKind),
        (client(0x81, &[0; 4_097]), Violation::TooBig),
        (client(0x81, &[0; 65_536]), Violation::TooBig),
        ([client(0x01, &[b'a'; 4_000]), client(0x80, &[b'a'; 97])].concat(), Violation::TooBig),
        (client(0x81, &[0xc3]), PAYLOAD),
        ([client(0x01, &[0xc3]), client(0x80, &[0x28])].concat(), PAYLOAD),
        (client(0x81, &[0xed, 0xa0, 0x80]), PAYLOAD),
    ];
    for (bytes, violation) in cases {
        check(&bytes, true, false, Err(violation));
    }
    for opcode in (3..8).chain(11..16) {
        check(&client(0x80 | opcode, b""), true, false, Err(PROTOCOL));
    }
    check(&client(0x81, b"x"), false, false, Err(Violation::WrongKind));
}

#[test]
fn close_frames_are_read_and_nothing_counts_after_them() {
    let with = |code: u16, reason: &[u8]| client(0x88, &[&code.to_be_bytes()[..], reason].concat());
    check(&client(0x88, b""), true, false, Ok(vec![Incoming::Close(None)]));
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
        check(&with(code, b"bye"), true, false, Ok(vec![Incoming::Close(Some(code))]));
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        check(&with(code, b""), true, false, Err(PROTOCOL));
    }
    check(&client(0x88, &[3]), true, false, Err(PROTOCOL));
    check(&with(1000, &[0xff]), true, false, Err(PAYLOAD));
    let after = [with(1000, b""), client(0x81, b"late"), vec![0; 30]].concat();
    check(&after, true, false, Ok(vec![Incoming::Close(Some(1000))]));
}

#[test]
fn compressed_messages_are_inflated_where_that_was_agreed_on() {
    let text = "the same words and the same words and the same words and the same words again";
    let compressed = Deflater::default().deflate(text.as_bytes()).unwrap();
    check(&client(0xc1, &compressed), true, true, Ok(vec![message(text.as_bytes())]));
    check(&client(0x81, b"plain"), true, true, Ok(vec![message(b"plain")]));
    let (one, two) = compressed.split_at(7);
    let fragments =
        [client(0x41, one), client(0x89, b""), client(0x80, two), client(0x81, b"plain")].concat();
    check(
        &fragments,
        true,
        true,
        Ok(vec![Incoming::Ping(vec![]), message(text.as_bytes()), message(b"plain")]),
    );
    check(&client(0xc1, &compressed), true, false, Err(PROTOCOL));
    check(&[client(0x01, b"a"), client(0xc0, b"b")].concat(), true, true, Err(PROTOCOL));
    check(&client(0xc1, &[0xff; 9]), true, true, Err(PAYLOAD));
    let bomb = Deflater::default().deflate(&[b'a'; 100_000]).unwrap();
    check(&client(0xc1, &bomb), true, true, Err(Violation::TooBig));
    let not_utf8 = Deflater::default().deflate(&[0xc3; 100]).unwrap();
    check(&client(0xc1, &not_utf8), true, true, Err(PAYLOAD));
}

proptest! {
    #[test]
    fn random_bytes_never_panic_and_splits_change_nothing(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        cuts in prop::collection::vec(0usize..300, 0..6),
        text: bool,
        deflate: bool,
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        let mut parts = Vec::new();
        let mut from = 0;
        for cut in cuts {
            parts.push(&bytes[from..cut]);
            from = cut;
        }
        parts.push(&bytes[from..]);
        prop_assert_eq!(feed_in(&parts, text, deflate), feed_in(&[&bytes], text, deflate));
    }

    #[test]
    fn nearly_right_frames_never_panic(
        frames in prop::collection::vec(
            (prop::sample::select(vec![0x01u8, 0x81, 0x80, 0x00, 0x89, 0x8a, 0x88, 0xc1, 0x41]), "\\PC{0,80}"),
            0..8,
        ),
        flip in 0usize..600,
        bit in 0u8..8,
    ) {
        let mut bytes: Vec<u8> = frames.iter().flat_map(|(first, text)| client(*first, text.as_bytes())).collect();
        if let Some(byte) = bytes.get_mut(flip) {
            *byte ^= 1 << bit;
        }
        let one_by_one: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(feed_in(&one_by_one, true, true), feed_in(&[&bytes], true, true));
    }
}
