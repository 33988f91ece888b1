//! Judging: each moderator in turn on what those before it let pass, the most severe action kept.

use std::sync::Arc;

use ringside_core::judgement::Label;
use ringside_core::{Action, Judgement};
use ringside_ports::policy::{Admission, Admitted, Decision, Submission};
use ringside_ports::releases::OnFailure;
use ringside_ports::{Span, Trace};

use super::admission::admit;
use crate::generation::Slot;
use crate::limits;
use crate::round::Round;
use crate::world::World;
use crate::world::moderator::{self, Verdict};
use crate::world::throttle::author;

/// What is shown to the author of a comment that breaks a component.
const REASON_HELD: &str = "a rule could not judge this comment, a moderator will look at it";
/// See [`REASON_HELD`].
const REASON_REJECTED: &str = "a rule could not judge this comment";

/// A comment on its way.
#[derive(Default)]
struct Progress<'a> {
    refused: Option<Admitted>,
    action: Action,
    slot: &'a str,
    component: String,
    reason: String,
    labels: Vec<Label>,
    /// A slot with the policy `allow-unjudged` could not judge it.
    unjudged: bool,
}

impl<'a> Progress<'a> {
    /// The most severe action stays; of equals the first.
    fn take<W: World>(&mut self, slot: &'a Slot<W>, verdict: Verdict) {
        if verdict.action > self.action {
            self.action = verdict.action;
            self.slot = &slot.name;
            self.component = slot.component.label();
            self.reason = verdict.reason;
        }
        self.labels.extend(verdict.labels);
    }

    fn broke<W: World>(&mut self, slot: &'a Slot<W>) {
        let (action, reason) = match slot.on_failure {
            OnFailure::Hold => (Action::Hold, REASON_HELD),
            OnFailure::Reject => (Action::Reject, REASON_REJECTED),
            OnFailure::AllowUnjudged => {
                self.unjudged = true;
                return;
            }
        };
        self.take(slot, Verdict { action, reason: reason.to_owned(), labels: Vec::new() });
    }

    fn decision(self, round: &Round<'_>) -> Decision {
        if let Some(refused) = self.refused {
            return Decision::NotAdmitted(refused);
        }
        // What another slot kept from being shown stays so: a broken rule lifts no other's verdict.
        if self.unjudged && self.action < Action::Hold {
            return Decision::Judged(Judgement::unjudged());
        }
        Decision::Judged(Judgement {
            generation: Some(round.generation.number),
            action: self.action,
            slot: self.slot.to_owned(),
            component: self.component,
            reason: self.reason,
            labels: self.labels,
        })
    }
}

/// Decisions on comments, in order; at most [`limits::BATCH_COMMENTS_MAX`] of them.
pub(super) fn judge(round: &Round<'_>, submissions: &[&Submission]) -> Vec<Decision> {
    if submissions.is_empty() {
        return Vec::new();
    }
    let mut progress: Vec<Progress<'_>> = submissions.iter().map(|_| Progress::default()).collect();
    refuse(round, submissions, &mut progress);
    let (streams, stream_indices) = streams(submissions);
    let streams: Vec<_> =
        streams.into_iter().map(|submission| moderator::stream_info(submission, round.arena)).collect();
    let mut open: Vec<_> = (0u32..)
        .zip(submissions)
        .zip(stream_indices)
        .zip(&progress)
        .filter(|(_, progress)| progress.refused.is_none())
        .map(|(((ticket, submission), stream), _)| moderator::submission(ticket, stream, submission))
        .collect();
    let author_of = |ticket: u32| submissions.get(ticket as usize).map(|one| author(&one.author));
    round.metrics.batches.inc();
    round.metrics.judged.inc_by(open.len() as u64);
    for slot in &round.generation.slots.moderators {
        if open.is_empty() {
            break;
        }
        let traced = open.iter().filter_map(|asked| submissions.get(asked.ticket as usize)?.trace.as_ref());
        let spans = spans(round, slot, "moderator", open.len(), traced);
        let answers = round.ask(slot, &open, |guest, asked| guest.judge(&streams, asked, author_of));
        drop(spans);
        slot.component.metrics.verdicts.count(&answers.iter().flatten().map(|verdict| verdict.action));
        let mut rejected = false;
        for (asked, answer) in open.iter().zip(answers) {
            let Some(progress) = progress.get_mut(asked.ticket as usize) else { continue };
            match answer {
                Some(verdict) => {
                    progress.take(slot, verdict);
                }
                None => {
                    round.metrics.policy_decided.inc();
                    progress.broke(slot);
                }
            }
            rejected |= progress.action == Action::Reject;
        }
        if rejected {
            // Nothing is more severe: the slots behind need not look.
            open.retain(|asked| {
                progress.get(asked.ticket as usize).is_some_and(|progress| progress.action != Action::Reject)
            });
        }
    }
    progress.into_iter().map(|progress| progress.decision(round)).collect()
}

/// A component's call, in the traces of those comments of its batch that are traced.
fn spans<'a, W: World>(
    round: &Round<'_>,
    slot: &Slot<W>,
    name: &'static str,
    batch: usize,
    traced: impl Iterator<Item = &'a Trace>,
) -> Vec<Span> {
    let span = |trace: &Trace| {
        let mut span = trace.begin(name);
        span.set("ringside.slot", &*slot.name);
        span.set("ringside.component", slot.component.label());
        span.set("ringside.generation", round.generation.number.0);
        span.set("ringside.batch", batch);
        span
    };
    traced.map(span).collect()
}

/// The streams of a batch, each told by the first of its comments; and for each comment which of them it is on.
/// A stream whose settings changed just now may be there with both.
fn streams<'a>(submissions: &[&'a Submission]) -> (Vec<&'a Submission>, Vec<u32>) {
    let mut streams: Vec<&Submission> = Vec::new();
    let mut last = 0;
    let indices = submissions
        .iter()
        .map(|submission| {
            let is_on = |stream: &&Submission| {
                Arc::ptr_eq(&stream.settings, &submission.settings) && stream.stream == submission.stream
            };
            // Comments of one stream mostly come together.
            if !streams.get(last).is_some_and(is_on) {
                last = streams.iter().position(is_on).unwrap_or(streams.len());
                if last == streams.len() {
                    streams.push(submission);
                }
            }
            // A batch has few comments, so few streams.
            u32::try_from(last).unwrap_or(u32::MAX)
        })
        .collect();
    (streams, indices)
}

/// Asks the throttle about all that were not admitted before.
fn refuse(round: &Round<'_>, submissions: &[&Submission], progress: &mut [Progress<'_>]) {
    let admissions: Vec<&Admission> =
        submissions.iter().filter_map(|submission| submission.admission.as_ref()).collect();
    if admissions.is_empty() {
        return;
    }
    let traced = submissions.iter().filter_map(|submission| submission.trace.as_ref());
    let spans = spans(round, &round.generation.slots.throttle, "throttle", admissions.len(), traced);
    let answers = admit(round, &admissions);
    drop(spans);
    let asked = submissions.iter().zip(progress).filter(|(submission, _)| submission.admission.is_some());
    for ((_, progress), admitted) in asked.zip(answers) {
        if admitted != Admitted::Yes {
            progress.refused = Some(admitted);
        }
    }
}

// Tickets of a batch are bits and positions of fixed arrays: see `world::tickets`.
const _: () = assert!(limits::BATCH_COMMENTS_MAX <= u8::MAX as usize);
