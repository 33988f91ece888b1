//! The loop: takes an input of the corpus, changes it, gives it to the target, keeps it where it did something new.

mod corpus;
mod panics;
mod shrink;
mod watch;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::mutate::mutate;
use crate::target::Target;
use corpus::Corpus;
use panics::Watching;
pub use watch::{Alarm, Bounds, Watch};

/// When a run ends without a finding.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// After so much time.
    Elapsed(Duration),
    /// After so many executions: the same inputs on every machine.
    Executions(u64),
}

/// An input that broke a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The input, shortened where that could be done.
    pub input: Vec<u8>,
    /// What broke, and where.
    pub what: String,
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Inputs that were taken.
    pub executions: u64,
    /// Inputs that went ways of their own.
    pub corpus: usize,
    /// The finding that ended it.
    pub finding: Option<Finding>,
}

/// Looks at an input before it is taken, so that it is known if the process does not survive it.
pub trait Before {
    /// `input` is next.
    fn before(&self, input: &[u8]);
}

impl Before for () {
    fn before(&self, _: &[u8]) {}
}

/// Runs a target until the end or the first finding. One run at a time in a process: a panic of any thread is
/// this run's.
pub fn run(target: &mut dyn Target, seed: u64, until: Until, watch: &Watch, before: &dyn Before) -> Report {
    let watching = Watching::start();
    let mut random = Rng::with_seed(seed);
    let mut corpus = Corpus::default();
    let mut executions = 0;
    let began = Instant::now();
    let take = |target: &mut dyn Target, input: &[u8]| {
        before.before(input);
        watch.begin(input);
        let taken = catch_unwind(AssertUnwindSafe(|| target.take(input)));
        watch.end();
        // A panic on another thread is one, too, though nobody was told.
        let panicked = watching.take();
        match (taken, panicked) {
            (Ok(shape), None) => Ok(shape.number()),
            (_, panicked) => Err(panicked.unwrap_or_else(|| "a panic without words".into())),
        }
    };
    let mut seeds = target.seeds().into_iter();
    loop {
        let (input, is_seed) = match seeds.next() {
            Some(seed) => (seed, true),
            None => (draw(target, &corpus, &mut random), false),
        };
        let ended = match until {
            Until::Elapsed(time) => began.elapsed() >= time,
            Until::Executions(most) => executions >= most,
        };
        if ended && !is_seed {
            return Report { executions, corpus: corpus.len(), finding: None };
        }
        executions += 1;
        match take(target, &input) {
            Ok(shape) => corpus.offer(input, shape),
            Err(what) => {
                let target = RefCell::new(target);
                let fails = |input: &[u8]| take(*target.borrow_mut(), input).err();
                let mend = |input: &mut Vec<u8>| target.borrow_mut().mend(input, &mut random);
                let input = shrink::shrink(&input, &what, fails, mend);
                return Report { executions, corpus: corpus.len(), finding: Some(Finding { input, what }) };
            }
        }
    }
}

fn draw(target: &mut dyn Target, corpus: &Corpus, random: &mut Rng) -> Vec<u8> {
    let mut input = corpus.draw(random).to_vec();
    let other = corpus.draw(random);
    mutate(&mut input, other, target.words(), random, target.bytes_max());
    if random.bool() {
        target.mend(&mut input, random);
        input.truncate(target.bytes_max());
    }
    input
}

/// Takes one input, to see a finding again.
pub fn once(target: &mut dyn Target, input: &[u8], watch: &Watch) -> Report {
    struct Only<'a>(&'a mut dyn Target, Vec<u8>);
    impl Target for Only<'_> {
        fn seeds(&self) -> Vec<Vec<u8>> {
            vec![self.1.clone()]
        }

        fn take(&mut self, input: &[u8]) -> crate::Shape {
            self.0.take(input)
        }
    }
    run(&mut Only(target, input.to_vec()), 0, Until::Executions(1), watch, &())
}

#[cfg(test)]
mod tests;
