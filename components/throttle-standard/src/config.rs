//! What operators may set. Every key has a default; an unknown key is an error.

use serde::Deserialize;

/// Limits a minute are per user and stream; 0 is no limit.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Comments and replies together.
    pub comments_per_minute: u32,
    /// Edits of one's own comments.
    pub edits_per_minute: u32,
    /// Likes and dislikes.
    pub reactions_per_minute: u32,
    /// Emoji sent to the stream.
    pub emoji_per_minute: u32,
    /// True: moderators and operators are never limited.
    pub moderators_exempt: bool,
    /// Tiers, the slowest first. Below the first all comments are shown.
    pub sampling: Vec<Tier>,
    /// Most comments that one viewer is shown in a second; 0 is no cap.
    pub cap_per_second: u32,
    /// When sends to viewers are gathered.
    pub tick: Tick,
}

/// From so many comments a second on, such a share is shown.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Comments a second on the stream.
    pub from_per_second: u32,
    /// 1 to 100.
    pub shown_percent: u8,
}

/// Gathering trades delay for fewer sends, and sends are nearly all that fan-out costs.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Tick {
    /// Up to so many deliveries a second (viewers times comments) each comment is sent at once.
    pub quiet_deliveries_per_second: u32,
    /// Past that, sends to all viewers together are kept to about so many a second.
    pub sends_per_second: u32,
    /// Longest tick, at most 250 ms.
    pub longest_ms: u32,
}

/// The longest tick that the world's contract allows.
const TICK_MS_MAX: u32 = 250;

impl Default for Config {
    fn default() -> Self {
        Self {
            comments_per_minute: 5,
            edits_per_minute: 10,
            reactions_per_minute: 20,
            // A hand that taps an emoji once a second, as people do at a goal.
            emoji_per_minute: 60,
            moderators_exempt: true,
            sampling: vec![
                Tier { from_per_second: 5_000, shown_percent: 50 },
                Tier { from_per_second: 20_000, shown_percent: 10 },
                Tier { from_per_second: 50_000, shown_percent: 5 },
            ],
            // Far past what anyone reads, and little enough for a phone to draw.
            // R10: below the first tier all are sent. A cap is an operator's choice.
            cap_per_second: 0,
            tick: Tick::default(),
        }
    }
}

impl Default for Tick {
    fn default() -> Self {
        Self {
            // A send costs 2.4 to 8 us: this is a fifth to four fifths of one core.
            quiet_deliveries_per_second: 100_000,
            // 10,000 viewers then have a tick of 153 ms, so that nearly all comments are seen within 150 ms.
            sends_per_second: 65_000,
            longest_ms: TICK_MS_MAX,
        }
    }
}

impl Config {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// A sentence that names the offending key or value and says what to do.
    pub fn from_json(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let config: Self = serde_json::from_str(text)
            .map_err(|problem| format!("the configuration cannot be used: {problem}"))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let mut before: Option<&Tier> = None;
        for tier in &self.sampling {
            if !(1..=100).contains(&tier.shown_percent) {
                return Err(format!("`shown_percent` is {}: give 1 to 100", tier.shown_percent));
            }
            if let Some(before) = before {
                if before.from_per_second >= tier.from_per_second {
                    return Err(format!(
                        "`sampling` has `from_per_second` {} after {}: order the tiers by rising rate",
                        tier.from_per_second, before.from_per_second
                    ));
                }
                if before.shown_percent < tier.shown_percent {
                    return Err(format!(
                        "`sampling` shows {} % after {} %: a faster chat cannot be shown more of",
                        tier.shown_percent, before.shown_percent
                    ));
                }
            }
            before = Some(tier);
        }
        if self.tick.longest_ms > TICK_MS_MAX {
            return Err(format!("`tick.longest_ms` is {}: give {TICK_MS_MAX} or less", self.tick.longest_ms));
        }
        if self.tick.sends_per_second == 0 {
            return Err("`tick.sends_per_second` is 0: give 1 or more; for no tick set \
                        `tick.longest_ms` to 0"
                .into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_text_means_the_defaults() {
        for text in ["", "  \n", "{}"] {
            assert_eq!(Config::from_json(text), Ok(Config::default()));
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_readme() {
        let json =
            include_str!("../README.md").split("```json").nth(1).and_then(|rest| rest.split("```").next());
        assert_eq!(Config::from_json(json.unwrap()), Ok(Config::default()));
        let keys = json.unwrap().matches("\":").count();
        assert_eq!(keys, 8 + 2 * 3 + 3, "every key is there");
    }

    #[test]
    fn one_key_changes_one_thing() {
        let config = Config::from_json(r#"{"comments_per_minute": 30, "tick": {"longest_ms": 0}}"#);
        let mut expected = Config { comments_per_minute: 30, ..Config::default() };
        expected.tick.longest_ms = 0;
        assert_eq!(config, Ok(expected));
    }

    #[test]
    fn what_cannot_be_is_refused_with_key_and_remedy() {
        for (text, part) in [
            ("{", "cannot be used"),
            (r#"{"coments_per_minute": 3}"#, "unknown field `coments_per_minute`"),
            (r#"{"comments_per_minute": -1}"#, "-1"),
            (r#"{"sampling": [{"from_per_second": 10, "shown_percent": 0}]}"#, "`shown_percent` is 0"),
            (r#"{"sampling": [{"from_per_second": 10, "shown_percent": 101}]}"#, "give 1 to 100"),
            (
                r#"{"sampling": [{"from_per_second": 10, "shown_percent": 50},
                                 {"from_per_second": 10, "shown_percent": 40}]}"#,
                "order the tiers",
            ),
            (
                r#"{"sampling": [{"from_per_second": 10, "shown_percent": 50},
                                 {"from_per_second": 20, "shown_percent": 60}]}"#,
                "cannot be shown more",
            ),
            (r#"{"tick": {"longest_ms": 251}}"#, "give 250 or less"),
            (r#"{"tick": {"sends_per_second": 0}}"#, "give 1 or more"),
        ] {
            let problem = Config::from_json(text).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }
}
