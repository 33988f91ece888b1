//! Admission: requests grouped by stream, since one call of a throttle is about one stream with its settings.

use std::sync::Arc;

use ringside_ports::policy::{Admission, Admitted};

use crate::fallback;
use crate::round::Round;
use crate::world::throttle;

/// Answers to requests, in order; by the host itself for those that break the throttle.
pub(super) fn admit(round: &Round<'_>, admissions: &[&Admission]) -> Vec<Admitted> {
    let mut answers: Vec<Option<Admitted>> = admissions.iter().map(|_| None).collect();
    let slot = &round.generation.slots.throttle;
    // Tickets are positions in the batch. Most batches are of one stream, so few passes do.
    let mut rest: Vec<u32> = (0..).take(admissions.len()).collect();
    while let Some(first) = rest.first().and_then(|ticket| admissions.get(*ticket as usize)) {
        let (mut requests, mut others) = (Vec::with_capacity(rest.len()), Vec::new());
        for ticket in rest {
            match admissions.get(ticket as usize) {
                Some(one) if same_stream(one, first) => requests.push(throttle::request(ticket, one)),
                _ => others.push(ticket),
            }
        }
        let terms = first.settings.blocked_terms.iter().map(String::as_str);
        let settings = throttle::settings(&first.settings, round.arena.alloc_slice_fill_iter(terms));
        let author_of = |ticket: u32| {
            admissions.get(ticket as usize).map(|admission| throttle::author(&admission.author))
        };
        let given = round.ask(slot, &requests, |guest, requests| guest.admit(&settings, requests, author_of));
        for (request, answer) in requests.iter().zip(given) {
            if let Some(place) = answers.get_mut(request.ticket as usize) {
                *place = answer;
            }
        }
        rest = others;
    }
    let mut fallbacks = 0;
    let answers = answers
        .into_iter()
        .zip(admissions)
        .map(|(answer, admission)| {
            answer.unwrap_or_else(|| {
                fallbacks += 1;
                fallback::admit(admission)
            })
        })
        .collect();
    if fallbacks > 0 {
        round.metrics.throttle_fallbacks.inc_by(fallbacks);
    }
    answers
}

/// A stream whose settings changed just now may come with both in one batch; each request keeps its own.
fn same_stream(one: &Admission, other: &Admission) -> bool {
    one.stream == other.stream
        && (Arc::ptr_eq(&one.settings, &other.settings) || one.settings == other.settings)
}
