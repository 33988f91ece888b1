//! Verdicts, text by text.

use ringside_moderator::{
    Action, Moderator, Role, StreamInfo, Submission, Verdict, stream_info, submission, submission_folded,
};

use super::*;

fn rules(config: &str) -> Rules {
    Rules::from_json(config).unwrap()
}

fn judge(rules: &Rules, text: &str) -> Verdict {
    rules.judge(&stream_info(), &submission(text))
}

const SMALL: &str = r#"{
    "allow": ["scunthorpe", "cockpit*", "bad wolf"],
    "lists": [
        {"name": "hard", "severity": 4, "label": "hate", "entries": ["Slur", "very bad thing"]},
        {"name": "soft", "severity": 2, "entries": ["bad", "ass", "blob*", "*punk", "größe", "1234"]},
        {"name": "part", "severity": 3, "whole_word": false, "entries": ["cunt", "cock", "坏话"]},
        {"name": "mild", "severity": 1, "entries": ["darn"]},
        {"name": "german", "severity": 2, "language": "de", "entries": ["dummkopf"]}
    ]
}"#;

#[test]
fn verdicts_follow_the_lists() {
    let rules = rules(SMALL);
    for (text, action, reason) in [
        ("hello", Action::Accept, ""),
        ("", Action::Accept, ""),
        ("what a slur!", Action::Reject, "`Slur` is on the word list `hard`"),
        ("a very, bad... thing", Action::Reject, "`very bad thing`"),
        ("a very good thing", Action::Accept, ""),
        ("bad slur", Action::Reject, "`hard`"),
        ("darn it", Action::Accept, ""),
        ("darn bad", Action::Flag, "`bad` is on the word list `soft`"),
        // Whole words.
        ("badly", Action::Accept, ""),
        ("pass the class", Action::Accept, ""),
        ("my ass", Action::Flag, "`ass`"),
        ("as if", Action::Accept, ""),
        ("blobby blobs", Action::Flag, "`blob`"),
        ("a blo b", Action::Accept, ""),
        ("cyberpunk", Action::Flag, "`punk`"),
        ("punks", Action::Accept, ""),
        // Parts of words, and what is allowed within them.
        ("acuntb", Action::Hold, "`cunt` is on the word list `part`"),
        ("scunthorpe", Action::Accept, ""),
        ("scunthorpe cunt", Action::Hold, "`cunt`"),
        ("cockpits", Action::Accept, ""),
        ("the bad wolf", Action::Accept, ""),
        ("bad bad wolf", Action::Flag, "`bad`"),
        ("这是坏话吗", Action::Hold, "`坏话`"),
    ] {
        let verdict = judge(&rules, text);
        assert_eq!(verdict.action, action, "{text}: {verdict:?}");
        assert!(verdict.reason.contains(reason), "{text}: {verdict:?}");
        assert_eq!(verdict.reason.is_empty(), action == Action::Accept, "{text}: {verdict:?}");
    }
}

#[test]
fn disguises_are_seen_through() {
    let rules = rules(SMALL);
    for text in [
        "s1ur slur",
        "$lur",
        "5lur",
        "s l u r",
        "s.l.u.r",
        "s-l-u-r",
        "S L U R".to_lowercase().as_str(),
        "🎉slur🎉",
        "slur's",
        "_slur_",
        "*slur*",
        "(slur)",
        "slur,bad",
    ] {
        assert_eq!(judge(&rules, text).action, Action::Reject, "{text}");
    }
    for text in ["b4d", "b@d", "@ss", "a$$", "1234", "b a d", "grosse", "größe", "groesse größe"] {
        assert_eq!(judge(&rules, text).action, Action::Flag, "{text}");
    }
    for text in ["b d", "b-d", "12345", "a 1234z", "455", "a55", "900k", "$100", "i b a", "@ann"] {
        assert_eq!(judge(&rules, text).action, Action::Accept, "{text}");
    }
}

