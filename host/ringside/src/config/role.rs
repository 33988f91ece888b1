//! What a process does.

use ringside_roles::LogRole;
use serde::Deserialize;

/// Something that a process does for its region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Holds viewers.
    Host,
    /// Relays events to hosts.
    Coordinator,
    /// Takes events into the store.
    Writer,
    /// Judges later what was let through unjudged.
    Judge,
    /// Counts reactions anew.
    Reconciler,
}

impl Role {
    /// All that a PoP in one process does.
    pub(crate) const ALL: [Self; 5] =
        [Self::Host, Self::Coordinator, Self::Writer, Self::Judge, Self::Reconciler];

    /// The role as one that reads the log; none for a host.
    pub(crate) fn of_log(self) -> Option<LogRole> {
        match self {
            Self::Host => None,
            Self::Coordinator => Some(LogRole::Coordinator),
            Self::Writer => Some(LogRole::Writer),
            Self::Judge => Some(LogRole::Judge),
            Self::Reconciler => Some(LogRole::Reconciler),
        }
    }

    /// Its name in the configuration.
    pub(crate) fn name(self) -> &'static str {
        self.of_log().map_or("host", LogRole::name)
    }
}
