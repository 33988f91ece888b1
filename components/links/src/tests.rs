//! Verdicts, text by text.

use ringside_moderator::{
    Action, Moderator, Role, StreamInfo, Verdict, stream_info, submission, submission_folded,
};

use super::*;

fn rules(config: &str) -> Rules {
    Rules::from_json(config).unwrap()
}

fn judge(rules: &Rules, text: &str, links_allowed: bool) -> Verdict {
    let stream = StreamInfo { links_allowed, ..stream_info() };
    rules.judge(&stream, &submission_folded(text, &find::fold(text)))
}

#[test]
fn where_links_are_allowed_only_doubtful_ones_are_stopped() {
    let rules = rules("");
    for (text, action, reason) in [
        ("hello", Action::Accept, ""),
        ("https://example.com/x", Action::Accept, ""),
        ("https://bit.ly/x", Action::Flag, "`bit.ly` is on the link list `shorteners`"),
        ("https://Grabify.link/x", Action::Reject, "`grabify.link` is on the link list `address-grabbers`"),
        ("http://invoice.zip", Action::Flag, "`risky-endings`"),
        ("http://free.xxx/", Action::Flag, "`risky-endings`"),
        ("example dot com", Action::Flag, "`example.com` is a link that is spelled out"),
        ("http://8.8.8.8/x", Action::Hold, "`8.8.8.8`"),
        ("https://bank.com@evil.com", Action::Hold, "`evil.com` reads like another"),
        ("a.com b.com c.com d.com", Action::Accept, ""),
        ("a.com b.com c.com d.com e.com", Action::Flag, "5 links in one comment; up to 4 pass"),
        ("a.com http://8.8.8.8/x grabify.link/x", Action::Reject, "grabify.link"),
        ("i like asp.net", Action::Accept, ""),
    ] {
        let verdict = judge(&rules, text, true);
        assert_eq!(verdict.action, action, "{text}: {verdict:?}");
        assert!(verdict.reason.contains(reason), "{text}: {verdict:?}");
    }
}

#[test]
fn where_links_are_not_allowed_every_link_is_refused_with_the_reason() {
    let rules = rules("");
    for text in
        ["https://example.com", "example.com", "example dot com", "example[.]com", "http://192.168.1.1/"]
    {
        let verdict = judge(&rules, text, false);
        assert_eq!(verdict.action, Action::Reject, "{text}: {verdict:?}");
        assert!(verdict.reason.contains("links are not allowed"), "{text}: {verdict:?}");
    }
    for text in ["hello", "battle.net is down", "us.battle.net/x"] {
        assert_eq!(judge(&rules, text, false).action, Action::Accept, "{text}");
    }
}

#[test]
fn moderators_may_post_links_unless_configured_otherwise() {
    for (config, action) in [("", Action::Accept), (r#"{"moderators_exempt": false}"#, Action::Reject)] {
        let stream = StreamInfo { links_allowed: false, ..stream_info() };
        let mut comment = submission("https://example.com");
        comment.role = Role::Moderator;
        assert_eq!(rules(config).judge(&stream, &comment).action, action, "{config}");
    }
}

#[test]
fn a_listed_domain_covers_all_below_it_and_nothing_beside_it() {
    let rules = rules(
        r#"{"allow": ["good.example.com"], "lists":
            [{"name": "bad", "action": "shadow-ban", "domains": ["example.com", "WWWild.org"], "endings": ["BUZZ"]}]}"#,
    );
    for (text, action) in [
        ("example.com", Action::ShadowBan),
        ("a.b.example.com/x", Action::ShadowBan),
        ("notexample.com", Action::Accept),
        ("example.com.org", Action::Accept),
        ("good.example.com", Action::Accept),
        ("very.good.example.com", Action::Accept),
        ("wwwild.org", Action::ShadowBan),
        ("a.buzz", Action::ShadowBan),
        ("buzz.com", Action::Accept),
    ] {
        let verdict = judge(&rules, text, true);
        assert_eq!(verdict.action, action, "{text}: {verdict:?}");
    }
}

#[test]
fn labels_tell_what_was_found_even_where_nothing_follows() {
    let rules = rules(r#"{"spelled_out": "accept"}"#);
    let names = |text: &str| -> Vec<String> {
        judge(&rules, text, true).labels.into_iter().map(|label| label.name).collect()
    };
    assert_eq!(names("hello"), Vec::<String>::new());
    assert_eq!(names("example.com"), ["link"]);
    assert_eq!(names("example dot com"), ["link", "spelled-out-link"]);
}

#[test]
fn what_cannot_be_used_is_refused_with_its_name() {
    for (config, part) in [
        (r#"{"deny": []}"#, "unknown field `deny`"),
        (r#"{"addresses": "ban"}"#, "`ban`"),
        (r#"{"allow": ["https://example.com"]}"#, "`https://example.com` in list `allow` is no domain"),
        (r#"{"allow": ["com"]}"#, "`com` in list `allow` is no domain"),
        (r#"{"lists": [{"name": "a", "action": "flag", "endings": [".zip"]}]}"#, "`.zip` in list `a`"),
        (r#"{"lists": [{"name": "", "action": "flag"}]}"#, "list 0 has no name"),
        (r#"{"lists": [{"name": "a", "action": "flag"}, {"name": "a", "action": "hold"}]}"#, "two lists"),
    ] {
        let problem = Rules::from_json(config).unwrap_err();
        assert!(problem.contains(part), "{config}: {problem}");
    }
}

#[test]
fn the_examples_hold_with_any_configuration() {
    for config in [
        "",
        "{}",
        r#"{"built_in": true, "moderators_exempt": false, "spelled_out": "accept", "when_links_forbidden": "hold"}"#,
        r#"{"allow": ["ringside-self-test.com"]}"#,
        r#"{"lists": [{"name": "all", "action": "reject", "endings": ["com"], "domains": ["xxxl.org"]},
                      {"name": "none", "action": "flag", "endings": ["com"]}]}"#,
    ] {
        let rules = rules(config);
        let examples = rules.examples();
        for example in &examples {
            let verdict = rules.judge(&example.stream_info, &example.submission);
            assert_eq!(verdict.action, example.action, "{config}: {example:?} got {verdict:?}");
            let part = example.reason_contains.as_deref().unwrap_or_default();
            assert!(verdict.reason.contains(part), "{config}: {example:?} got {verdict:?}");
        }
    }
    assert!(rules("").examples().len() >= 12);
}
