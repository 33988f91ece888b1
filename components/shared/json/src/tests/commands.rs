use ringside_codec::wire::*;
use ringside_codec::{Codec, sample};

use crate::Json;

const ID: &str = "0197e0f5-7f3a-7c31-b3ad-1c6a4f1f9d20";

fn decode(frame: &str) -> Result<Request, DecodeError> {
    // Single quotes keep the tables readable.
    Json::decode(frame.replace('\'', "\"").replace("$ID", ID).as_bytes())
}

#[test]
fn every_command_is_read() {
    let text = |text: &str| text.to_owned();
    let post = |text: &str| Post { text: text.into(), reply_to: None, reference: None };
    let join = |position: Option<&str>, history| {
        Command::Join(Join { stream_id: "s".into(), position: position.map(text), history })
    };
    let nothing = SettingsPatch {
        slow_mode_s: None,
        members_only: None,
        emoji_only: None,
        links_allowed: None,
        hold_for_review: None,
        closed: None,
        anonymous_read: None,
        blocked_terms: None,
    };
    for (frame, command) in [
        ("{'type':'authenticate','id':1,'token':'a.b.c'}", Command::Authenticate(text("a.b.c"))),
        ("{'type':'refresh','id':1,'token':'a.b.c'}", Command::Refresh(text("a.b.c"))),
        ("{'type':'join','id':1,'stream':'s'}", join(None, None)),
        (
            "{'type':'join','id':1,'stream':'s','position':'e1:42','history':50}",
            join(Some("e1:42"), Some(50)),
        ),
        ("{'type':'join','id':1,'stream':'s','position':null,'history':null}", join(None, None)),
        ("{'type':'leave','id':1}", Command::Leave),
        ("{'type':'comment','id':1,'text':'hi'}", Command::Comment(post("hi"))),
        (r"{'type':'comment','id':1,'text':'\u00e9\n\ud83e\udd80'}", Command::Comment(post("é\n\u{1F980}"))),
        (r"{'t\u0079pe':'comment','id':1,'text':''}", Command::Comment(post(""))),
        (
            "{'type':'comment','id':1,'text':'hi','reply_to':'$ID','reference':'r'}",
            Command::Comment(Post {
                reply_to: Some(sample::COMMENT),
                reference: Some(text("r")),
                ..post("hi")
            }),
        ),
        (
            "{'type':'edit','id':1,'comment':'$ID','text':'ho'}",
            Command::Edit(Edit { comment: sample::COMMENT, text: text("ho") }),
        ),
        ("{'type':'delete','id':1,'comment':'$ID'}", Command::Delete(sample::COMMENT)),
        (
            "{'type':'delete','id':1,'comment':'0197E0F5-7F3A-7C31-B3AD-1C6A4F1F9D20'}",
            Command::Delete(sample::COMMENT),
        ),
        (
            "{'type':'react','id':1,'comment':'$ID','reaction':'dislike'}",
            Command::React(React { comment: sample::COMMENT, reaction: Reaction::Dislike }),
        ),
        ("{'type':'emoji','id':1,'emoji':'🎉'}", Command::Emoji(Emoji { emoji: text("🎉"), count: 1 })),
        (
            "{'type':'emoji','id':1,'emoji':'🎉','count':9}",
            Command::Emoji(Emoji { emoji: text("🎉"), count: 9 }),
        ),
        ("{'type':'pin','id':1,'comment':'$ID'}", Command::Pin(Some(sample::COMMENT))),
        ("{'type':'pin','id':1,'comment':null}", Command::Pin(None)),
        (
            "{'type':'settings','id':1,'slow_mode_s':30,'blocked_terms':['a','b']}",
            Command::Settings(SettingsPatch {
                slow_mode_s: Some(30),
                blocked_terms: Some(vec![text("a"), text("b")]),
                ..nothing
            }),
        ),
        (
            "{'type':'moderate','id':1,'comment':'$ID','review':'approve'}",
            Command::Moderate(Moderate { comment: sample::COMMENT, review: Review::Approve }),
        ),
    ] {
        assert_eq!(decode(frame), Ok(Request { id: 1, command }), "{frame}");
    }
}

