//! What one instance of a component is given: memory up to its cap, lines in the log, counters, and no more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use prometheus_client::metrics::counter::Counter;
use wasmtime::ResourceLimiter;

use crate::bindings::throttle::ringside::edge::host;
use crate::bindings::throttle::ringside::edge::types::Wants;
use crate::limits;
use crate::metrics::{CounterOf, Metrics};
use crate::text::cut;

/// What all instances of one component share: its name, its lines a second and its counters' names.
#[derive(Debug)]
pub(crate) struct Offer {
    component: String,
    /// None while a component is only checked: then nothing it counts or logs is kept.
    metrics: Option<Metrics>,
    lines: Mutex<Lines>,
    counters: Mutex<HashMap<String, Counter>>,
}

#[derive(Debug)]
struct Lines {
    second: Instant,
    written: u32,
}

impl Offer {
    pub(crate) fn new(component: &str, metrics: Option<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            component: component.to_owned(),
            metrics,
            lines: Mutex::new(Lines { second: Instant::now(), written: 0 }),
            counters: Mutex::default(),
        })
    }

    /// True while there are lines left this second.
    fn may_log(&self) -> bool {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.second.elapsed().as_secs() > 0 {
            *lines = Lines { second: Instant::now(), written: 0 };
        }
        lines.written = lines.written.saturating_add(1);
        lines.written <= limits::LOG_LINES_PER_SECOND
    }

    fn counter(&self, name: &str) -> Option<Counter> {
        let metrics = self.metrics.as_ref()?;
        if name.is_empty() || name.len() > limits::COUNTER_NAME_BYTES_MAX {
            return None;
        }
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = counters.get(name) {
            return Some(counter.clone());
        }
        if counters.len() >= limits::COUNTERS_MAX {
            return None;
        }
        let label = CounterOf { component: self.component.clone(), name: name.to_owned() };
        let counter = metrics.guest_counters.get_or_create_owned(&label);
        counters.insert(name.to_owned(), counter.clone());
        Some(counter)
    }
}

/// The data of one instance's store.
#[derive(Debug)]
pub(crate) struct GuestState {
    offer: Arc<Offer>,
    /// Handles of the counters this instance used; bounded as the offer's are.
    counters: HashMap<String, Counter>,
    /// What the instance asked to be told when it was configured: nothing before.
    pub(crate) wants: Wants,
    /// True when the instance was refused memory: that explains the trap that follows.
    pub(crate) refused_memory: bool,
}

impl GuestState {
    pub(crate) fn new(offer: Arc<Offer>) -> Self {
        let wants = Wants { authors: false };
        Self { offer, counters: HashMap::new(), wants, refused_memory: false }
    }
}

impl ResourceLimiter for GuestState {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = desired <= limits::MEMORY_BYTES_MAX;
        self.refused_memory |= !granted;
        Ok(granted)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= limits::TABLE_ELEMENTS_MAX)
    }
}

impl host::Host for GuestState {
    fn log(&mut self, level: host::Level, message: String) {
        let Some(metrics) = &self.offer.metrics else { return };
        if !self.offer.may_log() {
            metrics.log_lines_dropped.inc();
            return;
        }
        let component = self.offer.component.as_str();
        let message = cut(message, limits::LOG_BYTES_MAX);
        match level {
            host::Level::Debug => tracing::debug!(component, "{message}"),
            host::Level::Info => tracing::info!(component, "{message}"),
            host::Level::Warn => tracing::warn!(component, "{message}"),
            host::Level::Error => tracing::error!(component, "{message}"),
        }
    }

    fn count(&mut self, name: String, add: u64) {
        if let Some(counter) = self.counters.get(&name) {
            counter.inc_by(add);
        } else if let Some(counter) = self.offer.counter(&name) {
            counter.inc_by(add);
            self.counters.insert(name, counter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use host::Host as _;

    #[test]
    fn a_component_has_100_lines_a_second_and_32_counters_however_many_instances() {
        let metrics = Metrics::default();
        let offer = Offer::new("words", Some(metrics.clone()));
        let mut instances = [GuestState::new(offer.clone()), GuestState::new(offer)];
        for i in 0..150 {
            instances[i % 2].log(host::Level::Debug, "x".repeat(5_000));
            instances[i % 2].count(format!("name-{i}"), 2);
            instances[i % 2].count("name-0".into(), 1);
            instances[i % 2].count("n".repeat(65), 1);
        }
        // A second may have begun in between on a slow machine: then another 100 lines were free.
        assert!([50, 0].contains(&metrics.log_lines_dropped.get()), "{}", metrics.log_lines_dropped.get());
        let label = |name: &str| CounterOf { component: "words".into(), name: name.into() };
        assert_eq!(metrics.guest_counters.get_or_create(&label("name-0")).get(), 152);
        assert_eq!(metrics.guest_counters.get_or_create(&label("name-31")).get(), 2);
        assert!(metrics.guest_counters.get(&label("name-32")).is_none());
    }

    #[test]
    fn memory_is_granted_up_to_the_cap() {
        let mut state = GuestState::new(Offer::new("hog", None));
        assert!(state.memory_growing(0, limits::MEMORY_BYTES_MAX, None).unwrap());
        assert!(!state.refused_memory);
        assert!(!state.memory_growing(0, limits::MEMORY_BYTES_MAX + 1, None).unwrap());
        assert!(state.refused_memory);
    }
}
