//! Frames that are not what they seem.

use super::*;

#[test]
fn every_kind_of_value_is_read() {
    for (frame, expected) in [
        (&b"\x00"[..], Value::Uint(0)),
        (b"\x7f", Value::Uint(127)),
        (b"\xff", Value::Number),
        (b"\xcc\xff", Value::Uint(255)),
        (b"\xcd\x01\x00", Value::Uint(256)),
        (b"\xce\x00\x01\x00\x00", Value::Uint(65_536)),
        (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", Value::Uint(u64::MAX)),
        (b"\xd0\x05", Value::Uint(5)),
        (b"\xd0\x80", Value::Number),
        (b"\xd1\x01\x00", Value::Uint(256)),
        (b"\xd3\x00\x00\x00\x00\x00\x00\x00\x09", Value::Uint(9)),
        (b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", Value::Number),
        (b"\xca\x00\x00\x00\x00", Value::Number),
        (b"\xcb\x00\x00\x00\x00\x00\x00\x00\x00", Value::Number),
        (b"\xc0", Value::Null),
        (b"\xc2", Value::Bool(false)),
        (b"\xc3", Value::Bool(true)),
        (b"\xa2hi", Value::Text("hi".into())),
        (b"\xd9\x02hi", Value::Text("hi".into())),
        (b"\xda\x00\x02hi", Value::Text("hi".into())),
        (b"\xdb\x00\x00\x00\x02hi", Value::Text("hi".into())),
        (b"\xc4\x01x", Value::Bytes(b"x")),
        (b"\xc5\x00\x01x", Value::Bytes(b"x")),
        (b"\xc6\x00\x00\x00\x01x", Value::Bytes(b"x")),
        (b"\xd4\x01x", Value::Other),
        (b"\xd8\x010123456789abcdef", Value::Other),
        (b"\xc7\x03\x01abc", Value::Other),
        (b"\x91\xc0", Value::List(vec![Value::Null])),
        (b"\xdc\x00\x01\xc0", Value::List(vec![Value::Null])),
        (b"\xdd\x00\x00\x00\x01\xc0", Value::List(vec![Value::Null])),
        (b"\x81\xa1a\xc0", Value::Map(vec![("a".into(), Value::Null)])),
        (b"\xde\x00\x01\xa1a\xc0", Value::Map(vec![("a".into(), Value::Null)])),
        (b"\xdf\x00\x00\x00\x01\xa1a\xc0", Value::Map(vec![("a".into(), Value::Null)])),
    ] {
        assert_eq!(value(frame), Ok(expected), "{frame:02x?}");
    }
}

#[test]
fn what_is_no_messagepack_is_refused_and_where_is_said() {
    let deep = vec![0x91; 4_000];
    for (frame, part) in [
        (&b""[..], "ends early, at byte 0"),
        (b"\xc1", "0xc1 is not used"),
        (b"\xa5hi", "ends early, at byte 1"),
        (b"\xa2\xff\xfe", "a text is not UTF-8"),
        (b"\xc0\xc0", "1 bytes follow"),
        (b"\x81\x01\x02", "a name that is not a text"),
        (b"\x82\xa1a\x01", "ends early"),
        // Four billion entries, in a frame of five bytes.
        (b"\xdd\xff\xff\xff\xff", "ends early"),
        (b"\xdf\xff\xff\xff\xff", "ends early"),
        (b"\xdb\xff\xff\xff\xff", "ends early"),
        (b"\xc6\xff\xff\xff\xff", "ends early"),
        (b"\xc9\xff\xff\xff\xff\x01", "ends early"),
        (&deep, "nested too deep"),
    ] {
        let problem = value(frame).unwrap_err();
        assert!(problem.contains(part), "{frame:02x?}: {problem}");
    }
}
