use proptest::prelude::*;
use tungstenite::protocol::frame::Frame;

use super::*;

/// What is found, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    Message(Vec<u8>, bool),
    Ping(Vec<u8>),
    Gone(Gone),
}

fn bytes(frame: Frame) -> Vec<u8> {
    let mut out = Vec::new();
    frame.format(&mut out).unwrap();
    out
}

fn data(code: Data, payload: &[u8], is_final: bool) -> Vec<u8> {
    bytes(Frame::message(payload.to_vec(), OpCode::Data(code), is_final))
}

/// Feeds the bytes in pieces of so many, and gives what is found and how many frames were counted.
fn feed(frames: &mut Frames, input: &[u8], at_once: usize) -> (Vec<Found>, u64) {
    let mut found = Vec::new();
    let mut count = 0;
    for part in input.chunks(at_once) {
        let fed = frames.feed(part, &mut |piece| {
            found.push(match piece {
                Piece::Message { payload, compressed } => Found::Message(payload.to_vec(), compressed),
                Piece::Ping(payload) => Found::Ping(payload.to_vec()),
            });
            Ok(())
        });
        match fed {
            Ok(frames) => count += frames,
            Err(gone) => {
                found.push(Found::Gone(gone));
                break;
            }
        }
    }
    (found, count)
}

#[test]
fn a_conversation_is_read_however_it_is_cut() {
    let long = vec![b'x'; 70_000];
    let mut input = data(Data::Text, b"one", true);
    input.extend(data(Data::Text, b"", true));
    input.extend(data(Data::Binary, b"tw", false));
    input.extend(bytes(Frame::ping(&b"are you there"[..])));
    input.extend(data(Data::Continue, b"", false));
    input.extend(data(Data::Continue, b"o", true));
    input.extend(bytes(Frame::pong(&b"unasked"[..])));
    input.extend(data(Data::Text, &long, true));
    input.extend([0xc1, 2, b'z', b'z']);
    input.extend([0x88, 6, 0x0f, 0xa1]);
    input.extend(b"slow");
    let expected = vec![
        Found::Message(b"one".to_vec(), false),
        Found::Message(Vec::new(), false),
        Found::Ping(b"are you there".to_vec()),
        Found::Message(b"two".to_vec(), false),
        Found::Message(long, false),
        Found::Message(b"zz".to_vec(), true),
        Found::Gone(Gone::Closed { code: 4001, reason: "slow".into() }),
    ];
    for at_once in [1, 2, 3, 7, 126, 1_000, input.len()] {
        let mut frames = Frames::default();
        let (found, _) = feed(&mut frames, &input, at_once);
        assert!(found == expected, "{at_once} at once");
        assert!(frames.partial.capacity() <= KEPT_BYTES_MAX, "the long message's memory is given back");
    }
}

#[test]
fn what_is_only_counted_is_stepped_over_and_pings_are_not() {
    let mut input = data(Data::Text, &[b'x'; 70_000], true);
    input.extend(data(Data::Binary, b"ab", false));
    input.extend(bytes(Frame::ping(&b"p"[..])));
    input.extend(data(Data::Continue, b"cd", true));
    for at_once in [1, 5, 4_096, input.len()] {
        let mut frames = Frames::default();
        frames.count_only();
        let (found, count) = feed(&mut frames, &input, at_once);
        assert_eq!(found, [Found::Ping(b"p".to_vec())], "{at_once} at once");
        assert_eq!(count, 3);
        assert!(frames.partial.capacity() < 100, "nothing of the messages was kept");
    }
}

#[test]
fn a_host_that_breaks_the_protocol_is_told_from_one_that_goes() {
    for (input, expected) in [
        (vec![0x81, 0x80, 0, 0, 0, 0], "mask"),
        (vec![0xa1, 0], "reserved bits"),
        (vec![0x09, 0], "control frame"),
        (vec![0x89, 126, 0, 126], "control frame"),
        (vec![0xc9, 0], "control frame"),
        (vec![0x80, 0], "without its beginning"),
        (vec![0x01, 0, 0x81, 0], "within another"),
        (vec![0x82, 127, 0, 0, 0, 0, 1, 0, 0, 0], "longer than"),
        (vec![0x83, 0], "opcode"),
    ] {
        let (found, _) = feed(&mut Frames::default(), &input, input.len());
        let told =
            matches!(&found[..], [Found::Gone(Gone::Broken(why))] if why.to_lowercase().contains(expected));
        assert!(told, "{input:02x?}: {found:?}");
    }
    let (found, _) = feed(&mut Frames::default(), &[0x88, 0], 1);
    assert_eq!(found, [Found::Gone(Gone::Closed { code: 1005, reason: String::new() })]);
    assert_eq!(
        Gone::closed(&[0x0f, 0xa1]).to_string(),
        "closed with 4001 too slow: reconnect with backoff and resume"
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..400), at_once in 1..50_usize) {
        feed(&mut Frames::default(), &input, at_once);
    }

    #[test]
    fn messages_come_out_as_they_went_in(
        messages in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..300), 1..5_usize), 0..10),
        at_once in 1..500_usize,
    ) {
        let mut input = Vec::new();
        for (message, fragments) in &messages {
            let parts: Vec<&[u8]> = message.chunks(message.len().div_ceil(*fragments).max(1)).collect();
            for (index, part) in parts.iter().enumerate() {
                let code = if index == 0 { Data::Binary } else { Data::Continue };
                input.extend(data(code, part, index + 1 == parts.len()));
            }
            if parts.is_empty() {
                input.extend(data(Data::Binary, b"", true));
            }
        }
        let (found, _) = feed(&mut Frames::default(), &input, at_once);
        let expected: Vec<Found> = messages.into_iter().map(|(message, _)| Found::Message(message, false)).collect();
        prop_assert_eq!(found, expected);
    }
}
