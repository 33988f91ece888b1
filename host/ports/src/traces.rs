//! Traces: the way of one comment, as spans that say where it was and for how long.
//!
//! Few comments are traced: a share that is drawn when they come, and those whose sender asks for it. What happens to a
//! comment is recorded where there is a [`Trace`] at hand, which for all others is none: they cost a comparison.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use ringside_core::{Comment, Event, EventKind, TraceContext};

/// Traces that clients ask for and get, in a second and process: enough to look for something, too few to be a load.
pub const ASKED_PER_SECOND_MAX: u64 = 10;

/// What a span says. Never a text nor a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// A name of ours, or of whom it is about.
    Text(String),
    /// A count or place.
    Number(u64),
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Attribute {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Attribute {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Attribute {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Attribute {
    fn from(number: usize) -> Self {
        Self::Number(number as u64)
    }
}

/// A span that is over.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Itself.
    pub context: TraceContext,
    /// The span it is part of; none for the first of a trace.
    pub parent: Option<NonZeroU64>,
    /// What was done.
    pub name: &'static str,
    /// When it began.
    pub began: SystemTime,
    /// When it was over.
    pub ended: SystemTime,
    /// About what.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// Why it failed; none where it did not.
    pub error: Option<String>,
}

/// Takes spans.
pub trait Spans: Send + Sync {
    /// Takes a span that is over. Never waits: what there is no room for is lost, and counted.
    fn take(&self, span: Ended);
}

/// Which comments are traced, and where their spans go. Cheap to clone.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Tracing>>);

struct Tracing {
    /// A drawn number below it is a trace.
    below: u64,
    spans: Arc<dyn Spans>,
    began: Instant,
    /// The second and how many were asked for in it, as `second << 8 | count`.
    asked: AtomicU64,
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Traces").field(&self.0.as_ref().map(|tracing| tracing.below)).finish()
    }
}

impl Traces {
    /// Nothing is traced.
    #[must_use]
    pub fn off() -> Self {
        Self(None)
    }

    /// Traces this share of the comments, 0 to 1, and what others asked for.
    #[must_use]
    pub fn new(ratio: f64, spans: Arc<dyn Spans>) -> Self {
        // Saturates: 1 is all but one of 2^64.
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of the numbers there are"
        )]
        let below = (ratio * u64::MAX as f64) as u64;
        Self(Some(Arc::new(Tracing { below, spans, began: Instant::now(), asked: AtomicU64::new(0) })))
    }

    /// Begins a trace with its first span, if one is drawn.
    #[must_use]
    pub fn draw(&self, name: &'static str) -> Option<Span> {
        let tracing = self.0.as_ref()?;
        if tracing.below == 0 || fastrand::u64(..) > tracing.below {
            return None;
        }
        let trace = NonZeroU128::new(fastrand::u128(..))?;
        Some(Span::begin(tracing.spans.clone(), trace, None, name))
    }

    /// Goes on with a trace that a client asks for with a `traceparent`, at most [`ASKED_PER_SECOND_MAX`] in a second;
    /// else as [`Traces::draw`].
    #[must_use]
    pub fn asked(&self, traceparent: Option<&str>, name: &'static str) -> Option<Span> {
        let tracing = self.0.as_ref()?;
        match traceparent.and_then(TraceContext::parse).filter(|_| tracing.admits()) {
            Some(context) => {
                Some(Span::begin(tracing.spans.clone(), context.trace, Some(context.span), name))
            }
            None => self.draw(name),
        }
    }

    /// Goes on with the trace of an event of the log.
    #[must_use]
    pub fn follow(&self, context: Option<TraceContext>) -> Option<Trace> {
        let (context, tracing) = (context?, self.0.as_ref()?);
        Some(Trace { context, spans: tracing.spans.clone() })
    }

    /// Begins a span about an event that was read from the log.
    #[must_use]
    pub fn of_event(&self, name: &'static str, partition: u32, offset: u64, event: &Event) -> Option<Span> {
        let mut span = self.follow(event.trace)?.begin(name);
        span.set("ringside.stream", event.stream.as_str());
        span.set("ringside.event", event.kind.name());
        span.set("ringside.partition", partition);
        span.set("ringside.offset", offset);
        if let EventKind::CommentAccepted(comment) | EventKind::CommentModerated { comment } = &event.kind {
            span.about(comment);
        }
        Some(span)
    }
}

impl Tracing {
    fn admits(&self) -> bool {
        let second = self.began.elapsed().as_secs();
        let count = |asked: u64| if asked >> 8 == second { asked & 0xff } else { 0 };
        let counted = self.asked.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |asked| {
            let count = count(asked);
            (count < ASKED_PER_SECOND_MAX).then_some(second << 8 | (count + 1))
        });
        counted.is_ok()
    }
}