#[test]
fn a_stretched_word_is_found_and_a_doubled_letter_makes_another_word() {
    let rules = rules(SMALL);
    for (text, folded, action) in [
        ("baaaad", "baad", Action::Flag),
        ("BAAAAD", "baad", Action::Flag),
        ("baad", "baad", Action::Accept),
        ("baad yesss", "baad yess", Action::Accept),
        ("asssss", "ass", Action::Flag),
        ("slllllur", "sllur", Action::Reject),
    ] {
        let verdict = rules.judge(&stream_info(), &submission_folded(text, folded));
        assert_eq!(verdict.action, action, "{text}: {verdict:?}");
    }
}

#[test]
fn a_list_of_a_language_is_skipped_where_the_comment_is_known_to_be_in_another() {
    let rules = rules(SMALL);
    for (language, action) in [(None, Action::Flag), (Some("de"), Action::Flag), (Some("en"), Action::Accept)]
    {
        let comment = Submission { language: language.map(str::to_owned), ..submission("dummkopf") };
        assert_eq!(rules.judge(&stream_info(), &comment).action, action, "in {language:?}");
    }
}

#[test]
fn labels_carry_the_highest_severity_of_each_kind() {
    let verdict = judge(&rules(SMALL), "darn bad cunt of a slur");
    let labels: Vec<(&str, f32)> =
        verdict.labels.iter().map(|label| (label.name.as_str(), label.score)).collect();
    assert_eq!(verdict.action, Action::Reject);
    assert_eq!(labels.len(), 2);
    assert!(labels.contains(&("profanity", 0.75)) && labels.contains(&("hate", 1.0)), "{labels:?}");
}

#[test]
fn the_streams_own_terms_are_whole_words_unless_starred() {
    let rules = rules("");
    let terms: Vec<String> =
        ["spoiler", "end of the film", "snape*", "", "***", "😱", "結末", "boo"].map(String::from).into();
    let stream = StreamInfo { blocked_terms: terms, ..stream_info() };
    for (text, found) in [
        ("no spoiler please", Some("spoiler")),
        ("no sp0iler please", Some("spoiler")),
        ("s p o i l e r", Some("spoiler")),
        ("spoilers", None),
        ("the end of the film!", Some("end of the film")),
        ("the end of a film", None),
        ("snapes death", Some("snape*")),
        ("oh 😱😱", Some("😱")),
        ("その結末は", Some("結末")),
        ("bo", None),
        ("", None),
    ] {
        let verdict = rules.judge(&stream, &submission(text));
        let expected = if found.is_some() { Action::Reject } else { Action::Accept };
        assert_eq!(verdict.action, expected, "{text}: {verdict:?}");
        assert!(verdict.reason.contains(found.unwrap_or_default()), "{text}: {verdict:?}");
    }
}

#[test]
fn moderators_are_judged_like_everyone() {
    let mut moderator = submission("slur");
    moderator.role = Role::Moderator;
    assert_eq!(rules(SMALL).judge(&stream_info(), &moderator).action, Action::Reject);
}

#[test]
fn a_list_may_say_itself_what_follows() {
    let rules = rules(
        r#"{"blocked_terms_action": "hold", "actions_by_severity": ["flag", "flag", "flag", "shadow-ban"],
            "lists": [{"name": "a", "severity": 1, "action": "reject", "entries": ["one"]},
                      {"name": "b", "severity": 4, "entries": ["two"]}]}"#,
    );
    assert_eq!(judge(&rules, "one").action, Action::Reject);
    assert_eq!(judge(&rules, "two").action, Action::ShadowBan);
    let stream = StreamInfo { blocked_terms: vec!["three".into()], ..stream_info() };
    assert_eq!(rules.judge(&stream, &submission("three")).action, Action::Hold);
}

