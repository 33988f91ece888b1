//! Actions as configurations name them.

use serde::Deserialize;

use crate::Action;

/// An [`Action`] in a configuration: `accept`, `flag`, `hold`, `shadow-ban` or `reject`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum ActionName {
    /// Shown.
    Accept,
    /// Shown, and queued for review.
    Flag,
    /// Not shown until a moderator approves it.
    Hold,
    /// Only its author sees it.
    ShadowBan,
    /// Refused, with the reason.
    Reject,
}

impl From<ActionName> for Action {
    fn from(name: ActionName) -> Self {
        match name {
            ActionName::Accept => Self::Accept,
            ActionName::Flag => Self::Flag,
            ActionName::Hold => Self::Hold,
            ActionName::ShadowBan => Self::ShadowBan,
            ActionName::Reject => Self::Reject,
        }
    }
}