/// A place in a trace, to begin spans at. Cheap to clone.
#[derive(Clone)]
pub struct Trace {
    context: TraceContext,
    spans: Arc<dyn Spans>,
}

impl Trace {
    /// As it travels with an event.
    #[must_use]
    pub fn context(&self) -> TraceContext {
        self.context
    }

    /// Begins a span that is part of this one's.
    #[must_use]
    pub fn begin(&self, name: &'static str) -> Span {
        Span::begin(self.spans.clone(), self.context.trace, Some(self.context.span), name)
    }
}

impl PartialEq for Trace {
    fn eq(&self, other: &Self) -> bool {
        self.context == other.context
    }
}

impl Eq for Trace {}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trace({})", self.context)
    }
}

/// Something that is going on. It is over, and recorded, when this is dropped.
#[derive(Debug)]
pub struct Span {
    trace: Trace,
    span: Box<Ended>,
}

impl Span {
    fn begin(
        spans: Arc<dyn Spans>,
        trace: NonZeroU128,
        parent: Option<NonZeroU64>,
        name: &'static str,
    ) -> Self {
        let span = NonZeroU64::new(fastrand::u64(..)).unwrap_or(NonZeroU64::MIN);
        let context = TraceContext { trace, span };
        let now = SystemTime::now();
        let (attributes, error) = (Vec::with_capacity(8), None);
        let span = Ended { context, parent, name, began: now, ended: now, attributes, error };
        Self { trace: Trace { context, spans }, span: Box::new(span) }
    }

    /// To begin spans within it, or to send along.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Says something about it.
    pub fn set(&mut self, key: &'static str, value: impl Into<Attribute>) {
        self.span.attributes.push((key, value.into()));
    }

    /// Says which comment it is about, and which generation judged that.
    pub fn about(&mut self, comment: &Comment) {
        self.set("ringside.comment", comment.id.to_string());
        if let Some(generation) = comment.judgement.generation {
            self.set("ringside.generation", generation.0);
        }
    }

    /// It began earlier than this was made.
    pub fn began_at(&mut self, at: SystemTime) {
        self.span.began = at;
    }

    /// It failed.
    pub fn fail(&mut self, error: &dyn fmt::Display) {
        self.span.error = Some(error.to_string());
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        // A clock that was set back must not make it end before it began.
        self.span.ended = SystemTime::now().max(self.span.began);
        self.trace.spans.take(Ended {
            attributes: std::mem::take(&mut self.span.attributes),
            error: self.span.error.take(),
            ..*self.span
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<Ended>>);

    impl Spans for Kept {
        fn take(&self, span: Ended) {
            self.0.lock().unwrap().push(span);
        }
    }

    #[test]
    fn a_share_is_drawn_and_of_those_asked_for_only_so_many() {
        let kept = Arc::new(Kept::default());
        assert!(Traces::off().draw("submit").is_none());
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(Traces::off().asked(Some(text), "submit").is_none());
        assert!(Traces::off().follow(TraceContext::parse(text)).is_none());
        let all = Traces::new(1.0, kept.clone());
        assert!((0..100).all(|_| all.draw("submit").is_some()));
        let some = Traces::new(0.1, kept.clone());
        let drawn = (0..10_000).filter(|_| some.draw("submit").is_some()).count();
        assert!((700..1_300).contains(&drawn), "{drawn}");
        let none = Traces::new(0.0, kept);
        assert!((0..100).all(|_| none.draw("submit").is_none()));
        let asked = (0..1_000).filter(|_| none.asked(Some(text), "submit").is_some()).count() as u64;
        // The test may see a second change.
        assert!((ASKED_PER_SECOND_MAX..=2 * ASKED_PER_SECOND_MAX).contains(&asked), "{asked}");
        assert!(none.asked(Some("nonsense"), "submit").is_none());
    }

    #[test]
    fn spans_are_of_one_trace_and_know_what_they_are_part_of() {
        let kept = Arc::new(Kept::default());
        let traces = Traces::new(0.0, kept.clone());
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let asked = TraceContext::parse(text).unwrap();
        let submit = traces.asked(Some(text), "submit").unwrap();
        let mut append = submit.trace().begin("append");
        append.set("partition", 3u32);
        let context = append.trace().context();
        drop((append, submit));
        drop(traces.follow(Some(context)).unwrap().begin("relay"));
        let spans = kept.0.lock().unwrap();
        let [append, submit, relay] = &spans[..] else { panic!("{spans:?}") };
        assert!(spans.iter().all(|span| span.context.trace == asked.trace && span.ended >= span.began));
        assert_eq!(submit.parent, Some(asked.span));
        assert_eq!(append.parent, Some(submit.context.span));
        assert_eq!(append.attributes, [("partition", Attribute::Number(3))]);
        assert_eq!(relay.parent, Some(append.context.span));
    }
}
