use ringside_codec::wire::*;
use ringside_codec::{Author, Codec, Role, Settings, sample};

use crate::Json;

/// The time in the id of [`sample::COMMENT`].
const ID_MS: u64 = 0x0197_e0f5_7f3a;

fn encode(message: &Message) -> String {
    let frame = String::from_utf8(Json::encode(message)).unwrap();
    // What is written must be JSON to others too.
    serde_json::from_str::<serde_json::Value>(&frame).unwrap();
    frame.replace('"', "'")
}

fn author(id: &str, role: Role, member: bool) -> Author {
    Author { id: id.into(), name: id.to_uppercase(), role, member }
}

fn comment(author: Author, after_ms: u64) -> Comment {
    Comment {
        id: sample::COMMENT,
        author,
        text: "hi".into(),
        at_ms: ID_MS + after_ms,
        reply_to: None,
        mentions: Vec::new(),
        edited: false,
        likes: 0,
        dislikes: 0,
        replies: 0,
        held: false,
    }
}

fn settings() -> Settings {
    Settings {
        slow_mode_s: 5,
        members_only: false,
        emoji_only: false,
        links_allowed: true,
        hold_for_review: false,
        closed: false,
        anonymous_read: true,
        blocked_terms: vec!["a".into()],
    }
}

const SETTINGS: &str = "'slow_mode_s':5,'members_only':false,'emoji_only':false,'links_allowed':true,\
    'hold_for_review':false,'closed':false,'anonymous_read':true,'blocked_terms':['a']";

#[test]
fn replies_say_what_became_of_a_command() {
    let failure =
        |retry_after_ms| Failure { number: 42, title: "t".into(), detail: "d".into(), retry_after_ms };
    let identity = Identity { user: author("u1", Role::Viewer, false), expires_at_ms: 1_763_733_600_000 };
    for (outcome, expected) in [
        (Outcome::Done, "'status':'done'".to_owned()),
        (
            Outcome::Authenticated(identity),
            "'status':'authenticated','user':{'id':'u1','name':'U1','role':'viewer','member':false},\
             'expires_at':1763733600000"
                .into(),
        ),
        (
            Outcome::Accepted(sample::COMMENT),
            "'status':'accepted','comment':'0197e0f5-7f3a-7c31-b3ad-1c6a4f1f9d20'".into(),
        ),
        (
            Outcome::Held(sample::COMMENT),
            "'status':'held','comment':'0197e0f5-7f3a-7c31-b3ad-1c6a4f1f9d20'".into(),
        ),
        (Outcome::Rejected("no".into()), "'status':'rejected','reason':'no'".into()),
        (Outcome::RateLimited(1_500), "'status':'rate_limited','retry_after_ms':1500".into()),
        (Outcome::Failed(failure(None)), "'status':'error','number':42,'title':'t','detail':'d'".into()),
        (
            Outcome::Failed(failure(Some(7))),
            "'status':'error','number':42,'title':'t','detail':'d','retry_after_ms':7".into(),
        ),
    ] {
        let frame = encode(&Message::Reply(Reply { id: 3, outcome }));
        assert_eq!(frame, format!("{{'type':'reply','id':3,{expected}}}"));
    }
}

#[test]
fn joined_tells_the_streams_state_and_its_newest_comments() {
    let mut joined = Joined {
        stream_id: "s".into(),
        position: "p".into(),
        resumed: Resumed::Gap,
        settings: settings(),
        viewers: 12,
        emoji: vec![("🎉".into(), 3), ("a\"b".into(), 0)],
        pinned: None,
        history: Vec::new(),
        more: false,
    };
    let frame = encode(&Message::Reply(Reply { id: 0, outcome: Outcome::Joined(joined.clone()) }));
    let start = format!(
        "{{'type':'reply','id':0,'status':'joined','stream':'s','position':'p','resumed':'gap',\
         'settings':{{{SETTINGS}}},'viewers':12,'emoji':{{'🎉':3,'a\\'b':0}}"
    );
    assert_eq!(frame, format!("{start},'history':[],'more':false}}"));

    joined.pinned = Some(comment(author("u1", Role::Moderator, false), 0));
    joined.history = vec![
        comment(author("u1", Role::Moderator, false), 50),
        comment(author("u2", Role::Viewer, true), 70),
        comment(author("u1", Role::Moderator, false), 0),
    ];
    joined.more = true;
    let frame = encode(&Message::Reply(Reply { id: 0, outcome: Outcome::Joined(joined) }));
    let id = "'id':'0197e0f5-7f3a-7c31-b3ad-1c6a4f1f9d20'";
    let u1 = "'author':{'id':'u1','name':'U1','role':'moderator'}";
    assert_eq!(
        frame,
        format!(
            "{start},'pinned':{{{u1},{id},'text':'hi'}},'history':[{{{u1},{id},'text':'hi','at':1751825874796}},\
             {{'author':{{'id':'u2','name':'U2','member':true}},{id},'text':'hi','at':1751825874816}},\
             {{'author':'u1',{id},'text':'hi'}}],'more':true}}"
        )
    );
}

