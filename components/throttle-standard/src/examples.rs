//! The self-test, made to hold for any configuration: limits are taken from it.

use ringside_throttle::{Activity, Admission, Example, Request, Role, Settings};

use crate::Config;

const WINDOW_MS: u32 = 60_000;

/// What `admit` must answer with this configuration, a wait's length aside.
pub(crate) fn of(config: &Config) -> Vec<Example> {
    let limits = [
        (Activity::Comment, config.comments_per_minute),
        (Activity::Reply, config.comments_per_minute),
        (Activity::Edit, config.edits_per_minute),
        (Activity::Reaction, config.reactions_per_minute),
        (Activity::Emoji, config.emoji_per_minute),
    ];
    let mut examples = Vec::new();
    for (activity, limit) in limits {
        examples.push(example(activity, 0, open(), Admission::Admit));
        if limit > 0 {
            examples.push(example(activity, limit - 1, open(), Admission::Admit));
            examples.push(example(activity, limit, open(), Admission::Wait(1)));
            let mut moderator = example(activity, limit, open(), Admission::Admit);
            moderator.request.role = Role::Moderator;
            if !config.moderators_exempt {
                moderator.admission = Admission::Wait(1);
            }
            examples.push(moderator);
        }
        let mut anonymous = example(activity, 0, open(), Admission::Refuse("sign in to take part".into()));
        anonymous.request.role = Role::Anonymous;
        examples.push(anonymous);
    }
    examples.extend(settings_examples());
    examples
}

fn settings_examples() -> Vec<Example> {
    let closed = Admission::Refuse("the chat is closed".into());
    let members = Admission::Refuse("only members may comment on this stream".into());
    let slow = Settings { slow_mode_s: 30, ..open() };
    let mut soon = example(Activity::Comment, 0, slow.clone(), Admission::Wait(20_000));
    soon.request.since_last_ms = Some(10_000);
    let mut later = example(Activity::Comment, 0, slow.clone(), Admission::Admit);
    later.request.since_last_ms = Some(30_000);
    let mut reaction = example(Activity::Reaction, 0, slow, Admission::Admit);
    reaction.request.since_last_ms = Some(0);
    let for_members = Settings { members_only: true, ..open() };
    let mut member = example(Activity::Comment, 0, for_members.clone(), Admission::Admit);
    member.request.member = true;
    vec![
        soon,
        later,
        reaction,
        member,
        example(Activity::Comment, 0, for_members, members),
        example(Activity::Comment, 0, Settings { closed: true, ..open() }, closed.clone()),
        example(Activity::Edit, 0, Settings { closed: true, ..open() }, closed),
        example(Activity::Emoji, 0, Settings { closed: true, ..open() }, Admission::Admit),
    ]
}

fn example(activity: Activity, count: u32, settings: Settings, admission: Admission) -> Example {
    let request = Request {
        ticket: 1,
        role: Role::Viewer,
        member: false,
        author: None,
        activity,
        count_in_window: count,
        window_ms: WINDOW_MS,
        oldest_age_ms: if count > 0 { WINDOW_MS / 2 } else { 0 },
        since_last_ms: (count > 0).then_some(WINDOW_MS / 4),
        comments_per_second: 10,
        attributes: None,
    };
    Example { request, settings, admission }
}

/// Settings that refuse nothing.
fn open() -> Settings {
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

#[cfg(test)]
mod tests {
    use ringside_throttle::Throttle;

    use super::*;
    use crate::Policy;

    #[test]
    fn the_examples_hold_with_any_configuration() {
        for config in [
            "",
            r#"{"moderators_exempt": false}"#,
            r#"{"comments_per_minute": 0, "edits_per_minute": 1, "emoji_per_minute": 4000000000}"#,
        ] {
            let policy = Policy::from_json(config).unwrap();
            for example in policy.examples() {
                let got = policy.admit(&example.settings, &example.request);
                let same = match (&got, &example.admission) {
                    (Admission::Wait(_), Admission::Wait(_)) => true,
                    (got, expected) => got == expected,
                };
                assert!(same, "{config}: {example:?} got {got:?}");
            }
        }
    }

    #[test]
    fn the_examples_show_every_kind_of_answer() {
        let examples = Policy::default().examples();
        let count = |is: fn(&Admission) -> bool| examples.iter().filter(|e| is(&e.admission)).count();
        assert!(count(|a| matches!(a, Admission::Admit)) >= 5);
        assert!(count(|a| matches!(a, Admission::Wait(_))) >= 5);
        assert!(count(|a| matches!(a, Admission::Refuse(_))) >= 5);
    }
}
