//! How much of a stream its viewers are shown, and how often they are sent to.

use ringside_throttle::{SamplingPlan, StreamLoad};

use crate::Config;
use crate::config::Tick;

/// The plan for a stream as busy as `load`.
pub(crate) fn of(config: &Config, load: &StreamLoad) -> SamplingPlan {
    let rate = load.comments_per_second;
    let shown_percent = config
        .sampling
        .iter()
        .take_while(|tier| tier.from_per_second <= rate)
        .last()
        .map_or(100, |tier| tier.shown_percent);
    let cap = config.cap_per_second;
    let sampled_per_second = u64::from(rate) * u64::from(shown_percent) / 100;
    let capped = cap > 0 && sampled_per_second > u64::from(cap);
    let shown_per_second = if capped { u64::from(cap) } else { sampled_per_second };
    SamplingPlan {
        shown_percent,
        cap_per_second: cap,
        tick_ms: tick_ms(&config.tick, load.viewers, shown_per_second),
        banner: banner(shown_percent, capped.then_some(cap)),
    }
}

/// None for small or quiet streams; past that as long as keeps the sends within bounds.
fn tick_ms(tick: &Tick, viewers: u32, shown_per_second: u64) -> u32 {
    let deliveries = u64::from(viewers) * shown_per_second;
    if deliveries <= u64::from(tick.quiet_deliveries_per_second) {
        return 0;
    }
    let wanted_ms = u64::from(viewers) * 1_000 / u64::from(tick.sends_per_second);
    u32::try_from(wanted_ms).unwrap_or(u32::MAX).min(tick.longest_ms)
}

/// The declared rule, in words for viewers. It changes with the tier only, not with every comment.
fn banner(shown_percent: u8, cap: Option<u32>) -> Option<String> {
    match (shown_percent, cap) {
        (100, None) => None,
        (100, Some(cap)) => Some(format!("Chat is moving fast: at most {cap} comments a second are shown")),
        (percent, None) => Some(format!("Chat is moving fast: {percent} % of comments are shown")),
        (percent, Some(cap)) => {
            Some(format!("Chat is moving fast: {percent} % of comments are shown, at most {cap} a second"))
        }
    }
}

#[cfg(test)]
mod tests {
    use ringside_throttle::Throttle;

    use super::*;
    use crate::Policy;

    fn load(comments_per_second: u32, viewers: u32) -> StreamLoad {
        StreamLoad { stream_id: "launch".into(), comments_per_second, viewers }
    }

    #[test]
    fn the_share_shown_follows_the_declared_tiers() {
        let policy = Policy::from_json(r#"{"cap_per_second": 0}"#).unwrap();
        for (rate, percent) in [
            (0, 100),
            (4_999, 100),
            (5_000, 50),
            (19_999, 50),
            (20_000, 10),
            (49_999, 10),
            (50_000, 5),
            (u32::MAX, 5),
        ] {
            let plan = policy.plan(&load(rate, 1));
            assert_eq!(plan.shown_percent, percent, "at {rate}/s");
            let words = format!("Chat is moving fast: {percent} % of comments are shown");
            assert_eq!(plan.banner, (percent < 100).then_some(words), "at {rate}/s");
        }
    }

    #[test]
    fn viewers_are_told_of_the_cap_exactly_when_it_leaves_something_out() {
        for (rate, banner) in [
            (50, None),
            (51, Some("Chat is moving fast: at most 50 comments a second are shown")),
            (5_000, Some("Chat is moving fast: 50 % of comments are shown, at most 50 a second")),
        ] {
            let policy = Policy::from_json(r#"{"cap_per_second": 50}"#).unwrap();
            let plan = policy.plan(&load(rate, 1));
            assert_eq!(plan.banner.as_deref(), banner, "at {rate}/s");
            assert_eq!(plan.cap_per_second, 50);
        }
    }

    #[test]
    fn the_tick_grows_with_the_load_and_stays_within_250_ms() {
        for (rate, viewers, tick_ms) in [
            (0, 5_000_000, 0),
            (50, 2_000, 0),
            (10, 10_000, 0),
            (50, 2_001, 30),
            (11, 10_000, 153),
            (100, 10_000, 153),
            (100, 16_250, 250),
            (1, 5_000_000, 250),
            (u32::MAX, u32::MAX, 250),
        ] {
            assert_eq!(
                Policy::default().plan(&load(rate, viewers)).tick_ms,
                tick_ms,
                "{viewers} viewers at {rate}/s"
            );
        }
    }

    #[test]
    fn without_tiers_and_cap_everything_is_shown() {
        let policy = Policy::from_json(r#"{"sampling": [], "cap_per_second": 0}"#).unwrap();
        let plan = policy.plan(&load(1_000_000, 10));
        assert_eq!((plan.shown_percent, plan.banner), (100, None));
    }
}