#[test]
fn a_command_that_is_wrong_is_answered_with_its_id_the_field_and_the_remedy() {
    let long = format!("{{'type':'leave','id':1,'{}':1}}", "x".repeat(500));
    for (frame, id, parts) in [
        ("{}", None, ["`id` is missing", "give a whole number from 0 to 9007199254740991"]),
        ("{'type':'leave'}", None, ["`id` is missing", ""]),
        ("{'type':'leave','id':'1'}", None, ["`id` is a text", "give a whole number"]),
        ("{'type':'leave','id':-1}", None, ["`id` is a number", "from 0"]),
        ("{'type':'leave','id':1.5}", None, ["`id` is a number", "whole"]),
        ("{'type':'leave','id':1e3}", None, ["`id` is a number", "whole"]),
        ("{'type':'leave','id':9007199254740992}", None, ["`id` is 9007199254740992", "to 9007199254740991"]),
        ("{'type':'leave','id':1,'id':2}", None, ["`id` is given twice", "give it once"]),
        ("{'id':1}", Some(1), ["`type` is missing", "give a text"]),
        ("{'type':7,'id':1}", Some(1), ["`type` is 7", "give a text"]),
        ("{'type':'shout','id':1}", Some(1), ["type `shout` is unknown", "`authenticate`, `refresh`"]),
        (
            "{'type':'leave','id':1,'why':'x'}",
            Some(1),
            ["`why` is no field of `leave`", "its fields are none"],
        ),
        ("{'type':'comment','id':1}", Some(1), ["`text` is missing", "give a text"]),
        ("{'type':'comment','id':1,'text':null}", Some(1), ["`text` is missing", "give a text"]),
        ("{'type':'comment','id':1,'text':5}", Some(1), ["`text` is 5", "give a text"]),
        ("{'type':'comment','id':1,'text':['a']}", Some(1), ["`text` is a list", "give a text"]),
        (
            "{'type':'comment','id':1,'text':'a','text':'b'}",
            Some(1),
            ["`text` is given twice", "give it once"],
        ),
        (
            "{'type':'comment','id':1,'text':'a','reply_to':'b'}",
            Some(1),
            ["`reply_to` is `b`", "comment's id"],
        ),
        (
            "{'type':'comment','id':1,'text':'a','at':5}",
            Some(1),
            ["`at` is no field", "`text`, `reply_to`, `reference`"],
        ),
        ("{'type':'edit','id':1,'comment':'$ID'}", Some(1), ["`text` is missing", "give a text"]),
        (
            "{'type':'join','id':1,'stream':'s','history':-1}",
            Some(1),
            ["`history` is a number", "from 0 to 4294967295"],
        ),
        (
            "{'type':'join','id':1,'stream':'s','history':4294967296}",
            Some(1),
            ["`history` is 4294967296", "to 4294967295"],
        ),
        (
            "{'type':'react','id':1,'comment':'$ID','reaction':'love'}",
            Some(1),
            ["`reaction` is `love`", "`like`, `dislike`, `none`"],
        ),
        (
            "{'type':'react','id':1,'comment':'$ID','reaction':null}",
            Some(1),
            ["`reaction` is missing", "`like`"],
        ),
        ("{'type':'emoji','id':1,'emoji':'a','count':0}", Some(1), ["`count` is 0", "give 1 or more"]),
        ("{'type':'pin','id':1}", Some(1), ["`comment` is missing", "or null for none"]),
        ("{'type':'settings','id':1}", Some(1), ["changes nothing", "`slow_mode_s`, `members_only`"]),
        ("{'type':'settings','id':1,'closed':1}", Some(1), ["`closed` is 1", "give true or false"]),
        (
            "{'type':'settings','id':1,'blocked_terms':['a',1]}",
            Some(1),
            ["`blocked_terms` is a list", "a list of texts"],
        ),
        (
            "{'type':'moderate','id':1,'comment':'$ID','review':'ban'}",
            Some(1),
            ["`review` is `ban`", "`approve`, `remove`"],
        ),
        (&long, Some(1), ["xxx…`", "is no field"]),
    ] {
        match decode(frame) {
            Err(DecodeError::Invalid((got, problem))) => {
                assert_eq!(got, id, "{frame}: {problem}");
                assert!(parts.iter().all(|part| problem.contains(part)), "{frame}: {problem}");
            }
            other => panic!("{frame}: {other:?}"),
        }
    }
}

#[test]
fn what_is_no_json_object_is_malformed() {
    let deep = "[".repeat(4_000);
    let deep_map = r#"{"a":"#.repeat(600);
    for frame in [
        &b""[..],
        b" ",
        b"hello",
        b"{",
        b"{}{}",
        b"{'type':'leave','id':1}",
        b"{\"id\":NaN}",
        b"{\"id\":Infinity}",
        b"{\"id\":01}",
        b"{\"id\":1e999}",
        b"{\"id\":1,}",
        b"{\"a\":\"\\ud800\"}",
        b"{\"a\":\"\x01\"}",
        b"{\"a\":\"\xff\"}",
        b"\xef\xbb\xbf{}",
        b"null",
        b"7",
        b"\"text\"",
        b"[]",
        deep.as_bytes(),
        deep_map.as_bytes(),
    ] {
        let shown = String::from_utf8_lossy(frame).chars().take(40).collect::<String>();
        match Json::decode(frame) {
            Err(DecodeError::Malformed(problem)) => {
                assert!(problem.contains("send") && problem.len() < 200, "{shown}: {problem}");
            }
            other => panic!("{shown}: {other:?}"),
        }
    }
}

#[test]
fn the_examples_hold_and_use_every_command() {
    let examples = Json::examples();
    for example in &examples {
        assert_eq!(Json::decode(&example.frame).as_ref(), Ok(&example.request));
    }
    let all: String = examples.iter().map(|example| String::from_utf8_lossy(&example.frame)).collect();
    for kind in ringside_codec::command::TYPES {
        assert!(all.contains(&format!("\"type\":\"{kind}\"")), "{kind}");
    }
}