#[test]
fn built_in_keeps_the_default_lists_beside_ones_own() {
    let own = r#"{"name": "own", "severity": 4, "entries": ["qwertz"]}"#;
    let with = rules(&format!(r#"{{"built_in": true, "lists": [{own}]}}"#));
    let without = rules(&format!(r#"{{"lists": [{own}]}}"#));
    assert_eq!(judge(&with, "qwertz").action, Action::Reject);
    assert_eq!(judge(&without, "qwertz").action, Action::Reject);
    assert_eq!(judge(&with, "heil hitler").action, Action::Reject);
    assert_eq!(judge(&without, "heil hitler").action, Action::Accept);
}

#[test]
fn what_cannot_be_used_is_refused_with_its_name() {
    for (config, part) in [
        ("\"x\"", "cannot be used"),
        (r#"{"list": []}"#, "unknown field `list`"),
        (r#"{"lists": [{"name": "a", "severity": 5, "entries": []}]}"#, "list `a` has severity 5"),
        (r#"{"lists": [{"name": "", "severity": 1, "entries": []}]}"#, "list 0 has no name"),
        (
            r#"{"lists": [{"name": "a", "severity": 1, "entries": []}, {"name": "a", "severity": 1, "entries": []}]}"#,
            "two lists are named `a`",
        ),
        (r#"{"lists": [{"name": "a", "severity": 1, "entries": ["ok", "..."]}]}"#, "`...` in list `a`"),
        (r#"{"lists": [{"name": "a", "severity": 1, "action": "ban", "entries": []}]}"#, "`ban`"),
        (r#"{"allow": ["*"]}"#, "`*` in list `allow`"),
    ] {
        let problem = Rules::from_json(config).unwrap_err();
        assert!(problem.contains(part), "{config}: {problem}");
    }
}

#[test]
fn the_example_of_the_readme_can_be_used() {
    let json = include_str!("../README.md").split("```json").nth(1).and_then(|rest| rest.split("```").next());
    let rules = rules(json.unwrap());
    assert_eq!(judge(&rules, "it is rosebuds").action, Action::Reject);
    assert_eq!(judge(&rules, "heil hitler").action, Action::Reject);
}

#[test]
fn the_examples_hold_and_cover_every_list() {
    for config in [
        "",
        SMALL,
        "{}",
        r#"{"lists": [{"name": "greed", "severity": 2, "entries": ["hello everyone", "so", "it"]}]}"#,
    ] {
        let rules = rules(config);
        let examples = rules.examples();
        for example in &examples {
            let verdict = rules.judge(&example.stream_info, &example.submission);
            assert_eq!(verdict.action, example.action, "{example:?} got {verdict:?}");
            let part = example.reason_contains.as_deref().unwrap_or_default();
            assert!(verdict.reason.contains(part), "{example:?} got {verdict:?}");
        }
        assert!(examples.len() > rules.config.lists.len(), "{}", examples.len());
    }
}

#[test]
fn the_built_in_lists_let_ordinary_talk_pass() {
    let rules = rules("");
    for text in [
        "good game everyone",
        "the assassin from scunthorpe",
        "he studied in essex and sussex",
        "magna cum laude",
        "spic and span",
        "dick van dyke",
        "let me analyse the document",
        "snigger at the niger delta",
        "a tit for tat",
        "ich bitte dich",
        "das ist ein dicker hund",
        "le train est en retard",
        "slut på sändningen",
        "fart og tid",
        "the chink in the armor",
        "cocktail in the cockpit",
        "my raccoon is on the maine coon's bed",
        "he's so good",
        "mongodb mongos process",
        "randi is here",
        "put the white power supply there",
        "class assignment pass",
        "peacock",
        "shut the door",
        "hola que tal",
        "tus ojos negros",
        "what the fuck you think is up",
        "old negro spiritual",
        "ele pede a bola",
        "pedal to the metal",
        "bon voyage",
        "what the heck",
        "kill the process with signal 9",
    ] {
        let verdict = judge(&rules, text);
        assert_eq!(verdict.action, Action::Accept, "{text}: {verdict:?}");
    }
}

#[test]
fn the_built_in_lists_stop_what_must_not_be_shown() {
    let rules = rules("");
    for (text, action) in [
        ("you n1gger", Action::Reject),
        ("sieg heil!!", Action::Reject),
        ("f a g g o t", Action::Reject),
        ("kys", Action::Hold),
        ("go kill yourself", Action::Hold),
        ("fuck you", Action::Flag),
        ("du hurensohn", Action::Flag),
        ("hijo de puta", Action::Flag),
        ("иди нахуй", Action::Flag),
        ("你妈的", Action::Flag),
        ("씨발 뭐야", Action::Flag),
        ("oh shit", Action::Accept),
    ] {
        let verdict = judge(&rules, text);
        assert_eq!(verdict.action, action, "{text}: {verdict:?}");
    }
}
