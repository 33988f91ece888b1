//! Inputs that each went a way of their own.

use std::collections::HashSet;

use fastrand::Rng;

/// Inputs kept. Shapes leave out what clients make up, so a target has hundreds; past it nothing is gained.
const INPUTS_MAX: usize = 4_096;
/// The newest inputs are drawn as often as all others: what is behind them is not known yet.
const NEWEST: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Corpus {
    inputs: Vec<Vec<u8>>,
    shapes: HashSet<u64>,
}

impl Corpus {
    pub(super) fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Keeps an input whose shape is new.
    pub(super) fn offer(&mut self, input: Vec<u8>, shape: u64) {
        if self.inputs.len() < INPUTS_MAX && self.shapes.insert(shape) {
            self.inputs.push(input);
        }
    }

    /// An input to change; empty where there is none.
    pub(super) fn draw(&self, random: &mut Rng) -> &[u8] {
        let from = if random.bool() { self.inputs.len().saturating_sub(NEWEST) } else { 0 };
        if from == self.inputs.len() { &[] } else { &self.inputs[random.usize(from..self.inputs.len())] }
    }
}
