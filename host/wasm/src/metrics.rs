//! What the component host measures, by component and version.

use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use ringside_core::Action;

use crate::call::FailureKind;

/// One version of a component.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Version {
    pub(crate) component: String,
    pub(crate) version: String,
}

/// One kind of failure of a component.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct FailureOf {
    pub(crate) component: String,
    pub(crate) version: String,
    pub(crate) kind: FailureKind,
}

/// One action of a component.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct VerdictOf {
    pub(crate) component: String,
    pub(crate) version: String,
    pub(crate) action: &'static str,
}

/// A counter that a component keeps itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct CounterOf {
    pub(crate) component: String,
    pub(crate) name: String,
}

/// How a chain came to its generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Swap {
    Publish,
    Rollback,
    AutomaticRollback,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct SwapOf {
    pub(crate) how: Swap,
}

impl EncodeLabelValue for Swap {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let name = match self {
            Self::Publish => "publish",
            Self::Rollback => "rollback",
            Self::AutomaticRollback => "automatic-rollback",
        };
        name.encode(encoder)
    }
}

impl EncodeLabelValue for FailureKind {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.as_str().encode(encoder)
    }
}

/// The metrics of one host. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    pub(crate) calls: Family<Version, Counter>,
    pub(crate) items: Family<Version, Counter>,
    pub(crate) microseconds: Family<Version, Counter>,
    pub(crate) failures: Family<FailureOf, Counter>,
    pub(crate) verdicts: Family<VerdictOf, Counter>,
    pub(crate) guest_counters: Family<CounterOf, Counter>,
    pub(crate) log_lines_dropped: Counter,
    pub(crate) policy_decided: Counter,
    pub(crate) throttle_fallbacks: Counter,
    pub(crate) batches: Counter,
    pub(crate) judged: Counter,
    pub(crate) chain_waiting: Gauge,
    pub(crate) codec_waiting: Gauge,
    pub(crate) busy: Counter,
    pub(crate) generation: Gauge,
    pub(crate) swaps: Family<SwapOf, Counter>,
}

impl Metrics {
    /// Makes the metrics known under `ringside_...`.
    pub fn register(&self, registry: &mut Registry) {
        let mut put = |name: &str, help: &str, metric: &dyn Fn(&mut Registry, &str, &str)| {
            metric(registry, name, help);
        };
        macro_rules! put {
            ($name:literal, $help:literal, $metric:expr) => {
                put($name, $help, &|registry, name, help| registry.register(name, help, $metric.clone()));
            };
        }
        put!("ringside_component_calls", "Calls of a component", self.calls);
        put!("ringside_component_items", "Comments, requests, frames or messages given to it", self.items);
        put!("ringside_component_microseconds", "Time within its calls", self.microseconds);
        put!("ringside_component_failures", "Calls that failed, by kind", self.failures);
        put!("ringside_component_verdicts", "A moderator's verdicts, by action", self.verdicts);
        put!("ringside_component_counter", "Counters that components keep", self.guest_counters);
        put!("ringside_component_log_lines_dropped", "Lines past the limit", self.log_lines_dropped);
        put!("ringside_chain_policy_decided", "Comments decided by a slot's policy", self.policy_decided);
        put!("ringside_chain_throttle_fallbacks", "Requests admitted by the host", self.throttle_fallbacks);
        put!("ringside_chain_batches", "Batches judged", self.batches);
        put!("ringside_chain_comments", "Comments judged", self.judged);
        put!("ringside_chain_queue_comments", "Comments that wait for the chain", self.chain_waiting);
        put!("ringside_codec_queue_messages", "Messages and frames that wait", self.codec_waiting);
        put!("ringside_chain_busy", "Calls refused because a queue was full", self.busy);
        put!("ringside_chain_generation", "Number of the generation that judges", self.generation);
        put!("ringside_chain_swaps", "Changes of the generation", self.swaps);
    }

    pub(crate) fn of(&self, component: &str, version: &str) -> ComponentMetrics {
        let label = Version { component: component.into(), version: version.into() };
        let verdict = |action: Action| {
            let label =
                VerdictOf { component: component.into(), version: version.into(), action: action.as_str() };
            self.verdicts.get_or_create_owned(&label)
        };
        ComponentMetrics {
            calls: self.calls.get_or_create_owned(&label),
            items: self.items.get_or_create_owned(&label),
            microseconds: self.microseconds.get_or_create_owned(&label),
            verdicts: Verdicts {
                accept: verdict(Action::Accept),
                flag: verdict(Action::Flag),
                hold: verdict(Action::Hold),
                shadow_ban: verdict(Action::ShadowBan),
                reject: verdict(Action::Reject),
            },
            all: self.clone(),
            label: Arc::new(label),
        }
    }
}

/// Handles on one component's metrics, so that a call looks nothing up.
#[derive(Debug, Clone)]
pub(crate) struct ComponentMetrics {
    pub(crate) calls: Counter,
    pub(crate) items: Counter,
    pub(crate) microseconds: Counter,
    pub(crate) verdicts: Verdicts,
    all: Metrics,
    label: Arc<Version>,
}

#[derive(Debug, Clone)]
pub(crate) struct Verdicts {
    accept: Counter,
    flag: Counter,
    hold: Counter,
    shadow_ban: Counter,
    reject: Counter,
}

impl Verdicts {
    /// Counts a batch's verdicts. The counters are shared by all workers, so each is touched once a batch.
    pub(crate) fn count(&self, actions: &(impl Iterator<Item = Action> + Clone)) {
        use Action::{Accept, Flag, Hold, Reject, ShadowBan};
        for action in [Accept, Flag, Hold, ShadowBan, Reject] {
            let count = actions.clone().filter(|other| *other == action).count();
            if count > 0 {
                self.of(action).inc_by(count as u64);
            }
        }
    }

    fn of(&self, action: Action) -> &Counter {
        match action {
            Action::Accept => &self.accept,
            Action::Flag => &self.flag,
            Action::Hold => &self.hold,
            Action::ShadowBan => &self.shadow_ban,
            Action::Reject => &self.reject,
        }
    }
}

impl ComponentMetrics {
    pub(crate) fn failed(&self, kind: FailureKind) {
        let Version { component, version } = self.label.as_ref().clone();
        self.all.failures.get_or_create(&FailureOf { component, version, kind }).inc();
    }
}
