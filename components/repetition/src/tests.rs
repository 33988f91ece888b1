//! Verdicts, counter by counter.

use ringside_moderator::{Action, Counters, Moderator, Role, Submission, Verdict, stream_info, submission};

use super::*;

const LONG: &str = "what a wonderful evening this is";

fn counters(author_comments: u32, same: u32, likeness: u8, stream: u32) -> Counters {
    Counters { author_comments, author_same_text: same, author_likeness: likeness, stream_same_text: stream }
}

fn judge(config: &str, text: &str, counters: Counters) -> Verdict {
    let rules = Rules::from_json(config).unwrap();
    rules.judge(&stream_info(), &Submission { counters, ..submission(text) })
}

#[test]
fn what_was_said_before_decides() {
    for (text, counters, action, reason) in [
        (LONG, counters(0, 0, 0, 0), Action::Accept, ""),
        (LONG, counters(19, 0, 89, 9), Action::Accept, ""),
        (LONG, counters(1, 1, 100, 1), Action::Reject, "the same text"),
        (LONG, counters(1, 0, 90, 0), Action::Reject, "90 % alike"),
        (LONG, counters(0, 0, 0, 10), Action::Hold, "posted 10 times in the last 10 s"),
        (LONG, counters(20, 0, 0, 0), Action::Reject, "20 comments in the last minute"),
        // Everyone says "gg", and often.
        ("gg", counters(3, 3, 100, 500), Action::Accept, ""),
        ("gg", counters(4, 4, 100, 0), Action::Reject, "the same text"),
    ] {
        let verdict = judge("", text, counters);
        assert_eq!(verdict.action, action, "{text} {counters:?}: {verdict:?}");
        assert!(verdict.reason.contains(reason), "{text} {counters:?}: {verdict:?}");
    }
}

#[test]
fn what_repeats_within_a_text_decides() {
    for (text, action, reason) in [
        ("g".to_owned() + &"o".repeat(59) + "l", Action::Accept, ""),
        ("g".to_owned() + &"o".repeat(60) + "l", Action::Reject, "`o` 60 times in a row"),
        ("G".to_owned() + &"Oo".repeat(30) + "L", Action::Reject, "`o` 60 times in a row"),
        ("🎉".repeat(59), Action::Accept, ""),
        ("🎉 ".repeat(60), Action::Reject, "`🎉` 60 times"),
        ("ha ".repeat(14), Action::Accept, ""),
        ("ha ".repeat(15), Action::Reject, "`ha` 15 times in one comment"),
        ("ha ho ".repeat(15), Action::Reject, "15 times in one comment"),
        ("ha ho hi ".repeat(15), Action::Accept, ""),
    ] {
        let verdict = judge("", &text, counters(0, 0, 0, 0));
        assert_eq!(verdict.action, action, "{text}: {verdict:?}");
        assert!(verdict.reason.contains(reason), "{text}: {verdict:?}");
    }
}

#[test]
fn the_defaults_are_those_of_the_readme() {
    let json = include_str!("../README.md").split("```json").nth(1).and_then(|rest| rest.split("```").next());
    assert_eq!(Config::from_json(json.unwrap()), Ok(Config::default()));
    assert_eq!(json.unwrap().matches("\":").count(), 2 + 8 * 3, "every key is there");
}

#[test]
fn capitals_are_a_rule_that_is_off_by_default() {
    let shout = "WHAT A WONDERFUL EVENING This IS";
    let config = r#"{"capitals": {"from": 80, "action": "hold"}}"#;
    for (config, text, action) in [
        ("", shout, Action::Accept),
        (config, shout, Action::Hold),
        (config, LONG, Action::Accept),
        (config, "GO GO GO", Action::Accept),
    ] {
        assert_eq!(judge(config, text, counters(0, 0, 0, 0)).action, action, "{config} {text}");
    }
}

#[test]
fn a_threshold_of_zero_turns_a_rule_off() {
    let off = r#"{"same_text": {"from": 0, "action": "reject"}, "near_duplicate": {"from": 0, "action": "reject"},
                  "crowd": {"from": 0, "action": "reject"}, "flood": {"from": 0, "action": "reject"},
                  "run": {"from": 0, "action": "reject"}, "word": {"from": 0, "action": "reject"}}"#;
    let text = "a ".repeat(100);
    let verdict = judge(off, &text, counters(99, 99, 100, 99));
    assert_eq!(verdict.action, Action::Accept, "{verdict:?}");
}

#[test]
fn moderators_may_repeat_themselves_unless_configured_otherwise() {
    for (config, action) in [("", Action::Accept), (r#"{"moderators_exempt": false}"#, Action::Reject)] {
        let mut comment = Submission { counters: counters(50, 5, 100, 5), ..submission(LONG) };
        comment.role = Role::Moderator;
        assert_eq!(
            Rules::from_json(config).unwrap().judge(&stream_info(), &comment).action,
            action,
            "{config}"
        );
    }
}

#[test]
fn the_strictest_rule_gives_the_reason_and_all_give_labels() {
    let verdict = judge("", LONG, counters(30, 1, 100, 20));
    let labels: Vec<&str> = verdict.labels.iter().map(|label| label.name.as_str()).collect();
    assert_eq!(verdict.action, Action::Reject);
    assert_eq!(labels, ["same-text", "near-duplicate", "crowd", "flood"]);
}

#[test]
fn what_cannot_be_used_is_refused_with_its_name() {
    for (config, part) in [
        (r#"{"floods": 3}"#, "unknown field `floods`"),
        (r#"{"flood": {"from": 3}}"#, "missing field `action`"),
        (r#"{"near_duplicate": {"from": 101, "action": "flag"}}"#, "`near_duplicate.from` is 101"),
        (r#"{"run": {"from": 2, "action": "flag"}}"#, "`run.from` is 2: give 3 or more"),
        (r#"{"word": {"from": 1, "action": "flag"}}"#, "`word.from` is 1: give 3 or more"),
        (r#"{"capitals": {"from": 101, "action": "flag"}}"#, "`capitals.from` is 101"),
    ] {
        let problem = Config::from_json(config).unwrap_err();
        assert!(problem.contains(part), "{config}: {problem}");
    }
}

#[test]
fn the_examples_hold_with_any_configuration() {
    for config in [
        "",
        r#"{"short_chars": 0}"#,
        r#"{"short_chars": 200, "same_text": {"from": 3, "action": "shadow-ban"}}"#,
        r#"{"flood": {"from": 1, "action": "flag"}, "run": {"from": 5, "action": "accept"}}"#,
        r#"{"word": {"from": 3, "action": "hold"}, "run": {"from": 0, "action": "hold"}}"#,
    ] {
        let rules = Rules::from_json(config).unwrap();
        for example in rules.examples() {
            let verdict = rules.judge(&example.stream_info, &example.submission);
            assert_eq!(verdict.action, example.action, "{config}: {example:?} got {verdict:?}");
        }
    }
    assert!(Rules::default().examples().len() >= 14);
}
