//! A stream's settings, changed by moderators while it runs.

use serde::{Deserialize, Serialize};

use crate::limits;

/// A stream's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Seconds a user waits between two comments; 0 is off, at most [`limits::SLOW_MODE_S_MAX`].
    pub slow_mode_s: u32,
    /// Only members comment.
    pub members_only: bool,
    /// Only emoji may be said.
    pub emoji_only: bool,
    /// Links may be said.
    pub links_allowed: bool,
    /// Every comment waits for a moderator.
    pub hold_for_review: bool,
    /// Nobody but moderators comments.
    pub closed: bool,
    /// Who is not signed in may read.
    pub anonymous_read: bool,
    /// Terms refused here, at most [`limits::BLOCKED_TERMS_MAX`] of [`limits::BLOCKED_TERM_BYTES_MAX`] bytes.
    pub blocked_terms: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
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
}

/// A change of some settings; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is the one of `Settings`")]
pub struct SettingsPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_mode_s: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members_only: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emoji_only: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links_allowed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_for_review: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous_read: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_terms: Option<Vec<String>>,
}

/// A setting outside its range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    /// Slow mode is too long.
    #[error("slow_mode_s {0} is too long: at most {max} (six hours)", max = limits::SLOW_MODE_S_MAX)]
    SlowMode(u32),
    /// Too many blocked terms.
    #[error("{0} blocked_terms are too many: at most {max}", max = limits::BLOCKED_TERMS_MAX)]
    BlockedTerms(usize),
    /// A blocked term is empty or too long.
    #[error("blocked term `{0}` must have 1 to {max} bytes", max = limits::BLOCKED_TERM_BYTES_MAX)]
    BlockedTerm(String),
}

impl SettingsPatch {
    /// The settings after this change; blocked terms are folded as comments are.
    ///
    /// # Errors
    /// [`InvalidSettings`] when a value is outside its range; nothing is changed then.
    pub fn apply(&self, before: &Settings) -> Result<Settings, InvalidSettings> {
        let mut after = before.clone();
        if let Some(seconds) = self.slow_mode_s {
            if seconds > limits::SLOW_MODE_S_MAX {
                return Err(InvalidSettings::SlowMode(seconds));
            }
            after.slow_mode_s = seconds;
        }
        if let Some(terms) = &self.blocked_terms {
            if terms.len() > limits::BLOCKED_TERMS_MAX {
                return Err(InvalidSettings::BlockedTerms(terms.len()));
            }
            after.blocked_terms.clear();
            for term in terms {
                let folded = crate::text::fold(term.trim());
                if folded.is_empty() || term.len() > limits::BLOCKED_TERM_BYTES_MAX {
                    return Err(InvalidSettings::BlockedTerm(term.chars().take(80).collect()));
                }
                if !after.blocked_terms.contains(&folded) {
                    after.blocked_terms.push(folded);
                }
            }
        }
        let flags = [
            (self.members_only, &mut after.members_only),
            (self.emoji_only, &mut after.emoji_only),
            (self.links_allowed, &mut after.links_allowed),
            (self.hold_for_review, &mut after.hold_for_review),
            (self.closed, &mut after.closed),
            (self.anonymous_read, &mut after.anonymous_read),
        ];
        for (change, setting) in flags {
            if let Some(value) = change {
                *setting = value;
            }
        }
        Ok(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_refuses_what_is_out_of_range() {
        let before = Settings::default();
        let patch = SettingsPatch {
            slow_mode_s: Some(30),
            blocked_terms: Some(vec![" SPOILER ".into(), "spoiler".into()]),
            ..Default::default()
        };
        let after = patch.apply(&before).unwrap();
        assert_eq!(after.slow_mode_s, 30);
        assert_eq!(after.blocked_terms, ["spoiler"]);
        assert!(after.links_allowed);

        for bad in [
            SettingsPatch { slow_mode_s: Some(21_601), ..Default::default() },
            SettingsPatch { blocked_terms: Some(vec![String::new()]), ..Default::default() },
            SettingsPatch { blocked_terms: Some(vec!["x".into(); 201]), ..Default::default() },
        ] {
            assert!(bad.apply(&before).is_err(), "{bad:?}");
        }
    }
}