#[test]
fn each_event_has_its_shape() {
    let full = Comment {
        reply_to: Some(sample::COMMENT),
        mentions: vec!["ann".into(), "bob".into()],
        edited: true,
        likes: 1,
        dislikes: 2,
        replies: 3,
        held: true,
        ..comment(author("u1", Role::Operator, true), 0)
    };
    let id = "'0197e0f5-7f3a-7c31-b3ad-1c6a4f1f9d20'";
    for (event, expected) in [
        (
            Event::Comment(full),
            format!(
                "'type':'comment','author':{{'id':'u1','name':'U1','role':'operator','member':true}},'id':{id},\
                 'text':'hi','reply_to':{id},'mentions':['ann','bob'],'edited':true,'likes':1,'dislikes':2,\
                 'replies':3,'held':true"
            ),
        ),
        (
            Event::Edited(Edited { comment: sample::COMMENT, text: "ho".into() }),
            format!("'type':'edited','comment':{id},'text':'ho'"),
        ),
        (
            Event::Removed(Removed { comment: sample::COMMENT, by: Remover::Policy }),
            format!("'type':'removed','comment':{id},'by':'policy'"),
        ),
        (
            Event::Reactions(ReactionTotals { comment: sample::COMMENT, likes: 0, dislikes: 5 }),
            format!("'type':'reactions','comment':{id},'likes':0,'dislikes':5"),
        ),
        (Event::Emoji(vec![("🎉".into(), 1 << 40)]), "'type':'emoji','totals':{'🎉':1099511627776}".into()),
        (Event::Emoji(Vec::new()), "'type':'emoji','totals':{}".into()),
        (Event::Settings(settings()), format!("'type':'settings',{SETTINGS}")),
        (Event::Pinned(None), "'type':'pinned','comment':null".into()),
        (
            Event::Pinned(Some(comment(author("u1", Role::Viewer, false), 0))),
            format!("'type':'pinned','comment':{{'author':{{'id':'u1','name':'U1'}},'id':{id},'text':'hi'}}"),
        ),
        (Event::Viewers(5_000_000), "'type':'viewers','count':5000000".into()),
    ] {
        let batch = Batch { stream_id: "s".into(), position: "p".into(), events: vec![event], left_out: 0 };
        let frame = encode(&Message::Batch(batch));
        assert_eq!(
            frame,
            format!("{{'type':'batch','stream':'s','position':'p','events':[{{{expected}}}]}}")
        );
    }
}

#[test]
fn within_a_frame_an_author_is_named_once_and_again_only_when_changed() {
    let authors = [
        author("u1", Role::Viewer, false),
        author("u2", Role::Viewer, false),
        author("u1", Role::Viewer, false),
        author("u1", Role::Viewer, true),
        author("u1", Role::Viewer, true),
    ];
    let batch = Batch {
        stream_id: "s".into(),
        position: "p".into(),
        events: authors.map(|author| Event::Comment(comment(author, 0))).into(),
        left_out: 7,
    };
    let frame = encode(&Message::Batch(batch.clone()));
    let named: Vec<&str> =
        frame.split("'author':").skip(1).map(|rest| rest.split(",'id':'0197").next().unwrap()).collect();
    assert_eq!(
        named,
        [
            "{'id':'u1','name':'U1'}",
            "{'id':'u2','name':'U2'}",
            "'u1'",
            "{'id':'u1','name':'U1','member':true}",
            "'u1'"
        ]
    );
    assert!(frame.ends_with("],'left_out':7}"), "{frame}");
    // Nothing is remembered from frame to frame: any frame may be the first that a viewer sees.
    assert_eq!(encode(&Message::Batch(batch)), frame);
}

