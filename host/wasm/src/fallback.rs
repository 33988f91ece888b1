//! What the host does itself while the throttle component is broken: the limits of R16 and the stream's settings,
//! so that a broken throttle opens no flood gate and closes no chat.

use ringside_core::limits::{COMMENTS_PER_MINUTE, REACTIONS_PER_MINUTE};
use ringside_core::sampling::Plan;
use ringside_ports::policy::{Activity, Admission, Admitted, StreamLoad};

/// Emoji a user may send in any 60 s: one a second.
const EMOJI_PER_MINUTE: u32 = 60;
/// The limits are per minute; the host may have counted within another window.
const MINUTE_MS: u64 = 60_000;
/// From so many comments a second on, such a share is shown (R10); the fastest first.
const SHOWN: [(u32, u8); 3] = [(50_000, 5), (20_000, 10), (5_000, 50)];

/// Admits one request.
pub(crate) fn admit(admission: &Admission) -> Admitted {
    let settings = &admission.settings;
    if admission.author.role.moderates() {
        return Admitted::Yes;
    }
    let writes = matches!(admission.activity, Activity::Comment | Activity::Reply | Activity::Edit);
    if writes && settings.closed {
        return Admitted::Refused("the chat is closed".into());
    }
    if writes && settings.members_only && !admission.author.member {
        return Admitted::Refused("only members may comment on this stream".into());
    }
    let per_minute = match admission.activity {
        Activity::Comment | Activity::Reply | Activity::Edit => COMMENTS_PER_MINUTE,
        Activity::Reaction => REACTIONS_PER_MINUTE,
        Activity::Emoji => EMOJI_PER_MINUTE,
    };
    let allowed = (u64::from(per_minute) * u64::from(admission.window_ms)).div_ceil(MINUTE_MS).max(1);
    let limit_ms = if u64::from(admission.count_in_window) < allowed {
        0
    } else {
        admission.window_ms.saturating_sub(admission.oldest_age_ms).max(1)
    };
    let slow_ms = match admission.since_last_ms {
        Some(since_ms) if matches!(admission.activity, Activity::Comment | Activity::Reply) => {
            settings.slow_mode_s.saturating_mul(1_000).saturating_sub(since_ms)
        }
        _ => 0,
    };
    match limit_ms.max(slow_ms) {
        0 => Admitted::Yes,
        wait_ms => Admitted::Wait(wait_ms),
    }
}

/// What viewers are shown.
pub(crate) fn plan(load: &StreamLoad) -> Plan {
    let shown =
        SHOWN.iter().find(|(from, _)| load.comments_per_second >= *from).map_or(100, |(_, shown)| *shown);
    let banner = (shown < 100).then(|| format!("Chat is moving fast: {shown} % of comments are shown"));
    Plan { shown_percent: shown, banner, ..Plan::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_core::{Author, Role, Settings, StreamId, UserId};
    use std::sync::Arc;

    fn admission(activity: Activity, count: u32) -> Admission {
        Admission {
            stream: StreamId::new("s").unwrap(),
            settings: Arc::new(Settings::default()),
            author: Author {
                id: UserId::new("u").unwrap(),
                name: "u".into(),
                role: Role::Viewer,
                member: false,
            },
            activity,
            count_in_window: count,
            window_ms: 60_000,
            oldest_age_ms: 20_000,
            since_last_ms: (count > 0).then_some(1_000),
            comments_per_second: 1,
        }
    }

    #[test]
    fn the_limits_of_r16_and_the_settings_hold() {
        for (activity, limit) in [
            (Activity::Comment, 5),
            (Activity::Reply, 5),
            (Activity::Edit, 5),
            (Activity::Reaction, 20),
            (Activity::Emoji, 60),
        ] {
            assert_eq!(admit(&admission(activity, limit - 1)), Admitted::Yes, "{activity:?}");
            assert_eq!(admit(&admission(activity, limit)), Admitted::Wait(40_000), "{activity:?}");
            let mut moderator = admission(activity, limit);
            moderator.author.role = Role::Moderator;
            assert_eq!(admit(&moderator), Admitted::Yes);
        }
        let with = |settings: Settings| Admission {
            settings: Arc::new(settings),
            ..admission(Activity::Comment, 1)
        };
        let slow = with(Settings { slow_mode_s: 30, ..Settings::default() });
        assert_eq!(admit(&slow), Admitted::Wait(29_000));
        for refusing in [
            Settings { closed: true, ..Settings::default() },
            Settings { members_only: true, ..Settings::default() },
        ] {
            assert!(matches!(admit(&with(refusing)), Admitted::Refused(_)));
        }
    }

    #[test]
    fn the_tiers_of_r10_hold() {
        let stream = StreamId::new("s").unwrap();
        for (rate, shown) in [(4_999, 100), (5_000, 50), (19_999, 50), (20_000, 10), (50_000, 5)] {
            let plan = plan(&StreamLoad { stream: stream.clone(), comments_per_second: rate, viewers: 1 });
            assert_eq!((plan.shown_percent, plan.banner.is_some()), (shown, shown < 100));
        }
    }
}
