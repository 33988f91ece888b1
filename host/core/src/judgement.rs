//! What the chain of components decided on a comment.

use serde::{Deserialize, Serialize};

use crate::comment::Visibility;
use crate::ids::Generation;

/// A verdict's action. The order is the order of severity: the chain keeps the most severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Shown.
    #[default]
    Accept,
    /// Shown, and queued for review.
    Flag,
    /// Not shown until a moderator approves it.
    Hold,
    /// Only its author sees it.
    ShadowBan,
    /// Not taken; the author is told why.
    Reject,
}

impl Action {
    /// The name used in metrics, records and screens.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Flag => "flag",
            Self::Hold => "hold",
            Self::ShadowBan => "shadow-ban",
            Self::Reject => "reject",
        }
    }

    /// Who sees a comment with this verdict; none when it is not taken at all.
    #[must_use]
    pub fn visibility(self) -> Option<Visibility> {
        match self {
            Self::Accept | Self::Flag => Some(Visibility::Shown),
            Self::Hold => Some(Visibility::Held),
            Self::ShadowBan => Some(Visibility::Shadow),
            Self::Reject => None,
        }
    }
}

/// A class that a component saw in a comment, such as `toxicity`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Label {
    /// The class.
    pub name: String,
    /// 0 to 1.
    pub score: f32,
}

/// The chain's decision: one generation judged, or none did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Judgement {
    /// The generation that judged it, exactly one; none is the mark `unjudged`.
    pub generation: Option<Generation>,
    /// The most severe action of all slots.
    pub action: Action,
    /// The slot that decided, empty for `accept`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub slot: String,
    /// The component in that slot with its version, such as `words 1.2.0`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub component: String,
    /// For the author and for the review queue, empty for `accept`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Labels of all slots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
}

impl Judgement {
    /// Not judged: shown by the slot's policy, and to be judged later.
    #[must_use]
    pub fn unjudged() -> Self {
        Self::default()
    }

    /// True where no generation has judged it.
    #[must_use]
    pub fn is_unjudged(&self) -> bool {
        self.generation.is_none()
    }
}