#[test]
fn a_time_is_written_where_it_is_not_the_one_in_the_id() {
    let u1 = || author("u1", Role::Viewer, false);
    // The clock stepped back; the same time; the id borrowed a later millisecond.
    let at_ms = [ID_MS + 1, ID_MS, ID_MS - 1];
    let events = at_ms.map(|at_ms| Event::Comment(Comment { at_ms, ..comment(u1(), 0) })).into();
    let batch = Batch { stream_id: "s".into(), position: "p".into(), events, left_out: 0 };
    let frame: serde_json::Value = serde_json::from_slice(&Json::encode(&Message::Batch(batch))).unwrap();
    let read = frame["events"].as_array().unwrap().iter().map(|event| match event.get("at") {
        Some(at) => at.as_u64().unwrap(),
        None => {
            let digits: String =
                event["id"].as_str().unwrap().chars().filter(|c| *c != '-').take(12).collect();
            u64::from_str_radix(&digits, 16).unwrap()
        }
    });
    assert_eq!(read.collect::<Vec<_>>(), at_ms);
    let given = |index: usize| frame["events"][index].get("at").is_some();
    assert_eq!([given(0), given(1), given(2)], [true, false, true]);
}

#[test]
fn a_pinned_comment_has_its_author_in_full_and_names_them_for_no_other() {
    let by_ann = || comment(author("ann", Role::Viewer, false), 0);
    let batch = |events: Vec<Event>| {
        let batch = Batch { stream_id: "s".into(), position: "p".into(), events, left_out: 0 };
        serde_json::from_slice::<serde_json::Value>(&Json::encode(&Message::Batch(batch))).unwrap()
    };
    let frame = batch(vec![
        Event::Pinned(Some(by_ann())),
        Event::Comment(by_ann()),
        Event::Comment(by_ann()),
        Event::Pinned(Some(by_ann())),
    ]);
    let full = serde_json::json!({"id": "ann", "name": "ANN"});
    assert_eq!(frame["events"][0]["comment"]["author"], full);
    assert_eq!(frame["events"][1]["author"], full);
    assert_eq!(frame["events"][2]["author"], "ann");
    assert_eq!(frame["events"][3]["comment"]["author"], full);
}

#[test]
fn notices_hold_a_whole_comment() {
    for (kind, word) in [
        (NoticeKind::Banner, "banner"),
        (NoticeKind::BannerEnded, "banner_ended"),
        (NoticeKind::Drain, "drain"),
        (NoticeKind::Expiring, "expiring"),
        (NoticeKind::Mention, "mention"),
    ] {
        let notice = Notice { kind, text: "t".into(), value: 50, stream_id: String::new(), comment: None };
        let start = format!("{{'type':'notice','kind':'{word}','text':'t','value':50");
        assert_eq!(encode(&Message::Notice(notice.clone())), format!("{start}}}"));
        let comment = Some(comment(author("u1", Role::Viewer, false), 7));
        let full = Notice { stream_id: "s".into(), comment, ..notice };
        assert_eq!(
            encode(&Message::Notice(full)),
            format!(
                "{start},'stream':'s','comment':{{'author':{{'id':'u1','name':'U1'}},\
                 'id':'0197e0f5-7f3a-7c31-b3ad-1c6a4f1f9d20','text':'hi','at':1751825874753}}}}"
            )
        );
    }
}

#[test]
fn every_character_survives_json() {
    let text: String = (0..=0x2ff_u32)
        .chain([0x2028, 0xd7ff, 0xe000, 0xfffd, 0x1f980, 0x10ffff])
        .filter_map(char::from_u32)
        .collect();
    let edited = Event::Edited(Edited { comment: sample::COMMENT, text: text.clone() });
    let batch = Batch { stream_id: "s".into(), position: "p".into(), events: vec![edited], left_out: 0 };
    let frame: serde_json::Value = serde_json::from_slice(&Json::encode(&Message::Batch(batch))).unwrap();
    assert_eq!(frame["events"][0]["text"], text);
}
