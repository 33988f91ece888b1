//! Decisions, case by case.

use ringside_throttle::{Role, Throttle};

use super::*;
use crate::Policy;

fn settings() -> Settings {
    Settings {
        slow_mode_s: 0,
        members_only: false,
        emoji_only: false,
        links_allowed: true,
        hold_for_review: false,
        closed: false,
        anonymous_read: true,
        blocked_terms: Vec::new(),
    }
}

fn request(activity: Activity) -> Request {
    Request {
        ticket: 1,
        role: Role::Viewer,
        member: false,
        author: None,
        activity,
        count_in_window: 0,
        window_ms: 60_000,
        oldest_age_ms: 0,
        since_last_ms: None,
        comments_per_second: 0,
        attributes: None,
    }
}

fn refused(admission: &Admission, part: &str) -> bool {
    matches!(admission, Admission::Refuse(text) if text.contains(part))
}

const ALL: [Activity; 5] =
    [Activity::Comment, Activity::Reply, Activity::Edit, Activity::Reaction, Activity::Emoji];

#[test]
fn each_activity_has_its_own_limit_and_replies_share_that_of_comments() {
    let config = Config::default();
    for (activity, limit) in [
        (Activity::Comment, config.comments_per_minute),
        (Activity::Reply, config.comments_per_minute),
        (Activity::Edit, config.edits_per_minute),
        (Activity::Reaction, config.reactions_per_minute),
        (Activity::Emoji, config.emoji_per_minute),
    ] {
        let at = |count_in_window| Request {
            count_in_window,
            oldest_age_ms: 59_000,
            since_last_ms: Some(10),
            ..request(activity)
        };
        let policy = Policy::default();
        assert_eq!(policy.admit(&settings(), &at(limit - 1)), Admission::Admit, "{activity:?}");
        assert_eq!(policy.admit(&settings(), &at(limit)), Admission::Wait(1_000), "{activity:?}");
        assert_eq!(policy.admit(&settings(), &at(limit + 9)), Admission::Wait(1_000), "{activity:?}");
    }
}

#[test]
fn a_wait_is_as_long_as_the_oldest_stays_in_the_window() {
    for (oldest_age_ms, wait_ms) in [(0, 60_000), (1, 59_999), (59_999, 1), (60_000, 1), (70_000, 1)] {
        let request = Request { count_in_window: 5, oldest_age_ms, ..request(Activity::Comment) };
        assert_eq!(Policy::default().admit(&settings(), &request), Admission::Wait(wait_ms));
    }
}

#[test]
fn a_limit_a_minute_holds_in_other_windows_too() {
    // 5 a minute are 1 in 10 s (rounded up) and 10 in two minutes.
    for (window_ms, count, admitted) in
        [(10_000, 0, true), (10_000, 1, false), (120_000, 9, true), (120_000, 10, false)]
    {
        let request = Request { window_ms, count_in_window: count, ..request(Activity::Comment) };
        let admission = Policy::default().admit(&settings(), &request);
        assert_eq!(admission == Admission::Admit, admitted, "{count} in {window_ms} ms: {admission:?}");
    }
}

#[test]
fn a_limit_of_zero_is_no_limit() {
    let policy = Policy::from_json(r#"{"comments_per_minute": 0}"#).unwrap();
    let request = Request { count_in_window: 1_000, ..request(Activity::Comment) };
    assert_eq!(policy.admit(&settings(), &request), Admission::Admit);
}

#[test]
fn slow_mode_waits_for_the_rest_of_its_time_and_only_for_comments() {
    let slow = Settings { slow_mode_s: 30, ..settings() };
    for (since_last_ms, expected) in [
        (None, Admission::Admit),
        (Some(0), Admission::Wait(30_000)),
        (Some(29_999), Admission::Wait(1)),
        (Some(30_000), Admission::Admit),
    ] {
        for activity in [Activity::Comment, Activity::Reply] {
            let request = Request { count_in_window: 1, since_last_ms, ..request(activity) };
            assert_eq!(Policy::default().admit(&slow, &request), expected);
        }
    }
    for activity in [Activity::Edit, Activity::Reaction, Activity::Emoji] {
        let request = Request { count_in_window: 1, since_last_ms: Some(0), ..request(activity) };
        assert_eq!(Policy::default().admit(&slow, &request), Admission::Admit, "{activity:?}");
    }
}

#[test]
fn of_slow_mode_and_limit_the_longer_wait_counts() {
    let slow = Settings { slow_mode_s: 30, ..settings() };
    for (oldest_age_ms, wait_ms) in [(55_000, 20_000), (20_000, 40_000)] {
        let request = Request {
            count_in_window: 5,
            oldest_age_ms,
            since_last_ms: Some(10_000),
            ..request(Activity::Comment)
        };
        assert_eq!(Policy::default().admit(&slow, &request), Admission::Wait(wait_ms));
    }
}

#[test]
fn a_closed_chat_takes_no_text_but_reactions() {
    let closed = Settings { closed: true, ..settings() };
    for activity in ALL {
        let admission = Policy::default().admit(&closed, &request(activity));
        let writes = !matches!(activity, Activity::Reaction | Activity::Emoji);
        assert_eq!(refused(&admission, "closed"), writes, "{activity:?}: {admission:?}");
    }
}

#[test]
fn members_only_lets_members_write() {
    let settings = Settings { members_only: true, ..settings() };
    let mut request = request(Activity::Comment);
    assert!(refused(&Policy::default().admit(&settings, &request), "members"));
    request.member = true;
    assert_eq!(Policy::default().admit(&settings, &request), Admission::Admit);
}

#[test]
fn who_is_not_signed_in_may_do_nothing() {
    for activity in ALL {
        let mut request = request(activity);
        request.role = Role::Anonymous;
        assert!(refused(&Policy::default().admit(&settings(), &request), "sign in"));
    }
}

#[test]
fn moderators_pass_everything_unless_configured_otherwise() {
    let strict = Settings { slow_mode_s: 60, members_only: true, closed: true, ..settings() };
    for role in [Role::Moderator, Role::Operator] {
        let mut request = Request { count_in_window: 99, ..request(Activity::Comment) };
        request.role = role;
        assert_eq!(Policy::default().admit(&strict, &request), Admission::Admit);
        let limited = Policy::from_json(r#"{"moderators_exempt": false}"#).unwrap();
        assert_eq!(limited.admit(&strict, &request), Admission::Wait(60_000));
    }
}
