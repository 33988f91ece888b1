//! The roles that read the log, by name, and what starts each.

use std::sync::Arc;

use ringside_ports::{Directory, Log, Policy, PortResult, Recent, Relay, Store};
use tokio_util::sync::CancellationToken;

use crate::appender::Appender;
use crate::clock::Clock;
use crate::coordinator::{self, CoordinatorServices};
use crate::intake::streams::Streams;
use crate::workers::Workers;
use crate::{judge, reconciler, shares, writer};

/// A role that reads the log. Processes of one role share the partitions among themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogRole {
    /// Relays events to hosts.
    Coordinator,
    /// Takes events into the store.
    Writer,
    /// Judges later what was let through unjudged.
    Judge,
    /// Counts reactions anew.
    Reconciler,
}

impl LogRole {
    /// Every role that reads the log.
    pub const ALL: [Self; 4] = [Self::Coordinator, Self::Writer, Self::Judge, Self::Reconciler];

    /// Its name in the configuration, in metrics and as its consumer group.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Coordinator => "coordinator",
            Self::Writer => "writer",
            Self::Judge => "judge",
            Self::Reconciler => "reconciler",
        }
    }
}

/// What the roles that read the log work with.
#[derive(Clone)]
pub struct RoleServices {
    /// Read.
    pub log: Arc<dyn Log>,
    /// Takes what the roles found out.
    pub appender: Appender,
    /// Written by the writer, read by the judge, counted by the reconciler.
    pub store: Arc<dyn Store>,
    /// Written beside the store, where hosts share recent comments.
    pub recent: Option<Arc<dyn Recent>>,
    /// Written by the coordinator.
    pub relay: Arc<dyn Relay>,
    /// Asked by the coordinator for viewers.
    pub directory: Arc<dyn Directory>,
    /// Asked by the coordinator for plans and by the judge for verdicts.
    pub policy: Arc<dyn Policy>,
    /// Settings of streams, for the judge.
    pub streams: Arc<Streams>,
    /// Time.
    pub clock: Clock,
}

/// Works as a role on this process's share of the log until `stop`.
///
/// # Errors
/// Those of [`shares::run`].
pub async fn run(
    role: LogRole,
    services: RoleServices,
    workers: Workers,
    stop: CancellationToken,
) -> PortResult<()> {
    let log = services.log.clone();
    let name = role.name();
    match role {
        LogRole::Coordinator => {
            let services = CoordinatorServices {
                log: services.log,
                relay: services.relay,
                policy: services.policy,
                directory: services.directory,
                clock: services.clock,
            };
            let work = move |worker, stop| coordinator::run(services.clone(), worker, stop);
            shares::run(log, name, workers, stop, work).await
        }
        LogRole::Writer => {
            let work = move |worker, stop| writer::run(services.clone(), worker, stop);
            shares::run(log, name, workers, stop, work).await
        }
        LogRole::Judge => {
            let work = move |worker, stop| judge::run(services.clone(), worker, stop);
            shares::run(log, name, workers, stop, work).await
        }
        LogRole::Reconciler => {
            let work = move |worker, stop| reconciler::run(services.clone(), worker, stop);
            shares::run(log, name, workers, stop, work).await
        }
    }
}
