//! A component with one configuration, ready to work: an instance on every worker, replaced when it breaks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ringside_ports::releases::Digest;

use crate::call::{CallError, FailureKind};
use crate::engine::Runtime;
use crate::guest::Offer;
use crate::health::Health;
use crate::limits;
use crate::metrics::{ComponentMetrics, Metrics};
use crate::world::describe::Description;
use crate::world::{Guest, World};

/// A component with one configuration. Generations that have it in common share it, so that a swap leaves its
/// instances alone.
pub(crate) struct Component<W: World> {
    pub(crate) digest: Digest,
    pub(crate) config: String,
    pub(crate) description: Description,
    pub(crate) metrics: ComponentMetrics,
    pub(crate) health: Health,
    /// Calls that failed since it was loaded.
    pub(crate) failures: AtomicU64,
    runtime: Runtime,
    pre: W::Pre,
    offer: Arc<Offer>,
    /// One place a worker; a worker's own lock is never contended but by who looks at the status.
    places: Box<[Mutex<Option<Guest<W>>>]>,
}

/// What came of giving items to a component.
pub(crate) struct Answers<A> {
    /// One for each item, in order; none for an item that breaks the component.
    pub(crate) answers: Vec<Option<A>>,
    /// The first failure, when there was one, and the time lost on all of them.
    pub(crate) incident: Option<(CallError, Duration)>,
}

/// Why a component with its configuration cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnfitError {
    #[error("{0}")]
    Broken(#[from] CallError),
    #[error("refuses its configuration: {0}")]
    Config(String),
    #[error("fails its own {0}")]
    Example(String),
}

impl<W: World> Component<W> {
    /// Makes the instances of all workers: each is configured, runs its own examples and so is warm.
    ///
    /// # Errors
    /// [`UnfitError`].
    pub(crate) fn ready(
        runtime: &Runtime,
        pre: W::Pre,
        digest: Digest,
        config: &str,
        workers: usize,
        metrics: &Metrics,
    ) -> Result<Self, UnfitError> {
        // Who it is must be known before it may log and count under its name.
        let unknown = Offer::new("unknown", None);
        let description = Guest::<W>::start(runtime, &pre, &unknown, limits::START_TICKS_MAX)?.describe()?;
        let component = Self {
            digest,
            config: config.to_owned(),
            metrics: metrics.of(&description.name, &description.version),
            offer: Offer::new(&description.name, Some(metrics.clone())),
            description,
            health: Health::default(),
            failures: AtomicU64::new(0),
            runtime: runtime.clone(),
            pre,
            places: (0..workers).map(|_| Mutex::new(None)).collect(),
        };
        for place in &component.places {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(component.tested()?);
        }
        Ok(component)
    }

    /// An instance that decided its own examples as they say. On a busy machine a call may run past its deadline
    /// through no fault of the component's, so that alone is tried again.
    fn tested(&self) -> Result<Guest<W>, UnfitError> {
        let mut tries = 1;
        loop {
            let mut guest = self.fresh(limits::START_TICKS_MAX)?.map_err(UnfitError::Config)?;
            match W::self_test(&mut guest) {
                Ok(answer) => return answer.map_err(UnfitError::Example).map(|_| guest),
                Err(error) if error.kind == FailureKind::Deadline && tries < limits::SELF_TESTS_MAX => {
                    tries += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The name operators know it by.
    pub(crate) fn label(&self) -> String {
        format!("{} {}", self.description.name, self.description.version)
    }

    /// # Errors
    /// [`CallError`], or within it what the component says against its configuration.
    fn fresh(&self, ticks: u64) -> Result<Result<Guest<W>, String>, CallError> {
        let mut guest = Guest::start(&self.runtime, &self.pre, &self.offer, ticks)?;
        Ok(guest.configure(&self.config, ticks)?.map(|()| guest))
    }

    /// An instance in place of a broken one.
    fn replacement(&self) -> Result<Guest<W>, CallError> {
        self.fresh(limits::RESTART_TICKS_MAX)?
            .map_err(|detail| CallError::start(format!("refuses its configuration now: {detail}")))
    }

    /// Gives items to the worker's instance in one call. When that fails in whatever way, the instance is thrown
    /// away and the items are given to fresh ones one by one, so that only those that break the component have
    /// no answer; which, it does not matter how often, costs no more than [`limits::ISOLATION_TICKS_MAX`].
    pub(crate) fn give<I, A>(
        &self,
        worker: usize,
        items: &[I],
        call: impl Fn(&mut Guest<W>, &[I]) -> Result<Vec<A>, CallError>,
    ) -> Answers<A> {
        let none = |incident| Answers { answers: items.iter().map(|_| None).collect(), incident };
        let Some(place) = self.places.get(worker) else {
            let error = CallError::start(format!("has no place for worker {worker}"));
            return none(Some((error, Duration::ZERO)));
        };
        if self.health.is_suspended(Instant::now()) {
            return none(None);
        }
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        let first = match self.try_give(&mut place, items, &call) {
            Ok(answers) => {
                return Answers { answers: answers.into_iter().map(Some).collect(), incident: None };
            }
            Err(error) => error,
        };
        // In epochs, as deadlines are: a busy machine that slows calls down must not cost innocents their verdict.
        let clock = &self.runtime.clock;
        let until = clock.epochs() + limits::ISOLATION_TICKS_MAX;
        let answers = items
            .chunks(1)
            .map(|item| {
                // A component that cannot even start will not with the next comment.
                let hopeless = first.kind == FailureKind::Start || clock.epochs() > until;
                if hopeless { None } else { self.try_give(&mut place, item, &call).ok()?.pop() }
            })
            .collect();
        Answers { answers, incident: Some((first, begun.elapsed())) }
    }

    fn try_give<I, A>(
        &self,
        place: &mut Option<Guest<W>>,
        items: &[I],
        call: &impl Fn(&mut Guest<W>, &[I]) -> Result<Vec<A>, CallError>,
    ) -> Result<Vec<A>, CallError> {
        // Out of its place while it is called: should the host panic in between, it does not go back.
        let guest = match place.take() {
            Some(guest) => Ok(guest),
            None => self.replacement(),
        };
        let result = guest.and_then(|mut guest| {
            let answers = self.measured(&mut guest, items, call)?;
            *place = Some(guest);
            Ok(answers)
        });
        if let Err(error) = &result {
            self.failures.fetch_add(1, Ordering::Relaxed);
            self.metrics.failed(error.kind);
        }
        result
    }

    fn measured<I, A>(
        &self,
        guest: &mut Guest<W>,
        items: &[I],
        call: &impl Fn(&mut Guest<W>, &[I]) -> Result<Vec<A>, CallError>,
    ) -> Result<Vec<A>, CallError> {
        let begun = Instant::now();
        let result = call(guest, items);
        self.metrics.calls.inc();
        self.metrics.items.inc_by(items.len() as u64);
        self.metrics.microseconds.inc_by(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
        result
    }
}
