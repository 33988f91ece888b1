use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

/// A file in a folder that goes away with the test.
fn file(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

fn open(name: &str, content: &[u8], format: Option<Format>, columns: &Columns) -> Result<Recording, Error> {
    let (_folder, path) = file(name, content);
    Recording::open(&path, format, columns)
}

fn items(name: &str, content: &str) -> (Format, Vec<Item>) {
    let recording = open(name, content.as_bytes(), None, &Columns::default()).unwrap();
    (recording.format, recording.map(Result::unwrap).collect())
}

/// A comment as `user|text|ms`, whatever is not known left empty; other items as `-` and `!reason`.
fn shown(item: &Item) -> String {
    match item {
        Item::Said(_, said) => {
            let user = said.author.as_ref().map_or("", |author| &author.name);
            let at = said.at.map_or(String::new(), |at| at.ms.to_string());
            format!("{user}|{}|{at}", said.text)
        }
        Item::Passed => "-".into(),
        Item::Bad(_, reason) => format!("!{reason}"),
    }
}

#[test]
fn lines_of_irc_logs_are_read_in_the_styles_of_their_clients() {
    for (line, expected) in [
        // Bouncers, bots and web loggers.
        ("[12:34] <ann> hello there", "ann|hello there|45240000"),
        ("[12:34:56] <@ann> hi", "ann|hi|45296000"),
        ("[2024-01-01 00:00:01] <ann> hi", "ann|hi|1704067201000"),
        ("[2024-01-01T00:00:01Z] <+ann> hi", "ann|hi|1704067201000"),
        ("[12:34:56] * ann waves", "ann|waves|45296000"),
        ("[12:34:56] *** Joins: ann (a@b)", "-"),
        ("[12:34] ann (a@b.example) joined #chan.", "-"),
        ("[2021-05-01 12:00:00] #chan ann: hi: you", "ann|hi: you|1619870400000"),
        ("[12:34:56]  ann: hi", "ann|hi|45296000"),
        // irssi.
        ("12:34 < ann> hi", "ann|hi|45240000"),
        ("12:34 <@ann> hi", "ann|hi|45240000"),
        ("12:34  * ann waves", "ann|waves|45240000"),
        ("12:34 -!- ann [a@b] has joined #chan", "-"),
        ("--- Log opened Mon Jan 01 00:00:00 2024", "-"),
        ("--- Day changed Tue Jan 02 2024", "-"),
        // WeeChat.
        ("2024-01-01 00:00:01\tann\thi", "ann|hi|1704067201000"),
        ("2024-01-01 00:00:01\t@ann\ta\tb", "ann|a\tb|1704067201000"),
        ("2024-01-01 00:00:01\t-->\tann (a@b) has joined #chan", "-"),
        ("2024-01-01 00:00:01\t *\tann waves", "ann|waves|1704067201000"),
        ("2024-01-01 00:00:01\t--\tMode #chan [+o ann] by x", "-"),
        // XChat and HexChat.
        ("Jan 01 00:00:01 <ann>\thi", "ann|hi|946684801000"),
        ("Jan 01 00:00:01 *\tann has joined", "-"),
        ("**** BEGIN LOGGING AT Mon Jan  1 00:00:00 2024", "-"),
        // Bare.
        ("<ann> hi", "ann|hi|"),
        ("* ann waves", "ann|waves|"),
        ("* ann has quit (gone)", "-"),
        ("2024-01-01T00:00:01 <ann> hi > you", "ann|hi > you|1704067201000"),
        // The protocol.
        (":ann!a@b PRIVMSG #chan :hi there", "ann|hi there|"),
        ("@display-name=Ann;tmi-sent-ts=1704067201000 :ann!a@b PRIVMSG #chan :hi", "Ann|hi|1704067201000"),
        ("12:34:56 :ann!a@b PRIVMSG #chan :\u{1}ACTION waves\u{1}", "ann|waves|45296000"),
        (":ann!a@b JOIN #chan", "-"),
        (":host 353 me = #chan :ann bob", "-"),
        // Formatting goes, and the digits that belong to the text stay.
        ("[12:34] <\u{3}04,01ann\u{f}> \u{2}bold\u{2} \u{3}12345", "ann|bold 345|45240000"),
        ("", "-"),
        ("   ", "-"),
        ("[12:34] <ann> ", "!the text is empty"),
        ("just words", "!neither a time nor a `<nick>` stands at its beginning"),
        ("[ann] hi", "!neither a time nor a `<nick>` stands at its beginning"),
    ] {
        let read = match irc::read(line) {
            Ok(Line::Said(said)) => shown(&Item::Said(1, said)),
            Ok(Line::Passed) => "-".into(),
            Err(reason) => format!("!{reason}"),
        };
        // A tab inside a text is a control character.
        assert_eq!(read, expected.replace("a\tb|1", "ab|1"), "{line}");
    }
}

#[test]
fn json_lines_of_whoevers_making_are_read() {
    for (line, expected) in [
        (r#"{"user":"ann","text":"hi","at":1704067201000}"#, "ann|hi|1704067201000"),
        (r#"{"nick":"ann","message":"hi","timestamp":"2024-01-01T00:00:01Z"}"#, "ann|hi|1704067201000"),
        (
            r#"{"author":{"name":"Ann","id":"UC1"},"message":"hi","timestamp":1704067201000000}"#,
            "Ann|hi|1704067201000",
        ),
        (r#"{"author":{"username":"ann"},"content":"hi"}"#, "ann|hi|"),
        (
            r#"{"from":"Ann","from_id":"user1","text":["a ",{"type":"link","text":"b"}],"date":"2024-01-01T00:00:01"}"#,
            "Ann|a b|1704067201000",
        ),
        (r#"{"user":17,"text":"hi","time_in_seconds":1.5}"#, "17|hi|1500"),
        (r#"{"User":"ann","TEXT":" hi "}"#, "ann|hi|"),
        (r#"{"user":null,"text":"hi","at":null}"#, "|hi|"),
        (r#"{"text":"hi"}"#, "|hi|"),
        ("", "-"),
        (r#"{"user":"ann"}"#, "!no text: none of its fields (user) is called text, message"),
        (r#"{"text":"  "}"#, "!the text is empty"),
        (r#"{"text":"#, "!no JSON: "),
        ("[1]", "!no JSON object"),
    ] {
        let (_, found) = items("chat.jsonl", &format!("{{\"text\":\"first\"}}\n{line}\n"));
        let found = shown(&found[1]);
        if expected.starts_with('!') {
            assert!(found.starts_with(expected), "{line}: {found}");
        } else {
            assert_eq!(found, expected, "{line}");
        }
    }
    let (_, found) = items("chat.jsonl", r#"{"author":{"name":"Ann","id":"UC1"},"text":"x"}"#);
    assert!(matches!(&found[0], Item::Said(1, said) if said.author.as_ref().unwrap().user == "UC1"));
}

#[test]
fn tables_are_read_by_their_header_and_by_options() {
    let by = |text: &str, author: Option<&str>, no_header| Columns {
        text_column: Some(text.into()),
        author_column: author.map(Into::into),
        time_column: None,
        no_header,
    };
    let guess = Columns::default();
    for (name, content, columns, expected) in [
        (
            "c.csv",
            "id,AUTHOR,DATE,CONTENT\n1,Ann,2024-01-01T00:00:01,\"a, \"\"b\"\"\nc\"\n",
            &guess,
            "Ann|a, \"b\"\nc|1704067201000",
        ),
        ("c.csv", "user;text\nann;hi, you\n", &guess, "ann|hi, you|"),
        ("c.csv", "\u{feff}text,user\nhi,ann\n", &guess, "ann|hi|"),
        ("c.tsv", "nick\tmessage\nann\tsaid \"hi\n", &guess, "ann|said \"hi|"),
        ("c.csv", "a,b\nann,hi\n", &by("b", Some("a"), false), "ann|hi|"),
        ("c.csv", "a,b\nann,hi\n", &by("2", Some("1"), false), "ann|hi|"),
        ("c.csv", "ann,hi\n", &by("2", Some("1"), true), "ann|hi|"),
        ("c.csv", "user,text\nann\n", &guess, "!1 columns, the text would be in column 2"),
        ("c.csv", "user,text\nann,\n", &guess, "!the text is empty"),
    ] {
        let found: Vec<Item> =
            open(name, content.as_bytes(), None, columns).unwrap().map(Result::unwrap).collect();
        assert_eq!(found.iter().map(shown).collect::<Vec<_>>(), [expected], "{content}");
    }
    for (content, columns, remedy) in [
        ("a,b\n1,2\n", &guess, "(a, b) with --text-column"),
        ("a,b\n1,2\n", &by("c", None, false), "no column `c`: its columns are a, b"),
        ("a,b\n1,2\n", &by("3", None, false), "no column `3`"),
        ("a,b\n1,2\n", &by("b", None, true), "is no number"),
        ("a,b\n1,2\n", &Columns { no_header: true, ..Columns::default() }, "--text-column with a number"),
    ] {
        let error = open("c.csv", content.as_bytes(), None, columns).err().unwrap();
        assert!(error.to_string().contains(remedy), "{error}");
        assert_eq!(error.exit_code(), 64);
    }
}

#[test]
fn the_format_is_found_by_name_and_content() {
    for (name, content, format) in [
        ("a.jsonl", "not json\n", Format::Jsonl),
        ("a.csv", "text\nhi\n", Format::Csv),
        ("a.tsv", "text\tuser\nhi\tann\n", Format::Tsv),
        ("a.txt", "{\"text\":\"hi\"}\n", Format::Jsonl),
        ("a", "[12:34] <ann> hi\n[12:35] ann joined\n", Format::Irc),
        ("a.log", "--- Log opened\n12:34 <ann> hi\n", Format::Irc),
        ("a.txt", "user,text\nann,hi\n", Format::Csv),
        ("a.txt", "user\ttext\nann\thi\n", Format::Tsv),
        ("a.txt", "hello\nhow are you, text me\n", Format::Text),
        ("a.txt", "", Format::Text),
    ] {
        assert_eq!(items(name, content).0, format, "{name} {content}");
    }
    let array = open("a.json", b" [{\"text\":\"hi\"}]", None, &Columns::default()).err().unwrap();
    assert!(array.to_string().contains("jq -c"), "{array}");
    let missing = Recording::open(Path::new("/nowhere/chat.log"), None, &Columns::default()).err().unwrap();
    assert!(missing.to_string().contains("/nowhere/chat.log"), "{missing}");
    let forced = open("a.csv", b"a,b\n", Some(Format::Text), &Columns::default()).unwrap();
    assert_eq!(forced.map(|item| shown(&item.unwrap())).collect::<Vec<_>>(), ["|a,b|"]);
}

#[test]
fn a_line_that_cannot_be_read_is_named_and_stops_nothing() {
    let mut content = b"\xef\xbb\xbffirst\r\n\n\xff\xfe bad\n".to_vec();
    content.extend(std::iter::repeat_n(b'x', lines::LINE_BYTES_MAX + 1));
    content.extend(b"\nlast");
    let found: Vec<Item> =
        open("a.txt", &content, None, &Columns::default()).unwrap().map(Result::unwrap).collect();
    assert_eq!(shown(&found[0]), "|first|");
    assert_eq!(found[1], Item::Passed);
    assert!(
        matches!(&found[2], Item::Bad(3, reason) if reason.contains("not UTF-8 from byte 1")),
        "{found:?}"
    );
    assert!(matches!(&found[3], Item::Bad(4, reason) if reason.contains("longer than")));
    assert!(matches!(&found[4], Item::Said(5, said) if said.text == "last"));
    assert_eq!(found.len(), 5);
}

fn formats() -> impl Strategy<Value = Option<Format>> {
    prop::sample::select(vec![
        None,
        Some(Format::Jsonl),
        Some(Format::Irc),
        Some(Format::Csv),
        Some(Format::Tsv),
        Some(Format::Text),
    ])
}

/// Reads everything there is; what comes out must be fit to be posted.
fn read_all(content: &[u8], format: Option<Format>) {
    let columns = Columns { text_column: Some("1".into()), no_header: true, ..Columns::default() };
    let Ok(recording) = open("a", content, format, &columns) else { return };
    let mut lines = 0;
    for item in recording {
        if let Item::Said(line, said) = item.unwrap() {
            assert!(!said.text.trim().is_empty() && line > 0);
            assert!(said.author.is_none_or(|author| ringside_core::UserId::new(&author.user).is_ok()));
        }
        lines += 1;
        assert!(lines <= content.len() + 1, "an item for each line at most");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(content in prop::collection::vec(any::<u8>(), 0..300), format in formats()) {
        read_all(&content, format);
    }

    #[test]
    fn pieces_of_logs_in_any_order_do_not_make_a_reader_panic(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "[", "]", "<", ">", "12:34", "2024-01-01", "T", " ", "\t", "* ", "@", ":", "PRIVMSG ", " :", "\n",
                "\u{3}", ",", "9", "{", "}", "\"text\":", "\"a\"", "\"", ";", "é", "\u{1F389}", "-!-", "ann", "#c ",
            ]),
            0..40,
        ),
        format in formats(),
    ) {
        read_all(pieces.concat().as_bytes(), format);
    }
}
